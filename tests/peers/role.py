"""Makes an IAM role that may be assumed with an external id only, and may do everything to
user pools.

Usage: role.py ENDPOINT KEY SECRET
Reads from standard input {"name", "external_id"}; prints {"arn"}.
"""

import json
import sys

from aws import client


def main():
    """Makes the role."""
    iam = client("iam", *sys.argv[1:])
    wanted = json.load(sys.stdin)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": wanted["external_id"]}},
    }
    document = {"Version": "2012-10-17", "Statement": [trust]}
    role = iam.create_role(
        RoleName=wanted["name"], AssumeRolePolicyDocument=json.dumps(document)
    )["Role"]
    allowed = {"Effect": "Allow", "Action": "cognito-idp:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    iam.put_role_policy(
        RoleName=wanted["name"], PolicyName="connector", PolicyDocument=json.dumps(policy)
    )
    print(json.dumps({"arn": role["Arn"]}))


if __name__ == "__main__":
    main()
