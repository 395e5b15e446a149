"""Customers of scripts/chaos. Each order has its own idempotency key and is sent with it until there is a definite
response.

What a customer does is drawn from the seed before anything is sent. How requests and kills interleave is chance.
"""

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import api_client
import verification
from api_client import PREFIX, ApiClient
from config import ScriptError

Json = dict[str, Any]
T = TypeVar("T")

CARD, DECLINED_CARD = "pm_card_visa", "pm_card_visa_chargeDeclined"
ADDRESS = {"line1": "1 Harbour Way", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US"}

BUYS = "buys"
BUYS_TWICE = "buys twice concurrently"
DISCONNECTS = "disconnects"
PAYS_AGAIN = "pays again"
PAYS_AGAIN_TWICE = "pays again twice concurrently"
LEAVES_DECLINED = "leaves it declined"
CANCELS = "cancels at once"
CANCELS_LATER = "cancels later"
IS_SHIPPED = "is shipped"
EXCEEDS_STOCK = "exceeds the stock"
# Scenarios, and how many of a hundred customers follow each.
SCENARIOS = {
    BUYS: 50,
    BUYS_TWICE: 6,
    DISCONNECTS: 5,
    PAYS_AGAIN: 11,
    PAYS_AGAIN_TWICE: 3,
    LEAVES_DECLINED: 5,
    CANCELS: 6,
    CANCELS_LATER: 7,
    IS_SHIPPED: 5,
    EXCEEDS_STOCK: 2,
}
DECLINED_SCENARIOS = {PAYS_AGAIN, PAYS_AGAIN_TWICE, LEAVES_DECLINED}
BURST, PAUSE_S = (10, 40), (4.0, 11.0)
ATTEMPTS = 14
MAX_WAIT_S = 5
# Timeout of a customer who disconnects: it sends once and does not wait for the response.
DISCONNECT_S = 0.15
# How long a customer polls an order before giving up.
POLL_S = 240

# Status of a request without a response.
NO_RESPONSE = "none"
Status = int | str


@dataclass(frozen=True)
class Attempt:
    """The last response to a request: its status, body and headers, and which attempt it is."""

    status: Status
    raw: bytes = b""
    headers: Any = field(default_factory=dict)
    number: int = 1

    @property
    def is_definite(self) -> bool:
        """Whether a retry would be pointless: a response other than 429 and 5xx."""
        return isinstance(self.status, int) and self.status != 429 and self.status < 500


def plans(rng: random.Random, orders: int, customers: int, products: list[str]) -> list[Json]:
    """What is ordered, by which customer, in which scenario."""
    scenarios, weights = list(SCENARIOS), list(SCENARIOS.values())
    return [plan(rng, rng.choices(scenarios, weights)[0], customers, products) for _ in range(orders)]


def plan(rng: random.Random, scenario: str, customers: int, products: list[str]) -> Json:
    """One order."""
    wanted = rng.sample(products, rng.choice((1, 1, 1, 2, 2, 3)))
    quantity = {product: rng.randint(1, 3) for product in wanted}
    if scenario == EXCEEDS_STOCK:
        quantity[wanted[0]] = 1000
    return {
        "scenario": scenario,
        "customer": rng.randrange(customers),
        "key": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "body": {
            "items": [{"product_id": product, "quantity": quantity[product]} for product in wanted],
            "shipping_address": ADDRESS,
            "payment_method": DECLINED_CARD if scenario in DECLINED_SCENARIOS else CARD,
        },
        "pause_s": rng.uniform(0, 4),
    }


def bursts(rng: random.Random, items: Sequence[T]) -> Iterator[tuple[Sequence[T], float]]:
    """Splits the load into bursts: the items of each, and the seconds until the next one."""
    while items:
        size = rng.randint(*BURST)
        yield items[:size], rng.uniform(*PAUSE_S)
        items = items[size:]


class Statistics:
    """Counts requests, attempts and statuses."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests, self.retried, self.attempts = 0, 0, 0
        self.statuses: Counter[Status] = Counter()
        self.server_errors: Counter[str] = Counter()
        # When the last request ended that could change something.
        self.last = 0.0

    def add(self, method: str, attempts: list[Attempt]) -> None:
        with self.lock:
            if method != "GET":
                self.last = time.monotonic()
            self.requests += 1
            self.attempts += len(attempts)
            self.retried += len(attempts) > 1
            self.statuses.update(attempt.status for attempt in attempts)
            errors = (attempt for attempt in attempts if attempt.status == 500)
            self.server_errors.update(f"{method} {error.raw[:120].decode(errors='replace')}" for error in errors)


def attempt(client: ApiClient, method: str, path: str, body: object, headers: dict[str, str]) -> Attempt:
    try:
        response = client.call(method, PREFIX + path, body, headers)
    except (ScriptError, http.client.HTTPException, OSError, ValueError):
        return Attempt(NO_RESPONSE)
    return Attempt(response.status, response.raw, response.headers)


class Load:
    """Sends all plans with several clients. `placed` has the result of each one."""

    def __init__(
        self, env: dict[str, str], customers: list[ApiClient], staff: ApiClient, statistics: Statistics
    ) -> None:
        self.env, self.customers, self.staff, self.statistics = env, customers, staff, statistics
        self.lock = threading.Lock()
        self.placed: list[Json] = []
        self.errors: list[str] = []
        self.done: Counter[str] = Counter()
        self.one_by_one, self.besides = ThreadPoolExecutor(4), list[Future[None]]()

    def send(
        self,
        client: ApiClient,
        method: str,
        path: str,
        body: object = None,
        key: str | None = None,
        if_match: str | None = None,
        max_attempts: int = ATTEMPTS,
    ) -> Attempt:
        """One request, retried unchanged until there is a definite response."""
        headers = {"Idempotency-Key": key, "If-Match": if_match}
        given = {name: value for name, value in headers.items() if value}
        attempts: list[Attempt] = []
        for number in range(max_attempts):
            attempts.append(attempt(client, method, path, body, given))
            if attempts[-1].is_definite:
                break
            if number + 1 < max_attempts:
                wait = min(MAX_WAIT_S, 0.25 * 2**number)
                time.sleep(wait * random.uniform(0.7, 1.3))
        self.statistics.add(method, attempts)
        return replace(attempts[-1], number=len(attempts))

    def run(self, rng: random.Random, planned: list[Json], clients: int) -> None:
        """Follow-ups wait for the platform, so they have their own threads."""
        with ThreadPoolExecutor(clients) as placing, ThreadPoolExecutor(4 * clients) as following:
            futures = []
            for burst, pause_s in bursts(rng, planned):
                futures += [placing.submit(self.place, plan, following) for plan in burst]
                time.sleep(pause_s)
            for future in futures:
                future.result()

    def place_besides(self, plan: Json) -> None:
        """Sends one more order, and does not wait for its response. `finish` does."""
        self.besides.append(self.one_by_one.submit(self.place, plan, self.one_by_one))

    def finish(self) -> None:
        # In this order: an order that is accepted submits its follow-up.
        for future in self.besides:
            future.result()
        self.one_by_one.shutdown()

    def place(self, plan: Json, following: ThreadPoolExecutor) -> None:
        client = self.customers[plan["customer"]]
        if plan["scenario"] == DISCONNECTS:
            impatient = ApiClient(client.base, client.token, DISCONNECT_S)
            responses = [self.send(impatient, "POST", "/orders", plan["body"], plan["key"], max_attempts=1)]
        elif plan["scenario"] == BUYS_TWICE:
            responses = self.twice(lambda _: self.send(client, "POST", "/orders", plan["body"], plan["key"]))
        else:
            responses = [self.send(client, "POST", "/orders", plan["body"], plan["key"])]
        entry = outcome(plan, responses)
        with self.lock:
            self.placed.append(entry)
        if entry["outcome"] == "accepted":
            following.submit(self.follow_up, plan, client, entry["order_id"])

    @staticmethod
    def twice(work: Callable[[str], Attempt]) -> list[Attempt]:
        """Runs two calls concurrently, each with a name of its own."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(work, ("a", "b")))

    # ---- follow-ups -------------------------------------------------------------------------------------------

    def follow_up(self, plan: Json, client: ApiClient, order: str) -> None:
        scenario = plan["scenario"]
        try:
            if scenario in {PAYS_AGAIN, PAYS_AGAIN_TWICE}:
                self.pay_again(plan, client, order)
            elif scenario in {CANCELS, CANCELS_LATER}:
                time.sleep(plan["pause_s"] if scenario == CANCELS_LATER else 0)
                self.count(scenario, self.send(client, "DELETE", f"/orders/{order}").status)
            elif scenario == IS_SHIPPED:
                self.ship(client, order)
        except Exception as error:
            # Reported by the run: an exception in a follow-up must not get lost in its thread.
            with self.lock:
                self.errors.append(f"order {order}, {scenario}: {error!r}")

    def count(self, scenario: str, result: Status) -> None:
        with self.lock:
            self.done[f"{scenario}: {result}"] += 1

    def await_state(self, client: ApiClient, order: str, state: str) -> tuple[Json, Any] | None:
        """The order and its headers once it has this status or reason, or is cancelled. None after POLL_S."""
        deadline = time.monotonic() + POLL_S
        while time.monotonic() < deadline:
            seen = self.send(client, "GET", f"/orders/{order}")
            if seen.status == 200:
                view = json.loads(seen.raw)
                if view.get("status_reason") == state or view["status"] in {state, "cancelled"}:
                    return view, seen.headers
            time.sleep(1)
        return None

    def pay_again(self, plan: Json, client: ApiClient, order: str) -> None:
        seen = self.await_state(client, order, "payment_declined")
        if seen is None or seen[0]["status"] == "cancelled":
            return self.count(plan["scenario"], "not needed")
        body, key = {"order_id": order, "payment_method": CARD}, f"again-{plan['key']}"

        def pay(idempotency_key: str) -> Attempt:
            return self.send(client, "POST", "/payments/process", body, idempotency_key)

        if plan["scenario"] == PAYS_AGAIN:
            return self.count(plan["scenario"], pay(key).status)
        # Two browser tabs with a key each: only one may charge.
        statuses = sorted(str(each.status) for each in self.twice(lambda tab: pay(f"{key}-{tab}")))
        return self.count(plan["scenario"], " and ".join(statuses))

    def ship(self, client: ApiClient, order: str) -> None:
        seen = self.await_state(client, order, "processing")
        if seen is None or seen[0]["status"] != "processing":
            return self.count(IS_SHIPPED, "never confirmed")
        body = {"status": "shipped"}
        shipped = self.send(self.staff, "PATCH", f"/orders/{order}/status", body, if_match=seen[1]["ETag"])
        return self.count(IS_SHIPPED, shipped.status)

    # ---- after the run ----------------------------------------------------------------------------------------

    def replay(self, planned: list[Json], clients: int) -> list[Json]:
        """Sends every accepted request once more. The first response must come again, byte for byte."""
        first = {entry["key"]: entry for entry in self.placed if entry["outcome"] == "accepted"}

        def again(plan: Json) -> Json:
            response = self.send(self.customers[plan["customer"]], "POST", "/orders", plan["body"], plan["key"])
            same = response.status == 201 and response.raw == first[plan["key"]]["raw"]
            got = f"{response.status} {response.raw[:200].decode(errors='replace')}"
            return {"key": plan["key"], "same": same, "response": got}

        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(again, [plan for plan in planned if plan["key"] in first]))


