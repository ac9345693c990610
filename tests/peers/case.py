"""What the cases of the battery share: how a case is registered, and the pool it asks.

The pool holds the groups of plan.BATTERY_GROUPS and the users that `fill` makes through the
API under test. Cases may change it: they run in a fixed order, and some build on others.
"""

from concurrent.futures import ThreadPoolExecutor

import plan
from aws import Signer, client

# One more than a page, so that a second page exists.
USERS = 65
CROWD = 63
# A list that goes on for longer than this never ends.
MOST_PAGES = 100

CASES = []


def case(name, documented, source):
    """Registers a case; they run in the order of the file, because some build on others."""

    def register(function):
        CASES.append((name, documented, source, function))
        return function

    return register


def username(index):
    """The battery's own users."""
    return f"user-{index:03}"


class Pool:
    """The pool under test and the ways to call it."""

    def __init__(self, config):
        self.id = config["pool"]
        self.missing = config["missing_pool"]
        self.sign_in = config["sign_in_pools"]
        self.signer = Signer(config["endpoint"], config["key"], config["secret"])
        self.denied = Signer(config["endpoint"], config["denied"]["id"], config["denied"]["secret"])
        self.session = config["session"]
        self.boto = client("cognito-idp", config["endpoint"], config["key"], config["secret"])

    def signed(self, **wrong):
        """A signer that differs in what the arguments name."""
        known = {
            "endpoint": self.signer.endpoint,
            "key": self.signer.key,
            "secret": self.signer.secret,
        }
        return Signer(**(known | wrong))

    def call(self, operation, **members):
        """A well-signed call on this pool."""
        return self.signer.call(operation, {"UserPoolId": self.id} | members)

    def pages(self, operation, member, token_member, **members):
        """All pages of a list, as raw JSON."""
        token = None
        for _ in range(MOST_PAGES):
            sent = members | ({token_member: token} if token else {})
            page = self.call(operation, **sent).json
            yield page
            token = page.get(token_member)
            if not token:
                return
        raise RuntimeError(f"{operation} went on for {MOST_PAGES} pages")

    def names(self, group):
        """Usernames in a group, read by boto3's own paginator."""
        paginator = self.boto.get_paginator("list_users_in_group")
        pages = paginator.paginate(UserPoolId=self.id, GroupName=group)
        return [user["Username"] for page in pages for user in page["Users"]]


def fill(pool):
    """Makes the users and the crowd with boto3."""

    def create(index):
        pool.boto.admin_create_user(
            UserPoolId=pool.id,
            Username=username(index),
            UserAttributes=[
                {"Name": "email", "Value": f"{username(index)}@example.com"},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "custom:department", "Value": "研究開発 😀"},
            ],
            TemporaryPassword=plan.PASSWORD,
            MessageAction="SUPPRESS",
        )
        if index < CROWD:
            pool.boto.admin_add_user_to_group(
                UserPoolId=pool.id, Username=username(index), GroupName="crowd"
            )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(create, range(USERS)))


def walk(pool, operation, member, token_member, key, **members):
    """What can be said about the pages of a list without knowing where they break."""
    pages = list(pool.pages(operation, member, token_member, **members))
    names = [row[key] for page in pages for row in page[member]]
    largest = max(len(page[member]) for page in pages)
    return {
        "rows": len(names),
        "repeats": len(names) - len(set(names)),
        "page within limit": largest <= members.get("Limit", 60),
        "more than one page": len(pages) > 1,
    }
