"""The AWS calls of the scripts, to the emulator, with botocore."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import api_client
import config
from config import ScriptError

# The longest function timeout, and some seconds more.
INVOKE_TIMEOUT_S = 330
# A dead-letter queue is read without deleting: what was received stays hidden for this long.
PEEK_S = 30


@cache
def _client(service: str) -> Any:
    return client(service, config.aws_env())


def client(service: str, env: Mapping[str, str]) -> Any:
    """A client of the emulator with these credentials."""
    return botocore.session.get_session().create_client(
        service,
        region_name=config.REGION,
        endpoint_url=config.endpoint(),
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=env.get("AWS_SESSION_TOKEN"),
        config=Config(
            connect_timeout=10,
            read_timeout=INVOKE_TIMEOUT_S if service == "lambda" else 30,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _call(service: str, operation: str, **parameters: object) -> dict[str, Any]:
    """One call. Raises `ClientError` if the emulator rejects it."""
    try:
        response: dict[str, Any] = getattr(_client(service), operation)(**parameters)
    except BotoCoreError as error:
        raise ScriptError(
            f"the AWS emulator does not respond: {error} (scripts/service restart aws, then scripts/up)"
        ) from None
    return response


def _accepted(service: str, operation: str, **parameters: object) -> dict[str, Any]:
    """One call that the emulator must not reject."""
    try:
        return _call(service, operation, **parameters)
    except ClientError as error:
        raise ScriptError(_reason(error)) from None


def _pages(service: str, operation: str, member: str, **parameters: object) -> list[Any]:
    """All items of a paginated call."""
    try:
        pages = _client(service).get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page.get(member, [])]
    except BotoCoreError as error:
        raise ScriptError(f"the AWS emulator does not respond: {error}") from None
    except ClientError as error:
        raise ScriptError(_reason(error)) from None


def _reason(error: ClientError) -> str:
    """Operation, code and message of an error response."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return f"{error.operation_name}: {code}: {message}"


@dataclass(frozen=True)
class Stack:
    status: str
    outputs: dict[str, str]


def stack() -> Stack | None:
    """The deployed stack, or None if there is none."""
    try:
        described = _call("cloudformation", "describe_stacks", StackName=config.STACK_NAME)["Stacks"][0]
    except ClientError:
        return None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    return Stack(described["StackStatus"], outputs)


def template() -> str | dict[str, Any] | None:
    """The template of the deployed stack as it was sent: text in YAML, an object in JSON, or None if there is none."""
    try:
        sent = _call("cloudformation", "get_template", StackName=config.STACK_NAME)
    except ClientError:
        return None
    body: str | dict[str, Any] = sent["TemplateBody"]
    return body


def outputs() -> dict[str, str]:
    """Outputs of the deployed stack."""
    deployed = stack()
    if deployed is None:
        raise ScriptError(f"the stack {config.STACK_NAME} is not deployed: run scripts/up")
    return deployed.outputs


def push_application() -> str:
    """ARN of the SNS platform application for push notifications. Creates it if it does not exist."""
    try:
        created = _call(
            "sns",
            "create_platform_application",
            Name=config.STACK_NAME,
            Platform="GCM",
            Attributes={"PlatformCredential": "none"},
        )
    except ClientError as error:
        raise ScriptError(f"the SNS platform application cannot be created: {_reason(error)}") from None
    return str(created["PlatformApplicationArn"])


def put_secret(name: str, value: object) -> str:
    """Stores an object in a secret, which it creates if it does not exist. Returns the secret's ARN."""
    text = json.dumps(value)
    try:
        if any(secret["Name"] == name for secret in _pages("secretsmanager", "list_secrets", "SecretList")):
            stored = _call("secretsmanager", "put_secret_value", SecretId=name, SecretString=text)
        else:
            stored = _call("secretsmanager", "create_secret", Name=name, SecretString=text)
    except ClientError as error:
        raise ScriptError(f"the secret {name} cannot be stored: {_reason(error)}") from None
    return str(stored["ARN"])


# ---- functions ------------------------------------------------------------------------------------------------


