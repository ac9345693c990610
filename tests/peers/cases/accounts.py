"""Accounts: created, disabled, enabled and deleted, and what is refused."""

import plan
from case import case
from cases.users import ALWAYS


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


@case("a username that is taken is refused", "400 UsernameExistsException", "API reference")
def _(pool):
    return create(pool, "newcomer").outcome


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
