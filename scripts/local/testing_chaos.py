"""A sound run of scripts/chaos, for the tests of its invariants."""

import copy
import json
import unittest
from collections.abc import Callable
from typing import Any

import chaos_checks
from chaos_load import NO_RESPONSE

Json = dict[str, Any]

LINES = [{"product_id": "p", "quantity": 2}]


def order(name: str, status: str, reason: str | None = None) -> Json:
    return {"id": name, "status": status, "reason": reason, "total": 200, "lines": LINES}


def charge(name: str, order_id: str, refunded: int = 0, status: str = "succeeded") -> Json:
    ids = {"id": f"ch_{name}", "payment_intent": f"pi_{name}", "order_id": order_id}
    return {**ids, "amount": 200, "refunded": refunded, "status": status}


def transfer(purpose: str, reference: str) -> Json:
    return {"purpose": purpose, "reference": reference, "amount": 200}


def placed(key: str, order_id: str | None, outcome: str = "accepted", status: int | str = 201) -> Json:
    return {"key": key, "outcome": outcome, "status": status, "order_id": order_id}


def event(name: str, event_type: str, order_id: str) -> Json:
    return {"id": name, "type": event_type, "order_id": order_id}


def subscribed(name: str, event_type: str, is_postponed: bool = False) -> Json:
    return {
        "id": name,
        "type": event_type,
        "is_delivered": not is_postponed,
        "is_postponed": is_postponed,
        "error": None,
    }


def sent(template: str, order_id: str) -> Json:
    return {"template": template, "order_id": order_id}


def email(order_id: str) -> Json:
    return {"subject": "", "orders": [order_id]}


def message(name: str, event_type: str, is_signed: bool = True) -> Json:
    return {"id": name, "body": json.dumps({"type": event_type}), "is_signed": is_signed}


def record_id(at_ms: int, last: int) -> str:
    time = f"{at_ms:012x}"
    return f"{time[:8]}-{time[8:]}-7000-8000-{last:012x}"


def stored(record: str, number: int) -> Json:
    return {"id": record, "number": number, "bytes": 12}


HOUR = 1_795_248_000
A, B, C = (record_id(1000 * HOUR + late, 7) for late in (0, 3_599_999, 3_600_000))

# Orders: one confirmed, one shipped, one cancelled after its payment, one declined and waiting, one that was created
# although its client got no response.
SOUND: Json = {
    "placed": [
        placed("k1", "confirmed"),
        placed("k2", "shipped"),
        placed("k3", "cancelled"),
        placed("k4", "declined"),
        placed("k5", None, "unknown", NO_RESPONSE),
        placed("k6", None, "rejected", 422),
        placed("k7", None, "unknown", NO_RESPONSE),
    ],
    "stored_responses": {"k1": "confirmed", "k2": "shipped", "k3": "cancelled", "k4": "declined", "k5": "late"},
    "replays": [{"key": "k1", "same": True, "response": ""}],
    "orders": [
        order("confirmed", "processing"),
        order("shipped", "shipped"),
        order("cancelled", "cancelled", "customer_request"),
        order("declined", "pending", "payment_declined"),
        order("late", "cancelled", "insufficient_stock"),
    ],
    "received": {"p": 10},
    "products": [{"id": "p", "sku": "P", "available": 4, "reserved": 4, "shipped": 2}],
    "reservations": [
        {"order_id": "confirmed", "state": "allocated"},
        {"order_id": "shipped", "state": "shipped"},
        {"order_id": "cancelled", "state": "released"},
        {"order_id": "declined", "state": "reserved"},
    ],
    "charges": [
        charge("1", "confirmed"),
        charge("2", "shipped"),
        charge("3", "cancelled", 200),
        charge("4", "declined", 0, "failed"),
    ],
    "transfers": [
        transfer("charge", "pi_1"),
        transfer("charge", "pi_2"),
        transfer("charge", "pi_3"),
        transfer("refund", "re_3"),
    ],
    "ledger_sum": 0,
    "notified_events": [
        event("e1", "OrderConfirmed.v1", "confirmed"),
        event("e2", "OrderConfirmed.v1", "shipped"),
        event("e3", "OrderShipped.v1", "shipped"),
        event("e4", "OrderCancelled.v1", "cancelled"),
    ],
    "sent_notifications": [
        sent("order_confirmed", "confirmed"),
        sent("order_confirmed", "shipped"),
        sent("order_shipped", "shipped"),
        sent("order_cancelled", "cancelled"),
    ],
    "emails": [email("confirmed"), email("shipped"), email("cancelled"), email("late")],
    "invoices": [{"order_id": "confirmed", "document": "1.pdf"}, {"order_id": "shipped", "document": "2.pdf"}],
    "series": {"2026": {"last": 2, "positions": [1, 2]}},
    "documents": ["1.pdf", "2.pdf"],
    "counted": ["e1", "e2"],
    "window_units": {"p": 4},
    "outbox": {"e1", "e2", "e3", "e4"},
    "events_without_outbox": {"ProductCreated.v1"},
    "archived": {
        "e1": "OrderConfirmed.v1",
        "e2": "OrderConfirmed.v1",
        "e3": "OrderShipped.v1",
        "e4": "OrderCancelled.v1",
        "x": "ProductCreated.v1",
    },
    "subscribed_events": [
        subscribed("e1", "OrderConfirmed.v1"),
        subscribed("e3", "OrderShipped.v1"),
        subscribed("e4", "OrderCancelled.v1", is_postponed=True),
    ],
    # One came twice, and one is of an event that was committed before the run.
    "webhooks": [
        message("e1", "OrderConfirmed.v1"),
        message("e1", "OrderConfirmed.v1"),
        message("e3", "OrderShipped.v1"),
        message("e0", "OrderPlaced.v1"),
    ],
    "imports": [
        {
            "id": "i",
            "skus": ["A", "B"],
            "invalid_lines": 2,
            "status": "completed_with_errors",
            "failure": None,
            "created": 2,
            "rejected": 2,
        }
    ],
    "imported": {sku: {"announced": 1, "listed": 1, "stocked": 1} for sku in ("A", "B")},
    "images": [
        {"id": "1", "product": "p", "refused": None, "status": "ready", "reason": None, "objects": {"images": 6}},
        {
            "id": "2",
            "product": "p",
            "refused": "unreadable",
            "status": "refused",
            "reason": "unreadable",
            "objects": {"quarantine": 1},
        },
    ],
    "records": {
        # Requests with two records and one, of which the first was sent again. One record is of the next hour.
        "batches": [
            {"key": "r0", "first": 0, "size": 2, "ids": [A, B], "again": {"same": True, "response": ""}},
            {"key": "r1", "first": 2, "size": 1, "ids": [C], "again": None},
        ],
        "stored": [stored(A, 0), stored(B, 1), stored(C, 2)],
        "rollups": [{"hour": HOUR, "records": 2, "bytes": 24}, {"hour": HOUR + 3600, "records": 1, "bytes": 12}],
    },
    "dead_letters": [],
}


def broken_rows(damage: Callable[[Json], object]) -> list[str]:
    """Names of the broken rows after some damage to a sound run."""
    observed = copy.deepcopy(SOUND)
    damage(observed)
    return [row.what for row in chaos_checks.check(observed) if not row.ok]


class SoundRunTest(unittest.TestCase):
    def assert_breaks(self, damage: Callable[[Json], object], *rows: str) -> None:
        self.assertEqual(sorted(broken_rows(damage)), sorted(rows))
