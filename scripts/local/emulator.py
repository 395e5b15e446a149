"""Runs the AWS emulator with two corrections, and records what scripts/observe and scripts/cost read.

The CORS configuration of an HTTP API applies also if CloudFormation made the API: ministack 1.5.33 keeps it as the
template spells it, and reads the members of API calls, which begin with a small letter.

An update of a nested stack keeps the attributes of unchanged resources: ministack forgets them, so that the next
`Fn::GetAtt` of such a resource fails the update. Unlike the update of a top-level stack, `_cfn_nested_stack_deploy`
does not pass the recorded attributes to `_update_resource`, which returns them for a resource that does not change.
Only the emulator's environment can import this program.

The records (`emulator_records.py`): every log line of a function, as a log subscription of all groups would receive it,
every API call, as CloudTrail would record it with data events, and every decision of IAM about a function.

What is added to its IAM is in emulator_iam.py, how its bus fails for scripts/chaos in emulator_faults.py, how it
rotates secrets in emulator_rotation.py, what CloudWatch would know of its queues in emulator_queues.py, how its
functions read streams in emulator_streams.py, and how an invocation ends while its function is updated in
emulator_updates.py.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, router
from ministack.services import apigateway, cloudformation, cloudwatch_logs
from ministack.services.cloudformation import provisioners

import emulator_faults
import emulator_iam
import emulator_queues
import emulator_records
import emulator_rotation
import emulator_streams
import emulator_updates

_update_resource = provisioners._update_resource


def _update_with_attributes(
    resource_type: str,
    physical_id: str,
    old_props: dict[str, Any],
    new_props: dict[str, Any],
    stack_name: str,
    logical_id: str | None = None,
    old_attrs: dict[str, Any] | None = None,
) -> Any:
    if old_attrs is None:
        stack = cloudformation._stacks.get(stack_name) or {}
        old_attrs = stack.get("_resources", {}).get(logical_id, {}).get("Attributes")
    return _update_resource(resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs)


provisioners._update_resource = _update_with_attributes

_cors_response_headers, _cors_preflight_response = (
    apigateway._cors_response_headers,
    apigateway._cors_preflight_response,
)


def _as_in_api_calls(configuration: dict[str, Any] | None) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: value for name, value in (configuration or {}).items()}


apigateway._cors_response_headers = lambda cors, origin: _cors_response_headers(_as_in_api_calls(cors), origin)
apigateway._cors_preflight_response = lambda cors, origin: _cors_preflight_response(_as_in_api_calls(cors), origin)


def _record(records: emulator_records.Records) -> None:
    """Adds the recorder to the two places that see every log line and every call."""
    forward, trail = cloudwatch_logs._fanout_to_subscription_filters, app._maybe_record_cloudtrail

    def forward_and_record(group: str, stream: str, events: Sequence[dict[str, Any]]) -> None:
        forward(group, stream, events)
        records.log(group, [event["message"] for event in events])

    def trail_and_record(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        request_id: str,
        region: str,
    ) -> None:
        trail(service, method, path, headers, body, query, request_id, region)
        action = app._ct_event_name(
            service, method, path, headers, app._routing_params(method, path, headers, body, query)
        )
        identity = iam_evaluator.resolve_caller_identity(router.extract_access_key_id(headers, query)) or {}
        records.call(identity.get("userArn"), service, action, path, body)

    cloudwatch_logs._fanout_to_subscription_filters = forward_and_record
    app._maybe_record_cloudtrail = trail_and_record


if __name__ == "__main__":
    directory = os.environ.get(emulator_records.VARIABLE)
    records = emulator_records.Records(Path(directory)) if directory else None
    if directory and records:
        _record(records)
        emulator_faults.install(Path(directory))
        emulator_rotation.install(records)
    emulator_iam.install(records)
    emulator_queues.install()
    emulator_streams.install()
    emulator_updates.install()
    app.main()
