"""What scripts/chaos does to the running stack besides killing: services that hang or are slow, a read-only database, a
bus that fails, a function with a wrong configuration, a rolling deployment, messages that become dead letters, shards
that are split and merged. Each is undone at its end, also after an error.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

import aws
import chaos_deployment
import chaos_proxy
import chaos_redelivery
import chaos_resharding
import config
import postgres_server
import process
import services
from config import ScriptError
from services import Service

# How long a disturbance lasts at most until it has met something.
HIT_S = 60.0
# Consumers that an order needs. Each fails at start without this variable.
CONFIGURED, REQUIRED_VARIABLE = ("stock-reserve", "payment-charge", "order-advance", "stock-allocate"), "DATABASE_NAME"
HANGING = (services.POSTGRES, services.REDIS, services.KAFKA, services.GATEWAY)
# Functions that an order passes, from its request to its e-mail, and that of its refund.
PASSED = (
    "order-place",
    "stock-reserve",
    "payment-charge",
    "order-advance",
    "stock-allocate",
    "invoice-issue",
    "update-send",
    "webhook-enqueue",
    "payment-refund",
)
# The variables in which functions have the port of a service.
PORTS = {
    services.POSTGRES.name: "DATABASE_PORT",
    services.REDIS.name: "REDIS_URL",
    services.GATEWAY.name: "GATEWAY_URL",
}


@dataclass(frozen=True)
class Effect:
    """What a disturbance does: `what` tells it at its end, `hits` counts what it has met so far, if it can."""

    what: Callable[[], str]
    hits: Callable[[], int] | None = None


def _occurrences(log: str, text: str) -> Callable[[], int]:
    """How often a log or record of a service has had a text since this call."""
    path = config.LOGS / log
    path.touch()
    start = path.stat().st_size

    def count() -> int:
        with path.open("rb") as file:
            file.seek(start)
            return file.read().count(text.encode())

    return count


@dataclass(frozen=True)
class Disturbance:
    """`apply` lasts from entering its context to leaving it."""

    name: str
    apply: Callable[[random.Random], AbstractContextManager[Effect]]
    within_s: float = HIT_S


@contextmanager
def _hang(rng: random.Random) -> Iterator[Effect]:
    """A service accepts connections and does not answer, as an overloaded one."""
    service = rng.choice(HANGING)
    suspended = process.pause(service.name)
    try:
        yield Effect(lambda: f"{service.name} did not answer")
    finally:
        process.resume(suspended)


def _slow(*slowed: Service) -> Callable[[random.Random], AbstractContextManager[Effect]]:
    """What an order passes reaches these services through proxies that delay, and cut some connections."""

    @contextmanager
    def apply(rng: random.Random) -> Iterator[Effect]:
        with ExitStack() as undo:
            proxies = {
                service.name: undo.enter_context(chaos_proxy.slow(config.port(service.ports[0]), rng.random()))
                for service in slowed
            }
            for function in PASSED:
                _reroute(function, {name: proxy.port for name, proxy in proxies.items()}, undo)
            yield Effect(
                lambda: "; ".join(
                    f"{name} was slow: {proxy.delayed} packets delayed, {proxy.cut} connections cut"
                    for name, proxy in proxies.items()
                ),
                # Each of them.
                lambda: min(proxy.delayed for proxy in proxies.values()),
            )

    return apply


def _reroute(function: str, ports: dict[str, int], undo: ExitStack) -> None:
    """Gives a function other ports of services, if it uses them, until `undo` is closed."""
    former = aws.variables(function)
    changes: dict[str, str | None] = {}
    for service, port in ports.items():
        variable, own = PORTS[service], str(config.port(service))
        if variable in former:
            changes[variable] = former[variable].replace(own, str(port))
    if changes:
        undo.callback(aws.set_variables, function, {name: former[name] for name in changes})
        aws.set_variables(function, changes)


def _default_read_only(value: str) -> None:
    for statement in (f"alter system set default_transaction_read_only = {value}", "select pg_reload_conf()"):
        result = postgres_server.psql("postgres", statement)
        if result.returncode != 0:
            raise ScriptError(f"PostgreSQL does not take the setting: {result.stderr.strip()[:300]}")


@contextmanager
def _read_only(_: random.Random) -> Iterator[Effect]:
    """The database rejects writes, as a writer that has become a reader in a failover."""
    try:
        _default_read_only("on")
        refused = _occurrences("postgres.log", "in a read-only transaction")
        yield Effect(lambda: f"postgres was read-only and refused {refused()} statements", refused)
    finally:
        _default_read_only("off")


@contextmanager
def _bus(share: float) -> Iterator[Effect]:
    """The emulator reads a file at each `PutEvents`, and writes what it rejects to another (emulator_faults.py)."""
    fault = config.LOGS / "bus-fault"
    try:
        fault.write_text(str(share))
        rejected, what = (
            _occurrences("bus-rejected", "\n"),
            "all events" if share == 1 else f"{share:.0%} of the events",
        )
        yield Effect(lambda: f"the bus rejected {what}, {rejected()}", rejected)
    finally:
        fault.unlink()


@contextmanager
def _configuration(rng: random.Random) -> Iterator[Effect]:
    """A consumer is deployed with a configuration that it cannot start with, and then with the former one."""
    function = rng.choice(CONFIGURED)
    with ExitStack() as undo:
        _break(function, undo)
        failed = _occurrences("aws.log", f"execution error for {config.physical_name(function)}:")
        yield Effect(lambda: f"{function} did not start with a wrong configuration, {failed()} times", failed)


def _break(function: str, undo: ExitStack) -> None:
    """Deploys a configuration that a function cannot start with, and the former one when `undo` is closed."""
    undo.callback(aws.set_variables, function, {REQUIRED_VARIABLE: aws.variables(function)[REQUIRED_VARIABLE]})
    aws.set_variables(function, {REQUIRED_VARIABLE: None})


@contextmanager
def _dead_letters(rng: random.Random) -> Iterator[Effect]:
    """Messages of a consumer that cannot start reach their last delivery, and are redriven when it can."""
    with chaos_redelivery.last_deliveries(rng, CONFIGURED, _break) as redelivery:
        yield Effect(
            lambda: f"{redelivery.consumer} did not start, {redelivery.redriven} of its dead letters were redriven",
            redelivery.dead,
        )


@contextmanager
def _deployment(rng: random.Random) -> Iterator[Effect]:
    """Ten functions that an order, its messages or an image pass are deployed in turn, and then rolled back."""
    with chaos_deployment.rolling(rng) as (deployment, functions):
        yield Effect(
            lambda: (
                f"{len(functions)} functions were deployed: {len(deployment.started)} new execution environments, "
                f"{len(deployment.finishing)} former ones finished after that"
            ),
            deployment.look,
        )


@contextmanager
def _resharding(_: random.Random) -> Iterator[Effect]:
    """The shards of the stream of analytics are split, and their children merged."""
    with chaos_resharding.resharding(config.LOGS / "aws.log") as made:
        yield Effect(
            lambda: (
                f"{len(made.split)} shards were split, {made.batches.of(made.children)} batches of their "
                f"{len(made.children)} children were read, and {made.batches.of(made.merged)} of the "
                f"{len(made.merged)} that these were merged into"
            ),
            made.look,
        )


HANG = Disturbance("hang", _hang)
SLOW = Disturbance("slow", _slow(services.POSTGRES, services.REDIS))
# For itself: after the response to a charge is lost, its reconciliation takes ten minutes and more.
SLOW_GATEWAY = Disturbance("slow-gateway", _slow(services.GATEWAY))
READ_ONLY = Disturbance("read-only", _read_only)
BUS = Disturbance("bus", lambda _: _bus(1))
BUS_ENTRIES = Disturbance("bus-entries", lambda rng: _bus(rng.uniform(0.2, 0.8)))
CONFIGURATION = Disturbance("configuration", _configuration)
DEPLOYMENT = Disturbance("deployment", _deployment)
DEAD_LETTERS = Disturbance("dead-letters", _dead_letters)
# Batches of two generations of shards, one after the other.
RESHARDING = Disturbance("resharding", _resharding, 2 * HIT_S)
ALL = (HANG, SLOW, SLOW_GATEWAY, READ_ONLY, BUS, BUS_ENTRIES, CONFIGURATION, DEPLOYMENT, DEAD_LETTERS, RESHARDING)
