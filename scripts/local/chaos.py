"""Sends orders through the local cloud while its services are killed and disturbed, then checks the invariants.

The run starts the local cloud if it is not up, creates customers and products (half of the products with less stock
than demand), and sends orders over HTTP with several clients. Meanwhile files of products are imported, images of
products are uploaded, up to two requests a second with records are sent until the last kill, a webhook endpoint
receives events, and the run kills (SIGKILL) and restarts, in turn: PostgreSQL, Redis, Kafka, the payment gateway, the
functions' processes, the Kafka trigger, and all of these at once. And it disturbs: a service accepts connections and
does not answer (hang), functions reach PostgreSQL and Redis (slow) or the gateway (slow-gateway) through proxies that
delay what passes and cut some connections, PostgreSQL rejects writes (read-only), the bus is down (bus) or rejects some
events (bus-entries), a consumer is deployed with a configuration that it cannot start with (configuration), ten of the
functions that an order, its messages or an image pass are deployed with new packages, one after another, and rolled
back (deployment), messages of a consumer reach their last delivery and are redriven from its dead-letter queue
(dead-letters), the shards of the stream of analytics are split and their children merged (resharding). Each of these
sends an order of its own; one that counts what it meets fails the run if that is nothing. `--bus-outage` begins with an
outage of the bus that lasts as long as it says. The AWS emulator is not killed, because its state is in memory: after a
kill it has lost accepted messages, queues and the stack, which AWS does not do. Then the run waits, without triggering
anything, until no work is pending, and prints the invariants. The exit status is 0 if all of them hold, else 1.

A run takes some minutes of orders, and then as long as the platform's schedules need: a message whose function was
killed is redelivered after its visibility timeout (one to three minutes), and a payment whose function was killed while
its order was cancelled is settled by payment-reconcile after ten to fifteen minutes.

If a row is broken, start from the ids below it. `select history from orders.orders where id = …` shows the history of
an order. The lines of `.local/logs/aws.log` with an event's correlation id show the consumers; functions behind routes
log to the emulator's CloudWatch. docs/runbooks explains the reasons of dead letters. The stack is left running for
that. `--check` repeats the checks of the last run.
"""

import argparse
import datetime
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import api_client
import chaos_checks
import chaos_images
import chaos_imports
import chaos_killer
import chaos_load
import chaos_observer
import chaos_quiescence
import chaos_records
import chaos_webhooks
import config
import process
import progress
import services
from api_client import ApiClient
from chaos_killer import Killer
from chaos_observer import Observer
from chaos_quiescence import Quiescence
from config import ScriptError

Json = dict[str, Any]

LAST_RUN = config.LOCAL / "chaos.json"
CUSTOMERS = 12
# Expected lines of an order, times expected units of a line.
UNITS_PER_ORDER = 1.7 * 2


def ensure_up() -> dict[str, str]:
    """Starts the stack if it is not up. It is left running at the end."""
    is_up = all(process.pid_of(name) for name in services.ALL) and config.STACK_ENV.exists()
    if not is_up and subprocess.run([config.ROOT / "scripts" / "up"], check=False).returncode != 0:
        raise ScriptError("the local cloud does not start, for the reason above")
    return api_client.stack_env()


