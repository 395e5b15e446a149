"""Calls that a role must not be allowed: made with the role's credentials, and decided by its policy alone.

What a role may do is read from the row of its function in the catalog, and not from the policy that is tested.
"""

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

import aws
import catalog
import config
import iam_policies
from config import ScriptError
from iam_simulator import Request

Json = dict[str, Any]

# A consumer, whose event source mapping runs anyway.
SWITCHED = "stock-reserve"

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"}


class Call(NamedTuple):
    """A call of the running emulator. `kind` and `name` are its resource's in the catalog."""

    action: str
    kind: str
    name: str
    service: str
    operation: str
    parameters: Json
    # The event that the call puts on the bus: source and type.
    event: tuple[str, str] | None = None

    @property
    def title(self) -> str:
        what = " ".join(self.event or (self.name,)).strip()
        return f"{self.action} {what}".strip()


def calls() -> list[Call]:
    """Calls of every action that some function has, on each resource, and of some that none has."""
    outputs = aws.outputs()
    return [*_stores(outputs), *_messages(), *_mappings(), *_never_granted()]


def _stores(outputs: dict[str, str]) -> Iterator[Call]:
    for name in catalog.tables():
        table = {"TableName": config.physical_name(name)}
        key = {"Key": {"pk": {"S": "PRODUCT#none"}}}
        yield Call("dynamodb:GetItem", "table", name, "dynamodb", "get_item", table | key)
        yield Call("dynamodb:PutItem", "table", name, "dynamodb", "put_item", table | {"Item": key["Key"]})
        yield Call("dynamodb:UpdateItem", "table", name, "dynamodb", "update_item", table | key)
        yield Call("dynamodb:DeleteItem", "table", name, "dynamodb", "delete_item", table | key)
        yield Call("dynamodb:Scan", "table", name, "dynamodb", "scan", table)
    for name in catalog.buckets():
        bucket = {"Bucket": outputs["".join(word.capitalize() for word in name.split("-")) + "Bucket"]}
        one = bucket | {"Key": "none"}
        yield Call("s3:GetObject", "objects", name, "s3", "get_object", one)
        yield Call("s3:PutObject", "objects", name, "s3", "put_object", one)
        yield Call("s3:DeleteObject", "objects", name, "s3", "delete_object", one)
        yield Call("s3:ListBucket", "bucket", name, "s3", "list_objects_v2", bucket)
    for name in catalog.secrets():
        secret = {"SecretId": f"{catalog.prefix()}/{config.STAGE}/{name}"}
        value = secret | {"SecretString": "none"}
        yield Call("secretsmanager:GetSecretValue", "secret", name, "secretsmanager", "get_secret_value", secret)
        yield Call("secretsmanager:PutSecretValue", "secret", name, "secretsmanager", "put_secret_value", value)
    role = {"SecretId": f"{catalog.prefix()}/{config.STAGE}/database/orders"}
    yield Call("secretsmanager:GetSecretValue", "role_secrets", "", "secretsmanager", "get_secret_value", role)


def _messages() -> Iterator[Call]:
    for name in catalog.streams():
        record = {"StreamName": config.physical_name(name), "Data": b"none", "PartitionKey": "none"}
        yield Call("kinesis:PutRecord", "stream", name, "kinesis", "put_record", record)
    for event, source in sorted(catalog.event_sources().items()):
        entry = {"EventBusName": config.physical_name(catalog.bus()), "Source": source, "DetailType": event}
        put = {"Entries": [entry | {"Detail": "{}"}]}
        yield Call("events:PutEvents", "bus", catalog.bus(), "events", "put_events", put, (source, event))
    for name, url in sorted(aws.queues().items()):
        kind = "dead_letter_queue" if name.endswith("-dlq") else "queue"
        owner = name.removesuffix("-dlq")
        message = {"QueueUrl": url, "MessageBody": "none"}
        yield Call("sqs:SendMessage", kind, owner, "sqs", "send_message", message)
        yield Call("sqs:PurgeQueue", kind, owner, "sqs", "purge_queue", {"QueueUrl": url})
    content = {"Simple": {"Subject": {"Data": "none"}, "Body": {"Text": {"Data": "none"}}}}
    mail = {"FromEmailAddress": config.EMAIL_FROM, "Destination": {"ToAddresses": ["a@b.example"]}, "Content": content}
    yield Call("ses:SendEmail", "email", "", "sesv2", "send_email", mail)
    text = {"PhoneNumber": "+15005550006", "Message": "none"}
    yield Call("sns:Publish", "phone_numbers", "", "sns", "publish", text)


