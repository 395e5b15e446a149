"""What the AWS emulator records for scripts/observe and scripts/cost: log lines of functions, and calls of AWS APIs.

Both are files of JSON lines that begin anew with the emulator. Payloads are not recorded, only how many entries a call
has and how long they are. Only the standard library: the emulator's environment imports this module, too.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

# The directory of the two files; nothing is recorded without it.
VARIABLE = "QUAYSIDE_RECORDS"
LINES = "function-lines.jsonl"
CALLS = "aws-calls.jsonl"

# Members of a request body that hold its entries.
_LISTS = ("Entries", "Records", "TransactItems", "PutRequest")


class Records:
    """Appends to both files. Each record is one write, so that threads do not interleave."""

    def __init__(self, directory: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        self._lines = os.open(directory / LINES, flags, 0o600)
        self._calls = os.open(directory / CALLS, flags, 0o600)

    def log(self, group: str, messages: Sequence[str]) -> None:
        """The log lines of one invocation."""
        function = group.removeprefix("/aws/lambda/")
        records = [json.dumps({"function": function, "message": message}) for message in messages]
        os.write(self._lines, ("\n".join(records) + "\n").encode())

    def call(self, caller: str | None, service: str, action: str, path: str, body: bytes) -> None:
        """One API call. `caller` is the ARN of an assumed role, or that of the root account."""
        record = {"caller": caller, "service": service, "action": action, "target": target(service, path, body)}
        os.write(self._calls, (json.dumps({**record, "entries": entries(service, body)}) + "\n").encode())


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
