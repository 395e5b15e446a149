"""The sample events of the functions: `events/<function>/ok.json`, the order in which they run, and what passes."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import config

# Statuses of an HTTP function that processed its sample. The order may be in another state than the sample expects.
PROCESSED = {200, 201, 202, 204, 302, 409, 412, 422}
# Statuses of the default route, which answers what matches no other.
UNMATCHED = {404, 405}
# These prepare what others read: the schema, a product, an account, an order.
FIRST = ("database-migrate", "product-create", "stock-open", "user-register", "user-login", "order-place")
# These change what others need: the order, the key of the tokens.
LAST = ("order-status-update", "key-rotate")


def path(function: str) -> Path:
    return config.ROOT / "events" / function / "ok.json"


def event(function: str) -> Any:
    return json.loads(path(function).read_text())


def in_order(functions: Iterable[str]) -> list[str]:
    """The functions by name, between those of `FIRST` and those of `LAST`."""
    wanted = set(functions)
    first, last = ([name for name in names if name in wanted] for names in (FIRST, LAST))
    return [*first, *sorted(wanted - {*first, *last}), *last]


def is_processed(route: str, status: int) -> bool:
    """Whether a status says that the function of a route did its work."""
    return status in (UNMATCHED if route == "$default" else PROCESSED)


def evaluate(sample: Any, outcome: bytes | None, dead_lettered: int) -> tuple[str, bool]:
    """The result in a few words, and whether it passes.

    An HTTP function passes with a status that says that it read the request, a consumer with no failed and no
    dead-lettered record, any other function without an error.
    """
    try:
        response = json.loads(outcome or b"null")
    except ValueError:
        return f"not JSON: {(outcome or b'')[:80]!r}", False
    if dead_lettered:
        return f"{dead_lettered} records dead-lettered", False
    if isinstance(response, dict) and "errorMessage" in response:
        return f"error: {response['errorMessage']}"[:120], False
    if "http" in sample.get("requestContext", {}) and isinstance(response, dict) and "statusCode" in response:
        return str(response["statusCode"]), is_processed(sample.get("routeKey", ""), response["statusCode"])
    if isinstance(response, dict) and "batchItemFailures" in response:
        failed = len(response["batchItemFailures"])
        return (f"{failed} records failed" if failed else "all records processed"), not failed
    return "response", True
