"""The e-mails that MiniStack would have sent, which it keeps for everybody to read.

Usage: sent.py ENDPOINT
Prints [{"to": [...], "text"}].
"""

import json
import sys
import urllib.request


def main():
    """Reads all of them."""
    (endpoint,) = sys.argv[1:]
    with urllib.request.urlopen(endpoint + "/_ministack/ses/messages") as answer:
        accounts = json.load(answer)["messages"]
    found = [
        {"to": message["To"], "text": message["BodyText"] or message["BodyHtml"]}
        for messages in accounts.values()
        for message in messages
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
