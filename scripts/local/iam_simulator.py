"""Decides requests by policies with the evaluator of the AWS emulator, without a running emulator.

`decide` starts this file in the emulator's environment, which alone can import the evaluator. The file then reads
policies and requests as JSON and prints a decision for each request.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import config

Json = dict[str, Any]


class Request(NamedTuple):
    """One action on one resource, with the condition keys of the request."""

    action: str
    resource: str
    keys: Json


def decide(policies: dict[str, Json], questions: Sequence[tuple[str, Request]]) -> list[bool]:
    """For each question, whether the policy of this name allows the request."""
    python = config.tools()["emulator"] / "bin" / "python"
    text = json.dumps({"policies": policies, "questions": questions})
    ended = subprocess.run(
        [python, __file__], input=text, capture_output=True, text=True, check=False, env=config.clean_env()
    )
    if ended.returncode != 0:
        raise config.ScriptError(f"the policy simulator failed: {ended.stderr.strip()[-400:]}")
    decisions: list[bool] = json.loads(ended.stdout)
    return decisions


def _main() -> None:
    from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document  # noqa: PLC0415 see above

    given = json.loads(sys.stdin.read())
    parsed = {name: [parse_policy_document(document)] for name, document in given["policies"].items()}
    decisions = []
    for policy, (action, resource, keys) in given["questions"]:
        context = EvalContext(
            principal_arn="arn:aws:sts::000000000000:assumed-role/simulated/simulated",
            principal_type="AssumedRole",
            principal_account="000000000000",
            action=action,
            resource_arn=resource,
            region="",
            service_context={key.lower(): value for key, value in keys.items()},
        )
        decisions.append(evaluate(context, parsed[policy]).decision == "Allow")
    print(json.dumps(decisions))


if __name__ == "__main__":
    _main()
