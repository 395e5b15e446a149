"""Generated orders as the events of Kafka and of the bus, from a seed, and the figures that must come out of them.

Orders of one dense period, as a busy shop has them, and a few in each of the days before. Records come twice, out of
order and late; some are late by a year, which no figure counts, and some from the future, which all count. The same
seed and the same end make the same events.
"""

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import catalog

Json = dict[str, Any]
# Window start in seconds, currency, dimension, member: the key of a figure.
Key = tuple[int, str, str, str]

WINDOW_S = 300
# `canary::CUSTOMER` of the domain, which windows leave out.
CANARY = "00000000-0000-7000-8000-00000000ca9a"
PRODUCTS = 12
CUSTOMERS = 60
# Units of a product after each delivery from the supplier.
STOCK = 60
PLACES = (("US", "CA", "USD"), ("US", "NY", "USD"), ("DE", None, "EUR"), ("FR", None, "EUR"), ("JP", "13", "JPY"))
REASONS = ("customer_request", "staff_request", "timed_out")
DUPLICATES, LATE, CANARY_SHARE = 0.05, 0.03, 0.02
# Records overtake each other by up to this much.
DISORDER_S = 45
# Days of the orders before the dense period: at least three weeks, less than the days for which Flink keeps its state.
HISTORY_DAYS = 22
# Orders that are late by so many days, and those from the future, counted from the end of the dense period.
LATE_DAYS, FUTURE_DAYS, MISTIMED_ORDERS = 365, 2, 5


@dataclass
class Figure:
    """A row of the results: what a dimension counts as events, minor units, and units sold."""

    events: int = 0
    amount: int = 0
    units: int = 0

    def add(self, amount: int, units: int = 0, events: int = 1) -> None:
        self.events += events
        self.amount += amount
        self.units += units

    def values(self) -> tuple[int, int, int]:
        return self.events, self.amount, self.units


@dataclass(frozen=True)
class Order:
    """An order as the questions to the archive see it."""

    order_id: str
    user_id: str
    country: str
    currency: str
    # Product, units, minor units.
    lines: tuple[tuple[str, int, int], ...]
    placed: datetime
    confirmed: datetime | None = None
    delivered: datetime | None = None
    is_refunded: bool = False
    is_refused: bool = False

    @property
    def total(self) -> int:
        return sum(amount for _, _, amount in self.lines)


@dataclass
class GeneratedOrders:
    """All events, each once and in order of time, the orders behind them, and the figures of the windows."""

    events: list[Json] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    figures: dict[Key, Figure] = field(default_factory=dict)
    # How often the last unit of a product was reserved.
    sold_out: Counter[str] = field(default_factory=Counter)
    # Ids of the events that are late by a year or from the future.
    mistimed: set[str] = field(default_factory=set)

    def figure(self, at: datetime, currency: str, dimension: str, member: str) -> Figure:
        seconds = int(at.timestamp())
        return self.figures.setdefault((seconds - seconds % WINDOW_S, currency, dimension, member), Figure())


def topic(event: Json) -> str:
    return catalog.kafka_topic(event["type"])


def exported(event: Json) -> Json:
    """The event with the exported members, as `event-forward` writes it."""
    paths = [path.split(".") for path in catalog.exported_members(event["type"])]
    return {**event, "data": _pick(event["data"], paths)}


def _pick(value: Any, paths: list[list[str]]) -> Any:
    if isinstance(value, list):
        return [_pick(element, paths) for element in value]
    if not isinstance(value, dict):
        return value
    picked = {}
    for name, member in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        if below:
            picked[name] = member if [] in below else _pick(member, below)
    return picked


def deliveries(generated: GeneratedOrders, seed: str) -> list[Json]:
    """The events as a log may have them: some twice, all up to `DISORDER_S` out of order, and some at the end.

    What is late by a year or from the future comes twice and between any others.
    """
    rng = random.Random(seed)
    events, mistimed = generated.events, generated.mistimed
    copies = [*events, *(event for event in events if event["id"] in mistimed or rng.random() < DUPLICATES)]
    timely = [event for event in events if event["id"] not in mistimed]

    def arrival(event: Json) -> float:
        if rng.random() < LATE:
            return float("inf")
        if event["id"] in mistimed:
            event = rng.choice(timely)
        return datetime.fromisoformat(event["time"]).timestamp() + rng.uniform(0, DISORDER_S)

    arrivals = [(arrival(event), place) for place, event in enumerate(copies)]
    return [copies[place] for _, place in sorted(arrivals)]


