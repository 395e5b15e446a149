"""The conservation table of scripts/chaos: from facts to rows, each of which adds up or is broken. No I/O here.

Facts are what `chaos_facts` read: plain dictionaries and lists. A row says left = right; what breaks it is named, by id.
"""

from collections import Counter
from dataclasses import dataclass, field

CONFIRMED, SHIPPED = {"processing"}, {"shipped", "delivered"}
# Orders that stand still for a reason that they state, and that a customer or a person has to end.
WAITING = {"payment_declined", "backordered", "under_review"}
# What is written to a customer of, and by which template.
LETTERS = {"OrderConfirmed.v1": "order_confirmed", "OrderCancelled.v1": "order_cancelled", "OrderWaiting.v1": "order_waiting",
           "OrderShipped.v1": "order_shipped", "OrderDelivered.v1": "order_delivered"}
# The products table is its own outbox: its events are in no outbox of ours.
OWN_OUTBOX = {"ProductCreated.v1"}
SHOWN = 5


@dataclass
class Row:
    """`what`: left = the sum of the parts on the right; and no `wrong`."""
    what: str
    left: int
    parts: list
    wrong: list = field(default_factory=list)

    @property
    def ok(self):
        return self.left == sum(number for _, number in self.parts) and not self.wrong

    def lines(self):
        right = " + ".join(f"{name} {number}" for name, number in self.parts)
        yield f"{'ok    ' if self.ok else 'BROKEN'}  {self.what} {self.left} = {right}"
        for one in self.wrong[:SHOWN]:
            yield f"          {one}"
        if len(self.wrong) > SHOWN:
            yield f"          and {len(self.wrong) - SHOWN} more"


def kind(order):
    """Where an order stands: confirmed, shipped, cancelled, waiting, or None where it stands still without a reason."""
    if order["status"] in CONFIRMED:
        return "confirmed"
    if order["status"] in SHIPPED:
        return "shipped"
    if order["status"] == "cancelled":
        return "cancelled"
    return "waiting" if order["reason"] in WAITING else None


def judge(facts):
    """Every row."""
    makers = (requests, orders_of_keys, replays, orders, *[product(one, facts) for one in facts["products"]], held, committed,
              oversold, charges, refunds, ledger, paid_once, letters, mails, invoices, numbers, documents, windows, events,
              strangers, dead_letters)
    return [one if isinstance(one, Row) else one(facts) for one in makers]


# ---- requests and orders --------------------------------------------------------------------------------------


def requests(facts):
    outcomes = Counter(one["outcome"] for one in facts["placed"])
    return Row("orders sent (each under its key)", len(facts["placed"]),
               [(name, outcomes[name]) for name in ("accepted", "refused", "given up")])


def orders_of_keys(facts):
    """Nothing lost, nothing doubled. A request that its client gave up may have made one order, and the database says which."""
    here = {order["id"] for order in facts["orders"]}
    accepted = {one["key"]: one["order_id"] for one in facts["placed"] if one["outcome"] == "accepted"}
    given_up = {one["key"]: facts["answers"].get(one["key"]) for one in facts["placed"] if one["outcome"] == "given up"}
    late = {order for order in given_up.values() if order}
    wrong = [f"lost: order {order} was answered 201 and is not there" for order in accepted.values() if order not in here]
    wrong += [f"lost: order {order} is the kept answer of a key and is not there" for order in late if order not in here]
    wrong += [f"doubled: order {order} belongs to no key" for order in sorted(here - set(accepted.values()) - late)]
    wrong += [f"doubled: {times} keys were answered with order {order}"
              for order, times in Counter(accepted.values()).items() if times > 1]
    wrong += [f"lost: key {one['key']} was refused with {one['status']} and has an order"
              for one in facts["placed"] if one["outcome"] == "refused" and facts["answers"].get(one["key"])]
    return Row("orders in the database", len(here),
               [("keys answered 201", len(accepted)), ("keys given up that made their order all the same", len(late))], wrong)


def replays(facts):
    """Each accepted request was sent again when all was quiet."""
    wrong = [f"key {one['key']}: {one['said']}" for one in facts["replays"] if not one["same"]]
    return Row("accepted requests sent again", len(facts["replays"]),
               [("first answer again, byte for byte", sum(one["same"] for one in facts["replays"]))], wrong)


def orders(facts):
    kinds = Counter(kind(order) for order in facts["orders"])
    wrong = [f"order {order['id']} is {order['status']} ({order['reason']})" for order in facts["orders"] if kind(order) is None]
    return Row("orders", len(facts["orders"]),
               [("confirmed", kinds["confirmed"]), ("shipped", kinds["shipped"]), ("cancelled", kinds["cancelled"]),
                ("waiting with a reason", kinds["waiting"])], wrong)


