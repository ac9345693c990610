"""Pools in which people sign in with their address, as the username or as an alias."""

import plan
from case import case
from cases.accounts import create
from cases.users import attribute_values


@case(
    "a pool says what people sign in with",
    {
        "ordinary": {"UsernameAttributes": [], "AliasAttributes": []},
        "address": {"UsernameAttributes": ["email"], "AliasAttributes": []},
        "alias": {"UsernameAttributes": [], "AliasAttributes": ["email"]},
    },
    "model: UserPoolType",
)
def _(pool):
    def said(pool_id):
        found = pool.call("DescribeUserPool", UserPoolId=pool_id).json["UserPool"]
        return {member: found.get(member, []) for member in plan.SIGN_IN_POOLS.values()}

    return {"ordinary": said(pool.id)} | {
        kind: said(pool_id) for kind, pool_id in pool.sign_in.items()
    }


@case(
    "where the address is the username, the service makes up an id",
    {
        "id is the sub": True,
        "email": "new@example.com",
        "again": "400 UsernameExistsException",
        "found by the address": True,
        "found by the id": True,
        "no address": "400 InvalidParameterException",
    },
    "guide: sign in with an e-mail address; API reference",
)
def _(pool):
    there = {"UserPoolId": pool.sign_in["address"]}
    user = create(pool, "new@example.com", **there).json["User"]
    values = attribute_values(user["Attributes"])

    def found(name):
        return pool.call("AdminGetUser", Username=name, **there).json.get("Username")

    return {
        "id is the sub": user["Username"] == values["sub"],
        "email": values.get("email"),
        "again": create(pool, "new@example.com", **there).outcome,
        "found by the address": found("new@example.com") == user["Username"],
        "found by the id": found(user["Username"]) == user["Username"],
        "no address": create(pool, "plain", **there).outcome,
    }


@case(
    "where the address is an alias, it is no username and belongs to one user",
    {
        "address as username": "400 InvalidParameterException",
        "verified": "ok",
        "found by the address": "first",
        "verified again": "400 AliasExistsException",
        "not verified": "ok",
    },
    "guide: aliases; API reference: ForceAliasCreation",
)
def _(pool):
    there = {"UserPoolId": pool.sign_in["alias"]}
    address = {"Name": "email", "Value": "shared@example.com"}
    verified = [address, {"Name": "email_verified", "Value": "true"}]
    as_username = create(pool, "other@example.com", **there).outcome
    first = create(pool, "first", UserAttributes=verified, **there).outcome
    found = pool.call("AdminGetUser", Username=address["Value"], **there)
    return {
        "address as username": as_username,
        "verified": first,
        "found by the address": found.json.get("Username"),
        "verified again": create(pool, "second", UserAttributes=verified, **there).outcome,
        "not verified": create(pool, "third", UserAttributes=[address], **there).outcome,
    }
