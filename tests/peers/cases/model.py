"""Every operation of the connector once, against the service model."""

import plan
import shapes
from case import case, username


@case("every answer keeps to the service model", {}, "botocore's service model")
def _(pool):
    calls = {
        "ListUsers": {"Limit": 60},
        "ListGroups": {"Limit": 60},
        "ListUsersInGroup": {"GroupName": "crowd"},
        "AdminListGroupsForUser": {"Username": username(0)},
        "AdminGetUser": {"Username": username(0)},
        "DescribeUserPool": {},
        "AdminCreateUser": {
            "Username": "modelled",
            "TemporaryPassword": plan.PASSWORD,
            "MessageAction": "SUPPRESS",
        },
        "AdminAddUserToGroup": {"Username": "modelled", "GroupName": "plain"},
        "AdminRemoveUserFromGroup": {"Username": "modelled", "GroupName": "plain"},
        "AdminDisableUser": {"Username": "modelled"},
        "AdminEnableUser": {"Username": "modelled"},
        "AdminDeleteUser": {"Username": "modelled"},
    }
    found = {
        name: shapes.findings(name, pool.call(name, **members).json)
        for name, members in calls.items()
    }
    return {name: contradictions for name, contradictions in found.items() if contradictions}
