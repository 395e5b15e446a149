"""The correction of the AWS emulator, over its API. `scripts/test local` runs these tests."""

import json
from typing import Any

import process
from testing_emulator import DEADLINE_S, EmulatorTest


def child(visibility_s: int) -> dict[str, Any]:
    """A nested template: one queue refers to an attribute of another, which no update changes."""
    dead = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead"}}
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 5}
    properties = {"QueueName": "work", "VisibilityTimeout": visibility_s, "RedrivePolicy": redrive}
    return {"Resources": {"Dead": dead, "Work": {"Type": "AWS::SQS::Queue", "Properties": properties}}}


class NestedUpdateTest(EmulatorTest):
    def setUp(self) -> None:
        super().setUp()
        self.sqs, self.stacks = self.client("sqs"), self.client("cloudformation")

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
