"""Counts what orders use on the local cloud: invocations, messages, API calls, lines and CPU milliseconds, by function.

The figures come from what the emulator records (`emulator_records.py`) and from the processes of the functions.
Functions that a schedule invokes are left out: their use does not depend on orders.
"""

import json
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import api_client
import catalog
import chaos_load
import config
import emulator_records
from api_client import ApiClient, new_key
from config import ScriptError

PLATFORM = ("START RequestId:", "END RequestId:", "REPORT RequestId:")
# Metrics of a batch, whatever became of its records.
RECORDS = ("RecordsProcessed", "RecordsDeadLettered", "RecordsFailed")
DRAIN_DEADLINE_S = 180
# Idle time after which processing has ended: slightly longer than the window of the local Kafka trigger.
QUIET_S = 4
CUSTOMERS = 8


@dataclass
class Call:
    """API calls of one kind: how many, with how many entries, of how many bytes."""

    requests: int = 0
    entries: int = 0
    bytes: int = 0
    # Entries rounded up to whole KiB, the unit of a table's writes.
    kib: int = 0

    def times(self, factor: float) -> "Call":
        return Call(*(round(number * factor) for number in (self.requests, self.entries, self.bytes, self.kib)))


@dataclass
class Usage:
    """What a number of orders used, by function."""

    orders: int
    seconds: float
    invocations: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    log_bytes: Counter[str] = field(default_factory=Counter)
    # Of the log bytes, those of the spans of traces.
    span_bytes: Counter[str] = field(default_factory=Counter)
    cpu_ms: Counter[str] = field(default_factory=Counter)
    series: set[tuple[str, str]] = field(default_factory=set)
    # By function, service and action.
    calls: dict[tuple[str, str, str], Call] = field(default_factory=lambda: defaultdict(Call))

    @property
    def functions(self) -> list[str]:
        return sorted(self.invocations)

    def add_line(self, function: str, message: str) -> None:
        if message.startswith(PLATFORM[0]):
            self.invocations[function] += 1
        if message.startswith(PLATFORM):
            return
        self.lines[function] += 1
        self.log_bytes[function] += len(message.encode())
        if '"_aws"' in message:
            line = json.loads(message[message.index("{") :])
            if "spans" in line:
                spans = json.dumps({"spans": line["spans"]}, separators=(",", ":"), ensure_ascii=False)
                self.span_bytes[function] += len(spans.encode()) - 1
            self.records[function] += sum(int(line.get(name, 0)) for name in RECORDS)
            for directive in line["_aws"]["CloudWatchMetrics"]:
                self.series |= {(function, metric["Name"]) for metric in directive["Metrics"]}

    def add_call(self, function: str, record: Mapping[str, Any]) -> None:
        call = self.calls[function, record["service"], record["action"]]
        call.requests += 1
        call.entries += len(record["entries"])
        call.bytes += sum(record["entries"])
        call.kib += sum(-(-length // 1024) for length in record["entries"])


def is_counted(function: str) -> bool:
    """Whether orders cause its invocations."""
    return function in catalog.functions() and catalog.trigger(function)["kind"] not in {"schedule", "operator"}


def usage(
    orders: int,
    seconds: float,
    lines: Iterable[Mapping[str, Any]],
    calls: Iterable[Mapping[str, Any]],
    cpu_ms: Mapping[str, float],
) -> Usage:
    """The usage in these records."""
    found = Usage(orders, seconds)
    for record in lines:
        function = config.catalog_name(record["function"])
        if is_counted(function):
            found.add_line(function, record["message"])
    for record in calls:
        function = config.catalog_name(record["function"])
        if is_counted(function):
            found.add_call(function, record)
    for function, milliseconds in cpu_ms.items():
        if is_counted(function) and function in found.invocations:
            found.cpu_ms[function] = round(milliseconds)
    return found


# ---- the running stack ----------------------------------------------------------------------------------------


def cpu_ms() -> dict[str, float]:
    """CPU time of all function processes of this clone, by function, in milliseconds."""
    found: Counter[str] = Counter()
    marker = f"{config.MARKER}={config.ROOT}".encode()
    for process in Path("/proc").iterdir():
        try:
            if not process.name.isdigit():
                continue
            environment = (process / "environ").read_bytes().split(b"\0")
            names = [item.partition(b"=")[2] for item in environment if item.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")]
            if marker in environment and names:
                tasks = [(task / "schedstat").read_text().split()[0] for task in (process / "task").iterdir()]
                found[config.catalog_name(names[0].decode())] += sum(int(task) for task in tasks) // 1000
        except OSError:
            continue
    return {function: microseconds / 1000 for function, microseconds in found.items()}


class Recorder:
    """Reads what was recorded since its creation."""

    def __init__(self) -> None:
        self._lines_path = config.LOGS / emulator_records.LINES
        self._calls_path = config.LOGS / emulator_records.CALLS
        if not self._lines_path.exists():
            raise ScriptError("the emulator records nothing: scripts/service restart aws, then scripts/up")
        self._lines_at = emulator_records.read(self._lines_path)[1]
        self._calls_at = emulator_records.read(self._calls_path)[1]
        self._cpu = cpu_ms()

    def lines(self) -> list[dict[str, Any]]:
        return emulator_records.read(self._lines_path, self._lines_at)[0]

    def usage(self, orders: int, seconds: float) -> Usage:
        calls = emulator_records.read(self._calls_path, self._calls_at)[0]
        now = cpu_ms()
        # A process that ended, or an environment that was replaced, cannot make the difference negative.
        used = {function: max(0.0, total - self._cpu.get(function, 0)) for function, total in now.items()}
        return usage(orders, seconds, self.lines(), calls, used)

    def drain(self, orders: int) -> None:
        """Waits until all functions have processed the orders."""
        deadline, quiet_since, seen = time.monotonic() + DRAIN_DEADLINE_S, time.monotonic(), -1
        while time.monotonic() < deadline:
            found = usage(orders, 0, self.lines(), [], {})
            total = sum(found.invocations.values())
            if total != seen:
                seen, quiet_since = total, time.monotonic()
            is_done = all(found.records[name] >= orders for name in ("invoice-issue", "update-send", "event-archive"))
            if is_done and time.monotonic() - quiet_since >= QUIET_S:
                return
            time.sleep(0.5)
        raise ScriptError(f"{orders} orders were not processed within {DRAIN_DEADLINE_S} s: read .local/logs/aws.log")


class OrderFixture:
    """A product with enough stock, and customers who order one item of it."""

    def __init__(self) -> None:
        env, tag = api_client.stack_env(), secrets.token_hex(5)
        public = ApiClient(env["API_URL"])
        staff = public.login(env["STAFF_EMAIL"], env["STAFF_PASSWORD"])
        product = {
            "sku": f"COST-{tag.upper()}",
            "name": "Lantern",
            "category": "lighting",
            "price": {"amount": 5000, "currency": "USD"},
            "stock_quantity": 100_000,
        }
        self.product = staff.post("/products", product, new_key()).expect(201)["id"]
        stock = f"/products/{self.product}/stock"
        api_client.eventually("stock of the product", lambda: public.get(stock).expect(200)["available"])
        self.customers = [client for _, client in chaos_load.register_customers(env, CUSTOMERS, tag)]

    def order(self, number: int) -> None:
        wanted = {
            "items": [{"product_id": self.product, "quantity": 1}],
            "shipping_address": chaos_load.ADDRESS,
            "payment_method": chaos_load.CARD,
        }
        self.customers[number % CUSTOMERS].post("/orders", wanted, new_key()).expect(201)

    def warm_up(self) -> None:
        """Starts every function that an order reaches, so that cold starts are not counted."""
        recorder = Recorder()
        self.order(0)
        recorder.drain(1)

    def send_one_per_second(self, orders: int) -> Usage:
        recorder, started = Recorder(), time.monotonic()
        for number in range(orders):
            time.sleep(max(0.0, started + number - time.monotonic()))
            self.order(number)
        return self._count(recorder, orders, started)

    def send_all(self, orders: int) -> Usage:
        """Sends orders as fast as this machine accepts them."""
        recorder, started = Recorder(), time.monotonic()
        with ThreadPoolExecutor(CUSTOMERS) as pool:
            list(pool.map(self.order, range(orders)))
        return self._count(recorder, orders, started)

    @staticmethod
    def _count(recorder: Recorder, orders: int, started: float) -> Usage:
        seconds = time.monotonic() - started
        recorder.drain(orders)
        return recorder.usage(orders, seconds)
