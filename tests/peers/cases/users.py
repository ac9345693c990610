"""Users: listed in pages, filtered, and read one at a time."""

from case import USERS, case, username, walk


@case(
    "a list of users ends, within its limit and without repeats",
    {
        limit: {"rows": USERS, "repeats": 0, "page within limit": True, "more than one page": True}
        for limit in ("default", "60", "7")
    },
    "model: Limit ≤ 60; guide: no repeats within one chain",
)
def _(pool):
    limits = {"default": {}, "60": {"Limit": 60}, "7": {"Limit": 7}}
    return {
        name: walk(pool, "ListUsers", "Users", "PaginationToken", "Username", **more)
        for name, more in limits.items()
    }


@case(
    "boto3's paginator sees the same users",
    USERS,
    "paginators-1.json",
)
def _(pool):
    pages = pool.boto.get_paginator("list_users").paginate(UserPoolId=pool.id)
    return len({user["Username"] for page in pages for user in page["Users"]})


def attribute_values(entries):
    """Attributes by name."""
    return {entry["Name"]: entry["Value"] for entry in entries}


LISTS = {
    "ListUsers": ("PaginationToken", {}),
    "ListGroups": ("NextToken", {}),
    "ListUsersInGroup": ("NextToken", {"GroupName": "crowd"}),
    "AdminListGroupsForUser": ("NextToken", {"Username": username(0)}),
}


@case(
    "a limit of 61 is refused",
    dict.fromkeys(LISTS, "400 InvalidParameterException"),
    "model: Limit ≤ 60",
)
def _(pool):
    return {name: pool.call(name, Limit=61, **more).outcome for name, (_, more) in LISTS.items()}


@case(
    "a page token that was never issued is refused",
    dict.fromkeys(LISTS, "400 InvalidParameterException"),
    "aws-sdk-js #3705 (that it fails; the code is not verified)",
)
def _(pool):
    forged = "bm90LWEtdG9rZW4="
    return {
        name: pool.call(name, **{token: forged}, **more).outcome
        for name, (token, more) in LISTS.items()
    }


@case(
    "a page token with another filter is refused",
    "400 InvalidParameterException",
    "aws-sdk-js #3705 (that it fails; the code is not verified)",
)
def _(pool):
    token = pool.call("ListUsers", Limit=5)
    return pool.call(
        "ListUsers", Limit=5, PaginationToken=token.json["PaginationToken"], Filter='email ^= "u"'
    ).outcome


# Members that may be absent by the model and are nevertheless there for every user. What
# else a service may send is checked against the model at the end.
ALWAYS = {"Enabled", "UserCreateDate", "UserLastModifiedDate", "UserStatus", "Username"}


@case("a listed user lacks nothing", [], "API reference: UserType")
def _(pool):
    rows = [
        row for page in pool.pages("ListUsers", "Users", "PaginationToken") for row in page["Users"]
    ]
    return sorted((ALWAYS | {"Attributes"}) - set.intersection(*map(set, rows)))


@case(
    "times are seconds with at most three decimals",
    True,
    "recorded answers: 1739528018.102",
)
def _(pool):
    rows = [
        row for page in pool.pages("ListUsers", "Users", "PaginationToken") for row in page["Users"]
    ]
    times = [row[member] for row in rows for member in ("UserCreateDate", "UserLastModifiedDate")]
    # Double precision leaves less than a microsecond of doubt on today's dates.
    return all(abs(time * 1000 - round(time * 1000)) < 1e-3 for time in times)


@case(
    "a listed user carries sub and the very values that were sent",
    {
        "email": "user-000@example.com",
        "email_verified": "true",
        "custom:department": "研究開発 😀",
        "sub": 36,
    },
    "API reference; guide: sub is a UUID",
)
def _(pool):
    rows = [
        row for page in pool.pages("ListUsers", "Users", "PaginationToken") for row in page["Users"]
    ]
    found = {
        entry["Name"]: entry["Value"]
        for row in rows
        if row["Username"] == username(0)
        for entry in row["Attributes"]
    }
    return found | {"sub": len(found.get("sub", ""))}


def filtered(pool, text, **members):
    """How many users a filter finds, or how it is refused."""
    answer = pool.call("ListUsers", Filter=text, **members)
    return len(answer.json["Users"]) if answer.status == 200 else answer.outcome


@case(
    "filters select users",
    {"username": 1, "email prefix": 10, "nobody": 0, "sub": 1, "status": 60},
    "API reference: Filter; one page of 60",
)
def _(pool):
    attributes = pool.call("AdminGetUser", Username=username(7)).json["UserAttributes"]
    sub = next(entry["Value"] for entry in attributes if entry["Name"] == "sub")
    return {
        "username": filtered(pool, 'username = "user-007"'),
        "email prefix": filtered(pool, 'email ^= "user-03"'),
        "nobody": filtered(pool, 'email = "nobody@example.com"'),
        "sub": filtered(pool, f'sub = "{sub}"'),
        "status": filtered(pool, 'status = "Enabled"'),
    }


@case(
    "a filter on a custom attribute or without form is refused",
    {"custom": "400 InvalidParameterException", "form": "400 InvalidParameterException"},
    "API reference: custom attributes are not searchable",
)
def _(pool):
    return {
        "custom": filtered(pool, 'custom:department = "x"'),
        "form": filtered(pool, "what is this"),
    }


@case("AttributesToGet trims", ["email"], "API reference")
def _(pool):
    page = pool.call("ListUsers", AttributesToGet=["email"], Limit=10).json
    return sorted({entry["Name"] for row in page["Users"] for entry in row["Attributes"]})


@case(
    "a single user has UserAttributes and no Attributes",
    {"missing": [], "Attributes": False},
    "model: AdminGetUserResponse",
)
def _(pool):
    found = pool.call("AdminGetUser", Username=username(1)).json
    return {
        "missing": sorted((ALWAYS | {"UserAttributes"}) - set(found)),
        "Attributes": "Attributes" in found,
    }


@case(
    "a local user is found by its sub",
    username(2),
    "model: Username accepts the sub of a local user",
)
def _(pool):
    attributes = pool.call("AdminGetUser", Username=username(2)).json["UserAttributes"]
    sub = next(entry["Value"] for entry in attributes if entry["Name"] == "sub")
    answer = pool.call("AdminGetUser", Username=sub)
    return answer.json["Username"] if answer.status == 200 else answer.outcome


ON_USERS = {
    "AdminGetUser": {},
    "AdminListGroupsForUser": {},
    "AdminDisableUser": {},
    "AdminEnableUser": {},
    "AdminDeleteUser": {},
    "AdminAddUserToGroup": {"GroupName": "plain"},
    "AdminRemoveUserFromGroup": {"GroupName": "plain"},
}


@case(
    "a user that does not exist is not found",
    dict.fromkeys(ON_USERS, "400 UserNotFoundException"),
    "API reference",
)
def _(pool):
    return {
        name: pool.call(name, Username="nobody", **more).outcome for name, more in ON_USERS.items()
    }
