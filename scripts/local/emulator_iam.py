"""Four additions to the IAM of the AWS emulator. Only the emulator's environment can import this module.

`events:PutEvents` is decided for each entry, with the condition keys `events:source` and `events:detail-type` of that
entry, as AWS does. ministack 1.5.33 gives no condition keys to this action, so that a condition on them is never met.

A batch of SQS is decided by the action of its entries, as AWS does: `sqs:SendMessageBatch` is no action there.

A request about one event source mapping is decided, with the condition key `lambda:FunctionArn`, the function that it
invokes. ministack knows the actions that list and create mappings, and allows the others to everybody.

Every decision about the session of a role is recorded (`emulator_records.py`).
"""

import contextvars
import json
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import lambda_svc

from emulator_records import Records

PUT_EVENTS = "events:PutEvents"
# /2015-03-31/event-source-mappings/<id>
MAPPINGS = "event-source-mappings"
OF_MAPPING = {
    "DELETE": "DeleteEventSourceMapping",
    "GET": "GetEventSourceMapping",
    "PUT": "UpdateEventSourceMapping",
}
# Operations whose action has another name, from the service authorization reference of SQS.
ACTIONS = {
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}

_entries: contextvars.ContextVar[list[dict[str, Any]]] = contextvars.ContextVar("quayside_entries")
_enforce, _tag_context = iam_evaluator.enforce, iam_actions.request_tag_context
_lambda_action = iam_actions._lambda_action
_records: Records | None = None


def _keep_entries(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> Any:
    """Called for each request before it is decided; the only such place that sees the body."""
    _entries.set(entry_keys(body) if iam_action == PUT_EVENTS else [])
    return _tag_context(service, iam_action, body, params)


def entry_keys(body: bytes) -> list[dict[str, Any]]:
    """The condition keys of each entry. An entry without a member has no key of it, which meets no condition."""
    try:
        entries = json.loads(body or b"{}").get("Entries", [])
    except (ValueError, AttributeError):
        return []
    names = {"Source": "events:source", "DetailType": "events:detail-type"}
    return [{key: entry[member] for member, key in names.items() if member in entry} for entry in entries]


def _with_mappings(method: str, path: str) -> str | None:
    """The action of a request to Lambda."""
    parts = [part for part in path.split("/") if part]
    if len(parts) == 3 and parts[1] == MAPPINGS:
        return OF_MAPPING.get(method)
    action: str | None = _lambda_action(method, path)
    return action


def mapping_keys(resource_arn: str) -> dict[str, str]:
    """The condition key of a request about an event source mapping; none if there is no such mapping."""
    _, is_mapping, mapping = resource_arn.partition(":event-source-mapping:")
    found = lambda_svc._esms.get(mapping) if is_mapping else None
    return {"lambda:FunctionArn": found["FunctionArn"]} if found else {}


def _decide(
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
) -> Any:
    iam_action = ACTIONS.get(iam_action, iam_action)
    contexts = (_entries.get([]) if iam_action == PUT_EVENTS else []) or [{}]
    for keys in contexts:
        context = {**(service_context or {}), **keys, **mapping_keys(resource_arn)}
        denied = _enforce(access_key_id, iam_action, service, region, resource_arn, context)
        # A request that cannot be authenticated is not decided.
        if _records and not isinstance(denied, iam_evaluator.AuthError):
            caller = iam_evaluator.resolve_caller_identity(access_key_id) or {}
            _records.decision(caller.get("userArn", ""), iam_action, resource_arn, context, denied is None)
        if denied:
            return denied
    return None


def install(records: Records | None) -> None:
    """Replaces three functions, which the emulator looks up at each request."""
    global _records  # noqa: PLW0603 the replaced functions have the parameters of the emulator's
    _records = records
    iam_actions.request_tag_context = _keep_entries
    iam_actions._lambda_action = _with_mappings
    iam_evaluator.enforce = _decide
