"""What the emulator says of its queues, and how it rotates secrets. `scripts/test local` runs these tests."""

import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from typing import Any

import emulator_records
import process
from testing_emulator import DEADLINE_S, EmulatorTest

# Fails at one step.
ROTATION = """
def handler(event, context):
    if event["Step"] == FAILS_AT:
        raise Exception("the role does not exist")
"""


class Queues(EmulatorTest):
    def setUp(self) -> None:
        super().setUp()
        self.sqs = self.client("sqs")
        self.queue = self.sqs.create_queue(QueueName="work")["QueueUrl"]

    def measured(self, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_local/queues", data=data, method="PUT" if data else "GET")
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)["work"]

    def test_visible_messages_are_counted_and_received_ones_are_not(self) -> None:
        self.assertEqual(self.measured(), {"visible": 0, "oldest_s": 0})
        for _ in range(2):
            self.sqs.send_message(QueueUrl=self.queue, MessageBody="one")
        self.assertEqual(self.measured()["visible"], 2)
        self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=1, VisibilityTimeout=60)
        self.assertEqual(self.measured()["visible"], 1)

    def test_messages_are_made_older_and_say_so_when_they_are_received(self) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody="one")
        self.assertLess(self.measured()["oldest_s"], 900)
        self.assertGreaterEqual(self.measured({"queue": "work", "older_by_s": 1200})["oldest_s"], 1200)
        (message,) = self.sqs.receive_message(QueueUrl=self.queue, AttributeNames=["All"])["Messages"]
        self.assertLess(int(message["Attributes"]["SentTimestamp"]) / 1000, time.time() - 1190)

    def test_message_that_was_received_often_does_not_count_for_the_age(self) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody="one")
        self.measured({"queue": "work", "older_by_s": 1200})
        for _ in range(4):
            self.sqs.receive_message(QueueUrl=self.queue, VisibilityTimeout=0)
        self.assertEqual(self.measured(), {"visible": 1, "oldest_s": 0})

    def holding(self, *texts: str) -> Any:
        data = json.dumps({"holding": texts}).encode()
        request = urllib.request.Request(f"{self.url}/_local/queues", data=data, method="POST")
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def test_queue_holds_a_text_until_its_message_is_deleted(self) -> None:
        reason = {"reason": {"DataType": "String", "StringValue": "about Ada"}}
        self.sqs.send_message(QueueUrl=self.queue, MessageBody="from Grace", MessageAttributes=reason)
        self.assertEqual((self.holding("Ada"), self.holding("Joan", "Grace")), (["work"], ["work"]))
        self.assertEqual(self.holding("Joan"), [])
        self.assertEqual(self.measured()["visible"], 1, "it was not received")
        (message,) = self.sqs.receive_message(QueueUrl=self.queue, VisibilityTimeout=60)["Messages"]
        self.assertEqual(self.holding("Ada"), ["work"])
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(self.holding("Ada"), [])

    def test_unknown_queue_is_refused(self) -> None:
        with self.assertRaises(urllib.error.HTTPError) as raised:
            self.measured({"queue": "other", "older_by_s": 1})
        self.assertEqual(raised.exception.code, 404)
        raised.exception.close()


class Rotation(EmulatorTest):
    environment = {emulator_records.VARIABLE: "{directory}"}  # noqa: RUF012 as in the base class

    def rotate(self, fails_at: str) -> list[tuple[str, str]]:
        """Rotates a secret. Returns the names of the trail's events, with the error of each."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", f"FAILS_AT = {fails_at!r}\n{ROTATION}")
        function = self.client("lambda").create_function(
            FunctionName="rotate",
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/rotate",
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        secrets = self.client("secretsmanager")
        name = secrets.create_secret(Name="role", SecretString="{}")["ARN"]
        secrets.rotate_secret(SecretId=name, RotationLambdaARN=function["FunctionArn"])
        trail = self.directory / emulator_records.TRAIL
        self.assertTrue(process.wait_until(lambda: bool(emulator_records.read(trail)[0]), DEADLINE_S))
        return [
            (event["eventName"], event["additionalEventData"].get("errorMessage", "").partition(":")[0])
            for event in emulator_records.read(trail)[0]
        ]

    def test_rotation_whose_steps_all_succeed_is_in_the_trail(self) -> None:
        self.assertEqual(self.rotate("none"), [("RotationSucceeded", "")])

    def test_rotation_ends_with_the_step_that_fails(self) -> None:
        self.assertEqual(self.rotate("setSecret"), [("RotationFailed", "setSecret")])
