"""A credential helper that keeps secrets in files of the folder FAKE_HELPER, and a log of its calls.

FAKE_HELPER_FAILS names an action that fails with FAKE_HELPER_SAYS on standard output.
"""

import json
import os
import sys

folder, action = os.environ["FAKE_HELPER"], sys.argv[1]
given = sys.stdin.read()
with open(os.path.join(folder, "log"), "a") as log:
    log.write(f"{action} {given}\n")
if os.environ.get("FAKE_HELPER_FAILS") == action:
    sys.stdout.write(os.environ.get("FAKE_HELPER_SAYS", ""))
    sys.exit(4)


def kept(server):
    return os.path.join(folder, server.replace("/", "_"))


if action == "store":
    with open(kept(json.loads(given)["ServerURL"]), "w") as file:
        file.write(given)
elif not os.path.exists(kept(given)):
    print("credentials not found in native keychain")
    sys.exit(1)
elif action == "get":
    print(open(kept(given)).read())
else:
    os.remove(kept(given))