def outcome(plan: Json, responses: list[Attempt]) -> Json:
    """The outcome of a key: accepted, rejected with a status, or unknown. Two responses to one key must be equal."""
    entry = {
        "key": plan["key"],
        "scenario": plan["scenario"],
        "order_id": None,
        "raw": b"",
        "status": responses[0].status,
        "outcome": "unknown",
    }
    definite = [(response.status, response.raw) for response in responses if response.is_definite]
    if definite:
        status, raw = definite[0]
        entry.update(status=status, raw=raw, outcome="accepted" if status == 201 else "rejected")
        if status == 201:
            entry["order_id"] = json.loads(raw)["id"]
        # Another response to the same key is reported as a replay that differs.
        entry["differing"] = [response for response in definite[1:] if response != definite[0]]
    return entry


def credentials(tag: str, index: int) -> tuple[str, str]:
    """E-mail address and password of a customer."""
    return f"chaos{tag}n{index}@example.com", f"Storm-{tag}-{index}-Xy7"


def register_customers(env: dict[str, str], number: int, tag: str) -> list[tuple[str, ApiClient]]:
    """Registers customers, verifies their addresses, and logs them in. Returns their ids and clients."""
    public = ApiClient(env["API_URL"])

    def register(index: int) -> tuple[str, ApiClient]:
        email, password = credentials(tag, index)
        name = email.partition("@")[0]
        form = {"email": email, "username": name, "password": password, "full_name": f"Customer {index}"}
        account = public.post("/users/register", form).expect(201)
        verification.verify_email(env, public, account["id"], email)
        return account["id"], public.login(email, password)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(register, range(number)))


def create_products(env: dict[str, str], staff: ApiClient, tag: str, expected_units: float) -> dict[str, int]:
    """Creates products and waits for their stock, which is returned by id.

    Half of them have more stock than the expected demand, half of them less.
    """
    received = {}
    for index in range(8):
        stock = max(3, int(expected_units / 8 * (3 if index % 2 else 0.6)))
        product = {
            "sku": f"CHAOS-{tag}-{index}",
            "name": f"Lantern {index}",
            "category": "lighting",
            "price": {"amount": 1500 + 100 * index, "currency": "USD"},
            "stock_quantity": stock,
        }
        created = staff.post("/products", product, api_client.new_key()).expect(201)
        received[created["id"]] = stock
    public = ApiClient(env["API_URL"])

    def have_stock() -> bool:
        return all(public.get(f"/products/{product_id}/stock").status == 200 for product_id in received)

    api_client.eventually("stock of the products", have_stock)
    return received
