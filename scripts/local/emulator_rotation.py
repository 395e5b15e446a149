"""`RotateSecret` that invokes the rotation function. Only the emulator's environment can import this module.

ministack 1.5.33 makes a copy of the current version and invokes nothing. As AWS does, this invokes the function once
for each step, in the background, and the trail gets `RotationSucceeded` or, with the first step that fails,
`RotationFailed`. Unlike AWS it does not try again. A secret without a function is rotated as ministack does.
"""

import contextvars
import json
import threading
import time
import uuid
from typing import Any

from ministack.services import lambda_svc, secretsmanager

from emulator_records import Records

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")

_rotate_secret = secretsmanager._rotate_secret


def event(name: str, secret: str, version: str, error: str = "") -> dict[str, Any]:
    """The record of a rotation, as Secrets Manager writes it."""
    return {
        "eventVersion": "1.08",
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": name,
        "eventType": "AwsServiceEvent",
        "userIdentity": {"invokedBy": "secretsmanager.amazonaws.com"},
        "additionalEventData": {"SecretId": secret, "VersionId": version, **({"errorMessage": error} if error else {})},
    }


def function_of(arn: str) -> Any:
    """The emulator's record of a function, by its ARN, which may name an alias; None if there is none."""
    parts = arn.split(":")
    return lambda_svc._functions.get(parts[6]) if len(parts) > 6 else None


def _run(records: Records, function: dict[str, Any], secret: str, version: str) -> None:
    ended = event("RotationSucceeded", secret, version)
    for step in STEPS:
        payload = {"Step": step, "SecretId": secret, "ClientRequestToken": version, "RotationToken": str(uuid.uuid4())}
        result = lambda_svc._execute_function(function, payload)
        if result.get("error"):
            error = json.dumps(result.get("body"), default=str)[:300]
            ended = event("RotationFailed", secret, version, f"{step}: {error}")
            break
    records.trail(ended)


def install(records: Records) -> None:
    """Replaces an action, which the emulator looks up at each request."""

    def rotate(data: dict[str, Any]) -> Any:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        arn = data.get("RotationLambdaARN") or (secret or {}).get("RotationLambdaARN")
        function = function_of(arn) if secret and arn else None
        if not secret or not function:
            return _rotate_secret(data)
        rules = data.get("RotationRules") or secret.get("RotationRules")
        secret |= {"RotationLambdaARN": arn, "RotationEnabled": True, "RotationRules": rules}
        version = data.get("ClientRequestToken") or str(uuid.uuid4())
        context = contextvars.copy_context()
        arguments = (_run, records, function, secret["ARN"], version)
        threading.Thread(target=context.run, args=arguments, daemon=True).start()
        answer = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version}
        return secretsmanager.json_response(answer)

    secretsmanager._rotate_secret = rotate
