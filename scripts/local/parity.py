"""Compares what template.yaml and Terraform make of the same rows of the catalog, and prints every difference.

The template's side is its text with all intrinsic functions resolved, with nested stacks. Terraform's side is the plan
that `terraform test` makes of the whole configuration with a mocked provider: a plan for a real account does not know
the ids of the cluster and of the database proxy, and so none of the policies that name them. Compared are the policies
statement by statement, settings of functions, event source mappings, queues, patterns, schedules, filters and routes.

    scripts/local/run parity.py PLAN

PLAN is the output of `terraform test -json -verbose -filter=tests/functions.tftest.hcl`; scripts/terraform makes it.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import catalog
import cloudformation
import config
from cloudformation import Json
from config import ScriptError

STAGE = "prod"
# The values of terraform/envs/prod, terraform/tests/mocks and terraform/tests/functions.tftest.hcl.
VALUES: Json = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::AccountId": "222222222222",
    "AWS::StackName": "quayside",
    "Stage": STAGE,
    "SubnetIds": "subnet-1",
    "DatabaseResourceId": "prx-00000000000000000",
    "KafkaClusterArn": "arn:aws:kafka:eu-west-1:222222222222:cluster/mock/00000000-0000-0000-0000-000000000000-1",
    "PushApplicationArn": "arn:aws:sns:eu-west-1:222222222222:app/GCM/quayside",
    "RedisIamCache": "quayside-prod-cache",
}
# Variables that every function has.
SHARED = ("LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME", "STAGE", "TRACE_SHARE")
RUN = "functions"

# What is compared: for each subject and name the settings.
Side = dict[str, dict[str, Json]]


def physical(name: str) -> str:
    return f"{catalog.prefix()}-{STAGE}-{name}"


def logical(name: str) -> str:
    """The name of the catalog behind a physical name."""
    return name.removeprefix(physical(""))


def as_list(value: Any) -> list[str]:
    return sorted(value) if isinstance(value, list) else [str(value)]


def statements(policy: Json) -> Json:
    """The statements of a policy by id, in a form that does not depend on how they are written."""
    return {row["Sid"]: _statement(row) for row in policy["Statement"]}


def _statement(row: Json) -> Json:
    lists: Json = {key: as_list(row[key]) for key in ("Action", "Resource", "NotResource") if key in row}
    tests: Json = row.get("Condition") or {}
    conditions = {test: {key: as_list(value) for key, value in keys.items()} for test, keys in tests.items()}
    return {"Effect": row["Effect"], **lists, "Condition": conditions}


# ---- template.yaml


def sam(values: Json) -> Side:
    stack = cloudformation.Stack(cloudformation.load(config.ROOT / "template.yaml"), config.ROOT, values)
    side: Side = {}
    for _, kind, properties in stack.resources():
        read = SAM.get(kind)
        for subject, name, settings in read(properties) if read else ():
            if name in side.setdefault(subject, {}):
                raise ScriptError(f"template.yaml has two of {subject} {name}")
            side[subject][name] = settings
    return _with_policies(side, stack)


def _with_policies(side: Side, stack: cloudformation.Stack) -> Side:
    """A role has no name in the template: its function refers to it."""
    roles = {name: row for name, kind, row in stack.resources() if kind == "AWS::IAM::Role"}
    side["policy"] = {}
    for name in side["function"]:
        role = roles["".join(word.capitalize() for word in name.split("-")) + "Role"]
        (policy,) = role["Policies"]
        side["policy"][name] = statements(policy["PolicyDocument"])
    return side


Rows = Iterator[tuple[str, str, Json]]


def _sam_function(row: Json) -> Rows:
    name = logical(row["FunctionName"])
    yield (
        "function",
        name,
        {
            "memory": row["MemorySize"],
            "timeout": row["Timeout"],
            "reserved": row.get("ReservedConcurrentExecutions", -1),
            "in the VPC": "VpcConfig" in row,
            "variables": sorted({*row["Environment"]["Variables"], *SHARED}),
        },
    )


def _sam_mapping(row: Json) -> Rows:
    function = _last_name(row["FunctionName"])
    topic = row.get("Topics", [""])[0]
    group = row.get("AmazonManagedKafkaEventSourceConfig", {}).get("ConsumerGroupId")
    yield (
        "mapping",
        f"{function}/{topic}".rstrip("/"),
        {
            "batch": row["BatchSize"],
            "window": row["MaximumBatchingWindowInSeconds"],
            "maximum concurrency": row.get("ScalingConfig", {}).get("MaximumConcurrency"),
            "response types": row.get("FunctionResponseTypes", []),
            "retries": row.get("MaximumRetryAttempts"),
            "age": row.get("MaximumRecordAgeInSeconds"),
            "bisects": row.get("BisectBatchOnFunctionError"),
            "filters": [one["Pattern"] for one in row.get("FilterCriteria", {}).get("Filters", [])],
            "consumer group": group,
            "has on-failure destination": "DestinationConfig" in row,
        },
    )


def _last_name(function: str) -> str:
    """The catalog's name in a function's name or ARN."""
    return logical(function.rsplit(":", 1)[-1])


def _sam_queue(row: Json) -> Rows:
    yield (
        "queue",
        logical(row["QueueName"]),
        {
            "retention": row["MessageRetentionPeriod"],
            "visibility": row.get("VisibilityTimeout"),
            "deliveries": row.get("RedrivePolicy", {}).get("maxReceiveCount"),
        },
    )


def _sam_rule(row: Json) -> Rows:
    (target,) = row["Targets"]
    retry = target["RetryPolicy"]
    settings = {
        "pattern": row.get("EventPattern"),
        "schedule": row.get("ScheduleExpression"),
        "retries": retry["MaximumRetryAttempts"],
        "age": retry["MaximumEventAgeInSeconds"],
    }
    yield "rule", logical(row["Name"]), settings


def _sam_subscription(row: Json) -> Rows:
    name = logical(str(row["Endpoint"]).rsplit(":", 1)[-1])
    yield "subscription", name, {"filter": row.get("FilterPolicy"), "raw": row["RawMessageDelivery"]}


def _sam_route(row: Json) -> Rows:
    yield "route", row["RouteKey"], {"authorization": row["AuthorizationType"]}


SAM: dict[str, Callable[[Json], Rows]] = {
    "AWS::Lambda::Function": _sam_function,
    "AWS::Serverless::Function": _sam_function,
    "AWS::Lambda::EventSourceMapping": _sam_mapping,
    "AWS::SQS::Queue": _sam_queue,
    "AWS::Events::Rule": _sam_rule,
    "AWS::SNS::Subscription": _sam_subscription,
    "AWS::ApiGatewayV2::Route": _sam_route,
}


# ---- Terraform


def terraform(output: str) -> Side:
    side: Side = {}
    for change in _changes(output):
        read = TERRAFORM.get(change["type"])
        if read and change["mode"] == "managed" and change["change"]["after"] is not None:
            for subject, name, settings in read(change["change"]["after"], change):
                side.setdefault(subject, {})[name] = settings
    _merge_targets(side)
    return side


def _changes(output: str) -> list[Json]:
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("type") == "test_plan" and message.get("@testrun") == RUN:
            changes: list[Json] = message["test_plan"]["resource_changes"]
            return changes
    raise ScriptError("the output has no plan of the run: call terraform test with -json and -verbose")


def _merge_targets(side: Side) -> None:
    """In Terraform, a rule and the retry policy of its target are two resources."""
    for name, retry in side.pop("target").items():
        side["rule"][name].update(retry)


def _tf_function(row: Json, change: Json) -> Rows:
    # A variable whose value is not known yet is in the other part of the plan.
    unknown = change["change"]["after_unknown"]["environment"][0].get("variables", {})
    yield (
        "function",
        logical(row["function_name"]),
        {
            "memory": row["memory_size"],
            "timeout": row["timeout"],
            "reserved": row["reserved_concurrent_executions"],
            "in the VPC": bool(row["vpc_config"]),
            "variables": sorted({*(row["environment"][0]["variables"] or {}), *unknown}),
        },
    )


def _tf_policy(row: Json, change: Json) -> Rows:
    if change["address"].startswith("module.function["):
        yield "policy", change["module_address"].split('"')[1], statements(json.loads(row["policy"]))


def _tf_mapping(row: Json, change: Json) -> Rows:
    (function, source) = change["module_address"].split('"')[1].split("/")
    kafka = row["amazon_managed_kafka_event_source_config"]
    scaling = row["scaling_config"]
    yield (
        "mapping",
        f"{function}/{source}" if kafka else function,
        {
            "batch": row["batch_size"],
            "window": row["maximum_batching_window_in_seconds"],
            "maximum concurrency": scaling[0]["maximum_concurrency"] if scaling else None,
            "response types": row["function_response_types"] or [],
            "retries": row.get("maximum_retry_attempts"),
            "age": row.get("maximum_record_age_in_seconds"),
            "bisects": row["bisect_batch_on_function_error"],
            "filters": [one["pattern"] for criteria in row["filter_criteria"] or [] for one in criteria["filter"]],
            "consumer group": kafka[0]["consumer_group_id"] if kafka else None,
            "has on-failure destination": bool(row["destination_config"]),
        },
    )


def _tf_queue(row: Json, change: Json) -> Rows:
    if change["address"].startswith("module.messaging."):
        redrive = json.loads(row.get("redrive_policy") or "{}")
        settings = {
            "retention": row["message_retention_seconds"],
            "visibility": row["visibility_timeout_seconds"],
            "deliveries": redrive.get("maxReceiveCount"),
        }
        yield "queue", logical(row["name"]), settings


def _tf_rule(row: Json, change: Json) -> Rows:
    if change["address"].startswith("module.messaging."):
        pattern = row["event_pattern"]
        settings = {"pattern": json.loads(pattern) if pattern else None, "schedule": row["schedule_expression"]}
        yield "rule", logical(row["name"]), settings


def _tf_target(row: Json, change: Json) -> Rows:
    if change["address"].startswith("module.messaging."):
        (retry,) = row["retry_policy"]
        settings = {"retries": retry["maximum_retry_attempts"], "age": retry["maximum_event_age_in_seconds"]}
        yield "target", logical(row["rule"]), settings


def _tf_subscription(row: Json, change: Json) -> Rows:
    if change["address"].startswith("module.messaging."):
        policy = row["filter_policy"]
        settings = {"filter": json.loads(policy) if policy else None, "raw": row["raw_message_delivery"]}
        yield "subscription", change["index"], settings


def _tf_route(row: Json, _: Json) -> Rows:
    yield "route", row["route_key"], {"authorization": row["authorization_type"]}


TERRAFORM: dict[str, Callable[[Json, Json], Rows]] = {
    "aws_lambda_function": _tf_function,
    "aws_iam_role_policy": _tf_policy,
    "aws_lambda_event_source_mapping": _tf_mapping,
    "aws_sqs_queue": _tf_queue,
    "aws_cloudwatch_event_rule": _tf_rule,
    "aws_cloudwatch_event_target": _tf_target,
    "aws_sns_topic_subscription": _tf_subscription,
    "aws_apigatewayv2_route": _tf_route,
}


# ---- comparison


def differences(one: Side, other: Side) -> Iterator[str]:
    for subject in sorted({*one, *other}):
        (left, right) = (one.get(subject, {}), other.get(subject, {}))
        for name in sorted({*left, *right}):
            if name not in right or name not in left:
                yield f"{subject} {name}: only in {'template.yaml' if name in left else 'Terraform'}"
                continue
            for key in sorted({*left[name], *right[name]}):
                (here, there) = (left[name].get(key), right[name].get(key))
                if here != there:
                    (here, there) = (json.dumps(here), json.dumps(there))
                    yield f"{subject} {name}, {key}: {here} in template.yaml, {there} in Terraform"


def main() -> int:
    if len(sys.argv) != 2:
        raise ScriptError("name the file with the output of terraform test -json -verbose")
    (one, other) = (sam(VALUES), terraform(Path(sys.argv[1]).read_text()))
    found = list(differences(one, other))
    for difference in found:
        print(f"parity: {difference}", file=sys.stderr)
    if found:
        print(f"parity: {len(found)} differences between template.yaml and Terraform", file=sys.stderr)
        return 1
    count = sum(len(policy) for policy in one["policy"].values())
    others = ", ".join(f"{len(rows)} {subject}s" for subject, rows in sorted(one.items()) if subject != "policy")
    print(f"template.yaml and Terraform agree: {len(one['policy'])} policies with {count} statements, {others}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ScriptError as error:
        sys.exit(f"parity: {error}")