# ---- stock ----------------------------------------------------------------------------------------------------


def product(one, facts):
    wrong = [f"{name} is below zero: {one[name]}" for name in ("available", "reserved", "committed") if one[name] < 0]
    return Row(f"{one['sku']}: received", facts["received"].get(one["id"], 0),
               [("free", one["available"]), ("held", one["reserved"]), ("shipped", one["committed"])], wrong)


def units(facts, *kinds, only=None):
    return sum(line["quantity"] for order in facts["orders"] if kind(order) in kinds and (only is None or order["id"] in only)
               for line in order["lines"])


def held(facts):
    """Held for a confirmed order, or for one that waits for its customer and whose hold has not lapsed; for nobody else."""
    on_hold = {one["order_id"] for one in facts["holds"] if one["state"] in ("reserved", "allocated")}
    wrong = [f"order {order['id']} is {order['status']} and holds stock" for order in facts["orders"]
             if kind(order) in ("cancelled", "shipped") and order["id"] in on_hold]
    wrong += [f"order {order['id']} is confirmed and holds no stock" for order in facts["orders"]
              if kind(order) == "confirmed" and order["id"] not in on_hold]
    return Row("units held", sum(one["reserved"] for one in facts["products"]),
               [("of confirmed orders", units(facts, "confirmed")),
                ("of waiting orders", units(facts, "waiting", only=on_hold))], wrong)


def committed(facts):
    return Row("units shipped", sum(one["committed"] for one in facts["products"]),
               [("of shipped orders", units(facts, "shipped"))])


def oversold(facts):
    """Counted from the orders' own lines, not from the stock."""
    sold = Counter()
    for order in facts["orders"]:
        if kind(order) in ("confirmed", "shipped"):
            for line in order["lines"]:
                sold[line["product_id"]] += line["quantity"]
    over = {one: sold[one] - facts["received"].get(one, 0) for one in sold}
    wrong = [f"product {one}: {more} more sold than received" for one, more in over.items() if more > 0]
    return Row("units sold beyond what was received", sum(more for more in over.values() if more > 0), [("allowed", 0)], wrong)


# ---- money ----------------------------------------------------------------------------------------------------


def charges(facts):
    booked = Counter(one["reference"] for one in facts["transfers"] if one["purpose"] == "charge")
    made = [one for one in facts["charges"] if one["status"] == "succeeded"]
    known = {order["id"] for order in facts["orders"]}
    wrong = [f"charge {one['id']} of order {one['order_id']} is not in the ledger" for one in made if not booked & names(one)]
    wrong += [f"charge {one['id']} is for an order that is not there: {one['order_id']}" for one in made
              if one["order_id"] not in known]
    wrong += [f"the ledger has a charge {reference} that the gateway has not"
              for reference in booked if not any(reference in names(one) for one in made)]
    wrong += cents("charged", sum(one["amount"] for one in made), facts, "charge")
    return Row("charges at the gateway", len(made), [("charges in the ledger", sum(booked.values()))], wrong)


def names(charge):
    return Counter([charge["id"], charge["payment_intent"]])


def cents(what, gateway, facts, purpose):
    ledger_has = sum(one["amount"] for one in facts["transfers"] if one["purpose"] == purpose)
    return [] if gateway == ledger_has else [f"{what}: {gateway} minor units at the gateway, {ledger_has} in the ledger"]


def refunds(facts):
    """The gateway's refunds are counted by charge; each of ours is of a whole charge."""
    back = [one for one in facts["charges"] if one["refunded"]]
    booked = sum(one["purpose"] == "refund" for one in facts["transfers"])
    return Row("refunds at the gateway", len(back), [("refunds in the ledger", booked)],
               cents("refunded", sum(one["refunded"] for one in back), facts, "refund"))


def ledger(facts):
    return Row("sum of the ledger's accounts", facts["ledger_sum"], [("due", 0)])


