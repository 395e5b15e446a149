"""Shards of the stream of analytics that scripts/chaos splits while orders flow. Their children are merged once one of
them has been read. On AWS an on-demand stream changes its shards by itself, as its traffic does.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aws
import config

Json = dict[str, Any]

STREAM = config.physical_name("analytics")
# The emulator logs this of a batch whose function has succeeded.
READ = re.compile(rf"Kinesis records from {STREAM}/(\S+)".encode())


class Batches:
    """How many batches of each shard have been read since this began."""

    def __init__(self, log: Path) -> None:
        self.log, self.position = log, log.stat().st_size
        self.read: Counter[str] = Counter()

    def of(self, shards: list[str]) -> int:
        with self.log.open("rb") as file:
            file.seek(self.position)
            lines = file.read()
        # The last line may not be complete.
        lines = lines[: lines.rfind(b"\n") + 1]
        self.position += len(lines)
        self.read.update(shard.decode() for shard in READ.findall(lines))
        return sum(self.read[shard] for shard in shards)


def open_shards() -> list[Json]:
    return [each for each in aws.shards(STREAM) if "EndingSequenceNumber" not in each["SequenceNumberRange"]]


def children_of(parents: list[str]) -> list[str]:
    return [each["ShardId"] for each in aws.shards(STREAM) if each.get("ParentShardId") in parents]


class Resharding:
    """The shards that were split, their children, and what these were merged into."""

    def __init__(self, log: Path) -> None:
        self.batches = Batches(log)
        self.split: list[str] = []
        self.children: list[str] = []
        self.merged: list[str] = []

    def split_all(self) -> None:
        """Splits each open shard into halves."""
        for each in open_shards():
            shard, keys = each["ShardId"], each["HashKeyRange"]
            middle = (int(keys["StartingHashKey"]) + int(keys["EndingHashKey"])) // 2 + 1
            aws.split_shard(STREAM, shard, middle)
            self.split.append(shard)
        self.children = children_of(self.split)

    def merge(self) -> None:
        """Merges open shards that have the same parent. They are looked up, because an earlier step may have failed."""
        siblings = defaultdict[str | None, list[str]](list)
        for each in open_shards():
            siblings[each.get("ParentShardId")].append(each["ShardId"])
        # Shards that no split or merge has made.
        siblings.pop(None, None)
        for low, high in (each for each in siblings.values() if len(each) == 2):
            aws.merge_shards(STREAM, low, high)
        self.merged = children_of(self.children)

    def look(self) -> int:
        """Merges once a child has been read. Returns how many batches of the merged shards have been read."""
        if not self.merged and self.batches.of(self.children):
            self.merge()
        return self.batches.of(self.merged)


@contextmanager
def resharding(log: Path) -> Iterator[Resharding]:
    """Gives the resharding once all shards are split. At its end there are as many as before."""
    made = Resharding(log)
    try:
        made.split_all()
        yield made
    finally:
        made.merge()
