"""Talks to a running microburst.

Usage: burst.py ENDPOINT warm POOL | rules | fired
`warm` sends one request through it, because the first one of a fresh process takes seconds;
`rules` reads a list of rules from standard input, in the form of microburst's documentation,
and puts it in the place of the present ones; `fired` prints which faults have struck since then,
as a list of {"operation", "action"}.
"""

import http.client
import json
import sys
from urllib.parse import urlsplit

from aws import TIMEOUT_SECONDS, client

# More than any test has struck.
FIRED_LIMIT = 10_000


def control(endpoint, method, path, body=None):
    """One request to the part of microburst that is not a proxy."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=TIMEOUT_SECONDS)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, f"/_microburst/{path}", body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text)
    finally:
        connection.close()


def main():
    """Does what the command line says."""
    endpoint, what, *rest = sys.argv[1:]
    if what == "warm":
        (pool,) = rest
        client("cognito-idp", endpoint, "test", "test").describe_user_pool(UserPoolId=pool)
        result = None
    elif what == "rules":
        control(endpoint, "DELETE", "fired")
        result = control(endpoint, "POST", "rules", sys.stdin.read())
    else:
        events = control(endpoint, "GET", f"fired?limit={FIRED_LIMIT}")
        result = [{name: event[name] for name in ("operation", "action")} for event in events]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
