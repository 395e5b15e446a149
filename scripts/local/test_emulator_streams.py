"""Where the emulator resumes a stream after a partial batch response, and how it reads shards that are split or merged.
`scripts/test local` runs these tests.
"""

import json
import subprocess
import unittest
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

import config
import process
from testing_emulator import DEADLINE_S, StreamTest

# Fails at the second record of a batch of three.
PARTIAL = """
def number_of(record):
    if "dynamodb" in record:
        return record["dynamodb"]["SequenceNumber"]
    return record["kinesis"]["sequenceNumber"]

def handler(event, context):
    numbers = [number_of(record) for record in event["Records"]]
    print("received", len(numbers))
    failed = numbers[1:2] if len(numbers) == 3 else []
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
"""

# Prints the key and the content of each record.
READER = """
import base64

def handler(event, context):
    for record in event["Records"]:
        content = base64.b64decode(record["kinesis"]["data"]).decode()
        print("received", record["kinesis"]["partitionKey"], content)
    return {"batchItemFailures": []}
"""

# A mapping has read a shard to its end. Then its record becomes older than the retention, and another one is put.
# Prints how many records the mapping has before it, and whether the shard counts as read. Runs in the environment of
# the emulator, whose API has no retention of less than a day.
EXPIRY = """
import emulator_streams
from ministack.services import kinesis

SHARD, RECORD = "shardId-000000000000", {"StreamName": "work", "Data": "MA==", "PartitionKey": "one"}
emulator_streams.install()
kinesis._create_stream({"StreamName": "work", "ShardCount": 1})
stream = kinesis._streams["work"]
kinesis._put_record(RECORD)
positions = emulator_streams.Positions(stream["StreamARN"], True)
stream["shards"][SHARD]["records"][0]["ApproximateArrivalTimestamp"] -= 25 * 3600
kinesis._put_record(RECORD)
print(len(stream["shards"][SHARD]["records"][positions[SHARD]:]), positions.is_read(SHARD))
"""


class Retention(unittest.TestCase):
    def test_record_that_expires_moves_no_position_over_one_that_is_not_read(self) -> None:
        python = config.tools()["emulator"] / "bin" / "python"
        env, here = config.clean_env(), Path(__file__).parent
        ended = subprocess.run([python, "-c", EXPIRY], env=env, cwd=here, capture_output=True, text=True, check=True)
        self.assertEqual(ended.stdout, "1 False\n")


