"""Sends a mixed load for a while and shows what grows: every table, queue, process and file of the local cloud.

Customers browse, order, pay again, cancel and read; staff ships. Every half minute, or forty times in a shorter run,
everything is measured. At the end each resource is flat, grows with the number of orders, or grows by itself, which
fails the run. See soak_growth.py for the rule. The AWS emulator is a process of its own that keeps messages, logs and
objects in memory: its memory may grow with the orders. A run of less than ten minutes shows little, because
connections and caches are still growing.
"""

import argparse
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import api_client
import chaos_load
import cost
import progress
import soak_growth
import soak_samples
from api_client import PREFIX, ApiClient
from chaos_load import Load
from config import ScriptError
from soak_growth import GROWS, KINDS, Growth
from soak_samples import Sample

CUSTOMERS = 24
INTERVAL_S = 30
SAMPLES = 40
# An access token is valid for fifteen minutes.
LOGIN_EVERY_S = 600
# Requests that only read, for each order.
READS = ("/products?limit=20", "/products/{product}", "/products/{product}/stock", "/orders/{order}", "/users/{user}")
# Memory that may grow with the orders: the emulator keeps all of its state there.
KEEPS_STATE_IN_MEMORY = ("memory", "aws")
UNITS_PER_ORDER = 3.4


class Soak:
    """The load of one run, sent by a thread until it is stopped."""

    def __init__(self, rate: float, minutes: float, seed: int) -> None:
        self.env, self.rate, self.rng = api_client.stack_env(), rate, random.Random(seed)
        self.tag = time.strftime("%y%m%d%H%M%S")
        self.public = ApiClient(self.env["API_URL"])
        customers = chaos_load.register_customers(self.env, CUSTOMERS, self.tag)
        self.users = [user for user, _ in customers]
        expected = rate * 60 * minutes * UNITS_PER_ORDER
        self.products = list(chaos_load.create_products(self.env, self._staff(), self.tag, expected))
        self.statistics = chaos_load.Statistics()
        self.load = Load(self.env, [client for _, client in customers], self._staff(), self.statistics)
        self.stopping = threading.Event()
        self.reads: Counter[str] = Counter()
        self.thread = threading.Thread(target=self._send, name="load")
        self.error: Exception | None = None

    def _staff(self) -> ApiClient:
        return self.public.login(self.env["STAFF_EMAIL"], self.env["STAFF_PASSWORD"])

    @property
    def orders(self) -> int:
        return sum(entry["outcome"] == "accepted" for entry in list(self.load.placed))

    def _login(self) -> None:
        for index in range(CUSTOMERS):
            self.load.customers[index] = self.public.login(*chaos_load.credentials(self.tag, index))
        self.load.staff = self._staff()

    def _send(self) -> None:
        try:
            self._send_until_stopped()
        except Exception as error:
            # Reported by the run: an exception must not get lost in its thread.
            self.error = error

    def _send_until_stopped(self) -> None:
        logged_in = started = time.monotonic()
        sent = 0
        with ThreadPoolExecutor(16) as placing, ThreadPoolExecutor(64) as following:
            while not self.stopping.is_set():
                if time.monotonic() - logged_in > LOGIN_EVERY_S:
                    self._login()
                    logged_in = time.monotonic()
                plan = chaos_load.plans(self.rng, 1, CUSTOMERS, self.products)[0]
                placing.submit(self._one, plan, following)
                sent += 1
                self.stopping.wait(max(0.0, started + sent / self.rate - time.monotonic()))

    def _one(self, plan: chaos_load.Json, following: ThreadPoolExecutor) -> None:
        self.load.place(plan, following)
        order = next((entry["order_id"] for entry in reversed(self.load.placed) if entry["key"] == plan["key"]), None)
        customer = plan["customer"]
        values = {"product": self.rng.choice(self.products), "order": order, "user": self.users[customer]}
        for path in READS:
            if order or "{order}" not in path:
                status = chaos_load.attempt(
                    self.load.customers[customer], "GET", path.format(**values), None, {}
                ).status
                self.reads[f"GET {PREFIX}{path}: {status}"] += 1