def invoke(function: str, payload: object) -> Any:
    """Invokes a function by its catalog name. Returns its response; an error includes the end of its log."""
    name = config.physical_name(function)
    try:
        response = _call("lambda", "invoke", FunctionName=name, Payload=json.dumps(payload).encode(), LogType="Tail")
    except ClientError as error:
        raise ScriptError(f"function {function} cannot be invoked: {_reason(error)}") from None
    body = response["Payload"].read()
    if "FunctionError" in response:
        log = _decoded(response.get("LogResult", ""))
        raise ScriptError(f"function {function} failed: {body.decode(errors='replace')[:400]}\n{log}".strip())
    return json.loads(body or b"null")


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace").strip()


def function_arn(function: str) -> str:
    """The ARN of a deployed function."""
    try:
        found = _call("lambda", "get_function_configuration", FunctionName=config.physical_name(function))
    except ClientError:
        raise ScriptError(f"function {function} is not deployed: run scripts/up") from None
    return str(found["FunctionArn"])


def variables(function: str) -> dict[str, str]:
    """Environment variables of a deployed function."""
    try:
        found = _call("lambda", "get_function_configuration", FunctionName=config.physical_name(function))
    except ClientError:
        raise ScriptError(f"function {function} is not deployed: run scripts/up") from None
    values: dict[str, str] = found.get("Environment", {}).get("Variables", {})
    return values


def set_variables(function: str, changes: dict[str, str | None]) -> None:
    """Changes some of a deployed function's environment variables; None removes one."""
    merged = {name: value for name, value in {**variables(function), **changes}.items() if value is not None}
    name = config.physical_name(function)
    try:
        _call("lambda", "update_function_configuration", FunctionName=name, Environment={"Variables": merged})
    except ClientError as error:
        raise ScriptError(f"the variables of function {function} cannot be changed: {_reason(error)}") from None


def package(function: str) -> bytes:
    """The package of a deployed function."""
    try:
        found = _call("lambda", "get_function", FunctionName=config.physical_name(function))
    except ClientError as error:
        raise ScriptError(f"the package of function {function} cannot be read: {_reason(error)}") from None
    return api_client.fetch(found["Code"]["Location"])[0]


def set_package(function: str, content: bytes) -> None:
    """Deploys another package of a function."""
    try:
        _call("lambda", "update_function_code", FunctionName=config.physical_name(function), ZipFile=content)
    except ClientError as error:
        raise ScriptError(f"the package of function {function} cannot be deployed: {_reason(error)}") from None


def mapping(function: str) -> str:
    """The id of the event source mapping of a deployed function that has one."""
    found = _pages("lambda", "list_event_source_mappings", "EventSourceMappings")
    name = config.physical_name(function)
    ids = [str(row["UUID"]) for row in found if row["FunctionArn"].rsplit(":", 1)[-1] == name]
    if len(ids) != 1:
        raise ScriptError(f"function {function} has {len(ids)} event source mappings: run scripts/up")
    return ids[0]


