"""The pools that the peers are filled with, as plain data.

Everything is a function of the index, so that two runs and two peers hold the same
pool. Names keep to the pattern of the service model (letters, marks, symbols, numbers
and punctuation; no spaces), so that the same pool could exist at AWS.

Run as a program it prints the large pool as JSON, for the test that asks whether a peer
kept what it was given.
"""

import json

# Above eight pages of 60, and "pools of at least 500 users".
ORDINARY_USERS = 520
# More than two pages of ListUsersInGroup.
CROWD = 130
PASSWORD = "Correct-Horse-7-Battery"
# Made on the peer, because MiniStack refuses the ARN of a role that it does not know.
ROLE_PATH, ROLE_NAME = "/directory/", "Ops.Admins"

CUSTOM_ATTRIBUTES = ["department", "note", "cost_centre"]

# Each is one trap: separators of ids, paths, URLs and CSV files, formulas, names of
# other things, case, normal forms, scripts, width, length.
UNUSUAL_USERNAMES = [
    "a/b",
    "../../etc/passwd",
    "x:y",
    "user:alice",
    "group:admins:member",
    "plus+tag@example.com",
    "q?a=1&b=2#f",
    "per%20cent",
    "100%",
    "back\\slash",
    '"quoted"',
    "it's",
    "comma,semi;colon",
    "=1+1",
    "@SUM(A1)",
    "-lead",
    "<b>bold</b>",
    "{json}",
    "[list]",
    "null",
    "true",
    "0",
    "admins",
    "Alice",
    "alice",
    "ALICE",
    "café",
    "cafe\u0301",
    "Ünïcödé",
    "日本語ユーザー",
    "中文用户",
    "한국어",
    "пользователь",
    "مستخدم",
    "עברית",
    "ผู้ใช้",
    "हिन्दी",
    "😀",
    "👩🏽",
    "𝒶𝓁𝒾𝒸ℯ",
    "ﬁligature",
    "ａｌｉｃｅ",
    "İstanbul",
    "straße",
    "n" * 128,
    "é" * 128,
    "user0007@example.com",
]

VALUES = [
    "",
    " ",
    "  padded  ",
    "line\nbreak",
    "tab\tbed",
    'comma, "quote"',
    '=HYPERLINK("x")',
    "emoji 👩🏽‍🚀 joined",
    "שלום עולם",
    "combining e\u0301",
    "null",
    '{"json": true}',
    "back\\slash",
    "\u202eright to left",
    "x" * 2048,
    "0",
    "false",
]

GROUPS = [
    {"name": "admins", "description": "Runs the place", "precedence": 0, "role": True},
    {"name": "Admins", "description": "Another group: only the case differs", "precedence": 1},
    {"name": "crowd", "precedence": 5},
    {"name": "everyone-odd", "description": "=cmd|' /C calc'!A0", "precedence": 2147483647},
    {"name": "empty"},
    {"name": "empty-with-role", "role": True},
    {"name": "Ops/Team:é😀+1", "description": 'Line one\nline two, "quoted"', "precedence": 7},
    {"name": "group:admins:member", "description": "Named like an entitlement"},
    {"name": "alice", "description": "Named like a user", "precedence": 3},
    {"name": "日本語グループ", "description": "説明 😀", "precedence": 10},
    {"name": "مجموعة", "precedence": 11},
    {"name": "per%2Fcent?&=#", "precedence": 12},
    {"name": "g" * 128, "description": "d" * 2048, "precedence": 13},
    {
        "name": "us-east-1_ExamplePool_Google",
        "description": "Named like the group of a federated provider",
    },
]


def attributes(index):
    """Attributes of the user with this index, `sub` excepted."""
    found = {}
    if index % 7:
        # Every eleventh shares its address with others.
        found["email"] = "shared@example.com" if index % 11 == 0 else f"user{index:04}@example.com"
        if index % 3:
            found["email_verified"] = "true" if index % 2 else "false"
    if index % 4 == 1:
        found["name"] = f"Given Family {index}"
    if index % 4 == 2:
        found["given_name"] = "Zoë"
        found["family_name"] = f"Ångström-{index}"
    if index % 5 == 0:
        found["phone_number"] = f"+1555{index:07}"
    if index % 2:
        found["custom:department"] = ["Sales", "研究開発", "R&D / 2", "IT"][index % 4]
    if index % 3 == 0:
        found["custom:note"] = VALUES[index // 3 % len(VALUES)]
    if index % 13 == 0:
        found["custom:cost_centre"] = ""
    return found


def status(index):
    """The state to bring the user into."""
    wanted = {3: "CONFIRMED", 5: "RESET_REQUIRED", 6: "UNCONFIRMED"}.get(
        index % 10, "FORCE_CHANGE_PASSWORD"
    )
    # A reset code has to go somewhere.
    if wanted == "RESET_REQUIRED" and attributes(index).get("email_verified") != "true":
        return "CONFIRMED"
    return wanted


def users():
    """Every user: username, attributes, status, enabled, groups."""
    names = [f"user-{index:04}" for index in range(ORDINARY_USERS)] + UNUSUAL_USERNAMES
    rows = []
    for index, name in enumerate(names):
        unusual = index >= ORDINARY_USERS
        groups = []
        if index < CROWD:
            groups.append("crowd")
        if index % 16 == 1:
            groups.append("admins")
        if index % 32 == 1:
            groups.append("Admins")
        if unusual:
            groups.append("everyone-odd")
            groups.append(GROUPS[6 + index % 7]["name"])
        if index == 1 or name == "日本語ユーザー":
            groups = [g["name"] for g in GROUPS if not g["name"].startswith("empty")]
        rows.append(
            {
                "username": name,
                "attributes": attributes(index),
                "status": status(index),
                "enabled": index % 9 != 4,
                "groups": groups,
            }
        )
    return rows


# The small pool that the battery runs on: the groups exist beforehand, because the
# battery keeps to the operations that the connector uses, and none of them makes one.
BATTERY_GROUPS = [
    {"name": "admins", "description": "Runs the place", "precedence": 0, "role": True},
    {"name": "plain"},
    {"name": "readers", "description": "Reads", "precedence": 5},
    {"name": "crowd", "precedence": 6},
    {"name": "empty", "precedence": 7},
]

# What people sign in with decides what a username may be, so each has a pool of its own.
SIGN_IN_POOLS = {"address": "UsernameAttributes", "alias": "AliasAttributes"}


if __name__ == "__main__":
    print(json.dumps({"users": users(), "groups": GROUPS, "battery_groups": BATTERY_GROUPS}))
