"""The correction of the AWS emulator, over its API. `scripts/test local` runs these tests."""

import json
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

import config
import process

DEADLINE_S = 60


def child(visibility_s: int) -> dict[str, Any]:
    """A nested template: one queue refers to an attribute of another, which no update changes."""
    dead = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead"}}
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 5}
    properties = {"QueueName": "work", "VisibilityTimeout": visibility_s, "RedrivePolicy": redrive}
    return {"Resources": {"Dead": dead, "Work": {"Type": "AWS::SQS::Queue", "Properties": properties}}}


class NestedUpdateTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        env = config.clean_env(
            GATEWAY_PORT=self.url.rsplit(":", 1)[1],
            BIND_HOST="127.0.0.1",
            TMPDIR=directory.name,
            MINISTACK_HOST="localhost",
        )
        python = config.tools()["emulator"] / "bin" / "python"
        with (Path(directory.name) / "log").open("wb") as log:
            emulator = subprocess.Popen(
                [python, Path(__file__).with_name("emulator.py")], env=env, stdout=log, stderr=subprocess.STDOUT
            )
        self.addCleanup(emulator.wait)
        self.addCleanup(emulator.terminate)
        self.s3, self.sqs, self.stacks = (self.client(name) for name in ("s3", "sqs", "cloudformation"))
        self.assertTrue(process.wait_until(self.has_bucket, DEADLINE_S), "the emulator does not respond")

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        session = botocore.session.get_session()
        return session.create_client(service, region_name=config.REGION, endpoint_url=self.url, **keys)

    def has_bucket(self) -> bool:
        try:
            self.s3.create_bucket(Bucket="templates")
        except (BotoCoreError, ClientError):
            return False
        return True

    def parent(self, visibility_s: int) -> str:
        key = f"{visibility_s}.template"
        self.s3.put_object(Bucket="templates", Key=key, Body=json.dumps(child(visibility_s)).encode())
        nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"{self.url}/templates/{key}"}}
        return json.dumps({"Resources": {"Nested": nested}})

    def status(self) -> str:
        return str(self.stacks.describe_stacks(StackName="parent")["Stacks"][0]["StackStatus"])

    def test_update_of_a_nested_stack_keeps_the_attributes_of_unchanged_resources(self) -> None:
        self.stacks.create_stack(StackName="parent", TemplateBody=self.parent(30))
        process.wait_until(lambda: "IN_PROGRESS" not in self.status(), DEADLINE_S)
        self.stacks.update_stack(StackName="parent", TemplateBody=self.parent(60))
        process.wait_until(lambda: "IN_PROGRESS" not in self.status(), DEADLINE_S)
        self.assertEqual(self.status(), "UPDATE_COMPLETE")
        url = self.sqs.get_queue_url(QueueName="work")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        self.assertEqual(attributes["VisibilityTimeout"], "60")
