"""Shards that scripts/chaos splits and merges. `scripts/test local` runs these tests."""

from pathlib import Path
from typing import Any
from unittest import mock

from botocore.exceptions import BotoCoreError, ClientError

import aws
import chaos_resharding
import process
from config import ScriptError
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
        self.enterContext(mock.patch.object(aws, "_client", lambda _service: self.streams))

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

    def fail_once_after(self, operation: str, error: Exception) -> None:
        """The next call of a list fails that follows a call of the operation."""
        has_been_called, lists = False, self.streams.list_shards
        call = getattr(self.streams, operation)

        def called(**parameters: object) -> Any:
            nonlocal has_been_called
            has_been_called = True
            return call(**parameters)

        def failing(**parameters: object) -> Any:
            if has_been_called:
                self.streams.list_shards = lists
                raise error
            return lists(**parameters)

        self.enterContext(mock.patch.object(self.streams, operation, called))
        self.enterContext(mock.patch.object(self.streams, "list_shards", failing))

    def test_children_are_merged_although_nothing_was_said_of_them_after_the_split(self) -> None:
        self.fail_once_after("split_shard", ClientError({"Error": {"Code": "InternalFailure"}}, "ListShards"))
        with self.assertRaisesRegex(ScriptError, "ListShards: InternalFailure"), chaos_resharding.resharding(self.log):
            self.fail("the shards are listed after the split")
        self.assertEqual(len(self.open_shards(chaos_resharding.STREAM)), 2)

    def test_all_children_are_merged_although_nothing_was_said_after_the_first_merge(self) -> None:
        self.fail_once_after("merge_shards", BotoCoreError())
        with self.assertRaisesRegex(ScriptError, "does not respond"), chaos_resharding.resharding(self.log) as made:
            made.merge()
        self.assertEqual(len(self.open_shards(chaos_resharding.STREAM)), 2)
        self.assertEqual(self.open_shards(chaos_resharding.STREAM), made.merged)

    def test_shard_that_cannot_be_split_is_an_error_of_the_script(self) -> None:
        refused = ClientError({"Error": {"Code": "LimitExceededException"}}, "SplitShard")
        with (
            mock.patch.object(self.streams, "split_shard", side_effect=refused),
            self.assertRaisesRegex(ScriptError, "SplitShard: LimitExceededException"),
            chaos_resharding.resharding(self.log),
        ):
            self.fail("it is split before anything else")

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
