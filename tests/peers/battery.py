"""The same calls against any endpoint, and what AWS documents for each.

A case makes one observation, reduced to what every faithful service must agree on. Next
to it stands the documented value and where it is documented. Nothing here knows which
endpoint it talks to: what a peer does otherwise is listed in deviations.json.

Reads from standard input {"endpoint", "key", "secret", "pool", "missing_pool", "sign_in_pools":
{"address", "alias"}, "denied": {"id", "secret"}, "session": {"id", "secret", "token"}}; the pool
holds the groups of plan.BATTERY_GROUPS and no user, the pools for signing in hold nothing and
are those of plan.SIGN_IN_POOLS, `key` may do everything the connector does to any pool,
`denied` may do nothing but ListUsers, `session` is temporary and may at least do that.
Prints {case: {"observed", "documented", "source"}}.
"""

import json
import sys
from importlib import import_module

from case import CASES, Pool, fill

# In this order: the cases on groups and accounts change what the ones before them read.
CASE_MODULES = ["wire", "signatures", "pool", "users", "groups", "accounts", "sign_in", "model"]


def main():
    """Runs every case; one that fails to observe anything says so in its observation."""
    for module in CASE_MODULES:
        import_module(f"cases.{module}")
    pool = Pool(json.load(sys.stdin))
    fill(pool)
    report = {}
    for name, documented, source, function in CASES:
        try:
            observed = function(pool)
        except Exception as problem:
            observed = f"no observation: {type(problem).__name__}: {problem}"
        report[name] = {"observed": observed, "documented": documented, "source": source}
    print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
