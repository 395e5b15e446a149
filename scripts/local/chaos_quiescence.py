"""Waits until the platform has nothing left to do, by reading outboxes, queues, orders, payments, windows, webhook
deliveries, imports, images, records and the archive.

Nothing is triggered: retries, sweeps and event source mappings run on their own schedules. Reaching the deadline is a
failure.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import aws
import catalog
from chaos_observer import DEAD_LETTER_QUEUES, Observer, outboxes, quoted, rows
from config import ScriptError

INTERVAL_S = 3
# Observations in a row without pending work. One is not enough: an event may be between two queues.
REQUIRED = 3
WAITING_REASONS = ("payment_declined", "backordered", "under_review")


def pending_work(observer: Observer) -> list[str]:
    """What is still in progress, as text with counts."""
    found = []

    def count(what: str, statement: str) -> None:
        number = rows(f"select count(*) as n from ({statement}) x")[0]["n"]
        if number:
            found.append(f"{number} {what}")

    for schema in catalog.outbox_schemas():
        count(f"unpublished in {schema}.outbox", f"select 1 from {schema}.outbox where published_at is null")
    for name, url in aws.queues().items():
        if not name.endswith(DEAD_LETTER_QUEUES) and (number := aws.message_count(url)):
            found.append(f"{number} in queue {name}")
    users = observer.user_filter
    reasons = ", ".join(f"'{reason}'" for reason in WAITING_REASONS)
    count(
        "orders pending",
        f"select 1 from orders.orders where {users} and status = 'pending' and coalesce(reason, '') not in ({reasons})",
    )
    count("payments pending", f"select 1 from payments.payments where {users} and status = 'pending'")
    count(
        "refunds pending",
        "select 1 from payments.payments p, jsonb_array_elements(p.refunds) r "
        f"where p.{users} and r ->> 'status' = 'pending'",
    )
    count(
        "confirmations not counted",
        "select 1 from orders.outbox o where o.event ->> 'type' = 'OrderConfirmed.v1' "
        f"and o.created_at >= '{observer.since}' "
        "and not exists (select from analytics.counted_events f where f.event_id = o.id)",
    )
    undelivered = sum(not (each["is_delivered"] or each["is_postponed"]) for each in observer.read_subscribed())
    if undelivered:
        found.append(f"{undelivered} events not delivered to the webhook endpoint")
    imports = quoted(each["id"] for each in observer.made_imports)
    count("imports open", f"select 1 from catalogue.jobs where id in ({imports}) and is_open")
    found += _unfinished_products(observer) + _unwritten_records(observer)
    if not found:
        # The most expensive query last.
        events = {row["id"] for row in rows(outboxes("id", f"created_at >= '{observer.since}'"))}
        missing = events - set(observer.read_archive())
        if missing:
            found.append(f"{len(missing)} events not archived")
    return found


def _unfinished_products(observer: Observer) -> list[str]:
    imported = sum(0 in made.values() for made in observer.imported().values())
    uploads = sum("uploads" in objects for objects in observer.image_objects().values())
    counts = {"imported products not announced, listed or stocked": imported, "uploaded images not processed": uploads}
    return [f"{number} {what}" for what, number in counts.items() if number]


def _unwritten_records(observer: Observer) -> list[str]:
    """The last request has records for every partition of the topic, and what was appended before is written before."""
    number = observer.unwritten_records()
    return [f"{number} accepted records not written"] if number > 0 else []


@dataclass(frozen=True)
class Quiescence:
    """When the platform became quiet (monotonic time), whether it did before the deadline, what was pending last."""

    at: float
    reached: bool
    last_pending: list[str]


def await_quiescence(observer: Observer, deadline_s: float, report: Callable[[str], None]) -> Quiescence:
    deadline, last_pending = time.monotonic() + deadline_s, list[str]()
    quiet: list[float] = []
    while True:
        try:
            pending = pending_work(observer)
        except ScriptError as error:
            pending = [str(error)]
        last_pending = pending or last_pending
        now = time.monotonic()
        quiet = [] if pending else [*quiet, now]
        if len(quiet) == REQUIRED:
            observer.is_settled = True
            return Quiescence(quiet[0], True, last_pending)
        if now > deadline:
            return Quiescence(now, False, last_pending or ["it was quiet, but not long enough"])
        report(", ".join(pending))
        time.sleep(INTERVAL_S)