class PartialResponse(StreamTest):
    code = PARTIAL

    def sizes(self) -> list[int]:
        """Of the batches that the function got."""
        return [int(size) for (size,) in self.received()]

    def read(self, source: str) -> None:
        """Reads a source that has three records."""
        self.map(source, "TRIM_HORIZON", 3)
        process.wait_until(lambda: len(self.sizes()) > 1, DEADLINE_S)
        self.assertEqual(self.sizes(), [3, 2])

    def test_table_is_read_on_from_the_record_that_failed(self) -> None:
        tables = self.client("dynamodb")
        created: dict[str, Any] = tables.create_table(
            TableName="work",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        for number in range(3):
            tables.put_item(TableName="work", Item={"id": {"S": str(number)}})
        self.read(created["TableDescription"]["LatestStreamArn"])

    def test_shard_is_read_on_from_the_record_that_failed(self) -> None:
        streams = self.client("kinesis")
        streams.create_stream(StreamName="work", ShardCount=1)
        status = streams.describe_stream(StreamName="work")["StreamDescription"]["StreamStatus"]
        self.assertEqual(status, "ACTIVE")
        for number in range(3):
            streams.put_record(StreamName="work", Data=json.dumps(number).encode(), PartitionKey="one")
        self.read("work")


class Resharding(StreamTest):
    """A stream with one shard, which is split while it has records that are not read, and merged again."""

    code = READER
    # Of the lower half of the hash keys, and of the upper one.
    KEYS = ("low", "high")
    MIDDLE = 2**127

    def setUp(self) -> None:
        super().setUp()
        self.streams, self.sent = self.client("kinesis"), 0
        self.streams.create_stream(StreamName="work", ShardCount=1)

    def put(self) -> None:
        """Three records of each key."""
        for number in range(self.sent, self.sent + 3):
            for key in self.KEYS:
                self.streams.put_record(StreamName="work", Data=str(number).encode(), PartitionKey=key)
        self.sent += 3

    def reshard(self) -> list[str]:
        """Splits and merges, with records before, between and after. Returns the parent and its children."""
        self.put()
        (parent,) = self.open_shards("work")
        self.streams.split_shard(StreamName="work", ShardToSplit=parent, NewStartingHashKey=str(self.MIDDLE))
        low, high = self.open_shards("work")
        self.put()
        self.streams.merge_shards(StreamName="work", ShardToMerge=low, AdjacentShardToMerge=high)
        self.put()
        return [parent, low, high]

    def records(self, shard: str) -> list[tuple[str, int]]:
        """Keys and contents."""
        start = {"StreamName": "work", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator = self.streams.get_shard_iterator(**start)["ShardIterator"]
        found = self.streams.get_records(ShardIterator=iterator)["Records"]
        return [(each["PartitionKey"], int(each["Data"])) for each in found]

    def assert_received(self, *numbers: int) -> None:
        """Each record once, and those of a key in the order in which they were sent."""
        process.wait_until(lambda: len(self.received()) >= len(numbers) * len(self.KEYS), DEADLINE_S)
        received = self.received()
        by_key = {key: [int(number) for each, number in received if each == key] for key in self.KEYS}
        self.assertEqual(by_key, {key: list(numbers) for key in self.KEYS})

    def test_closed_shards_keep_their_records_and_are_parents(self) -> None:
        parent, *children = self.reshard()
        (merged,) = self.open_shards("work")
        parents = {
            each["ShardId"]: (each.get("ParentShardId"), each.get("AdjacentParentShardId"))
            for each in self.streams.list_shards(StreamName="work")["Shards"]
        }
        of_parent = dict.fromkeys(children, (parent, None))
        self.assertEqual(parents, {parent: (None, None), **of_parent, merged: tuple(children)})
        for key, child in zip(self.KEYS, children, strict=True):
            self.assertEqual(self.records(child), [(key, number) for number in range(3, 6)])
        for shard, numbers in ((parent, range(3)), (merged, range(6, 9))):
            self.assertEqual(self.records(shard), [(key, number) for number in numbers for key in self.KEYS])

    def assert_refused(self, message: str) -> Any:
        return self.assertRaisesRegex(ClientError, f"InvalidArgumentException.*{message}")

    def test_closed_shards_are_not_split_or_merged_again(self) -> None:
        parent, low, high = self.reshard()
        shards = self.streams.list_shards(StreamName="work")["Shards"]
        for closed in (parent, low):
            with self.assert_refused(closed):
                self.streams.split_shard(StreamName="work", ShardToSplit=closed, NewStartingHashKey="1")
        (merged,) = self.open_shards("work")
        for pair in ((low, high), (high, low), (merged, high)):
            with self.assert_refused(next(shard for shard in pair if shard != merged)):
                self.streams.merge_shards(StreamName="work", ShardToMerge=pair[0], AdjacentShardToMerge=pair[1])
        self.assertEqual(self.streams.list_shards(StreamName="work")["Shards"], shards)

    def test_closed_shards_are_not_counted(self) -> None:
        self.reshard()
        summary = self.streams.describe_stream_summary(StreamName="work")["StreamDescriptionSummary"]
        self.assertEqual(summary["OpenShardCount"], 1)
        updated = self.streams.update_shard_count(StreamName="work", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
        self.assertEqual((updated["CurrentShardCount"], updated["TargetShardCount"]), (1, 2))

    def test_mapping_reads_parents_to_their_end_and_then_their_children(self) -> None:
        self.put()
        mapping = self.map("work", "TRIM_HORIZON", 2)
        self.assert_received(*range(3))
        self.functions.update_event_source_mapping(UUID=mapping, Enabled=False)
        self.reshard()
        self.functions.update_event_source_mapping(UUID=mapping, Enabled=True)
        self.assert_received(*range(12))

    def test_mapping_created_after_resharding_reads_closed_shards_from_their_beginning(self) -> None:
        self.reshard()
        self.map("work", "TRIM_HORIZON", 2)
        self.assert_received(*range(9))

    def test_mapping_that_starts_at_the_end_leaves_out_what_closed_shards_had(self) -> None:
        self.reshard()
        self.map("work", "LATEST", 2)
        self.put()
        self.assert_received(*range(9, 12))
