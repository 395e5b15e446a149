"""Tests of setting the consumers of Kafka back."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import kafka_offsets


class BackTest(unittest.TestCase):
    def test_named_functions_are_as_they_were_and_all_others_stay(self) -> None:
        now = {"record-write/records/0": 9, "record-write/records/1": 4, "event-archive/order-events/0": 7}
        before = {"record-write/records/0": 3, "event-archive/order-events/0": 2}
        # Partition 1 was not read then: without an offset it is read from its beginning.
        expected = {"record-write/records/0": 3, "event-archive/order-events/0": 7}
        self.assertEqual(kafka_offsets.back(now, before, {"record-write"}), expected)

    def test_file_has_the_offsets_that_the_trigger_reads_at_its_start(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "kafka-offsets.json"
            with mock.patch.object(kafka_offsets, "FILE", file):
                self.assertEqual(kafka_offsets.read(), {})
                file.write_text(json.dumps({"event-record/order-events/0": 5}))
                kafka_offsets.set_back({"event-record/order-events/0": 2}, {"event-record"})
                self.assertEqual(kafka_offsets.read(), {"event-record/order-events/0": 2})


if __name__ == "__main__":
    unittest.main()
