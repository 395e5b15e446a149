"""A bus that rejects requests or some of their entries, for scripts/chaos. Only the emulator's environment can import
this module.

The file `bus-fault` beside the records holds the share of entries that is rejected, from 0 to 1. With 1, whole requests
fail with status 500, as in an outage; with less, single entries fail, as AWS does when it throttles. The file
`bus-rejected` gets a line for each rejected entry.
"""

import json
import random
from pathlib import Path
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge

FAULT, REJECTIONS = "bus-fault", "bus-rejected"

_put_events = eventbridge._put_events
REJECTED = {"ErrorCode": "ThrottlingException", "ErrorMessage": "The entry was rejected for a test."}


def rejected_share(fault: Path) -> float:
    try:
        return float(fault.read_text())
    except (FileNotFoundError, ValueError):
        return 0.0


def install(directory: Path) -> None:
    """Replaces `PutEvents`, which the emulator looks up at each request."""
    fault, chance = directory / FAULT, random.Random()

    def record(entries: list[Any]) -> None:
        with (directory / REJECTIONS).open("a") as file:
            file.writelines(f"{entry.get('DetailType')}\n" for entry in entries)

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        share = rejected_share(fault)
        if not share or allow_aws_source:
            return _put_events(data, allow_aws_source)
        if share >= 1:
            record(data.get("Entries", []))
            return error_response_json("InternalException", "The bus is down for a test.", 500)
        is_rejected = [chance.random() < share for _ in data.get("Entries", [])]
        accepted = [entry for entry, no in zip(data["Entries"], is_rejected, strict=True) if not no]
        record([entry for entry, no in zip(data["Entries"], is_rejected, strict=True) if no])
        status, headers, body = _put_events({**data, "Entries": accepted}, allow_aws_source)
        if status != 200:
            return status, headers, body
        answered = json.loads(body)
        results = iter(answered["Entries"])
        entries = [REJECTED if no else next(results) for no in is_rejected]
        failed = answered["FailedEntryCount"] + sum(is_rejected)
        return status, headers, json.dumps({"FailedEntryCount": failed, "Entries": entries}).encode()

    eventbridge._put_events = put_events
