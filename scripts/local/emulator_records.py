"""What the AWS emulator records of functions: log lines, calls of AWS APIs, and what its IAM decides about these; and
what services do of their own accord, as CloudTrail records it.

scripts/observe, scripts/cost and scripts/iam read them. All are files of JSON lines, empty when the emulator starts.
Payloads are not recorded, only how many entries a call has and how long they are. The session of a function's role has
the name of the function, in the emulator as on AWS: that is how a call is attributed to it. Only the standard library:
the emulator's environment imports this module, too.
"""

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

# The directory of the files; nothing is recorded without it.
VARIABLE = "QUAYSIDE_RECORDS"
LINES = "function-lines.jsonl"
CALLS = "aws-calls.jsonl"
DECISIONS = "aws-decisions.jsonl"
TRAIL = "aws-trail.jsonl"

# arn:aws:sts::000000000000:assumed-role/<role>/<session>
_SESSION = re.compile(r"^arn:[^:]*:sts::\d*:assumed-role/.*/([^/]+)$")

# Members of a request body that hold its entries.
_LISTS = ("Entries", "Records", "TransactItems", "PutRequest")


class Decision(NamedTuple):
    """What was decided about one action on one resource. The function has its physical name."""

    function: str
    action: str
    resource: str
    # The condition keys that the service added, as a JSON object.
    keys: str
    allowed: bool


def function_of(principal: str | None) -> str:
    """The physical name of the function whose role a principal has; empty for the scripts and the emulator itself."""
    session = _SESSION.match(principal or "")
    return session[1] if session else ""


class Records:
    """Appends to the files. Each record is one write, so that threads do not interleave."""

    def __init__(self, directory: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        self._lines = os.open(directory / LINES, flags, 0o600)
        self._calls = os.open(directory / CALLS, flags, 0o600)
        self._decisions = os.open(directory / DECISIONS, flags, 0o600)
        self._trail = os.open(directory / TRAIL, flags, 0o600)
        self._known: set[Decision] = set()
        self._lock = threading.Lock()

    def log(self, group: str, messages: Sequence[str]) -> None:
        """The log lines of one invocation."""
        function = group.removeprefix("/aws/lambda/")
        records = [json.dumps({"function": function, "message": message}) for message in messages]
        os.write(self._lines, ("\n".join(records) + "\n").encode())

    def call(self, principal: str | None, service: str, action: str, path: str, body: bytes) -> None:
        """One API call, of a function or of another principal."""
        caller = function_of(principal)
        record = {"function": caller, "service": service, "action": action, "target": target(service, path, body)}
        os.write(self._calls, (json.dumps({**record, "entries": entries(service, body)}) + "\n").encode())

    def decision(self, principal: str, action: str, resource: str, keys: Mapping[str, Any], allowed: bool) -> None:
        """A decision about a function: one to allow once, one to deny each time."""
        function = function_of(principal)
        if not function:
            return
        made = Decision(function, action, resource, json.dumps(keys, sort_keys=True), allowed)
        with self._lock:
            if made in self._known:
                return
            if allowed:
                self._known.add(made)
        os.write(self._decisions, (json.dumps(made._asdict()) + "\n").encode())

    def trail(self, event: Mapping[str, Any]) -> None:
        """An event of a service, in the form that CloudTrail gives it."""
        os.write(self._trail, (json.dumps(dict(event)) + "\n").encode())


def target(service: str, path: str, body: bytes) -> str:
    """What is called: a bucket, a queue, a topic or a stream; empty if the call names several or none."""
    if service == "s3":
        return path.strip("/").split("/")[0]
    content = _json(body)
    for member in ("QueueUrl", "StreamName", "StreamARN", "TableName", "SecretId"):
        if isinstance(content.get(member), str):
            return str(content[member]).rsplit("/", 1)[-1]
    form = _form(body)
    return next((form[name].rsplit(":", 1)[-1] for name in ("TopicArn", "TargetArn") if name in form), "")


def entries(service: str, body: bytes) -> list[int]:
    """Bytes of each entry that a call carries: events, messages, records or items. A call with one has one."""
    if service == "s3":
        return [len(body)]
    content = _json(body)
    for member in _LISTS:
        if isinstance(content.get(member), list):
            return [len(json.dumps(entry, separators=(",", ":"))) for entry in content[member]]
    if isinstance(content.get("RequestItems"), dict):
        items = (item for table in content["RequestItems"].values() for item in table)
        return [len(json.dumps(item, separators=(",", ":"))) for item in items]
    messages = [value for name, value in _form(body).items() if name.endswith(".Message")]
    return [len(message.encode()) for message in messages] or [len(body)]


def _json(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _form(body: bytes) -> dict[str, str]:
    """The members of a request in the query protocol, which SNS has."""
    if not body.startswith((b"Action=", b"Version=")):
        return {}
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def read(path: Path, start: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The records from a position on, and the position after the last whole one. A new file is read whole."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            position = start if start <= size else 0
            file.seek(position)
            content = file.read(size - position)
    except FileNotFoundError:
        return [], 0
    whole = content[: content.rfind(b"\n") + 1]
    return list(_parsed(whole)), position + len(whole)


def _parsed(content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        record = json.loads(line)
        if isinstance(record, dict):
            yield record


def decisions(directory: Path) -> list[Decision]:
    """All decisions so far."""
    return [Decision(**record) for record in read(directory / DECISIONS)[0]]
