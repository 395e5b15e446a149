"""Invocations that make a function take an action: its sample event, or a record that it cannot read."""

import base64
import copy
import json
from dataclasses import replace
from typing import Any

import aws
import catalog
import config
import emulator_records
import iam_states
import sample_data
from config import ScriptError
from emulator_records import Decision
from sample_data import StackData

Json = dict[str, Any]

UNREADABLE = "not an event"


def unreadable(event: Json) -> Json:
    """A batch with its records made unreadable, which makes a consumer send them to its dead-letter queue."""
    batch = copy.deepcopy(event)
    encoded = base64.b64encode(UNREADABLE.encode()).decode()
    for record in batch.get("Records", []):
        if "kinesis" in record:
            record["kinesis"]["data"] = encoded
        elif "dynamodb" in record:
            # A product without its attributes.
            record["dynamodb"]["NewImage"] = record["dynamodb"]["Keys"]
        elif "s3" in record:
            # A key that names no upload.
            record["s3"]["object"]["key"] = "unreadable"
        else:
            record["body"] = UNREADABLE
            record["messageId"] = f"unreadable-{sample_data.new_tag()}"
    records = batch.get("records", {})
    for record in [record for topic in records.values() for record in topic]:
        record["value"] = encoded
    return batch


def invoke_sample(function: str, data: StackData) -> None:
    """The sample event as if it were new, and those for further states; a failure is no error here."""
    fresh = replace(data, tag=sample_data.new_tag())
    for event in [fresh.event(function), *iam_states.events(function, fresh)]:
        _invoke(function, iam_states.through_distribution(function, event))


def invoke_unreadable(function: str, data: StackData) -> None:
    _invoke(function, unreadable(data.event(function)))


def _invoke(function: str, event: Any) -> None:
    try:
        aws.invoke(function, event)
    except ScriptError:
        # A function whose permission is missing may fail; what counts is the decision that the emulator recorded.
        return


def decisions(function: str) -> list[Decision]:
    """The recorded decisions about a function."""
    name = config.physical_name(function)
    return [decision for decision in emulator_records.decisions(config.LOGS) if decision.function == name]


def denials(function: str) -> int:
    return sum(not decision.allowed for decision in decisions(function))


def denied_since(function: str, known: int) -> set[str]:
    """The actions that were denied after the first `known` denials."""
    denied = [decision for decision in decisions(function) if not decision.allowed]
    return {decision.action for decision in denied[known:]}


def called() -> dict[str, set[str]]:
    """The actions that each function was allowed since the emulator started."""
    found: dict[str, set[str]] = {}
    for decision in emulator_records.decisions(config.LOGS):
        if decision.allowed:
            found.setdefault(config.catalog_name(decision.function), set()).add(decision.action)
    return {name: actions for name, actions in found.items() if name in catalog.functions()}


def purge_dead_letters(functions: list[str]) -> None:
    """Removes what the unreadable records left."""
    for function in functions:
        url = aws.variables(function).get("DEAD_LETTER_QUEUE_URL")
        if url:
            aws.purge(url)


def keys_of(decision: Decision) -> Json:
    keys: Json = json.loads(decision.keys)
    return keys
