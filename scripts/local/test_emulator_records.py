"""What is recorded of a call: whom it concerns and the length of its entries, and no payload."""

import json
import tempfile
import unittest
from pathlib import Path

import emulator_records

SESSION = "arn:aws:sts::000000000000:assumed-role/q-order-place-role/q-order-place"


def body(**members: object) -> bytes:
    return json.dumps(members).encode()


class Calls(unittest.TestCase):
    def test_entries_of_a_batch_are_counted_with_their_length(self) -> None:
        self.assertEqual(emulator_records.entries("events", body(Entries=[{"a": 1}, {"a": 10}])), [7, 8])
        self.assertEqual(emulator_records.entries("dynamodb", body(RequestItems={"t": [{}, {}], "u": [{}]})), [2, 2, 2])
        self.assertEqual(emulator_records.entries("sqs", b"12345"), [5], "a call without a list has one entry")
        self.assertEqual(emulator_records.entries("s3", b'{"Entries": []}'), [15], "an object is not looked into")

    def test_messages_of_the_query_protocol_are_counted(self) -> None:
        sent = b"Action=PublishBatch&TopicArn=arn:aws:sns:r:1:updates&M.member.1.Message=abc&M.member.2.Message=%C3%A9"
        self.assertEqual(emulator_records.entries("sns", sent), [3, 2])
        self.assertEqual(emulator_records.target("sns", "/", sent), "updates")

    def test_target_is_the_last_part_of_a_name_or_address(self) -> None:
        self.assertEqual(emulator_records.target("s3", "/bucket/a/key", b""), "bucket")
        self.assertEqual(emulator_records.target("sqs", "/", body(QueueUrl="http://h/1/queue")), "queue")
        self.assertEqual(emulator_records.target("events", "/", body(Entries=[])), "")

    def test_records_have_no_payload_and_are_read_from_a_position(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            records = emulator_records.Records(directory)
            records.call(SESSION, "events", "PutEvents", "/", body(Entries=[{"Detail": "secret"}]))
            self.assertNotIn("secret", (directory / emulator_records.CALLS).read_text())
            found, position = emulator_records.read(directory / emulator_records.CALLS)
            self.assertEqual([(one["function"], one["action"]) for one in found], [("q-order-place", "PutEvents")])
            records.call(None, "sqs", "SendMessage", "/", b"{}")
            found, position = emulator_records.read(directory / emulator_records.CALLS, position)
            self.assertEqual([one["action"] for one in found], ["SendMessage"])
            self.assertEqual(emulator_records.read(directory / emulator_records.CALLS, position)[0], [])

    def test_function_is_the_session_of_its_role_and_other_principals_are_none(self) -> None:
        self.assertEqual(emulator_records.function_of(SESSION), "q-order-place")
        for principal in (None, "", "arn:aws:iam::1:root", "arn:aws:iam::1:role/x", "arn:aws:sts::1:assumed-role/x"):
            self.assertEqual(emulator_records.function_of(principal), "", principal)

    def test_line_that_is_not_yet_whole_is_left_for_later(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "lines"
            path.write_text('{"a": 1}\n{"a"')
            self.assertEqual(emulator_records.read(path), ([{"a": 1}], 9))
            path.write_text("")
            self.assertEqual(emulator_records.read(path, 9), ([], 0), "the file was emptied")


if __name__ == "__main__":
    unittest.main()
