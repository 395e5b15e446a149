"""The invariants of scripts/chaos: compares observations and returns rows that add up or are broken. No I/O.

Observations are what `chaos_observer` read: plain dictionaries and lists. A row is an equation; violations name the
ids.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import chaos_catalogue_checks
import chaos_record_checks
from chaos_rows import Row

Json = dict[str, Any]

CONFIRMED, SHIPPED = {"processing"}, {"shipped", "delivered"}
# Reasons for which an order waits until a customer or a staff member acts.
WAITING = {"payment_declined", "backordered", "under_review"}
# The message template of each event of which customers are notified.
TEMPLATES = {
    "OrderConfirmed.v1": "order_confirmed",
    "OrderCancelled.v1": "order_cancelled",
    "OrderWaiting.v1": "order_waiting",
    "OrderShipped.v1": "order_shipped",
    "OrderDelivered.v1": "order_delivered",
}


def stage(order: Json) -> str | None:
    """The stage of an order: confirmed, shipped, cancelled, waiting, or None for an order stuck without a reason."""
    if order["status"] in CONFIRMED:
        return "confirmed"
    if order["status"] in SHIPPED:
        return "shipped"
    if order["status"] == "cancelled":
        return "cancelled"
    return "waiting" if order["reason"] in WAITING else None


def check(observed: Json) -> list[Row]:
    """All rows."""
    products = [product(each, observed) for each in observed["products"]]
    return [check(observed) for check in CHECKS_OF_ORDERS] + products + [check(observed) for check in OTHER_CHECKS]


# ---- requests and orders --------------------------------------------------------------------------------------


def requests(observed: Json) -> Row:
    outcomes = Counter(entry["outcome"] for entry in observed["placed"])
    right = [(name, outcomes[name]) for name in ("accepted", "rejected", "unknown")]
    return Row("orders sent, each with its key:", len(observed["placed"]), right)


def orders_of_keys(observed: Json) -> Row:
    """No order is lost or duplicated. A key without a response may have created one order; the database says which."""
    existing = {order["id"] for order in observed["orders"]}
    stored = observed["stored_responses"]
    accepted = {entry["key"]: entry["order_id"] for entry in observed["placed"] if entry["outcome"] == "accepted"}
    unknown = [stored.get(entry["key"]) for entry in observed["placed"] if entry["outcome"] == "unknown"]
    late = {order for order in unknown if order}
    violations = [
        f"lost: order {order} got the response 201 and does not exist"
        for order in accepted.values()
        if order not in existing
    ]
    violations += [
        f"lost: order {order} is a key's stored response and does not exist" for order in late if order not in existing
    ]
    violations += [
        f"duplicate: order {order} belongs to no key" for order in sorted(existing - set(accepted.values()) - late)
    ]
    counts = Counter(accepted.values()).items()
    violations += [f"duplicate: {count} keys returned order {order}" for order, count in counts if count > 1]
    violations += [
        f"key {entry['key']} was rejected with {entry['status']} and has an order"
        for entry in observed["placed"]
        if entry["outcome"] == "rejected" and stored.get(entry["key"])
    ]
    right = [("keys with 201", len(accepted)), ("keys without a response that created an order", len(late))]
    return Row("orders in the database:", len(existing), right, violations)


def replays(observed: Json) -> Row:
    """Each accepted request was sent again after the run."""
    violations = [f"key {replay['key']}: {replay['response']}" for replay in observed["replays"] if not replay["same"]]
    same = sum(replay["same"] for replay in observed["replays"])
    right = [("returned the first response, byte for byte:", same)]
    return Row("accepted requests sent again:", len(observed["replays"]), right, violations)


def orders(observed: Json) -> Row:
    stages = Counter(stage(order) for order in observed["orders"])
    stuck = [order for order in observed["orders"] if stage(order) is None]
    violations = [f"order {order['id']} is {order['status']} ({order['reason']})" for order in stuck]
    right = [
        ("confirmed", stages["confirmed"]),
        ("shipped", stages["shipped"]),
        ("cancelled", stages["cancelled"]),
        ("waiting with a reason", stages["waiting"]),
    ]
    return Row("orders:", len(observed["orders"]), right, violations)


# ---- stock ----------------------------------------------------------------------------------------------------


def product(level: Json, observed: Json) -> Row:
    negative = [name for name in ("available", "reserved", "shipped") if level[name] < 0]
    violations = [f"{name} is negative: {level[name]}" for name in negative]
    right = [("available", level["available"]), ("reserved", level["reserved"]), ("shipped", level["shipped"])]
    return Row(f"units of {level['sku']} received:", observed["received"].get(level["id"], 0), right, violations)


def units(observed: Json, *stages: str, only: set[str] | None = None) -> int:
    """Ordered units of orders in these stages."""
    chosen = [order for order in observed["orders"] if stage(order) in stages and (only is None or order["id"] in only)]
    return sum(line["quantity"] for order in chosen for line in order["lines"])


def reserved(observed: Json) -> Row:
    """Stock is reserved for confirmed orders, and for waiting orders whose reservation has not expired."""
    active = {each["order_id"] for each in observed["reservations"] if each["state"] in {"reserved", "allocated"}}
    violations = [
        f"order {order['id']} is {order['status']} and has reserved stock"
        for order in observed["orders"]
        if stage(order) in {"cancelled", "shipped"} and order["id"] in active
    ]
    violations += [
        f"order {order['id']} is confirmed and has no reserved stock"
        for order in observed["orders"]
        if stage(order) == "confirmed" and order["id"] not in active
    ]
    right = [
        ("of confirmed orders", units(observed, "confirmed")),
        ("of waiting orders", units(observed, "waiting", only=active)),
    ]
    return Row("units reserved:", sum(level["reserved"] for level in observed["products"]), right, violations)


def shipped(observed: Json) -> Row:
    left = sum(level["shipped"] for level in observed["products"])
    return Row("units shipped:", left, [("of shipped orders", units(observed, "shipped"))])


def oversold(observed: Json) -> Row:
    """Counted from the order lines, independently of the stock."""
    sold: Counter[str] = Counter()
    for order in observed["orders"]:
        if stage(order) in {"confirmed", "shipped"}:
            for line in order["lines"]:
                sold[line["product_id"]] += line["quantity"]
    excess = {each: count - observed["received"].get(each, 0) for each, count in sold.items()}
    violations = [f"product {each}: {more} units sold beyond the stock" for each, more in excess.items() if more > 0]
    return Row("units oversold:", sum(more for more in excess.values() if more > 0), [("allowed", 0)], violations)


# ---- money ----------------------------------------------------------------------------------------------------


def charges(observed: Json) -> Row:
    posted = Counter(each["reference"] for each in observed["transfers"] if each["purpose"] == "charge")
    made = [charge for charge in observed["charges"] if charge["status"] == "succeeded"]
    known = {order["id"] for order in observed["orders"]}
    violations = [
        f"charge {charge['id']} of order {charge['order_id']} is not in the ledger"
        for charge in made
        if not posted.keys() & references(charge)
    ]
    violations += [
        f"charge {charge['id']} is for an order that does not exist: {charge['order_id']}"
        for charge in made
        if charge["order_id"] not in known
    ]
    violations += [
        f"the ledger has a charge {reference} that the gateway does not have"
        for reference in posted
        if not any(reference in references(charge) for charge in made)
    ]
    violations += amounts_differ("charged", sum(charge["amount"] for charge in made), observed, "charge")
    return Row("charges at the gateway:", len(made), [("charges in the ledger", sum(posted.values()))], violations)


def references(charge: Json) -> set[str]:
    return {charge["id"], charge["payment_intent"]}


def amounts_differ(what: str, gateway: int, observed: Json, purpose: str) -> list[str]:
    ledger_amount = sum(each["amount"] for each in observed["transfers"] if each["purpose"] == purpose)
    if gateway == ledger_amount:
        return []
    return [f"{what}: {gateway} minor units at the gateway, {ledger_amount} in the ledger"]


def refunds(observed: Json) -> Row:
    """Counted by charge, because this platform refunds whole charges."""
    refunded = [charge for charge in observed["charges"] if charge["refunded"]]
    posted = sum(each["purpose"] == "refund" for each in observed["transfers"])
    violations = amounts_differ("refunded", sum(charge["refunded"] for charge in refunded), observed, "refund")
    return Row("refunds at the gateway:", len(refunded), [("refunds in the ledger", posted)], violations)


def ledger(observed: Json) -> Row:
    return Row("sum of the ledger's accounts:", observed["ledger_sum"], [("required", 0)])


def charged_once(observed: Json) -> Row:
    """A confirmed or shipped order has one charge, of its total. All other charges are refunded."""
    by_order: dict[str, list[Json]] = {}
    for charge in observed["charges"]:
        if charge["status"] == "succeeded":
            by_order.setdefault(charge["order_id"], []).append(charge)
    violations, totals, net = [], 0, 0
    for order in observed["orders"]:
        made = by_order.get(order["id"], [])
        net += sum(charge["amount"] - charge["refunded"] for charge in made)
        if stage(order) in {"confirmed", "shipped"}:
            totals += order["total"]
            if [(charge["amount"], charge["refunded"]) for charge in made] != [(order["total"], 0)]:
                status = f"{order['status']}, total {order['total']}"
                violations.append(f"order {order['id']} ({status}) has charges {summary(made)}")
        elif any(charge["amount"] != charge["refunded"] for charge in made) or len(made) > 1:
            violations.append(f"order {order['id']} ({order['status']}, {order['reason']}) has charges {summary(made)}")
    right = [("totals of confirmed and shipped orders", totals)]
    return Row("charged less refunded, in minor units:", net, right, violations)


def summary(made: list[Json]) -> list[str]:
    return [f"{charge['id']}: {charge['amount']} less {charge['refunded']}" for charge in made]


# ---- notifications, invoices, analytics, archive ---------------------------------------------------------------


def notifications(observed: Json) -> Row:
    due = Counter((TEMPLATES[event["type"]], event["order_id"]) for event in observed["notified_events"])
    sent = Counter((each["template"], each["order_id"]) for each in observed["sent_notifications"])
    violations = [
        f"{template} of order {order}: recorded {sent[template, order]} times instead of {count}"
        for (template, order), count in due.items()
        if sent[template, order] != count
    ]
    violations += [
        f"{template} of order {order} was sent without an event"
        for template, order in sent
        if (template, order) not in due
    ]
    right = [("notifications recorded as sent", sum(sent.values()))]
    return Row("events to notify customers of:", sum(due.values()), right, violations)


def emails(observed: Json) -> Row:
    """E-mail is delivered at least once, so duplicates are only counted in the summary."""
    ended = {order["id"] for order in observed["orders"] if stage(order) in {"confirmed", "shipped", "cancelled"}}
    received = {order for message in observed["emails"] for order in message["orders"]}
    violations = [f"no e-mail about order {order}" for order in sorted(ended - received)]
    right = [("with an e-mail in the mailbox", len(ended & received))]
    return Row("orders confirmed or ended:", len(ended), right, violations)


def confirmations(observed: Json) -> list[Json]:
    return [event for event in observed["notified_events"] if event["type"] == "OrderConfirmed.v1"]


def invoices(observed: Json) -> Row:
    confirmed = Counter(event["order_id"] for event in confirmations(observed))
    issued = Counter(invoice["order_id"] for invoice in observed["invoices"])
    violations = [
        f"order {order} was confirmed and has {issued[order]} invoices" for order in confirmed if issued[order] != 1
    ]
    violations += [f"order {order} was confirmed {count} times" for order, count in confirmed.items() if count != 1]
    violations += [
        f"order {order} has an invoice and was never confirmed" for order in issued if order not in confirmed
    ]
    return Row("orders ever confirmed:", len(confirmed), [("invoices", sum(issued.values()))], violations)


def invoice_numbers(observed: Json) -> Row:
    """Of all invoices in the series, including those of earlier runs."""
    violations = []
    for name, series in observed["series"].items():
        missing = sorted(set(range(1, series["last"] + 1)) - set(series["positions"]))
        violations += [f"{name}: number {number} is missing" for number in missing]
    last = sum(series["last"] for series in observed["series"].values())
    numbered = sum(len(series["positions"]) for series in observed["series"].values())
    return Row("last numbers of the invoice series:", last, [("invoices with a number", numbered)], violations)


def documents(observed: Json) -> Row:
    stored = set(observed["documents"])
    missing = [invoice["document"] for invoice in observed["invoices"] if invoice["document"] not in stored]
    right = [("with a PDF in S3", len(observed["invoices"]) - len(missing))]
    return Row("invoices of this run:", len(observed["invoices"]), right, [f"{key} is missing" for key in missing])


def windows(observed: Json) -> Row:
    confirmed = {event["id"] for event in confirmations(observed)}
    counted = confirmed & set(observed["counted"])
    violations = [f"event {event} is not counted" for event in sorted(confirmed - counted)]
    return Row("confirmations:", len(confirmed), [("counted in analytics windows", len(counted))], violations)


def window_units(observed: Json) -> Row:
    """By product, as the windows have added them up."""
    confirmed, sold = {event["order_id"] for event in confirmations(observed)}, Counter[str]()
    for order in observed["orders"]:
        for line in order["lines"] if order["id"] in confirmed else []:
            sold[line["product_id"]] += line["quantity"]
    counted = Counter[str](observed["window_units"])
    different = sorted((sold - counted) | (counted - sold))
    violations = [f"product {each}: {counted[each]} units in windows instead of {sold[each]}" for each in different]
    right = [("in analytics windows", counted.total())]
    return Row("units of orders ever confirmed:", sold.total(), right, violations)


def archived(observed: Json) -> Row:
    """An archived event went over the bus, its queue, Kafka and the Kafka trigger."""
    committed, archive = set(observed["outbox"]), set(observed["archived"])
    violations = [f"event {event} is not archived" for event in sorted(committed - archive)]
    return Row("events committed to outboxes:", len(committed), [("archived", len(committed & archive))], violations)


def uncommitted(observed: Json) -> Row:
    """Events of a table's change stream are in no outbox, and left out."""
    committed, others = set(observed["outbox"]), observed["events_without_outbox"]
    unknown = {
        event: event_type
        for event, event_type in observed["archived"].items()
        if event not in committed and event_type not in others
    }
    violations = [f"event {event}, {event_type}" for event, event_type in unknown.items()]
    return Row("events archived but never committed:", len(unknown), [("allowed", 0)], violations)


