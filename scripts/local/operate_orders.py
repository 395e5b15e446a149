"""What happened to one order, and following it while it moves, for scripts/ops."""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.table import Table

import money
import progress
from api_client import ApiClient
from config import ScriptError
from operate_arguments import NUMBER
from operate_lists import listed

Json = dict[str, Any]

INTERVAL_S = 1
# Looks without a change after which an order does not move: an event is recorded within half a minute.
QUIET_LOOKS = 40
# The problem of a timeline that is older than the retention of events.
HISTORY_REMOVED = "/problems/history-removed"
REMOVED = "its events have been removed: they are kept for 180 days"
# Members of events that say which order it is, which the heading says already.
COMMON = {"order_id", "user_id", "levels", "lines", "payment"}


def order(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """The order, its payment, its timeline, and the messages about it."""
    # Once: `follow` looks again and again.
    arguments.order = identified(api, arguments.order)
    path = f"/orders/{arguments.order}"
    found = api.get(path).expect(200)
    payment = api.get(f"/payments/order/{arguments.order}")
    recorded = api.get(f"/ops{path}/timeline?limit=1")
    return {
        "order": found,
        "payment": None if payment.status == 404 else payment.expect(200),
        "timeline": [] if recorded.status == 404 else listed(api, f"/ops{path}/timeline", "events", arguments),
        "history_removed": recorded.status == 404 and recorded.body["type"] == HISTORY_REMOVED,
        "messages": listed(api, f"/notifications?order_id={arguments.order}", "messages", arguments),
    }


def identified(api: ApiClient, reference: str) -> str:
    """The id of the order that an id or a number names."""
    if not NUMBER.fullmatch(reference):
        return reference
    ids = [one["id"] for one in api.get(f"/orders?number={reference}").expect(200)["items"]]
    if not ids:
        raise ScriptError(f"no order has the number {reference.upper()}")
    if len(ids) > 1:
        raise ScriptError(
            f"{len(ids)} orders have the number {reference.upper()}: name one by its id: {', '.join(ids)}"
        )
    return str(ids[0])


def print_order(found: Json) -> None:
    placed, payment = found["order"], found["payment"]
    reason = f" ({placed['status_reason']})" if placed.get("status_reason") else ""
    progress.heading(f"order {placed['id']}: {placed['status']}{reason}, placed {placed['created_at']}")
    if payment:
        progress.note(f"payment {payment['id']}: {payment['status']}, {money.text(payment['amount'])}")
    if found["history_removed"]:
        progress.note(REMOVED)
    elif found["timeline"]:
        print_timeline(found["timeline"])
    else:
        progress.note("no event of it is recorded yet: that takes up to half a minute")
    for message in found["messages"]:
        progress.note(f"{message['at']}  {about(message)}")


def about(message: Json) -> str:
    """The status of a message to the customer. Only one that was sent is an event, too."""
    return f"message {message['template']} by {message['channel']}: {message['status']}"


def print_timeline(timeline: Sequence[Json]) -> None:
    table = Table(
        "at", "after", "event", "by", "published", "handled by", "request", "details", box=None, pad_edge=False
    )
    for entry in timeline:
        table.add_row(
            entry["occurred_at"][11:23],
            "" if entry["since_previous_ms"] is None else milliseconds(entry["since_previous_ms"]),
            entry["type"],
            actor(entry),
            (entry["published_at"] or "-")[11:23],
            handled(entry["deliveries"]),
            entry["correlation_id"][-12:],
            details(entry["data"]),
        )
    progress.table(table)
    for line in requests(timeline):
        progress.note(line)
    for line in unhandled(timeline):
        progress.fail(line)


def actor(entry: Json) -> str:
    """Whose request caused an event; empty if a consumer or a schedule did."""
    who = entry["actor"]
    return f"{who['role']} {who['id']}" if who else ""


def requests(timeline: Sequence[Json]) -> Iterator[str]:
    """The requests that caused the events, each with its trace: both are in every log line."""
    causes = [(entry["correlation_id"], entry["trace_id"]) for entry in timeline]
    for request, trace in dict.fromkeys(causes):
        count = causes.count((request, trace))
        yield f"request {request}, trace {trace or '-'}: {count} {'event' if count == 1 else 'events'}"


def unhandled(timeline: Sequence[Json]) -> list[str]:
    return [
        f"{delivery['consumer']} has not handled {entry['type']}: {unhandled_because(delivery)} (scripts/ops dead)"
        for entry in timeline
        for delivery in entry["deliveries"]
        if delivery["status"] == "open"
    ]


def unhandled_because(delivery: Json) -> str:
    if delivery["dead_lettered_at"]:
        return f"it is a dead letter, or was discarded as one, {delivery['last_failure']}"
    return "it is queued, retried, or a dead letter that SQS moved"


def follow(
    api: ApiClient, arguments: argparse.Namespace, pause: Callable[[], None] = lambda: time.sleep(INTERVAL_S)
) -> None:
    """Prints what happens to an order until it does not move any more, or until Ctrl-C."""
    printed: set[str] = set()
    quiet = 0
    try:
        while True:
            found = order(api, arguments)
            added = [line for line in changes(found) if line not in printed]
            printed.update(added)
            quiet = 0 if added else quiet + 1
            if arguments.json and added:
                print(json.dumps(found), flush=True)
            elif not arguments.json:
                for line in added:
                    progress.note(line)
            if quiet >= QUIET_LOOKS and is_settled(found):
                return
            pause()
    except KeyboardInterrupt:
        return


def changes(found: Json) -> Iterator[str]:
    """What is known of an order, a line each."""
    placed, payment = found["order"], found["payment"]
    reason = f" ({placed['status_reason']})" if placed.get("status_reason") else ""
    for entry in found["timeline"]:
        by = f"by {actor(entry)}  " if entry["actor"] else ""
        yield f"{entry['occurred_at'][11:23]}  {entry['type']}  {by}{details(entry['data'])}".rstrip()
        for one in entry["deliveries"]:
            who, what = f"{' ' * 14}{one['consumer']}", entry["type"]
            if one["status"] == "handled":
                yield f"{who} handled {what} {milliseconds(one['after_ms'])}{failures(one)}"
            elif one["failed_attempts"] or one["dead_lettered_at"]:
                yield f"{who} {state(one)}, {what}{failures(one)}"
    if found["history_removed"]:
        yield REMOVED
    for message in found["messages"]:
        yield f"{message['at'][11:23]}  {about(message)}"
    yield f"order {placed['id']}: {placed['status']}{reason}"
    if payment:
        yield f"payment {payment['id']}: {payment['status']}"


def is_settled(found: Json) -> bool:
    """Whether nothing is left to do now: a shipment or a refund may come later."""
    is_known = bool(found["timeline"]) or found["history_removed"]
    return is_known and found["order"]["status"] != "pending" and not unhandled(found["timeline"])


def milliseconds(count: int) -> str:
    return f"+{count} ms" if abs(count) < 10_000 else f"+{count / 1000:.0f} s"


def details(data: Json) -> str:
    """What an event states besides the order that it is about."""
    texts = []
    for name, value in data.items():
        if name not in COMMON and not isinstance(value, list):
            is_money = isinstance(value, dict) and {"amount", "currency"} <= value.keys()
            texts.append(f"{name}={money.text(value) if is_money else value}")
    return " ".join(texts)


def state(delivery: Json) -> str:
    """How long a consumer took to handle an event, or what is known of one that it has not handled."""
    if delivery["status"] == "handled":
        return milliseconds(delivery["after_ms"])
    dead_since = delivery["dead_lettered_at"]
    return f"DEAD LETTER since {dead_since[11:19]}" if dead_since else "OPEN"


def failures(delivery: Json) -> str:
    """How often a consumer failed, and with which code at last."""
    if not delivery["failed_attempts"]:
        return f" {delivery['last_failure']}" if delivery["last_failure"] else ""
    return f" after {delivery['failed_attempts']} failed, last {delivery['last_failure']}"


def handled(deliveries: Sequence[Json]) -> str:
    """The consumers of an event, with the time that each took and its attempts that failed."""
    return "\n".join(f"{one['consumer']} {state(one)}{failures(one)}" for one in deliveries)
