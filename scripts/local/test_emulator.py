"""The corrections of the AWS emulator, over its API. `scripts/test local` runs these tests."""

import json
import urllib.error
import urllib.request
from email.message import Message
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

    def settle(self) -> None:
        is_settled = process.wait_until(lambda: "IN_PROGRESS" not in self.status(), DEADLINE_S)
        self.assertTrue(is_settled, f"the stack is {self.status()}")

    def test_update_of_a_nested_stack_keeps_the_attributes_of_unchanged_resources(self) -> None:
        self.stacks.create_stack(StackName="parent", TemplateBody=self.parent(30))
        self.settle()
        self.stacks.update_stack(StackName="parent", TemplateBody=self.parent(60))
        self.settle()
        self.assertEqual(self.status(), "UPDATE_COMPLETE")
        url = self.sqs.get_queue_url(QueueName="work")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        self.assertEqual(attributes["VisibilityTimeout"], "60")


class CorsTest(EmulatorTest):
    """An API that CloudFormation made, with `CorsConfiguration`."""

    def setUp(self) -> None:
        super().setUp()
        cors = {
            "AllowOrigins": ["https://shop.example"],
            "AllowCredentials": True,
            "AllowMethods": ["GET"],
            "ExposeHeaders": ["etag"],
            "MaxAge": 600,
        }
        properties = {"Name": "api", "ProtocolType": "HTTP", "CorsConfiguration": cors}
        api = {"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": properties}}}
        self.client("cloudformation").create_stack(StackName="api", TemplateBody=json.dumps(api))
        apis = self.client("apigatewayv2")
        self.assertTrue(process.wait_until(lambda: bool(apis.get_apis()["Items"]), DEADLINE_S), "no API is created")
        self.api = apis.get_apis()["Items"][0]["ApiId"]

    def preflight(self, origin: str) -> tuple[int, Message]:
        url = f"{self.url}/_aws/execute-api/{self.api}/things"
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        request = urllib.request.Request(url, headers=headers, method="OPTIONS")
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.headers
        except urllib.error.HTTPError as error:
            return error.code, error.headers

    def test_preflight_of_an_allowed_origin_gets_what_the_template_says(self) -> None:
        status, headers = self.preflight("https://shop.example")
        self.assertLess(status, 300)
        self.assertEqual(headers["Access-Control-Allow-Origin"], "https://shop.example")
        self.assertEqual(headers["Access-Control-Allow-Methods"], "GET")
        self.assertEqual(headers["Access-Control-Allow-Credentials"], "true")
        self.assertEqual(headers["Access-Control-Max-Age"], "600")

    def test_preflight_of_another_origin_is_refused(self) -> None:
        status, headers = self.preflight("https://other.example")
        self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (403, None))
