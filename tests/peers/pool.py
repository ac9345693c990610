"""Makes a pool for one test, which may then change it without disturbing another.

Usage: pool.py ENDPOINT KEY SECRET
Reads from standard input {"name", "groups", "users", "options"}: groups and users in the shape
of plan.py, options as CreateUserPool takes them. Prints {"pool", "arn"}.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import seed
from aws import client


def main():
    """Makes one pool."""
    cognito = client("cognito-idp", *sys.argv[1:])
    wanted = json.load(sys.stdin)
    pool = seed.create_pool(cognito, wanted["name"], wanted["groups"], None, **wanted["options"])

    def create(user):
        # A client is for users who sign up by themselves, and here nobody does.
        seed.create_user(cognito, pool["Id"], None, user)

    with ThreadPoolExecutor(seed.THREADS) as threads:
        # list() raises what a thread raised.
        list(threads.map(create, wanted["users"]))
    print(json.dumps({"pool": pool["Id"], "arn": pool["Arn"]}))


if __name__ == "__main__":
    main()
