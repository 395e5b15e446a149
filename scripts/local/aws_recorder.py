"""Records what the AWS emulator decides about the actions of functions: a file of JSON lines, one decision each.

The session of a function's role has the name of the function, in the emulator as on AWS. A decision to allow is
recorded once, a decision to deny each time. The file begins anew with the emulator. Only the standard library: the
emulator's environment imports this module, too.
"""

import json
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

# Names the file; nothing is recorded without it.
VARIABLE = "QUAYSIDE_DECISIONS"

# arn:aws:sts::000000000000:assumed-role/<role>/<session>
_SESSION = re.compile(r"^arn:[^:]*:sts::\d*:assumed-role/.*/([^/]+)$")


class Decision(NamedTuple):
    """What was decided about one action on one resource. The function has its physical name."""

    function: str
    action: str
    resource: str
    # The condition keys that the service added, as a JSON object.
    keys: str
    allowed: bool


class Recorder:
    """Appends decisions. Each is one write, so that threads do not interleave."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._known: set[Decision] = set()
        self._lock = threading.Lock()

    def add(self, principal: str, action: str, resource: str, keys: Mapping[str, Any], allowed: bool) -> None:
        """Records a decision about the session of a role. Other principals are the scripts and the emulator itself."""
        session = _SESSION.match(principal)
        if not session:
            return
        decision = Decision(session[1], action, resource, json.dumps(keys, sort_keys=True), allowed)
        with self._lock:
            if decision in self._known:
                return
            if allowed:
                self._known.add(decision)
        os.write(self._file, (json.dumps(decision._asdict()) + "\n").encode())


def read(path: Path) -> list[Decision]:
    """All decisions so far. A line that is being written is left out."""
    if not path.exists():
        return []
    text = path.read_text()
    return [Decision(**json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]
