"""Groups and memberships: pages, missing things, and changes made twice."""

import plan
from case import CROWD, USERS, case, username, walk


@case(
    "a group has only the members that it was given",
    {
        "admins": [
            "CreationDate",
            "Description",
            "GroupName",
            "LastModifiedDate",
            "Precedence",
            "RoleArn",
            "UserPoolId",
        ],
        "plain": ["CreationDate", "GroupName", "LastModifiedDate", "UserPoolId"],
        "precedence": {"admins": 0, "crowd": 6, "empty": 7, "readers": 5},
    },
    "model: GroupType; API reference: null precedence is not returned",
)
def _(pool):
    groups = {row["GroupName"]: row for row in pool.call("ListGroups").json["Groups"]}
    return {
        "admins": sorted(groups["admins"]),
        "plain": sorted(groups["plain"]),
        "precedence": {
            name: row["Precedence"] for name, row in sorted(groups.items()) if "Precedence" in row
        },
    }


@case(
    "a list of groups is paged",
    {
        "rows": len(plan.BATTERY_GROUPS),
        "repeats": 0,
        "page within limit": True,
        "more than one page": True,
    },
    "model",
)
def _(pool):
    return walk(pool, "ListGroups", "Groups", "NextToken", "GroupName", Limit=2)


@case(
    "a list of members is paged",
    {"rows": CROWD, "repeats": 0, "page within limit": True, "more than one page": True},
    "model: Limit ≤ 60",
)
def _(pool):
    return walk(pool, "ListUsersInGroup", "Users", "NextToken", "Username", GroupName="crowd")


@case("a member is shown as fully as a listed user", True, "API reference: UserType")
def _(pool):
    listed = {
        row["Username"]: row
        for page in pool.pages("ListUsers", "Users", "PaginationToken")
        for row in page["Users"]
    }
    members = pool.call("ListUsersInGroup", GroupName="crowd", Limit=10).json["Users"]
    return all(row == listed[row["Username"]] for row in members)


@case("a group without members is an empty list without a token", {"Users": []}, "API reference")
def _(pool):
    return pool.call("ListUsersInGroup", GroupName="empty").json


@case("a user without groups is an empty list without a token", {"Groups": []}, "API reference")
def _(pool):
    return pool.call("AdminListGroupsForUser", Username=username(USERS - 1)).json


@case(
    "a group that does not exist is not found",
    {
        "AdminAddUserToGroup": "400 ResourceNotFoundException",
        "AdminRemoveUserFromGroup": "400 ResourceNotFoundException",
        "ListUsersInGroup": "400 ResourceNotFoundException",
    },
    "API reference",
)
def _(pool):
    named = {"GroupName": "nothing"}
    return {
        "AdminAddUserToGroup": pool.call(
            "AdminAddUserToGroup", Username=username(0), **named
        ).outcome,
        "AdminRemoveUserFromGroup": pool.call(
            "AdminRemoveUserFromGroup", Username=username(0), **named
        ).outcome,
        "ListUsersInGroup": pool.call("ListUsersInGroup", **named).outcome,
    }


@case(
    "adding and removing a member answer with an empty body",
    {"add": [200, ""], "remove": [200, ""]},
    "API reference: HTTP 200 with an empty body",
)
def _(pool):
    named = {"Username": username(3), "GroupName": "readers"}
    add = pool.call("AdminAddUserToGroup", **named)
    remove = pool.call("AdminRemoveUserFromGroup", **named)
    return {"add": [add.status, add.body.decode()], "remove": [remove.status, remove.body.decode()]}


@case(
    "adding a member twice changes nothing",
    {"outcomes": ["ok", "ok"], "members": [username(4)]},
    "API reference: no error listed",
)
def _(pool):
    named = {"Username": username(4), "GroupName": "readers"}
    outcomes = [pool.call("AdminAddUserToGroup", **named).outcome for _ in range(2)]
    return {"outcomes": outcomes, "members": pool.names("readers")}


@case(
    "removing a member twice changes nothing",
    {"outcomes": ["ok", "ok"], "members": []},
    "API reference: no error listed",
)
def _(pool):
    named = {"Username": username(4), "GroupName": "readers"}
    outcomes = [pool.call("AdminRemoveUserFromGroup", **named).outcome for _ in range(2)]
    return {"outcomes": outcomes, "members": pool.names("readers")}


@case(
    "the groups of a user are paged",
    {"groups": ["admins", "crowd", "plain", "readers"], "repeats": 0, "page within limit": True},
    "model: Limit",
)
def _(pool):
    for name in ("admins", "plain", "readers"):
        pool.call("AdminAddUserToGroup", Username=username(0), GroupName=name)
    pages = list(
        pool.pages("AdminListGroupsForUser", "Groups", "NextToken", Username=username(0), Limit=1)
    )
    names = [row["GroupName"] for page in pages for row in page["Groups"]]
    return {
        "groups": sorted(set(names)),
        "repeats": len(names) - len(set(names)),
        "page within limit": max(len(page["Groups"]) for page in pages) <= 1,
    }
