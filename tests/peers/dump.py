"""What boto3 reads from a pool, as the objects that the command line promises.

An independent client and its own paginators, so that a page lost, doubled or misread
by the connector shows as a difference.

Usage: dump.py ENDPOINT KEY SECRET POOL
Prints {"users": [...], "groups": [...], "grants": [...]}.
"""

import datetime
import json
import sys

from aws import client


def instant(value):
    """RFC 3339 in UTC, cut to the milliseconds that the contract carries."""
    value = value.astimezone(datetime.UTC)
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"


def display_name(username, attributes):
    """name, else given and family name, else e-mail, else the username."""
    full = " ".join(filter(None, (attributes.get("given_name"), attributes.get("family_name"))))
    return attributes.get("name") or full or attributes.get("email") or username


def emails(attributes):
    """The one address that Cognito knows; whether it is verified only if it says so."""
    if not attributes.get("email"):
        return []
    email = {"address": attributes["email"], "primary": True}
    if "email_verified" in attributes:
        email["verified"] = attributes["email_verified"] == "true"
    return [email]


def login(username, attributes):
    """What is typed: where the service made the username up, it is the address."""
    return attributes.get("email", username) if username == attributes["sub"] else username


def user(row):
    """A user row."""
    attributes = {entry["Name"]: entry["Value"] for entry in row["Attributes"]}
    return {
        "kind": "user",
        "id": row["Username"],
        "display_name": display_name(row["Username"], attributes),
        "status": "enabled" if row["Enabled"] else "disabled",
        "status_details": row["UserStatus"],
        "emails": emails(attributes),
        "login": login(row["Username"], attributes),
        "created_at": instant(row["UserCreateDate"]),
        "updated_at": instant(row["UserLastModifiedDate"]),
        "attributes": attributes,
    }


def group(row):
    """A group row; what the peer did not send is left out."""
    found = {
        "kind": "group",
        "id": row["GroupName"],
        "display_name": row["GroupName"],
        "created_at": instant(row["CreationDate"]),
        "updated_at": instant(row["LastModifiedDate"]),
        "attributes": {},
    }
    if "Description" in row:
        found["description"] = row["Description"]
    if "Precedence" in row:
        found["attributes"]["precedence"] = row["Precedence"]
    if "RoleArn" in row:
        found["attributes"]["role_arn"] = row["RoleArn"]
    return found


def grant(group_name, username):
    """A grant row."""
    entitlement, principal = f"group:{group_name}:member", f"user:{username}"
    return {"id": f"{entitlement}:{principal}", "entitlement": entitlement, "principal": principal}


def main():
    """Reads one pool."""
    endpoint, key, secret, pool = sys.argv[1:]
    cognito = client("cognito-idp", endpoint, key, secret)

    def rows(operation, member, **arguments):
        for page in cognito.get_paginator(operation).paginate(UserPoolId=pool, **arguments):
            yield from page[member]

    groups = list(rows("list_groups", "Groups"))
    dump = {
        "users": [user(row) for row in rows("list_users", "Users")],
        "groups": [group(row) for row in groups],
        "grants": [
            grant(row["GroupName"], member["Username"])
            for row in groups
            for member in rows("list_users_in_group", "Users", GroupName=row["GroupName"])
        ],
    }
    print(json.dumps(dump))


if __name__ == "__main__":
    main()