def _mappings() -> Iterator[Call]:
    yield Call("lambda:ListEventSourceMappings", "mapping_list", "", "lambda", "list_event_source_mappings", {})
    running = {"UUID": aws.mapping(SWITCHED), "Enabled": True}
    yield Call("lambda:UpdateEventSourceMapping", "mappings", "", "lambda", "update_event_source_mapping", running)


def _never_granted() -> Iterator[Call]:
    """Actions that no function has."""
    yield Call("iam:ListRoles", "", "", "iam", "list_roles", {})
    yield Call("secretsmanager:ListSecrets", "", "", "secretsmanager", "list_secrets", {})
    yield Call("dynamodb:ListTables", "", "", "dynamodb", "list_tables", {})
    function = {"FunctionName": config.physical_name("database-migrate"), "Payload": b"{}"}
    yield Call("lambda:InvokeFunction", "", "", "lambda", "invoke", function)


def sample(every: list[Call], seed: str) -> list[Call]:
    """One call of each action and kind of resource, the same for the same seed."""
    shuffled = random.Random(seed).sample(every, len(every))
    return list({(call.action, call.kind): call for call in shuffled}.values())


def may(function: str, call: Call) -> bool:
    """Whether the function's row grants the call."""
    keys = dict(zip(("events:source", "events:detail-type"), call.event or (), strict=False))
    return any(
        call.action in grant["actions"]
        and grant["on"]["kind"] == call.kind
        and (call.name in grant["on"]["names"] or not call.name)
        and _meets(grant, keys)
        for grant in catalog.grants(function)
    )


def _meets(grant: Json, keys: Json) -> bool:
    """Whether a request with these keys meets the conditions on them; conditions on other keys do not count."""
    wanted = {row["variable"]: row["values"] for row in grant["conditions"] if row["values"]}
    return all(value in wanted[key] for key, value in keys.items() if key in wanted)


def breaches(function: str, chosen: list[Call]) -> tuple[int, list[str]]:
    """Makes the forbidden ones of these calls with the function's role; returns their number and those not denied."""
    credentials = aws.role_credentials(function)
    forbidden = [call for call in chosen if not may(function, call)]
    clients = {name: aws.client(name, credentials) for name in {call.service for call in forbidden}}
    open_ones = []
    for call in forbidden:
        outcome = _outcome(call, clients[call.service])
        if outcome not in DENIED:
            open_ones.append(f"{function} may {call.title}: {outcome}")
    return len(forbidden), open_ones


def _outcome(call: Call, client: Any) -> str:
    try:
        getattr(client, call.operation)(**call.parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "allowed"


# ---- by the policies alone, with the values of a real account


class Wanted(NamedTuple):
    """A request that a statement of some function allows, and whether another function's row grants it, too."""

    function: str
    request: Request
    granted: bool


def matrix() -> list[Wanted]:
    """Every request that some statement allows, asked of every role."""
    policies = iam_policies.on_aws()
    asked: dict[str, tuple[Request, Json]] = {}
    for function, document in policies.items():
        for statement in document["Statement"]:
            grant = iam_policies.grants(function)[iam_policies.number(statement["Sid"])]
            for request in iam_policies.requests(statement, grant):
                asked.setdefault(json.dumps([request, grant["on"]["kind"]]), (request, grant))
    return [
        Wanted(function, request, _grants(function, request, grant))
        for function in policies
        for request, grant in asked.values()
    ]


def _grants(function: str, request: Request, other: Json) -> bool:
    """Whether the row grants what another row's grant allows, by kind and names."""
    names = _names(other, request)
    return any(
        grant["on"]["kind"] == other["on"]["kind"]
        and request.action in grant["actions"]
        and names <= set(grant["on"]["names"])
        and _meets(grant, request.keys)
        for grant in catalog.grants(function)
    )


def _names(grant: Json, request: Request) -> set[str]:
    """The names of the catalog that the request is about: one of the grant's."""
    names = set(grant["on"]["names"])
    if len(names) < 2:
        return names
    return {name for name in names if request.resource.endswith((f"/{name}", f"-{name}"))}


def check_matrix(decide: Any) -> list[str]:
    """Requests that the policies decide otherwise than the rows."""
    wanted = matrix()
    decisions = decide(iam_policies.on_aws(), [(row.function, row.request) for row in wanted])
    if len(decisions) != len(wanted):
        raise ScriptError("the simulator did not decide every request")
    return [
        f"{row.function}: {row.request.action} on {row.request.resource} is {'allowed' if allowed else 'denied'}"
        for row, allowed in zip(wanted, decisions, strict=True)
        if allowed != row.granted
    ]
