"""Names from the catalog, read from `terraform/catalog.json`, which `cargo xtask codegen` generates."""

import json
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


def functions() -> list[str]:
    return sorted(_catalog()["functions"])


def variable(function: str, name: str) -> str:
    """An environment variable of a function whose value the catalog fixes."""
    setting = _catalog()["functions"][function]["environment"][name]
    return str(setting["name"])


def shortfall_policies() -> list[str]:
    """What may happen to a paid order without stock; the first is the default."""
    return list(_catalog()["shortfall_policies"])


def outbox_schemas() -> list[str]:
    """Database schemas with an outbox: the contexts whose functions publish from PostgreSQL."""
    rows = _catalog()["functions"].values()
    return sorted({row["context"] for row in rows if row["publishes"] and "DATABASE_USER" in row["environment"]})


def events_without_outbox() -> set[str]:
    """Events that a table's change stream publishes instead of an outbox."""
    schemas = outbox_schemas()
    return {name for name, event in _catalog()["events"].items() if event["context"] not in schemas}