# ---- webhooks and dead letters --------------------------------------------------------------------------------


def webhooks(observed: Json) -> Row:
    """The endpoint received each event that it subscribed to at least once, signed and unchanged.

    A delivery that is postponed for longer than a run waits may come later.
    """
    events = observed["subscribed_events"]
    due = {event["id"]: event["type"] for event in events if not event["is_postponed"]}
    bodies: dict[str, set[str]] = {}
    for message in observed["webhooks"]:
        bodies.setdefault(message["id"], set()).add(message["body"])
    violations = [f"{event_type} {event} was not received" for event, event_type in due.items() if event not in bodies]
    violations += [
        f"message {each['id']} has no valid signature" for each in observed["webhooks"] if not each["is_signed"]
    ]
    violations += [f"message {event} came with {len(all_)} bodies" for event, all_ in bodies.items() if len(all_) > 1]
    types = {event: json.loads(min(all_))["type"] for event, all_ in bodies.items()}
    violations += [
        f"message {event} is of the type {types[event]}, and the event {due[event]}"
        for event in due.keys() & types.keys()
        if types[event] != due[event]
    ]
    return Row(
        "events that the webhook endpoint subscribed to:",
        len(events),
        [("received", len(due.keys() & bodies)), ("postponed", len(events) - len(due))],
        violations,
    )


def dead_letters(observed: Json) -> Row:
    violations = [f"{dead['queue']}: {dead['reason']}, {dead['detail']}" for dead in observed["dead_letters"]]
    return Row("dead letters:", len(observed["dead_letters"]), [("allowed", 0)], violations)


CHECKS_OF_ORDERS: list[Callable[[Json], Row]] = [requests, orders_of_keys, replays, orders]
OTHER_CHECKS: list[Callable[[Json], Row]] = [
    reserved,
    shipped,
    oversold,
    charges,
    refunds,
    ledger,
    charged_once,
    notifications,
    emails,
    invoices,
    invoice_numbers,
    documents,
    windows,
    window_units,
    archived,
    uncommitted,
    webhooks,
    chaos_catalogue_checks.imports,
    chaos_catalogue_checks.images,
    chaos_record_checks.records,
    chaos_record_checks.rollups,
    chaos_record_checks.repetitions,
    dead_letters,
]