def run(soak: Soak, minutes: float, interval_s: float) -> tuple[list[Sample], list[int]]:
    """The samples and the number of orders at each."""
    samples: list[Sample] = []
    orders: list[int] = []
    soak.thread.start()
    end = time.monotonic() + minutes * 60
    try:
        with progress.step(f"{minutes:g} minutes of {soak.rate:g} orders a second") as step:
            step.status = lambda: f"{soak.orders} orders, {len(samples)} samples"
            while time.monotonic() < end and not soak.error:
                soak.stopping.wait(interval_s)
                samples.append(soak_samples.sample())
                orders.append(soak.orders)
    finally:
        soak.stopping.set()
        soak.thread.join()
    failed = soak.error or next(iter(soak.load.errors), None)
    if failed:
        raise ScriptError(f"the load failed: {failed}")
    return samples, orders


def growths(samples: list[Sample], orders: list[int]) -> list[Growth]:
    """A row for each resource. One that appears later, such as a process, counts from its first sample."""
    found = []
    for kind, name in sorted({key for each in samples for key in each}):
        present = [
            (each[kind, name], number) for each, number in zip(samples, orders, strict=True) if (kind, name) in each
        ]
        if len(present) >= 4:
            values, at = zip(*present, strict=True)
            found.append(soak_growth.growth(kind, name, values, at))
    return found


def is_allowed(row: Growth) -> bool:
    return row.verdict != GROWS or (row.kind, row.name) == KEEPS_STATE_IN_MEMORY


def table(rows: list[Growth]) -> str:
    header = ["what", "of", "start", "middle", "end", "an order, first half", "second half", "growth"]

    def number(value: float) -> str:
        return f"{value:,.1f}".removesuffix(".0")

    def cells(row: Growth) -> list[str]:
        halves = ["", ""]
        if not KINDS[row.kind].is_level:
            halves = [f"{row.first_half:.3g}", f"{row.second_half:.3g}"]
        unit = KINDS[row.kind].unit
        what = row.kind if unit in row.kind else f"{row.kind}, {unit}"
        return [what, row.name, *(number(value) for value in (row.start, row.middle, row.end)), *halves, row.verdict]

    return cost.table(header, map(cells, rows))


def report(soak: Soak, rows: list[Growth]) -> str:
    verdicts = Counter(row.verdict for row in rows)
    statuses = {str(status): number for status, number in sorted(soak.statistics.statuses.items(), key=str)}
    return "\n".join(
        [
            f"{soak.orders} orders at {soak.rate:g} a second; requests that write: {statuses}; "
            f"that read: {dict(sorted(soak.reads.items()))}",
            "",
            ", ".join(f"{verdict}: {number}" for verdict, number in sorted(verdicts.items())),
            "",
            table(rows),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30, help="length of the load (default 30)")
    parser.add_argument("--rate", type=float, default=2, help="orders a second (default 2)")
    parser.add_argument("--seed", type=int, default=7, help="determines what customers do (default 7)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the report to this file")
    arguments = parser.parse_args()
    if arguments.minutes <= 0 or arguments.rate <= 0:
        parser.error("--minutes and --rate must be above zero")
    with progress.step(f"Register {CUSTOMERS} customers, create 8 products"):
        soak = Soak(arguments.rate, arguments.minutes, arguments.seed)
    interval_s = min(INTERVAL_S, arguments.minutes * 60 / SAMPLES)
    samples, orders = run(soak, arguments.minutes, interval_s)
    rows = growths(samples, orders)
    text = report(soak, rows)
    print(text)
    if arguments.write:
        arguments.write.write_text(text)
    growing = [f"{row.kind} of {row.name}" for row in rows if not is_allowed(row)]
    if growing:
        progress.fail(f"these grow by themselves: {', '.join(growing)}")
        return 1
    progress.done("nothing grows by itself")
    return 0


if __name__ == "__main__":
    progress.run(main)
