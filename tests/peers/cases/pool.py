"""The pool itself: found or not, and how it describes itself."""

import re

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


@case(
    "the description of a pool says what the connector reads of it",
    {
        "arn": True,
        "name": "text",
        "plan": "modelled",
        "case": "boolean or absent",
    },
    "model: UserPoolType, UserPoolTierType, UsernameConfigurationType",
)
def _(pool):
    found = pool.call("DescribeUserPool").json["UserPool"]
    configuration = found.get("UsernameConfiguration", {"CaseSensitive": True})
    arn = rf"arn:aws:cognito-idp:us-east-1:[0-9]{{12}}:userpool/{pool.id}"
    plan = found.get("UserPoolTier")
    return {
        "arn": re.fullmatch(arn, found["Arn"]) is not None,
        "name": "text" if isinstance(found.get("Name"), str) and found["Name"] else "absent",
        "plan": "modelled" if plan in ("LITE", "ESSENTIALS", "PLUS") else plan,
        "case": "boolean or absent" if isinstance(configuration["CaseSensitive"], bool) else "odd",
    }


CONSTRAINTS = {
    "StringAttributeConstraints": ("MinLength", "MaxLength"),
    "NumberAttributeConstraints": ("MinValue", "MaxValue"),
}


@case(
    "the constraints of an attribute are texts",
    {"types": ["str"], "custom": {"type": "String", "most": "2048", "required": False}},
    "model: StringAttributeConstraintsType, NumberAttributeConstraintsType",
)
def _(pool):
    schema = pool.call("DescribeUserPool").json["UserPool"]["SchemaAttributes"]
    bounds = [
        attribute[constraints][bound]
        for attribute in schema
        for constraints, names in CONSTRAINTS.items()
        for bound in names
        if bound in attribute.get(constraints, {})
    ]
    custom = next(row for row in schema if row["Name"] == "custom:department")
    return {
        "types": sorted({type(bound).__name__ for bound in bounds}),
        "custom": {
            "type": custom["AttributeDataType"],
            "most": custom["StringAttributeConstraints"]["MaxLength"],
            "required": custom.get("Required"),
        },
    }
