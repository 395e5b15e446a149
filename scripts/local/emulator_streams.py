"""Partial batch responses of functions that read a stream. Only the emulator's environment can import this module.

ministack 1.5.33 takes any response as success and reads on behind the batch. AWS, for a mapping that reports
`ReportBatchItemFailures`, resumes at the first record that failed.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb, kinesis, lambda_svc

Json = dict[str, Any]

_execute_function: Callable[[Json, Json], Json] = lambda_svc._execute_function


def first_failed(result: Json) -> str:
    """The sequence number that a response reports; empty if it reports none."""
    body = result.get("body")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return ""
    failures = body.get("batchItemFailures") if isinstance(body, dict) else None
    return str(failures[0].get("itemIdentifier", "")) if failures else ""


def _index_of(sequence_number: str, sequence_numbers: list[str]) -> int | None:
    return sequence_numbers.index(sequence_number) if sequence_number in sequence_numbers else None


def _resume_table(mapping: Json, sequence_number: str) -> bool:
    positions, key = lambda_svc._dynamodb_stream_positions, mapping["UUID"]
    table = mapping["EventSourceArn"].split("/")[1]
    with lambda_svc._dynamodb_stream_positions_lock:
        records = dynamodb.stream_records_since(table, positions[key], mapping["BatchSize"])
        index = _index_of(sequence_number, [record["dynamodb"]["SequenceNumber"] for record in records])
        if index is not None:
            positions[key] += index
    return index is not None


def _resume_shard(mapping: Json, shard: str, sequence_number: str) -> bool:
    positions = lambda_svc._kinesis_positions[mapping["UUID"]]
    stream = kinesis._streams[mapping["EventSourceArn"].rsplit("/", 1)[1]]
    records = stream["shards"][shard]["records"][positions[shard] :]
    index = _index_of(sequence_number, [record["SequenceNumber"] for record in records])
    if index is not None:
        positions[shard] += index
    return index is not None


def _resume(function: Json, first: Json, sequence_number: str) -> bool:
    """Moves the position of the mapping that delivered a batch to a record of it. False if no mapping did."""
    name = (function.get("config") or function).get("FunctionName")
    for *_, mapping in lambda_svc._iter_all_esms():
        if (mapping["EventSourceArn"], mapping["FunctionName"]) == (first.get("eventSourceARN"), name):
            if first["eventSource"] == "aws:dynamodb":
                return _resume_table(mapping, sequence_number)
            return _resume_shard(mapping, first["eventID"].split(":")[0], sequence_number)
    return False


def install() -> None:
    """Replaces the call of a function, which the pollers look up at each batch."""

    def execute(function: Json, event: Json) -> Json:
        result = _execute_function(function, event)
        records = event.get("Records") if isinstance(event, dict) else None
        if result.get("error") or not records or records[0].get("eventSource") not in ("aws:dynamodb", "aws:kinesis"):
            return result
        failed = first_failed(result)
        # The poller takes an error as: wait, then read on from the position.
        return {**result, "error": True} if failed and _resume(function, records[0], failed) else result

    lambda_svc._execute_function = execute
