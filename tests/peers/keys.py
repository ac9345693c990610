"""Makes IAM users, each with one access key and one policy, which is handed over unread.

Usage: keys.py ENDPOINT KEY SECRET
Reads from standard input {name: the text of the policy document}; prints {name: {"id", "secret"}}.
"""

import json
import sys

from aws import client


def create(iam, name, document):
    """One user with this very document as its only policy."""
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="connector", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def main():
    """Makes all of them."""
    iam = client("iam", *sys.argv[1:])
    policies = json.load(sys.stdin)
    print(json.dumps({name: create(iam, name, text) for name, text in policies.items()}))


if __name__ == "__main__":
    main()
