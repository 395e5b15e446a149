"""The running stack as the drill of the runbooks uses it: a customer with orders, and what its metrics are now."""

import random
import secrets
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import alarm_rules
import api_client
import aws
import chaos_disturbances
import chaos_observer
import config
import emf
import emulator_records
import exporter
import postgres_server
import sample_accounts
import samples
from alarm_rules import Alarm
from api_client import ApiClient, eventually, new_key
from config import ScriptError

Json = dict[str, Any]

PRICE, STOCK = 1999, 1000
CARD = "pm_card_visa"
ADDRESS = {"line1": "Hafenstraße 12", "city": "Hamburg", "region": "HH", "postal_code": "20457", "country": "DE"}
# An order whose charge was refused while the gateway was suspended is charged within a minute and a half.
CONFIRMED_S = 120


def sql(statement: str) -> str:
    """Runs a statement as the database's owner. Returns what it printed."""
    ended = postgres_server.psql(config.DATABASE, statement)
    if ended.returncode != 0:
        raise ScriptError(f"the database rejects {statement!r}: {ended.stderr.strip()}")
    return ended.stdout.strip()


class Clock:
    """The time, some seconds ahead when asked."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Readings:
    """The exposition of the stack's metrics, as the exporter of scripts/observe serves it."""

    def __init__(self) -> None:
        self._clock = Clock()
        measure = partial(exporter.queues_of, config.endpoint())
        self._exporter = exporter.Exporter(config.LOGS, "", "", measure, emf.Metrics(self._clock))
        self._exporter.read(is_history=True)

    def now(self) -> dict[str, float]:
        self._exporter.look()
        self._exporter.read()
        # Two scrapes later, when a new counter is no longer 0.
        self._clock.ahead_s = emf.FIRST_ZERO_S
        try:
            return alarm_rules.parse(self._exporter.exposition().decode())
        finally:
            self._clock.ahead_s = 0

    def until(self, what: str, is_wanted: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """The first reading with a property."""

        def look() -> dict[str, float]:
            samples = self.now()
            return samples if is_wanted(samples) else {}

        return eventually(what, look)

    def firing(self, watched: Alarm, before: Mapping[str, float]) -> dict[str, float]:
        """The first reading over the threshold of an alarm; of a count, over it since the reading before."""
        base = watched.value(before) if watched.is_count else 0.0
        what = f"metric of the alarm {watched.name}"
        return self.until(what, lambda samples: watched.value(samples) - base > watched.threshold)

    def inactive(self, watched: Alarm) -> dict[str, float]:
        """The first reading that is not over the threshold; any, of a count."""
        what = f"metric of the alarm {watched.name} below its threshold"
        return self.until(what, lambda samples: watched.is_count or watched.value(samples) <= watched.threshold)


class Stack:
    """A customer, a product with enough stock, and an admin."""

    def __init__(self) -> None:
        self.env = api_client.stack_env()
        public = ApiClient(self.env["API_URL"])
        account = sample_accounts.register(public, "run")
        self.customer = public.login(account.email, account.password)
        self.admin = public.login(self.env["ADMIN_EMAIL"], self.env["ADMIN_PASSWORD"])
        staff = public.login(self.env["STAFF_EMAIL"], self.env["STAFF_PASSWORD"])
        product = {
            "sku": f"RUNBOOK-{secrets.token_hex(6).upper()}",
            "name": "Lantern",
            "description": "For the drill of the runbooks",
            "category": "outdoor",
            "price": {"amount": PRICE, "currency": "USD"},
            "stock_quantity": STOCK,
        }
        self.product = str(staff.post("/products", product, new_key()).expect(201)["id"])
        eventually(
            "stock of the product", lambda: public.get(f"/products/{self.product}/stock").expect(200)["available"]
        )

    def place(self) -> str:
        """A new order. Returns its id."""
        items = [{"product_id": self.product, "quantity": 1}]
        wanted = {"items": items, "shipping_address": ADDRESS, "payment_method": CARD}
        return str(self.customer.post("/orders", wanted, new_key()).expect(201)["id"])

    def place_each(self, count: int) -> list[str]:
        """New orders at once."""
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.place(), range(count)))

    def order(self, order: str) -> Json:
        found: Json = self.customer.get(f"/orders/{order}").expect(200)
        return found

    def confirmed(self, orders: Iterable[str]) -> None:
        """Waits until the orders are paid and have their stock."""
        for order in orders:
            eventually(f"order {order} processing", partial(self._is_processing, order), CONFIRMED_S)

    def _is_processing(self, order: str) -> bool:
        status = self.order(order)["status"]
        if status == "cancelled":
            raise ScriptError(f"order {order} is cancelled")
        return bool(status == "processing")

    def work(self) -> None:
        """What a stack without a fault does: an order is confirmed, and the sweeps run."""
        self.confirmed([self.place()])
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(self.tick, ("outbox-sweep", "order-sweep", "ledger-reconcile")))

    def tick(self, function: str) -> None:
        """Runs a function as its schedule does."""
        aws.invoke(function, samples.event(function))

    def queue(self, name: str) -> str:
        """The URL of a queue."""
        return aws.queues()[name]

    def wait_for_messages(self, queue: str, count: int) -> None:
        url = self.queue(queue)
        eventually(f"{count} messages in the queue {queue}", lambda: aws.message_count(url) >= count)

    def make_older(self, queue: str, seconds: int) -> None:
        """Makes the messages of a queue older than they are."""
        body = {"queue": config.physical_name(queue), "older_by_s": seconds}
        api_client.put_json(f"{config.endpoint()}/_local/queues", body)

    def gateway_fault(self, mode: str) -> None:
        api_client.put_json(f"{self.env['GATEWAY_URL']}/_local/faults", {"mode": mode})

    def lost_charge(self) -> Json:
        """A charge at the gateway of a payment that the database does not have, as its line of the statement."""
        headers = {"Authorization": f"Bearer {config.secret('gateway_secret_key')}"}
        gateway = ApiClient(self.env["GATEWAY_URL"])
        charge = {
            "amount": str(PRICE),
            "currency": "usd",
            "payment_method": CARD,
            "confirm": "true",
            "metadata[payment_id]": new_key(),
            "metadata[attempt]": "1",
            "metadata[environment]": config.STAGE,
        }
        sent = {**headers, "Idempotency-Key": new_key()}
        made = gateway.send("POST", "/v1/payment_intents", urllib.parse.urlencode(charge).encode(), sent).expect(200)
        listed = gateway.send("GET", "/v1/balance_transactions?limit=20&expand[]=data.source", None, headers)
        for line in listed.expect(200)["data"]:
            if line["source"]["payment_intent"] == made["id"]:
                return {"reference": made["id"], "amount": line["amount"], "fee": line["fee"]}
        raise ScriptError(f"the gateway's statement has no line of the charge {made['id']}")


@contextmanager
def bus_down() -> Iterator[None]:
    """The bus rejects every request."""
    with chaos_disturbances.BUS.apply(random.Random()):
        yield


def read_until() -> str:
    """Until when the gateway's statement is read, as text."""
    found = chaos_observer.rows("select progress ->> 'read_until' as at from payments.reconciliation")
    return str(found[0]["at"])


def rotations() -> list[Json]:
    """The records of rotations in the trail."""
    return emulator_records.read(config.LOGS / emulator_records.TRAIL)[0]