class Generator:
    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)
        self.generated = GeneratedOrders()
        self.products = [self.identifier() for _ in range(PRODUCTS)]
        self.customers = [self.identifier() for _ in range(CUSTOMERS)]
        self.stock = dict.fromkeys(self.products, STOCK)

    def make(self, end: datetime, minutes: int, orders: int, history: int) -> GeneratedOrders:
        """`orders` in the `minutes` before `end`, and `history` in the days before."""
        begin = end - timedelta(minutes=minutes)
        for _ in range(history):
            self.order(begin - timedelta(days=self.rng.uniform(1, HISTORY_DAYS)), end)
        for _ in range(orders):
            self.order(begin + timedelta(minutes=self.rng.uniform(0, minutes)), end)
        self.add_mistimed(end)
        self.generated.events.sort(key=lambda event: (event["time"], event["id"]))
        return self.generated

    def add_mistimed(self, end: datetime) -> None:
        """Orders from the future, and the events alone of orders that are late by a year."""
        late, before = Generator(self.identifier()), len(self.generated.events)
        for n in range(MISTIMED_ORDERS):
            self.order(end + timedelta(days=FUTURE_DAYS, minutes=n), end)
            late.order(end - timedelta(days=LATE_DAYS, minutes=n), end)
        self.generated.events += late.generated.events
        self.generated.mistimed = {event["id"] for event in self.generated.events[before:]}

    def identifier(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def after(self, at: datetime, most_s: float) -> datetime:
        # Event times have microseconds, as those of the functions.
        return at + timedelta(seconds=round(self.rng.uniform(0.2, most_s), 6))

    def event(self, name: str, subject: str, at: datetime, data: Json) -> None:
        self.generated.events.append({
            "specversion": "1.0",
            "id": self.identifier(),
            "source": f"quayside.{catalog.event_context(name)}",
            "subject": subject,
            "time": at.isoformat().replace("+00:00", "Z"),
            "sequence": 1,
            "correlationid": self.identifier(),
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "type": name,
            "data": data,
        })  # fmt: skip

    def order(self, placed: datetime, end: datetime) -> None:
        rng = self.rng
        placed = placed.replace(microsecond=rng.randrange(1_000_000))
        country, region, currency = rng.choice(PLACES)
        user = CANARY if rng.random() < CANARY_SHARE else rng.choice(self.customers)
        lines = []
        for product in rng.sample(self.products, rng.randint(1, 3)):
            units, price = rng.randint(1, 4), rng.randint(100, 9_999)
            lines.append((product, units, units * price))
        order = Order(self.identifier(), user, country, currency, tuple(lines), placed)
        outcome = rng.random()
        if outcome < 0.06:
            self.refuse(order)
        elif outcome < 0.18:
            self.decline(order)
        else:
            self.confirm(order, region, end)

    def refuse(self, order: Order) -> None:
        at = self.after(order.placed, 2)
        lines = [{"product_id": product, "quantity": units} for product, units, _ in order.lines]
        self.event("StockReservationFailed.v1", order.order_id, at, {"order_id": order.order_id, "lines": lines})
        self.cancel(order, self.after(at, 3), "insufficient_stock")
        self.generated.orders.append(Order(**{**vars(order), "is_refused": True}))

    def reserve(self, order: Order) -> None:
        levels = []
        for product, units, _ in order.lines:
            self.stock[product] = max(self.stock[product] - units, 0)
            levels.append({"product_id": product, "available": self.stock[product], "reserved": units, "version": 1})
            if self.stock[product] == 0:
                self.generated.sold_out[product] += 1
                self.stock[product] = STOCK
        lines = [{"product_id": product, "quantity": units} for product, units, _ in order.lines]
        self.event("StockReserved.v1", order.order_id, self.after(order.placed, 0.3), {
            "order_id": order.order_id, "user_id": order.user_id, "amount": money(order.total, order.currency),
            "lines": lines, "levels": levels,
        })  # fmt: skip

    def decline(self, order: Order) -> None:
        at = self.pay("PaymentFailed.v1", order, self.after(order.placed, 4), {"reason": "payment_declined"})
        self.cancel(order, self.after(at, 3), "payment_declined")
        self.generated.orders.append(order)

    def confirm(self, order: Order, region: str | None, end: datetime) -> None:
        rng = self.rng
        self.reserve(order)
        paid = self.pay("PaymentSucceeded.v1", order, self.after(order.placed, 5), {"transaction_id": "pi_generated"})
        confirmed = self.after(paid, 3)
        self.event("OrderConfirmed.v1", order.order_id, confirmed, self.confirmation(order, region))
        if order.user_id != CANARY:
            self.count_sale(order, f"{order.country}-{region}" if region else order.country, confirmed)
        delivered, is_refunded = None, False
        if confirmed + timedelta(days=6) < end and rng.random() < 0.8:
            delivered = self.after(confirmed + timedelta(days=1), 4 * 86_400)
            data = {"order_id": order.order_id, "user_id": order.user_id}
            self.event("OrderDelivered.v1", order.order_id, delivered, data)
        if rng.random() < 0.12:
            refunded = self.after(confirmed, 240)
            self.pay("PaymentRefunded.v1", order, refunded, {
                "refund_id": self.identifier(), "refunded_amount": money(order.total, order.currency),
            })  # fmt: skip
            is_refunded = True
            if delivered is None:
                self.cancel(order, self.after(refunded, 2), rng.choice(REASONS))
        more = {"confirmed": confirmed, "delivered": delivered, "is_refunded": is_refunded}
        self.generated.orders.append(Order(**{**vars(order), **more}))

    def confirmation(self, order: Order, region: str | None) -> Json:
        address = {"line1": "1 Harbour Way", "city": "Harbour", "postal_code": "94607", "country": order.country}
        if region:
            address["region"] = region
        return {
            "order_id": order.order_id,
            "user_id": order.user_id,
            "lines": [
                {
                    "product_id": product,
                    "product_name": f"Product {self.products.index(product)}",
                    "quantity": units,
                    "unit_price": money(amount // units, order.currency),
                    "line_total": money(amount, order.currency),
                }
                for product, units, amount in order.lines
            ],
            "total_amount": money(order.total, order.currency),
            "shipping_address": address,
            "area": f"{order.country}-{region}" if region else order.country,
            "payment_id": self.identifier(),
            "placed_at": order.placed.isoformat().replace("+00:00", "Z"),
        }

    def count_sale(self, order: Order, area: str, at: datetime) -> None:
        units = sum(units for _, units, _ in order.lines)
        self.generated.figure(at, order.currency, "total", "").add(order.total, units)
        self.generated.figure(at, order.currency, "area", area).add(order.total)
        for product, sold, amount in order.lines:
            self.generated.figure(at, order.currency, "product", product).add(amount, sold)

    def pay(self, name: str, order: Order, at: datetime, more: Json) -> datetime:
        member = {"PaymentSucceeded.v1": "paid", "PaymentFailed.v1": "declined", "PaymentRefunded.v1": "refunded"}[name]
        common = {"payment_id": self.identifier(), "order_id": order.order_id, "user_id": order.user_id}
        self.event(name, order.order_id, at, {**common, "amount": money(order.total, order.currency), **more})
        if order.user_id != CANARY:
            self.generated.figure(at, order.currency, "payment", member).add(order.total)
        return at

    def cancel(self, order: Order, at: datetime, reason: str) -> None:
        self.event("OrderCancelled.v1", order.order_id, at, {
            "order_id": order.order_id, "user_id": order.user_id, "reason": reason,
            "total_amount": money(order.total, order.currency),
        })  # fmt: skip
        if order.user_id != CANARY:
            self.generated.figure(at, order.currency, "cancellation", reason).add(order.total)


def money(amount: int, currency: str) -> Json:
    return {"amount": amount, "currency": currency}


def yesterday_noon(now: datetime) -> datetime:
    """The end of the generated period: a day before all other orders of a stack that was started today."""
    return (now.astimezone(UTC) - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)


def differences(expected: dict[Key, tuple[int, int, int]], found: dict[Key, tuple[int, int, int]]) -> Iterator[str]:
    """A line for each figure that is not the same in both."""
    for key in sorted(expected.keys() | found.keys()):
        left, right = expected.get(key), found.get(key)
        if left != right:
            start, *rest = key
            at = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%MZ")
            yield f"{at} {' '.join(rest)}: {left} and {right} (events, amount, units)"


def windows(figures: dict[Key, tuple[int, int, int]]) -> int:
    """Number of windows that the figures are of."""
    return len({(start, currency) for start, currency, _, _ in figures})


def count_types(events: list[Json]) -> Counter[str]:
    return Counter(event["type"] for event in events)
