"""The target of scripts/capacity, and how long a function takes for a record."""

from dataclasses import dataclass

import catalog
import cost_model

# Orders a second.
TARGET = 1000
MILLISECONDS = 1000


@dataclass(frozen=True)
class Use:
    """What one order uses of a function: its records (or calls), their CPU time in ms, and their waits in ms."""

    records: float
    cpu_ms: float
    wait_ms: float


def cpu_ms(function: str, use: Use) -> float:
    """The CPU time of a record at the function's share of a processor."""
    whole_mb, memory_mb = cost_model.prices()["assumptions"]["vcpu_memory_mb"], catalog.row(function)["memory_mb"]
    return use.cpu_ms * max(1.0, float(whole_mb) / float(memory_mb))


def record_ms(function: str, use: Use) -> float:
    return cpu_ms(function, use) + use.wait_ms