class Run:
    """One run: prepare, send and kill, wait, check."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments, self.rng = arguments, random.Random(arguments.seed)
        self.env = ensure_up()
        self.statistics = chaos_load.Statistics()
        self.killer = Killer(arguments.seed, self.env["GATEWAY_URL"], progress.note, arguments.kill)
        self.plans_besides: list[Json] = []
        self.endpoint: Json = {}
        # Whether `--check` still needs the webhook endpoint, because it has pending deliveries.
        self.keeps_endpoint = False

    def prepare(self) -> None:
        tag = time.strftime("%y%m%d%H%M%S")
        with progress.step(f"Register {CUSTOMERS} customers, create 8 products and a source of records"):
            since = chaos_observer.database_time()
            before = Observer(self.env, since, [], []).before
            staff = ApiClient(self.env["API_URL"]).login(self.env["STAFF_EMAIL"], self.env["STAFF_PASSWORD"])
            self.endpoint = chaos_webhooks.register(self.env, staff, tag)
            self.endpoint["since"] = chaos_observer.database_time()
            customers = chaos_load.register_customers(self.env, CUSTOMERS, tag)
            units = self.arguments.orders * UNITS_PER_ORDER
            self.received = chaos_load.create_products(self.env, staff, tag, units)
            source = chaos_records.create_source(staff, tag)
        self.observer = Observer(self.env, since, [user for user, _ in customers], list(self.received), before)
        self.observer.endpoint = self.endpoint
        self.load = chaos_load.Load(self.env, [client for _, client in customers], staff, self.statistics)
        self.imports = chaos_imports.Imports(self.load, tag)
        self.images = chaos_images.Images(self.load, self.arguments.seed, list(self.received))
        self.records = chaos_records.Records(self.load, source)
        self.plans = chaos_load.plans(self.rng, self.arguments.orders, CUSTOMERS, list(self.received))
        self.besides = random.Random(f"{self.arguments.seed} besides")
        self.killer.order = self.place_besides

    def place_besides(self) -> None:
        """One more order, for a disturbance to meet."""
        plan = chaos_load.plan(self.besides, chaos_load.BUYS, CUSTOMERS, list(self.received))
        self.plans_besides.append(plan)
        self.load.place_besides(plan)

    def send_and_kill(self) -> None:
        """Sends orders while the killer runs. The killer finishes at least its first round."""
        arguments = self.arguments
        progress.heading(f"{arguments.orders} orders by {arguments.clients} clients, seed {arguments.seed}")
        started = time.monotonic()
        if not arguments.no_kills:
            self.killer.bus_outage_s = arguments.bus_outage
            self.killer.start()
        uploads = (self.imports, self.images)
        workers = (*uploads, self.records)
        for each in workers:
            each.start()
        try:
            try:
                self.load.run(self.rng, self.plans, arguments.clients)
            finally:
                for each in uploads:
                    each.stopping.set()
            self.killer.finish()
        # What is disturbed is undone, also after an interruption.
        except BaseException:
            self.killer.abort()
            raise
        finally:
            # After the last kill, for their last request.
            self.records.stopping.set()
        # A service may be down, for which the requests that are under way would wait.
        if self.killer.error:
            raise ScriptError(f"kills and disturbances ended early: {self.killer.error}")
        try:
            self.load.finish()
        finally:
            for each in workers:
                each.join()
        self.sending_s = time.monotonic() - started
        if self.load.errors:
            raise ScriptError(f"a customer failed: {self.load.errors[0]}")
        for error in filter(None, (each.error for each in workers)):
            raise ScriptError(error)
        self.repeated = chaos_records.hit(self.records.made, self.killer.outages)
        if self.killer.outages and not self.repeated:
            raise ScriptError("no request with records was repeated while PostgreSQL or Kafka was down")
        self.observer.made_imports, self.observer.made_images = self.imports.made, self.images.made
        self.observer.made_records = {"source": self.records.source, "batches": self.records.made}

    def wait(self) -> None:
        progress.heading("Wait until no work is pending")
        status = ""

        def report(text: str) -> None:
            nonlocal status
            status = text

        with progress.step("No work is pending") as step:
            step.status = lambda: status
            since = max(self.statistics.last, self.killer.last)
            timeout = self.arguments.quiet_timeout
            self.quiescence = chaos_quiescence.await_quiescence(self.observer, timeout, report)
        self.quiet_s = self.quiescence.at - since
        with progress.step("Send every accepted request again"):
            self.replays = self.load.replay(self.plans + self.plans_besides, self.arguments.clients)
        self.replays += [
            {"key": entry["key"], "same": False, "response": f"concurrent requests differ: {entry['differing']}"}
            for entry in self.load.placed
            if entry.get("differing")
        ]

    def save(self) -> list[Json]:
        """Writes what a later `--check` needs. Returns the placed orders without their raw responses."""
        hidden = {"raw", "differing"}
        placed = [{name: value for name, value in entry.items() if name not in hidden} for entry in self.load.placed]
        saved = {
            "since": self.observer.since,
            "users": self.observer.users,
            "received": self.received,
            "before": self.observer.before,
            "endpoint": self.endpoint,
            "subscribed": self.observer.subscribed,
            "is_settled": self.observer.is_settled,
            "imports": self.imports.made,
            "images": self.images.made,
            "records": self.observer.made_records,
            "placed": placed,
            "replays": self.replays,
        }
        write_last_run(saved)
        self.keeps_endpoint = not self.observer.is_settled
        return placed

    def unregister(self) -> None:
        if self.keeps_endpoint:
            progress.note(f"the webhook endpoint {self.endpoint['id']} is kept for --check")
        elif self.endpoint:
            unregister(self.env, self.endpoint)

    def summary(self, observed: Json) -> Iterator[str]:
        statistics, killer = self.statistics, self.killer
        statuses = {str(status): number for status, number in sorted(statistics.statuses.items(), key=str)}
        outcomes = Counter(
            order["status"] + (f" ({order['reason']})" if order["reason"] else "") for order in observed["orders"]
        )
        quiet = progress.duration(self.quiet_s)
        yield f"duration: {progress.duration(self.sending_s)} of orders and kills, {quiet} until no work was pending"
        yield f"last pending work: {', '.join(self.quiescence.last_pending) or 'none'}"
        yield f"slowest confirmation: {slowest_confirmation_s(observed)} s after the order was placed"
        yield f"requests: {statistics.requests} in {statistics.attempts} attempts, {statistics.retried} were retried"
        yield f"statuses: {counts(statuses)}"
        if statistics.server_errors:
            yield f"responses with status 500: {counts(statistics.server_errors)}"
        yield f"scenarios: {counts(Counter(entry['scenario'] for entry in self.load.placed))}"
        yield f"follow-ups: {counts(self.load.done)}"
        sent = len(self.records.made)
        yield f"requests with records: {sent}, {self.repeated} of them repeated while PostgreSQL or Kafka was down"
        yield f"kills: {counts(killer.done)}; AWS emulator: 0 (see --help)"
        yield f"functions killed most often: {counts(dict(killer.functions.most_common(8)))}"
        yield f"orders: {counts(outcomes)}"
        yield from duplicates(self.observer, observed)


def write_last_run(saved: Json) -> None:
    # It has the secret of the webhook endpoint.
    config.write_private(LAST_RUN, json.dumps(saved, indent=2) + "\n")


def unregister(env: dict[str, str], endpoint: Json) -> None:
    if not chaos_webhooks.delete(env, endpoint):
        progress.note(f"the webhook endpoint {endpoint['id']} could not be deleted")


def slowest_confirmation_s(observed: Json) -> int:
    confirmed = [
        (entry["at"], order["history"][0]["at"])
        for order in observed["orders"]
        for entry in order["history"]
        if entry["status"] == "processing"
    ]
    return max((int((parse_time(end) - parse_time(start)).total_seconds()) for end, start in confirmed), default=0)


def parse_time(text: str) -> datetime.datetime:
    # Python 3.11 reads at most microseconds.
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))


def counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counted.items()) or "none"


def duplicates(observer: Observer, observed: Json) -> Iterator[str]:
    """Duplicates that at-least-once delivery allows."""
    lines = sum(observer.archived[event][1] - 1 for event in observed["archived"])
    known = {order["id"] for order in observed["orders"]}
    messages = Counter(
        (message["subject"], order) for message in observed["emails"] for order in message["orders"] if order in known
    )
    emails = sum(number - 1 for number in messages.values())
    dead = Counter(f"{message['queue']}: {message['reason']}" for message in observed["dead_letters"])
    yield f"delivered at least once: {lines} duplicate lines in the archive, {emails} duplicate e-mails"
    yield f"dead letters: {counts(dead)}"
    postponed = Counter(each["error"] or "rejected" for each in observed["subscribed_events"] if each["is_postponed"])
    if postponed:
        yield f"webhooks postponed by at least half an hour, after three attempts or more: {counts(postponed)}"


def report(observed: Json, quiescence: Quiescence, summary: Iterator[str]) -> bool:
    """Prints the invariants and the summary. Returns whether all invariants hold."""
    rows = chaos_checks.check(observed)
    progress.heading("Invariants")
    for row in rows:
        for line in row.lines():
            print(f"  {line}")
    if not quiescence.reached:
        print(f"  BROKEN  work is still pending: {', '.join(quiescence.last_pending)}")
    progress.heading("Summary")
    for line in summary:
        progress.note(line)
    broken = sum(not row.ok for row in rows) + (not quiescence.reached)
    if broken:
        progress.fail(
            f"{broken} of {len(rows) + 1} invariants are broken; the stack is left running, see scripts/chaos --help"
        )
    else:
        progress.done(f"all {len(rows)} invariants hold: nothing lost, nothing duplicated, nothing oversold")
    return not broken


def run(arguments: argparse.Namespace) -> bool:
    new = Run(arguments)
    try:
        new.prepare()
        new.send_and_kill()
        new.wait()
        observed = new.observer.observations(new.save(), new.replays, new.received)
    finally:
        new.unregister()
    return report(observed, new.quiescence, new.summary(observed))


def check_again(arguments: argparse.Namespace) -> bool:
    """Repeats the checks of the last run."""
    saved = config.read_json(LAST_RUN)
    if not saved:
        raise ScriptError("there is no run to check: run scripts/chaos")
    if saved.get("records") is None:
        raise ScriptError("the last run was of an earlier version: run scripts/chaos again")
    env = api_client.stack_env()
    observer = Observer(env, saved["since"], saved["users"], list(saved["received"]), saved["before"])
    observer.endpoint, observer.made_imports = saved["endpoint"], saved["imports"]
    observer.made_images, observer.made_records = saved["images"], saved["records"]
    observer.subscribed, observer.is_settled = saved["subscribed"], saved["is_settled"]
    quiescence = chaos_quiescence.await_quiescence(observer, arguments.quiet_timeout, lambda _: None)
    observed = observer.observations(saved["placed"], saved["replays"], saved["received"])
    if observer.is_settled and not saved["is_settled"]:
        write_last_run({**saved, "subscribed": observer.subscribed, "is_settled": True})
        unregister(env, observer.endpoint)
    return report(observed, quiescence, duplicates(observer, observed))


def read_arguments() -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__, formatter_class=formatter)
    parser.add_argument("--orders", type=int, default=300, help="number of orders (default 300)")
    parser.add_argument("--clients", type=int, default=12, help="number of concurrent clients (default 12)")
    parser.add_argument("--seed", type=int, help="determines scenarios and kills (default: random, and printed)")
    parser.add_argument(
        "--quiet-timeout",
        type=int,
        default=1200,
        metavar="SECONDS",
        help="longest wait for pending work (default 1200: payment-reconcile needs ten to fifteen minutes)",
    )
    parser.add_argument(
        "--kill",
        nargs="+",
        choices=chaos_killer.KINDS,
        default=chaos_killer.KINDS,
        metavar="KIND",
        help=f"kill or disturb only these: {', '.join(chaos_killer.KINDS)} (default: all)",
    )
    parser.add_argument(
        "--bus-outage", type=int, default=0, metavar="SECONDS", help="begin with an outage of the bus (default none)"
    )
    parser.add_argument("--no-kills", action="store_true", help="send orders without killing anything")
    parser.add_argument("--check", action="store_true", help="send nothing, repeat the checks of the last run")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.randrange(1_000_000)
    return arguments


def main() -> int:
    arguments = read_arguments()
    try:
        holds = check_again(arguments) if arguments.check else run(arguments)
    except ScriptError as error:
        progress.fail(str(error))
        return 1
    except KeyboardInterrupt:
        progress.fail("interrupted; the stack is still running, stop it with scripts/down")
        return 130
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
