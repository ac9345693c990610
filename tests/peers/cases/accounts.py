"""Accounts: created, disabled, enabled and deleted, and what is refused."""

import plan
from case import case
from cases.users import ALWAYS, attribute_values


def create(pool, name, **members):
    """AdminCreateUser without an invitation."""
    return pool.call(
        "AdminCreateUser",
        **(
            {"Username": name, "TemporaryPassword": plan.PASSWORD, "MessageAction": "SUPPRESS"}
            | members
        ),
    )


@case(
    "a created user is enabled and has to change the password",
    {"missing": [], "enabled": True, "status": "FORCE_CHANGE_PASSWORD"},
    "API reference; guide",
)
def _(pool):
    user = create(pool, "newcomer").json["User"]
    missing = sorted((ALWAYS | {"Attributes"}) - set(user))
    return {"missing": missing, "enabled": user["Enabled"], "status": user["UserStatus"]}


def plain_create(pool, name, **members):
    """AdminCreateUser as the connector sends it: the service chooses the password."""
    return pool.call("AdminCreateUser", Username=name, **members)


# What the connector sends for an account without and with an invitation.
MESSAGES = {
    "silent": {"MessageAction": "SUPPRESS"},
    "invited": {"DesiredDeliveryMediums": ["EMAIL"]},
}
USER_MEMBERS = sorted(ALWAYS | {"Attributes"})


@case(
    "the answer to a creation is the user, invited or not",
    {
        kind: {
            "status": 200,
            "members": ["User"],
            "user": USER_MEMBERS,
            "attributes": {
                "custom:department": "R&D 日本 😀",
                "email": f"{kind}@example.com",
                "sub": 36,
            },
            "state": [f"{kind}-user", True, "FORCE_CHANGE_PASSWORD"],
            "read again": True,
        }
        for kind in MESSAGES
    },
    "API reference: AdminCreateUser; model: AdminCreateUserResponse, UserType",
)
def _(pool):
    def observed(kind, members):
        name = f"{kind}-user"
        sent = [
            {"Name": "email", "Value": f"{kind}@example.com"},
            {"Name": "custom:department", "Value": "R&D 日本 😀"},
        ]
        answer = plain_create(pool, name, UserAttributes=sent, **members)
        user = answer.json["User"]
        values = attribute_values(user["Attributes"])
        read = pool.call("AdminGetUser", Username=name).json
        same = attribute_values(read["UserAttributes"]) == values
        return {
            "status": answer.status,
            "members": sorted(answer.json),
            # A list of options is there or not; it says nothing about the account.
            "user": sorted(set(user) - {"MFAOptions"}),
            "attributes": values | {"sub": len(values["sub"])},
            "state": [user["Username"], user["Enabled"], user["UserStatus"]],
            "read again": same
            and all(user[member] == read[member] for member in ALWAYS - {"Attributes"}),
        }

    return {kind: observed(kind, members) for kind, members in MESSAGES.items()}


@case(
    "a message that the model does not know is refused",
    dict.fromkeys(["MessageAction", "DesiredDeliveryMediums"], "400 InvalidParameterException"),
    "model: MessageActionType, DeliveryMediumType",
)
def _(pool):
    wrong = {"MessageAction": "WHISPER", "DesiredDeliveryMediums": ["PIGEON"]}
    return {
        member: plain_create(pool, f"odd-{member}", **{member: value}).outcome
        for member, value in wrong.items()
    }


@case(
    "an attribute that is sent empty is not there",
    False,
    "API reference: a blank value deletes an attribute (of a creation: not verified)",
)
def _(pool):
    blank = [{"Name": "custom:note", "Value": ""}]
    user = plain_create(pool, "blank", MessageAction="SUPPRESS", UserAttributes=blank).json["User"]
    return "custom:note" in attribute_values(user["Attributes"])


@case(
    "a username that is taken is refused, and its user stays as it is",
    {"outcome": "400 UsernameExistsException", "unchanged": True},
    "API reference",
)
def _(pool):
    before = pool.call("AdminGetUser", Username="silent-user").json
    other = [{"Name": "email", "Value": "somebody.else@example.com"}]
    outcome = create(pool, "silent-user", UserAttributes=other).outcome
    after = pool.call("AdminGetUser", Username="silent-user").json
    return {"outcome": outcome, "unchanged": before == after}


@case(
    "an invitation cannot be sent again to nobody",
    "400 UserNotFoundException",
    "API reference: MessageAction RESEND",
)
def _(pool):
    return create(pool, "nobody", MessageAction="RESEND").outcome


@case(
    "names and values outside the model are refused",
    {
        "name with a space": "400 InvalidParameterException",
        "name of 129 characters": "400 InvalidParameterException",
        "value of 2049 characters": "400 InvalidParameterException",
        "attribute not in the schema": "400 InvalidParameterException",
        "custom attribute not in the schema": "400 InvalidParameterException",
    },
    "model: patterns and lengths; guide: attributes are declared in the schema",
)
def _(pool):
    def attribute(name, value):
        return [{"Name": name, "Value": value}]

    return {
        "name with a space": create(pool, "two words").outcome,
        "name of 129 characters": create(pool, "n" * 129).outcome,
        "value of 2049 characters": create(
            pool, "long", UserAttributes=attribute("name", "x" * 2049)
        ).outcome,
        "attribute not in the schema": create(
            pool, "odd", UserAttributes=attribute("shoe_size", "43")
        ).outcome,
        "custom attribute not in the schema": create(
            pool, "odder", UserAttributes=attribute("custom:shoe", "43")
        ).outcome,
    }


@case(
    "a disabled user stays listed, and disabling twice changes nothing",
    {
        "bodies": ["{}", "{}"],
        "enabled": False,
        "listed": False,
        "again": "{}",
        "enabled again": True,
    },
    "model: empty structures; API reference",
)
def _(pool):
    bodies = [pool.call("AdminDisableUser", Username="newcomer").body.decode() for _ in range(2)]
    single = pool.call("AdminGetUser", Username="newcomer").json["Enabled"]
    rows = [
        row for page in pool.pages("ListUsers", "Users", "PaginationToken") for row in page["Users"]
    ]
    listed = next(row["Enabled"] for row in rows if row["Username"] == "newcomer")
    again = pool.call("AdminEnableUser", Username="newcomer").body.decode()
    return {
        "bodies": bodies,
        "enabled": single,
        "listed": listed,
        "again": again,
        "enabled again": pool.call("AdminGetUser", Username="newcomer").json["Enabled"],
    }


@case(
    "a deleted user is gone from the pool and from its groups",
    {
        "answer": [200, ""],
        "single": "400 UserNotFoundException",
        "members": [],
        "again": "400 UserNotFoundException",
    },
    "API reference: HTTP 200 with an empty body",
)
def _(pool):
    pool.call("AdminAddUserToGroup", Username="newcomer", GroupName="empty")
    answer = pool.call("AdminDeleteUser", Username="newcomer")
    return {
        "answer": [answer.status, answer.body.decode()],
        "single": pool.call("AdminGetUser", Username="newcomer").outcome,
        "members": pool.names("empty"),
        "again": pool.call("AdminDeleteUser", Username="newcomer").outcome,
    }
