"""Waits until the platform has nothing left to do, by looking: outboxes, queues, orders, payments, archive, windows.

Nothing is pushed: retries, the sweeps and the mappings are the platform's own, on their own schedules. A deadline is an error.
"""

import time

import aws
from chaos_observer import CONTEXTS, GRAVES, outboxes, rows
from config import ScriptError

EVERY_S = 3
# Quiet is what was seen so many times in a row: between two queues an event may be in neither.
TIMES = 3


def unrest(run):
    """What still moves, in words with numbers."""
    found = []

    def count(what, statement):
        number = rows(f"select count(*) as n from ({statement}) x")[0]["n"]
        if number:
            found.append(f"{number} {what}")

    for context in CONTEXTS:
        count(f"unsent in {context}.outbox", f"select 1 from {context}.outbox where published_at is null")
    for name, url in aws.queues().items():
        if not name.endswith(GRAVES) and (number := aws.messages(url)):
            found.append(f"{number} in queue {name}")
    count("orders without a reason to wait", f"select 1 from orders.orders where {run.of_users()} and status = 'pending' "
          "and coalesce(reason, '') not in ('payment_declined', 'backordered', 'under_review')")
    count("payments pending", f"select 1 from payments.payments where {run.of_users()} and status = 'pending'")
    count("refunds asked for", f"select 1 from payments.payments p, jsonb_array_elements(p.refunds) r "
          f"where p.{run.of_users()} and r ->> 'status' = 'pending'")
    count("confirmations in no window", "select 1 from orders.outbox o where o.event ->> 'type' = 'OrderConfirmed.v1' "
          f"and o.created_at >= '{run.since}' and not exists (select from analytics.counted_events f where f.event_id = o.id)")
    if not found:
        # The dearest question last.
        missing = {one["id"] for one in rows(outboxes("id", f"created_at >= '{run.since}'"))} - set(run.read_archive())
        if missing:
            found.append(f"{len(missing)} events not in the archive")
    return found


def await_quiet(run, deadline_s, say):
    """When it was first seen to be quiet, whether the deadline let that happen, and what moved last."""
    deadline, calm, last = time.monotonic() + deadline_s, [], []
    while True:
        try:
            moving = unrest(run)
        except ScriptError as trouble:
            moving = [str(trouble)]
        last = moving or last
        now = time.monotonic()
        calm = [] if moving else [*calm, now]
        if len(calm) == TIMES:
            return calm[0], True, last
        if now > deadline:
            return now, False, last or ["it was seen to be quiet, but not for long enough"]
        say(", ".join(moving))
        time.sleep(EVERY_S)
