"""Fills a fresh peer with the pools of plan.py and makes the keys that the tests use.

On MiniStack it works as root and gives every key a policy on the pool's ARN, as one
would at AWS. moto starts without authentication and matches no policy but Resource "*";
its authentication is switched on at the very end.

Usage: seed.py ministack|moto ENDPOINT
Prints {"region", "pool", "battery_pool", "sign_in_pools": {"address", "alias"}, "role_arn",
"missing_pool", "keys": {name: {"id", "secret"}}, "session": {"id", "secret", "token"}}.
"""

import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import plan
from aws import REGION, client

# Both peers let this key through before authentication is on; on MiniStack it is root.
ROOT = ("test", "test")
# The peers are single processes; more threads than this only wait for each other.
THREADS = 8

READING = {
    "ListUsers",
    "ListGroups",
    "ListUsersInGroup",
    "AdminListGroupsForUser",
    "AdminGetUser",
    "DescribeUserPool",
}


def create_role(iam):
    """The role that some groups carry; returns its ARN."""
    trust = {"Version": "2012-10-17", "Statement": []}
    role = iam.create_role(
        Path=plan.ROLE_PATH, RoleName=plan.ROLE_NAME, AssumeRolePolicyDocument=json.dumps(trust)
    )
    return role["Role"]["Arn"]


def create_pool(cognito, name, groups, role_arn, **options):
    """A pool with the groups in it, and with the custom attributes if no option says otherwise."""
    schema = [
        {
            "Name": name,
            "AttributeDataType": "String",
            "Mutable": True,
            "StringAttributeConstraints": {"MaxLength": "2048"},
        }
        for name in plan.CUSTOM_ATTRIBUTES
    ]
    pool = cognito.create_user_pool(PoolName=name, **({"Schema": schema} | options))["UserPool"]
    for group in groups:
        optional = {"Description": "description", "Precedence": "precedence"}
        sent = {member: group[key] for member, key in optional.items() if key in group}
        if group.get("role"):
            sent["RoleArn"] = role_arn
        cognito.create_group(UserPoolId=pool["Id"], GroupName=group["name"], **sent)
    return pool


def create_user(cognito, pool, client_id, user):
    """One user, brought into its state, switched off if planned, added to its groups."""
    named = {"UserPoolId": pool, "Username": user["username"]}
    attributes = [{"Name": name, "Value": value} for name, value in user["attributes"].items()]
    if user["status"] == "UNCONFIRMED":
        cognito.sign_up(
            ClientId=client_id,
            Username=user["username"],
            Password=plan.PASSWORD,
            UserAttributes=attributes,
        )
    else:
        cognito.admin_create_user(
            **named,
            UserAttributes=attributes,
            TemporaryPassword=plan.PASSWORD,
            MessageAction="SUPPRESS",
        )
    if user["status"] in ("CONFIRMED", "RESET_REQUIRED"):
        cognito.admin_set_user_password(**named, Password=plan.PASSWORD, Permanent=True)
    if user["status"] == "RESET_REQUIRED":
        cognito.admin_reset_user_password(**named)
    if not user["enabled"]:
        cognito.admin_disable_user(**named)
    for group in user["groups"]:
        cognito.admin_add_user_to_group(**named, GroupName=group)


def fill(cognito, pool):
    """All planned users."""
    client_id = cognito.create_user_pool_client(UserPoolId=pool, ClientName="seed")[
        "UserPoolClient"
    ]["ClientId"]
    with ThreadPoolExecutor(THREADS) as threads:
        # list() raises what a thread raised.
        list(threads.map(lambda user: create_user(cognito, pool, client_id, user), plan.users()))


def create_key(iam, name, operations, resource, service="cognito-idp"):
    """An IAM user with one access key that may do these operations on this resource."""
    iam.create_user(UserName=name)
    statement = {
        "Effect": "Allow",
        "Action": [f"{service}:{operation}" for operation in sorted(operations)],
        "Resource": resource,
    }
    iam.put_user_policy(
        UserName=name,
        PolicyName="connector",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def main():
    """Seeds one peer."""
    peer, endpoint = sys.argv[1:]
    cognito = client("cognito-idp", endpoint, *ROOT)
    iam = client("iam", endpoint, *ROOT)
    role_arn = create_role(iam)
    large = create_pool(cognito, "large", plan.GROUPS, role_arn)
    battery = create_pool(cognito, "battery", plan.BATTERY_GROUPS, role_arn)
    sign_in = {
        kind: create_pool(cognito, kind, [], role_arn, **{member: ["email"]})["Id"]
        for kind, member in plan.SIGN_IN_POOLS.items()
    }
    fill(cognito, large["Id"])
    arn = large["Arn"] if peer == "ministack" else "*"
    keys = {
        "reader": create_key(iam, "reader", READING, arn),
        "without_members": create_key(iam, "without-members", READING - {"ListUsersInGroup"}, arn),
        "without_users_and_members": create_key(
            iam, "without-users-and-members", READING - {"ListUsers", "ListUsersInGroup"}, arn
        ),
        # For pools and operations that do not exist: a policy on one pool and on known
        # operations answers those with a denial.
        "anything": create_key(iam, "anything", {"*"}, "*"),
        "only_users": create_key(iam, "only-users", {"ListUsers"}, "*"),
        # Makes further keys once the peer asks everybody for a signature.
        "administrator": create_key(iam, "administrator", {"*"}, "*", service="iam"),
    }
    key = keys["anything"]
    temporary = client("sts", endpoint, key["id"], key["secret"]).get_session_token()["Credentials"]
    session = {
        "id": temporary["AccessKeyId"],
        "secret": temporary["SecretAccessKey"],
        "token": temporary["SessionToken"],
    }
    if peer == "moto":
        # The media type matters: moto fails on any other.
        request = urllib.request.Request(
            endpoint + "/moto-api/reset-auth",
            data=b"0",
            headers={"Content-Type": "text/plain"},
            method="POST",
        )
        urllib.request.urlopen(request).close()
    print(
        json.dumps(
            {
                "region": REGION,
                "pool": large["Id"],
                "battery_pool": battery["Id"],
                "sign_in_pools": sign_in,
                "role_arn": role_arn,
                "missing_pool": f"{REGION}_NoSuchPol",
                "keys": keys,
                "session": session,
            }
        )
    )


if __name__ == "__main__":
    main()
