"""Shards of the stream of analytics that scripts/chaos splits while orders flow. Their children are merged once one of
them has been read. On AWS an on-demand stream changes its shards by itself, as its traffic does.
"""

import re
from collections import Counter
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


class Resharding:
    """The shards that were split, their children, and what these were merged into."""

    def __init__(self, log: Path) -> None:
        self.client, self.batches = aws.client("kinesis", config.aws_env()), Batches(log)
        self.split: list[str] = []
        self.children: list[str] = []
        self.merged: list[str] = []

    def shards(self) -> list[Json]:
        listed: list[Json] = self.client.list_shards(StreamName=STREAM)["Shards"]
        return listed

    def children_of(self, shard: str) -> list[str]:
        return [each["ShardId"] for each in self.shards() if each.get("ParentShardId") == shard]

    def split_all(self) -> None:
        """Splits each open shard into halves."""
        for each in self.shards():
            if "EndingSequenceNumber" in each["SequenceNumberRange"]:
                continue
            shard, keys = each["ShardId"], each["HashKeyRange"]
            middle = (int(keys["StartingHashKey"]) + int(keys["EndingHashKey"])) // 2 + 1
            self.client.split_shard(StreamName=STREAM, ShardToSplit=shard, NewStartingHashKey=str(middle))
            self.split.append(shard)
            self.children += self.children_of(shard)

    def merge(self) -> None:
        """Merges the children that are not merged."""
        for at in range(2 * len(self.merged), len(self.children), 2):
            low, high = self.children[at : at + 2]
            self.client.merge_shards(StreamName=STREAM, ShardToMerge=low, AdjacentShardToMerge=high)
            self.merged += self.children_of(low)

    def look(self) -> int:
        """Merges once a child has been read. Returns how many batches of the merged shards have been read."""
        if self.batches.of(self.children):
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
