"""Shards that scripts/chaos splits and merges. `scripts/test local` runs these tests."""

from pathlib import Path
from unittest import mock

import aws
import chaos_resharding
import config
import process
from testing_emulator import DEADLINE_S, StreamTest


class Resharding(StreamTest):
    """A stream with two shards, and a function that reads it."""

    code = """
import base64

def handler(event, context):
    for record in event["Records"]:
        print("received", base64.b64decode(record["kinesis"]["data"]).decode())
"""

    def setUp(self) -> None:
        super().setUp()
        self.streams, self.log = self.client("kinesis"), self.directory / "log"
        self.streams.create_stream(StreamName=chaos_resharding.STREAM, ShardCount=2)
        self.map(chaos_resharding.STREAM, "TRIM_HORIZON", 100)
        self.enterContext(mock.patch.object(aws, "client", lambda service, _env: self.client(service)))
        self.enterContext(mock.patch.object(config, "aws_env", dict))

    def put(self, content: int) -> None:
        """A record for each of two shards."""
        for key in ("low", "high"):
            self.streams.put_record(StreamName=chaos_resharding.STREAM, Data=str(content).encode(), PartitionKey=key)

    def test_children_are_merged_once_one_is_read_and_every_record_is_received_once(self) -> None:
        self.put(1)
        with chaos_resharding.resharding(self.log) as made:
            self.assertEqual(len(self.open_shards(chaos_resharding.STREAM)), 4)
            self.assertEqual((len(made.split), len(made.children)), (2, 4))
            self.assertEqual((made.look(), made.merged), (0, []))
            self.put(2)
            self.assertTrue(process.wait_until(lambda: made.look() == 0 and bool(made.merged), DEADLINE_S))
            self.assertEqual(self.open_shards(chaos_resharding.STREAM), made.merged)
            self.put(3)
            self.assertTrue(process.wait_until(lambda: made.look() == 2, DEADLINE_S))
        self.assertEqual(self.open_shards(chaos_resharding.STREAM), made.merged)
        process.wait_until(lambda: len(self.received()) >= 6, DEADLINE_S)
        self.assertEqual(sorted(self.received()), [["1"], ["1"], ["2"], ["2"], ["3"], ["3"]])

    def test_children_that_nobody_has_read_are_merged_at_the_end(self) -> None:
        with chaos_resharding.resharding(self.log) as made:
            self.assertEqual(made.look(), 0)
        self.assertEqual(self.open_shards(chaos_resharding.STREAM), made.merged)
        self.assertEqual(len(made.merged), 2)

    def test_line_of_the_log_that_is_not_complete_is_read_later(self) -> None:
        log = Path(self.directory / "other")
        log.write_text(f"processed 1 Kinesis records from {chaos_resharding.STREAM}/a\n")
        batches = chaos_resharding.Batches(log)
        with log.open("a") as file:
            file.write(f"processed 1 Kinesis records from {chaos_resharding.STREAM}/a\n")
            file.write(f"processed 1 Kinesis records from {chaos_resharding.STREAM}/")
        self.assertEqual(batches.of(["a", "b"]), 1)
        with log.open("a") as file:
            file.write("b\n")
        self.assertEqual((batches.of(["b"]), batches.of(["a", "b"])), (1, 2))
