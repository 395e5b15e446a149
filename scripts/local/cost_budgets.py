"""Budgets of what one order uses at one order a second, by counting: cost_budgets.json has them.

A count may be a tenth above its budget, because what the gateway reports first, and which batches form, is chance. CPU
time has no budget: it depends on the machine.
"""

import json
from pathlib import Path

from cost_count import Usage

BUDGETS = Path(__file__).with_name("cost_budgets.json")
TOLERANCE = 1.1
# Counts of batches of the local Kafka trigger, which has a window of its own.
UNCOUNTED = {"event-archive", "event-record"}


def counts(usage: Usage) -> dict[str, float]:
    """The counts of one order that have budgets."""
    functions = [name for name in usage.functions if name not in UNCOUNTED]

    def calls(service: str, *actions: str, member: str = "requests") -> float:
        chosen = (
            getattr(call, member)
            for (function, of, action), call in usage.calls.items()
            if of == service and action in actions and function not in UNCOUNTED
        )
        return float(sum(chosen))

    totals: dict[str, float] = {
        "invocations": sum(usage.invocations[name] for name in functions),
        "records": sum(usage.records.values()),
        "log lines": sum(usage.lines[name] for name in functions),
        "log bytes": sum(usage.log_bytes[name] for name in functions),
        "bus events": calls("events", "PutEvents", member="entries"),
        "bus calls": calls("events", "PutEvents"),
        "stream records": calls("kinesis", "PutRecord", "PutRecords", member="entries"),
        "objects": calls("s3", "PutObject"),
        "table writes": calls("dynamodb", "PutItem", "UpdateItem", "TransactWriteItems", member="entries"),
        "table reads": calls("dynamodb", "GetItem", "Query"),
        "archived events": usage.records["event-archive"],
    }
    return {name: total / usage.orders for name, total in totals.items()}


def budgets() -> dict[str, float]:
    content: dict[str, float] = json.loads(BUDGETS.read_text())
    return content


def exceeded(usage: Usage) -> list[str]:
    """What exceeds its budget, or has none."""
    allowed = budgets()
    found = []
    for name, used in counts(usage).items():
        if name not in allowed:
            found.append(f"{name}: no budget for {used:.2f}")
        elif used > allowed[name] * TOLERANCE:
            found.append(f"{name}: {used:.2f} instead of {allowed[name]:g}")
    return found
