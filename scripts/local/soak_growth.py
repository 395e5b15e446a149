"""Decides from samples of a long run whether a resource is flat, grows with the number of orders, or by itself.

A resource is a table, a queue, a process or a file. Levels (memory, open files, waiting messages) must be as high at
the end as in the middle of a run. Totals (rows, bytes on disk) may grow with the orders, by as much for an order in the
second half as in the first one.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# A level may be higher at the end than in the middle by this factor, plus the slack of its kind.
LEVEL_FACTOR = 1.2
# An order may add more to a total in the second half than in the first half by this factor, plus the slack.
TOTAL_FACTOR = 1.4

FLAT, WITH_ORDERS, GROWS = "flat", "with orders", "**grows**"


@dataclass(frozen=True)
class Kind:
    """What a resource counts. `slack` is a difference that no run can tell from noise."""

    unit: str
    is_level: bool
    slack: float


KINDS = {
    "memory": Kind("MiB", is_level=True, slack=4),
    "open files": Kind("files", is_level=True, slack=4),
    "threads": Kind("threads", is_level=True, slack=3),
    "processes": Kind("processes", is_level=True, slack=3),
    "waiting": Kind("messages", is_level=True, slack=10),
    "connections": Kind("connections", is_level=True, slack=5),
    "rows": Kind("rows", is_level=False, slack=20),
    "keys": Kind("keys", is_level=False, slack=50),
    "disk": Kind("MiB", is_level=False, slack=2),
}


@dataclass(frozen=True)
class Growth:
    """One row of the report. The quantities are those at the start, in the middle and at the end."""

    kind: str
    name: str
    start: float
    middle: float
    end: float
    # Growth for an order in each half; of totals only.
    first_half: float
    second_half: float
    verdict: str


def growth(kind: str, name: str, values: Sequence[float], orders: Sequence[int]) -> Growth:
    """The growth of one resource: a value and the number of orders so far for each sample, at least four of them."""
    if len(values) < 4 or len(values) != len(orders):
        raise ValueError(f"{kind} of {name}: {len(values)} values for {len(orders)} samples; at least four are needed")
    middle = len(values) // 2
    if KINDS[kind].is_level:
        verdict = FLAT if _is_flat(values, KINDS[kind].slack) else GROWS
        return Growth(kind, name, values[0], values[middle], values[-1], 0.0, 0.0, verdict)
    halves = ((0, middle), (middle, len(values) - 1))
    first, second = (_per_order(values, orders, begin, end) for begin, end in halves)
    return Growth(
        kind,
        name,
        values[0],
        values[middle],
        values[-1],
        first,
        second,
        _total(values, orders, first, KINDS[kind].slack),
    )


def _is_flat(values: Sequence[float], slack: float) -> bool:
    """Compares the last quarter with the second one: the first has the start of every process."""
    quarter = len(values) // 4
    before = statistics.median(values[quarter : 2 * quarter])
    return statistics.median(values[-quarter:]) <= LEVEL_FACTOR * before + slack


def _per_order(values: Sequence[float], orders: Sequence[int], begin: int, end: int) -> float:
    return (values[end] - values[begin]) / max(1, orders[end] - orders[begin])


def _total(values: Sequence[float], orders: Sequence[int], first: float, slack: float) -> str:
    middle = len(values) // 2
    added, expected = values[-1] - values[middle], max(0.0, first) * (orders[-1] - orders[middle])
    if values[-1] - values[0] <= slack:
        return FLAT
    return WITH_ORDERS if added <= TOTAL_FACTOR * expected + slack else GROWS