def role_credentials(function: str) -> dict[str, str]:
    """Session credentials of a deployed function's own role, for an hour, as environment variables.

    Only Lambda may assume such a role. For the moment of this call the role trusts the emulator's root account, too.
    """
    try:
        role = str(_call("lambda", "get_function_configuration", FunctionName=config.physical_name(function))["Role"])
        name = role.rsplit("/", 1)[1]
        trust = _call("iam", "get_role", RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        root = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": f"arn:aws:iam::{role.split(':')[4]}:root"},
        }
        both = {**trust, "Statement": [*trust["Statement"], root]}
        _call("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=json.dumps(both))
        try:
            session = _call("sts", "assume_role", RoleArn=role, RoleSessionName=config.physical_name(function))
        finally:
            _call("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=json.dumps(trust))
    except ClientError as error:
        raise ScriptError(f"the role of function {function} cannot be assumed: {_reason(error)}") from None
    keys = session["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def role_policies(function: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """The name of a deployed function's role, and the role's inline policies by name."""
    try:
        found = _call("lambda", "get_function_configuration", FunctionName=config.physical_name(function))
        role = str(found["Role"]).rsplit("/", 1)[1]
        names = _call("iam", "list_role_policies", RoleName=role)["PolicyNames"]
        policies = {
            name: _call("iam", "get_role_policy", RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        }
    except ClientError as error:
        raise ScriptError(f"the role of function {function} cannot be read: {_reason(error)}") from None
    return role, policies


def put_role_policy(role: str, name: str, document: dict[str, Any]) -> None:
    """Replaces an inline policy of a role. A policy without statements is none."""
    try:
        _call("iam", "put_role_policy", RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    except ClientError as error:
        raise ScriptError(f"the policy {name} of role {role} cannot be replaced: {_reason(error)}") from None


# ---- logs -----------------------------------------------------------------------------------------------------


def log_lines(text: str) -> Iterator[str]:
    """Log lines of all functions that contain a text."""
    groups = _pages(
        "logs", "describe_log_groups", "logGroups", logGroupNamePrefix="/aws/lambda/" + config.physical_name("")
    )
    for group in groups:
        name = group["logGroupName"]
        for event in _pages("logs", "filter_log_events", "events", logGroupName=name, filterPattern=f'"{text}"'):
            yield from event["message"].splitlines()


# ---- objects --------------------------------------------------------------------------------------------------


def list_objects(bucket: str, prefix: str = "") -> list[str]:
    """Keys of a bucket under a prefix."""
    return [item["Key"] for item in _pages("s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)]


def get_object(bucket: str, key: str) -> bytes:
    try:
        content: bytes = _call("s3", "get_object", Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise ScriptError(f"object {key} of bucket {bucket} cannot be read: {_reason(error)}") from None
    return content


def allow_uploads(bucket: str, origin: str) -> None:
    """Lets pages of this origin use presigned links for uploads to the bucket."""
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["PUT"], "AllowedHeaders": ["content-type"]}
    _call("s3", "put_bucket_cors", Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def get_url(url: str) -> bytes:
    """The object at a path-style URL."""
    bucket, _, key = urlsplit(url).path.lstrip("/").partition("/")
    return get_object(bucket, key)


# ---- queues ---------------------------------------------------------------------------------------------------


def queues() -> dict[str, str]:
    """URLs of the stack's queues, by catalog name."""
    urls = _pages("sqs", "list_queues", "QueueUrls", QueueNamePrefix=config.physical_name(""))
    return {config.catalog_name(url.rsplit("/", 1)[1]): url for url in urls}


def message_count(url: str) -> int:
    """Messages of a queue: visible, in flight and delayed."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    attributes = _accepted("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=names).get("Attributes", {})
    return sum(int(attributes.get(name, 0)) for name in names)


def queue_attributes(url: str, names: Sequence[str]) -> dict[str, str]:
    found = _accepted("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=list(names))["Attributes"]
    return {name: found[name] for name in names}


def set_queue_attributes(url: str, attributes: Mapping[str, str]) -> None:
    _accepted("sqs", "set_queue_attributes", QueueUrl=url, Attributes=dict(attributes))


def purge(url: str) -> None:
    """Deletes all messages of a queue."""
    _accepted("sqs", "purge_queue", QueueUrl=url)


def send(url: str, body: str, attributes: Mapping[str, str]) -> str:
    """Puts a message on a queue, with texts as its attributes. Returns its id."""
    typed = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()}
    return str(_accepted("sqs", "send_message", QueueUrl=url, MessageBody=body, MessageAttributes=typed)["MessageId"])


def peek(url: str) -> list[dict[str, Any]]:
    """Messages of a dead-letter queue, without deleting them."""
    found: dict[str, dict[str, Any]] = {}
    while True:
        page = _accepted(
            "sqs",
            "receive_message",
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=PEEK_S,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        ).get("Messages", [])
        unseen = {message["MessageId"]: message for message in page if message["MessageId"] not in found}
        if not unseen:
            return list(found.values())
        found.update(unseen)


# ---- streams --------------------------------------------------------------------------------------------------


def shards(stream: str) -> list[dict[str, Any]]:
    """Open and closed shards."""
    return _pages("kinesis", "list_shards", "Shards", StreamName=stream)


def split_shard(stream: str, shard: str, at: int) -> None:
    """Splits a shard into two, of which the second begins with this hash key."""
    _accepted("kinesis", "split_shard", StreamName=stream, ShardToSplit=shard, NewStartingHashKey=str(at))


def merge_shards(stream: str, shard: str, adjacent: str) -> None:
    _accepted("kinesis", "merge_shards", StreamName=stream, ShardToMerge=shard, AdjacentShardToMerge=adjacent)
