"""The additions to the IAM of the AWS emulator, over its API. `scripts/test local` runs these tests."""

import json
from typing import Any

from botocore.exceptions import ClientError

import emulator_records
from testing_emulator import EmulatorTest

ROLE = "order-placer"
# An archive without entries.
NO_CODE = b"PK\x05\x06" + bytes(18)
SESSION = "quayside-local-order-place"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"events:source": "quayside.orders", "events:detail-type": ["OrderPlaced.v1"]}
            },
        },
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "lambda:UpdateEventSourceMapping",
            "Resource": "arn:aws:lambda:*:*:event-source-mapping:*",
            "Condition": {"ArnLike": {"lambda:FunctionArn": "arn:aws:lambda:*:*:function:own-*"}},
        },
    ],
}


def entry(source: str, detail_type: str) -> dict[str, str]:
    return {"Source": source, "DetailType": detail_type, "Detail": "{}"}


PLACED = entry("quayside.orders", "OrderPlaced.v1")


class EventConditionsTest(EmulatorTest):
    environment = {  # noqa: RUF012 as in the base class
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        emulator_records.VARIABLE: "{directory}",
    }

    def setUp(self) -> None:
        super().setUp()
        iam = self.client("iam")
        root = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [root]})
        role = self.role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=json.dumps(POLICY))
        session = self.client("sts").assume_role(RoleArn=role, RoleSessionName=SESSION)["Credentials"]
        keys = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        self.events = self.client("events", keys)
        self.queues = self.client("sqs", keys)
        self.functions = self.client("lambda", keys)

    def is_allowed(self, *entries: dict[str, Any]) -> bool:
        try:
            self.events.put_events(Entries=list(entries))
        except ClientError as error:
            self.assertEqual(error.response["Error"]["Code"], "AccessDeniedException")
            return False
        return True

    def test_conditions_on_source_and_type_are_decided_for_each_entry(self) -> None:
        self.assertTrue(self.is_allowed(PLACED))
        self.assertTrue(self.is_allowed(PLACED, PLACED))
        self.assertFalse(self.is_allowed(entry("quayside.payments", "OrderPlaced.v1")))
        self.assertFalse(self.is_allowed(entry("quayside.orders", "OrderCancelled.v1")))
        self.assertFalse(self.is_allowed(PLACED, entry("quayside.payments", "PaymentSucceeded.v1")))

    def test_batch_of_a_queue_is_decided_by_the_action_of_its_entries(self) -> None:
        url = self.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
        sent = self.queues.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "{}"}])
        self.assertEqual(len(sent["Successful"]), 1)
        with self.assertRaises(ClientError) as denied:
            self.queues.delete_message_batch(QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": "none"}])
        self.assertEqual(denied.exception.response["Error"]["Code"], "AccessDenied")

    def new_mapping(self, function: str) -> str:
        """The id of a mapping of a new queue to a new function."""
        functions, queues = self.client("lambda"), self.client("sqs")
        code = {"Runtime": "provided.al2023", "Handler": "bootstrap", "Code": {"ZipFile": NO_CODE}}
        functions.create_function(FunctionName=function, Role=self.role, **code)
        url = queues.create_queue(QueueName=function)["QueueUrl"]
        source = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        mapping = functions.create_event_source_mapping(FunctionName=function, EventSourceArn=source)
        return str(mapping["UUID"])

    def test_event_source_mapping_is_decided_by_its_function(self) -> None:
        own, other = self.new_mapping("own-consumer"), self.new_mapping("other-consumer")
        changed = self.functions.update_event_source_mapping(UUID=own, Enabled=False)
        self.assertEqual(changed["State"], "Disabled")
        for mapping in (other, "00000000-0000-0000-0000-000000000000"):
            with self.assertRaises(ClientError) as denied:
                self.functions.update_event_source_mapping(UUID=mapping, Enabled=False)
            self.assertEqual(denied.exception.response["Error"]["Code"], "AccessDeniedException")

    def test_decisions_are_recorded_allowed_ones_once_and_denied_ones_each_time(self) -> None:
        for _ in range(2):
            self.is_allowed(PLACED)
            self.is_allowed(entry("quayside.payments", "OrderPlaced.v1"))
        recorded = emulator_records.decisions(self.directory)
        self.assertEqual([decision.allowed for decision in recorded], [True, False, False])
        self.assertEqual({decision.function for decision in recorded}, {SESSION})
        self.assertEqual({decision.action for decision in recorded}, {"events:PutEvents"})
