"""Policies of functions: as deployed to the running stack, as made by template.yaml for AWS, and without a statement.

A statement is named by its id, such as `Publish4`. Its shape is the id without the number.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import aws
import catalog
import cloudformation
import config
import parity
from config import ScriptError
from iam_simulator import Request

Json = dict[str, Any]

RECORDED = config.ROOT / "tests" / "tests" / "it" / "structure" / "permissions.json"


def shape(sid: str) -> str:
    return sid.rstrip("0123456789")


def number(sid: str) -> int:
    """The position of the statement's grant in the function's row."""
    return int(sid.removeprefix(shape(sid)))


def without(document: Json, sids: Sequence[str]) -> Json:
    """The policy without these statements."""
    return {**document, "Statement": [row for row in document["Statement"] if row["Sid"] not in sids]}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(statement: Json) -> set[str]:
    return set(as_list(statement["Action"]))


def deployed(function: str) -> Json:
    """The policy of a function in the running stack."""
    (document,) = aws.role_policies(function)[1].values()
    return document


@contextmanager
def removed(function: str, sids: Sequence[str]) -> Iterator[None]:
    """The function runs in new processes without these statements, and in new processes with them afterwards."""
    role, policies = aws.role_policies(function)
    ((name, document),) = policies.items()
    aws.put_role_policy(role, name, without(document, sids))
    try:
        # Processes keep what they read with the statement, such as a secret.
        aws.set_variables(function, {"REMOVED_STATEMENTS": " ".join(sids)})
        yield
    finally:
        aws.put_role_policy(role, name, document)
        aws.set_variables(function, {"REMOVED_STATEMENTS": None})


@cache
def on_aws() -> dict[str, Json]:
    """The policies of all functions with the values of a real account: network, Kafka cluster and push application."""
    stack = cloudformation.Stack(cloudformation.load(config.ROOT / "template.yaml"), config.ROOT, parity.VALUES)
    roles = {name: row for name, kind, row in stack.resources() if kind == "AWS::IAM::Role"}
    found = {}
    for function in catalog.functions():
        (policy,) = roles[catalog.logical_id(function).removesuffix("Function") + "Role"]["Policies"]
        found[function] = policy["PolicyDocument"]
    return found


def requests(statement: Json, grant: Json) -> list[Request]:
    """A request for each action and resource of a statement; `grant` is its row in the catalog."""
    # A key that is there if the request has it is left out.
    keys = {
        condition["variable"]: as_list(statement["Condition"][condition["test"]][condition["variable"]])[0]
        for condition in grant["conditions"]
        if not condition["test"].endswith("IfExists")
    }
    keys = {name: value.replace("*", "any") for name, value in keys.items()}
    # A phone number has no ARN.
    resources = as_list(statement.get("Resource", "*"))
    concrete = [str(resource).replace("*", "any") if resource != "*" else "*" for resource in resources]
    return [Request(action, resource, keys) for action in as_list(statement["Action"]) for resource in concrete]


def recorded() -> dict[str, set[str]]:
    """The actions that the code of each function calls, as committed."""
    rows: dict[str, list[str]] = json.loads(RECORDED.read_text())
    return {name: set(called) for name, called in rows.items()}


def write_recorded(called: dict[str, set[str]]) -> None:
    rows = {name: sorted(called[name]) for name in sorted(called) if called[name]}
    RECORDED.write_text(json.dumps(rows, indent=2) + "\n")


def grants(function: str) -> list[Json]:
    """The grants of a function's row, in the order of the statements' numbers."""
    return catalog.grants(function)


def statement_of(document: Json, sid: str) -> Json:
    for row in document["Statement"]:
        if row["Sid"] == sid:
            statement: Json = row
            return statement
    raise ScriptError(f"there is no statement {sid}")