def paid_once(facts):
    """One charge, of the total, for each order that is confirmed or shipped; what was charged for any other went back."""
    made = {}
    for one in facts["charges"]:
        if one["status"] == "succeeded":
            made.setdefault(one["order_id"], []).append(one)
    wrong, right, kept = [], 0, 0
    for order in facts["orders"]:
        of_order = made.get(order["id"], [])
        kept += sum(one["amount"] - one["refunded"] for one in of_order)
        if kind(order) in ("confirmed", "shipped"):
            right += order["total"]
            if [(one["amount"], one["refunded"]) for one in of_order] != [(order["total"], 0)]:
                wrong.append(f"order {order['id']} ({order['status']}, total {order['total']}) has charges {brief(of_order)}")
        elif any(one["amount"] != one["refunded"] for one in of_order) or len(of_order) > 1:
            wrong.append(f"order {order['id']} ({order['status']}, {order['reason']}) has charges {brief(of_order)}")
    return Row("money kept (minor units)", kept, [("totals of confirmed and shipped orders, each charged once", right)], wrong)


def brief(made):
    return [f"{one['id']}: {one['amount']} less {one['refunded']}" for one in made]


# ---- what follows ---------------------------------------------------------------------------------------------


def letters(facts):
    due = Counter((LETTERS[one["type"]], one["order_id"]) for one in facts["news"])
    noted = Counter((one["template"], one["order_id"]) for one in facts["notes"])
    wrong = [f"{template} of order {order}: noted {noted[template, order]} times for {times}"
             for (template, order), times in due.items() if noted[template, order] != times]
    wrong += [f"{template} of order {order} was noted and never due" for template, order in noted if (template, order) not in due]
    return Row("news to tell", sum(due.values()), [("letters noted as sent, once each", sum(noted.values()))], wrong)


def mails(facts):
    """Mail comes at least once: a second copy is counted below the table, a missing one is broken."""
    ended = {order["id"] for order in facts["orders"] if kind(order) in ("confirmed", "shipped", "cancelled")}
    written = {order for mail in facts["mails"] for order in mail["orders"]}
    return Row("orders that ended", len(ended), [("of them with a mail in the mailbox", len(ended & written))],
               [f"nobody was told of order {order}" for order in sorted(ended - written)])


def invoices(facts):
    confirmed = Counter(one["order_id"] for one in facts["news"] if one["type"] == "OrderConfirmed.v1")
    issued = Counter(one["order_id"] for one in facts["invoices"])
    wrong = [f"order {order} was confirmed and has {issued[order]} invoices" for order in confirmed if issued[order] != 1]
    wrong += [f"order {order} was confirmed {times} times" for order, times in confirmed.items() if times != 1]
    wrong += [f"order {order} has an invoice and was never confirmed" for order in issued if order not in confirmed]
    return Row("orders ever confirmed", len(confirmed), [("invoices", sum(issued.values()))], wrong)


def numbers(facts):
    """Over all invoices of the series, not only this run's."""
    wrong = []
    for series, of_series in facts["series"].items():
        missing = sorted(set(range(1, of_series["last"] + 1)) - set(of_series["positions"]))
        wrong += [f"{series}: number {number} is missing" for number in missing]
    last = sum(one["last"] for one in facts["series"].values())
    return Row("last numbers of the invoices' series", last,
               [("invoices with a number", sum(len(one["positions"]) for one in facts["series"].values()))], wrong)


def documents(facts):
    there = set(facts["documents"])
    missing = [one["document"] for one in facts["invoices"] if one["document"] not in there]
    return Row("invoices of this run", len(facts["invoices"]), [("with their PDF in S3", len(facts["invoices"]) - len(missing))],
               [f"{key} is missing" for key in missing])


def windows(facts):
    confirmed = {one["id"] for one in facts["news"] if one["type"] == "OrderConfirmed.v1"}
    counted = confirmed & set(facts["counted"])
    return Row("confirmations", len(confirmed), [("counted in the windows of analytics", len(counted))],
               [f"event {one} is counted in no window" for one in sorted(confirmed - counted)])


def events(facts):
    """By way of the bus, its queue, Kafka and the trigger: what is in the archive was in the log."""
    committed_ids, archived = set(facts["outbox"]), set(facts["archived"])
    return Row("events committed (outbox)", len(committed_ids), [("of them in the archive", len(committed_ids & archived))],
               [f"event {one} is not in the archive" for one in sorted(committed_ids - archived)])


def strangers(facts):
    committed_ids = set(facts["outbox"])
    strange = [one for one, type_of in facts["archived"].items() if one not in committed_ids and type_of not in OWN_OUTBOX]
    return Row("events archived and never committed", len(strange), [("allowed", 0)],
               [f"event {one}, {facts['archived'][one]}" for one in strange])


def dead_letters(facts):
    return Row("dead letters", len(facts["dead"]), [("allowed", 0)],
               [f"{one['queue']}: {one['reason']}, {one['detail']}" for one in facts["dead"]])
