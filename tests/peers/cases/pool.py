"""The pool itself: found or not, and how it describes itself."""

from case import USERS, case, username

READS = {
    "ListUsers": {},
    "ListGroups": {},
    "DescribeUserPool": {},
    "ListUsersInGroup": {"GroupName": "admins"},
    "AdminGetUser": {"Username": username(0)},
    "AdminListGroupsForUser": {"Username": username(0)},
}


@case(
    "a pool that does not exist is not found",
    dict.fromkeys(READS, "400 ResourceNotFoundException"),
    "API reference",
)
def _(pool):
    return {
        name: pool.signer.call(name, {"UserPoolId": pool.missing} | more).outcome
        for name, more in READS.items()
    }


@case(
    "a malformed pool id is refused",
    "400 InvalidParameterException",
    r"model: UserPoolId matches [\w-]+_[0-9a-zA-Z]+",
)
def _(pool):
    return pool.signer.call("ListUsers", {"UserPoolId": "no pool id"}).outcome


@case(
    "the description of a pool names it and its schema",
    {
        "id": True,
        "arn": True,
        "schema": ["custom:department", "email", "name", "phone_number", "sub"],
        "estimate": USERS,
    },
    "API reference; guide: standard attributes",
)
def _(pool):
    found = pool.call("DescribeUserPool").json["UserPool"]
    schema = {attribute["Name"] for attribute in found.get("SchemaAttributes", [])}
    expected = {"custom:department", "email", "name", "phone_number", "sub"}
    return {
        "id": found["Id"] == pool.id,
        "arn": found["Arn"].endswith(f"userpool/{pool.id}"),
        "schema": sorted(schema & expected),
        "estimate": found["EstimatedNumberOfUsers"],
    }
