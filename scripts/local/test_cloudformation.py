"""Intrinsic functions, conditions and nested stacks resolve as CloudFormation resolves them."""

import re
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import cloudformation
import config
from config import ScriptError

VALUES = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111111111111", "Stage": "prod"}


def stack(**parts: Any) -> cloudformation.Stack:
    return cloudformation.Stack({"Resources": {}, **parts}, Path(), VALUES)


class CorsOfTheApi(unittest.TestCase):
    def configuration(self, origins: list[str]) -> Any:
        """What the template of this project sets; nothing without CORS."""
        shared = cloudformation.load(config.ROOT / "stacks" / "shared.yaml")
        values = {**VALUES, "CorsOrigins": origins}
        api = cloudformation.Stack({**shared, "Resources": {}}, Path(), values)
        properties = api.resolve(shared["Resources"]["Api"]["Properties"])
        return properties.get("CorsConfiguration", {})

    def test_listed_origins_are_allowed_with_cookies(self) -> None:
        shop = self.configuration(["https://shop.example"])
        self.assertEqual((shop["AllowOrigins"], shop["AllowCredentials"]), (["https://shop.example"], True))

    def test_no_origin_is_allowed_unless_listed(self) -> None:
        self.assertEqual(self.configuration([""]), {})

    def test_any_origin_is_refused(self) -> None:
        pattern = cloudformation.load(config.ROOT / "template.yaml")["Parameters"]["CorsOrigins"]["AllowedPattern"]
        accepted = [text for text in ("", "https://shop.example", "*", "https://*.example") if re.search(pattern, text)]
        self.assertEqual(accepted, ["", "https://shop.example"])


class Resolution(unittest.TestCase):
    def test_sub_replaces_parameters_and_attributes(self) -> None:
        bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "shop-${Stage}"}}}
        resolved = stack(Resources={"Archive": bucket}).resolve({"Fn::Sub": "${Archive.Arn}/*"})
        self.assertEqual(resolved, "arn:aws:s3:::shop-prod/*")

    def test_parts_of_an_arn_are_selected_and_joined(self) -> None:
        split = {"Fn::Split": [":cluster/", "arn:x:cluster/name/id"]}
        part = {"Fn::Join": ["", [{"Fn::Select": [0, split]}, ":topic/", {"Fn::Select": [1, split]}]]}
        self.assertEqual(stack().resolve(part), "arn:x:topic/name/id")

    def test_value_of_a_false_condition_is_left_out(self) -> None:
        conditions = {"InTest": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "prod"]}]}}
        statement = {"Fn::If": ["InTest", "statement", {"Ref": "AWS::NoValue"}]}
        resolved = stack(Conditions=conditions).resolve({"Statement": [statement, "other"], "Id": statement})
        self.assertEqual(resolved, {"Statement": ["other"]})

    def test_resource_of_a_false_condition_does_not_exist(self) -> None:
        conditions = {"InTest": {"Fn::Equals": [{"Ref": "Stage"}, "test"]}}
        queue = {"Type": "AWS::SQS::Queue", "Condition": "InTest"}
        self.assertEqual(stack(Conditions=conditions, Resources={"Queue": queue}).resources(), [])

    def test_nested_stack_gets_outputs_of_another(self) -> None:
        children = {
            "shared.yaml": {
                "Resources": {"Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead"}}},
                "Outputs": {"DeadArn": {"Value": {"Fn::GetAtt": ["Dead", "Arn"]}}},
            },
            "orders.yaml": {
                "Parameters": {"DeadArn": {"Type": "String"}},
                "Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": {"Arn": {"Ref": "DeadArn"}}}},
            },
        }
        passed = {"DeadArn": {"Fn::GetAtt": ["Shared", "Outputs.DeadArn"]}}
        resources = {
            "Shared": {"Type": cloudformation.STACK, "Properties": {"TemplateURL": "shared.yaml"}},
            "Orders": {
                "Type": cloudformation.STACK,
                "Properties": {"TemplateURL": "orders.yaml", "Parameters": passed},
            },
        }
        with mock.patch.object(cloudformation, "load", lambda path: children[path.name]):
            rows = {name: properties for name, _, properties in stack(Resources=resources).resources()}
        self.assertEqual(rows["Rule"], {"Arn": "arn:aws:sqs:eu-west-1:111111111111:dead"})

    def test_unknown_function_is_an_error(self) -> None:
        with self.assertRaisesRegex(ScriptError, "Fn::Cidr"):
            stack().resolve({"Fn::Cidr": ["10.0.0.0/16", 4, 8]})
