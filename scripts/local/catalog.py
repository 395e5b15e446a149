"""Names from the catalog, read from `terraform/catalog.json`, which `cargo xtask codegen` generates."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

CATALOG = Path(__file__).resolve().parents[2] / "terraform" / "catalog.json"


@cache
def _catalog() -> dict[str, Any]:
    catalog: dict[str, Any] = json.loads(CATALOG.read_text())
    return catalog


def prefix() -> str:
    """The first part of every physical name."""
    return str(_catalog()["prefix"])


def functions(stack: str | None = None) -> list[str]:
    """All functions, or those of a stack."""
    rows = _catalog()["functions"]
    return sorted(name for name, row in rows.items() if stack in {None, row["stack"]})


def stacks() -> list[str]:
    """The nested stacks: the shared one first, then the contexts that have functions."""
    contexts = sorted({row["stack"] for row in _catalog()["functions"].values()} - {"shared"})
    return ["shared", *contexts]


def stack(function: str) -> str:
    """The stack of a function."""
    return str(_catalog()["functions"][function]["stack"])


def kafka_consumers() -> list[str]:
    """Functions that Kafka topics trigger."""
    rows = _catalog()["functions"].items()
    return sorted(name for name, row in rows if row["trigger"]["kind"] == "kafka")


def row(function: str) -> dict[str, Any]:
    """The catalog's row of a function."""
    found: dict[str, Any] = _catalog()["functions"][function]
    return found


def trigger(function: str) -> dict[str, Any]:
    """What invokes a function: its `kind`, and what belongs to that."""
    found: dict[str, Any] = row(function)["trigger"]
    return found


def rate_limits() -> str:
    """The limits of clients by class of route, in the form of the parameter `RateLimits`."""
    return str(_catalog()["api"]["rate_limits"])


def throttle_rate(function: str) -> int:
    """Requests a second that API Gateway admits to the route of a function."""
    return int(_catalog()["api"]["throttle_classes"][trigger(function)["throttle"]]["rate"])


def limited_classes() -> list[str]:
    """The classes of routes whose clients have limits."""
    limits = rate_limits()
    return [entry.split(":")[0] for entry in limits.split(";")]


def section(name: str) -> Any:
    """A member of catalog.json, such as `alarms` or `kafka_topics`."""
    return _catalog()[name]


def logical_id(function: str) -> str:
    """The function's resource in the template: `order-place` gives `OrderPlaceFunction`."""
    return "".join(word[:1].upper() + word[1:] for word in re.split("[-_.]", function)) + "Function"


def function_of(logical: str) -> str | None:
    """The inverse of `logical_id`; None if it is no function of the catalog."""
    return next((name for name in functions() if logical_id(name) == logical), None)


def routes() -> dict[str, str]:
    """Route keys of the HTTP functions: `POST /api/v1/orders`."""
    triggers = {name: row["trigger"] for name, row in _catalog()["functions"].items()}
    return {name: trigger["route"] for name, trigger in sorted(triggers.items()) if trigger["kind"] == "http"}


def is_public(function: str) -> bool:
    """Whether an HTTP function's route has no authorizer."""
    return bool(_catalog()["functions"][function]["trigger"]["public"])


def variable(function: str, name: str) -> str:
    """An environment variable of a function whose value the catalog fixes."""
    setting = _catalog()["functions"][function]["environment"][name]
    return str(setting["name"])


def reserved_concurrency() -> int:
    """Concurrent executions that the functions reserve together."""
    return sum(row["reserved_concurrency"] or 0 for row in _catalog()["functions"].values())


def journey(name: str) -> dict[str, Any]:
    """The service level of a journey of customers."""
    level: dict[str, Any] = _catalog()["journeys"][name]
    return level


def grants(function: str) -> list[dict[str, Any]]:
    """The permissions of a function, in the order of its policy's statements."""
    return list(_catalog()["functions"][function]["grants"])


def tables() -> list[str]:
    return sorted(_catalog()["tables"])


def buckets() -> list[str]:
    return sorted(_catalog()["buckets"])


def streams() -> list[str]:
    return sorted(_catalog()["streams"])


def bus() -> str:
    return str(_catalog()["bus"])


def event_sources() -> dict[str, str]:
    """The source of each event."""
    contexts = _catalog()["contexts"]
    return {name: str(contexts[event["context"]]["source"]) for name, event in _catalog()["events"].items()}


def secrets() -> list[str]:
    """The secrets, without those of database roles."""
    return sorted(_catalog()["secrets"])


def shortfall_policies() -> list[str]:
    """What may happen to a paid order without stock; the first is the default."""
    return list(_catalog()["shortfall_policies"])


def currency_digits() -> dict[str, int]:
    """How many digits of an amount are the minor unit, by currency."""
    digits: dict[str, int] = _catalog()["currency_digits"]
    return digits


def outbox_schemas() -> list[str]:
    """Database schemas with an outbox: the contexts whose functions publish from PostgreSQL."""
    rows = _catalog()["functions"].values()
    return sorted({row["context"] for row in rows if row["publishes"] and "DATABASE_USER" in row["environment"]})


def events_without_outbox() -> set[str]:
    """Events that a table's change stream publishes instead of an outbox."""
    schemas = outbox_schemas()
    return {name for name, event in _catalog()["events"].items() if event["context"] not in schemas}


def kafka_topic(event: str) -> str:
    """The Kafka topic of an event."""
    return str(_catalog()["events"][event]["kafka_topic"])


def event_context(event: str) -> str:
    """The context that publishes an event."""
    return str(_catalog()["events"][event]["context"])


def exported_members(event: str) -> list[str]:
    """The members of an event's data that are exported to Kafka, as paths."""
    found: list[str] = _catalog()["events"][event]["exported"]
    return found
