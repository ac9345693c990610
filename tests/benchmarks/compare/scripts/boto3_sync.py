"""The same sync with boto3: its paginators, one request after the other, JSON lines."""

import argparse
import json

import boto3


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("endpoint", "pool", "region", "key-id", "secret", "output"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    client = boto3.client(
        "cognito-idp",
        endpoint_url=options.endpoint,
        region_name=options.region,
        aws_access_key_id=options.key_id,
        aws_secret_access_key=options.secret,
    )
    paging = {"PageSize": 60}
    users = groups = memberships = 0
    with open(options.output, "w", encoding="utf-8") as output:

        def write(row: dict) -> None:
            json.dump(row, output, default=str)
            output.write("\n")

        pages = client.get_paginator("list_users")
        for page in pages.paginate(UserPoolId=options.pool, PaginationConfig=paging):
            for user in page["Users"]:
                write(user)
                users += 1
        names = []
        pages = client.get_paginator("list_groups")
        for page in pages.paginate(UserPoolId=options.pool, PaginationConfig=paging):
            for group in page["Groups"]:
                write(group)
                names.append(group["GroupName"])
                groups += 1
        pages = client.get_paginator("list_users_in_group")
        for name in names:
            for page in pages.paginate(UserPoolId=options.pool, GroupName=name, PaginationConfig=paging):
                for user in page["Users"]:
                    write({"group": name, "member": user["Username"]})
                    memberships += 1
    print(json.dumps({"users": users, "groups": groups, "memberships": memberships}))


if __name__ == "__main__":
    main()
