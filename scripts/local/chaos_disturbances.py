"""What scripts/chaos does to the running stack besides killing: services that hang, a read-only database, a bus that
fails, a function with a wrong configuration. Each is undone at its end, also after an error.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import aws
import config
import postgres_server
import process
import services
from config import ScriptError

# Consumers that an order needs. Each fails at start without this variable.
CONFIGURED, REQUIRED_VARIABLE = ("stock-reserve", "payment-charge", "order-advance", "stock-allocate"), "DATABASE_NAME"
HANGING = (services.POSTGRES, services.REDIS, services.KAFKA, services.GATEWAY)


@dataclass(frozen=True)
class Disturbance:
    """`apply` lasts from entering its context to leaving it, and gives what to print about it."""

    name: str
    apply: Callable[[random.Random], AbstractContextManager[str]]


@contextmanager
def _hang(rng: random.Random) -> Iterator[str]:
    """A service accepts connections and does not answer, as an overloaded one."""
    service = rng.choice(HANGING)
    suspended = process.pause(service.name)
    try:
        yield f"{service.name} did not answer"
    finally:
        process.resume(suspended)


def _default_read_only(value: str) -> None:
    for statement in (f"alter system set default_transaction_read_only = {value}", "select pg_reload_conf()"):
        result = postgres_server.psql("postgres", statement)
        if result.returncode != 0:
            raise ScriptError(f"PostgreSQL does not take the setting: {result.stderr.strip()[:300]}")


@contextmanager
def _read_only(_: random.Random) -> Iterator[str]:
    """The database rejects writes, as a writer that has become a reader in a failover."""
    try:
        _default_read_only("on")
        yield "postgres was read-only"
    finally:
        _default_read_only("off")


@contextmanager
def _bus(share: float) -> Iterator[str]:
    """The emulator reads this file at each `PutEvents` (emulator_faults.py)."""
    fault = config.LOGS / "bus-fault"
    try:
        fault.write_text(str(share))
        yield "the bus was down" if share == 1 else f"the bus rejected {share:.0%} of the events"
    finally:
        fault.unlink()


@contextmanager
def _configuration(rng: random.Random) -> Iterator[str]:
    """A consumer is deployed with a configuration that it cannot start with, and then with the former one."""
    function = rng.choice(CONFIGURED)
    value = aws.variables(function)[REQUIRED_VARIABLE]
    try:
        aws.set_variables(function, {REQUIRED_VARIABLE: None})
        yield f"{function} did not start"
    finally:
        aws.set_variables(function, {REQUIRED_VARIABLE: value})


HANG = Disturbance("hang", _hang)
READ_ONLY = Disturbance("read-only", _read_only)
BUS = Disturbance("bus", lambda _: _bus(1))
BUS_ENTRIES = Disturbance("bus-entries", lambda rng: _bus(rng.uniform(0.2, 0.8)))
CONFIGURATION = Disturbance("configuration", _configuration)
ALL = (HANG, READ_ONLY, BUS, BUS_ENTRIES, CONFIGURATION)
