"""How functions read a stream. Only the emulator's environment can import this module.

Partial batch responses: ministack 1.5.33 takes any response as success and reads on behind the batch. AWS, for a
mapping that reports `ReportBatchItemFailures`, resumes at the first record that failed.

Shards that are split or merged: ministack deletes them with what nobody has read, and a mapping leaves out what a new
shard has when it first looks at it. AWS closes them, and a mapping reads a shard from its beginning once it has read
its parents. It refuses to split or merge a closed shard, and does not count it. What stays different here: closed
shards never disappear, an iterator of one never ends, and a subscription to one does not name its children; shards that
are merged need not be adjacent, and their stream may be on demand and is never `UPDATING`; `UpdateShardCount` deletes
all shards with what nobody has read.

Old records: ministack drops them after the retention of the stream, which is a day. The positions of mappings and
iterators count from the first record that is left, so that a mapping leaves out as many records that it has not read.
Here they stay. To move the positions is not enough: the end of a batch that is under way would put its own back.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb, kinesis, lambda_svc

Json = dict[str, Any]

PARENTS, END = ("parent_shard_id", "adjacent_parent_shard_id"), "ending_sequence_number"
# A position behind all records.
NOT_YET = sys.maxsize

_execute_function: Callable[[Json, Json], Json] = lambda_svc._execute_function
_build_shards, _shard_out = kinesis._build_shards, kinesis._shard_out
_split_shard, _merge_shards = kinesis._split_shard, kinesis._merge_shards
_init_stream_position = lambda_svc._init_stream_position


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


class Shards(dict[str, Json]):
    """The shards of a stream. One that a split or a merge would delete is closed."""

    def __len__(self) -> int:
        """How many are open, which the emulator returns as the counts of a stream."""
        return sum(END not in content for content in self.values())

    def __delitem__(self, shard: str) -> None:
        self[shard][END] = kinesis._next_sequence_number()

    def items(self) -> Any:
        """As they are now: the poller, in a thread of its own, goes through them meanwhile."""
        return list(super().items())


class Positions(dict[str, int]):
    """Where a mapping is in each shard. A shard without a position is read from its beginning, once its parents are."""

    def __init__(self, source: str, starts_at_end: bool) -> None:
        super().__init__()
        self.stream = source.rsplit("/", 1)[1]
        if starts_at_end:
            self.update({shard: len(content["records"]) for shard, content in self.shards.items()})

    @property
    def shards(self) -> dict[str, Json]:
        shards: dict[str, Json] = kinesis._streams[self.stream]["shards"]
        return shards

    def __contains__(self, shard: object) -> bool:
        """The poller would put a shard without a position at its end."""
        return True

    def __missing__(self, shard: str) -> int:
        parents = (self.shards[shard][parent] for parent in PARENTS)
        if not all(self.is_read(parent) for parent in parents if parent):
            return NOT_YET
        return self.setdefault(shard, 0)

    def is_read(self, shard: str) -> bool:
        return len(self.shards[shard]["records"]) <= self[shard] < NOT_YET


def _open_shard(hash_key: int, stream: Json) -> str:
    """The shard that gets a record."""
    shard: str = next(
        shard
        for shard, content in stream["shards"].items()
        if END not in content and int(content["starting_hash_key"]) <= hash_key <= int(content["ending_hash_key"])
    )
    return shard


def _unless_closed(operation: Callable[[Json], Any], *members: str) -> Callable[[Json], Any]:
    """Refuses an operation if one of these members names a closed shard."""

    def unless_closed(request: Json) -> Any:
        _, stream = kinesis._resolve_stream(request)
        for shard in (request.get(member) for member in members):
            if stream and END in stream["shards"].get(shard, {}):
                reason = f"Shard {shard} has already been split or merged."
                return error_response_json("InvalidArgumentException", reason, 400)
        return operation(request)

    return unless_closed


def _described(name: str, shard: Json) -> Json:
    described: Json = _shard_out(name, shard)
    if END in shard:
        described["SequenceNumberRange"]["EndingSequenceNumber"] = shard[END]
    return described


def _start(mapping: str, source: str, position: str) -> None:
    """Where a mapping begins to read."""
    _init_stream_position(mapping, source, position)
    if ":kinesis:" in source:
        lambda_svc._kinesis_positions[mapping] = Positions(source, position != "TRIM_HORIZON")


def install() -> None:
    """Replaces the call of a function, which the pollers look up at each batch, and what they know of shards."""

    def execute(function: Json, event: Json) -> Json:
        result = _execute_function(function, event)
        records = event.get("Records") if isinstance(event, dict) else None
        if result.get("error") or not records or records[0].get("eventSource") not in ("aws:dynamodb", "aws:kinesis"):
            return result
        failed = first_failed(result)
        # The poller takes an error as: wait, then read on from the position.
        return {**result, "error": True} if failed and _resume(function, records[0], failed) else result

    lambda_svc._execute_function = execute
    kinesis._build_shards = lambda count, start_index=0: Shards(_build_shards(count, start_index))
    kinesis._route_to_shard, kinesis._shard_out = _open_shard, _described
    kinesis._expire_records = lambda _stream: None
    kinesis._split_shard = _unless_closed(_split_shard, "ShardToSplit")
    kinesis._merge_shards = _unless_closed(_merge_shards, "ShardToMerge", "AdjacentShardToMerge")
    lambda_svc._init_stream_position = _start
