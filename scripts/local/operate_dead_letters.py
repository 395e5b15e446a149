"""Dead letters, for scripts/ops: listing, redriving and discarding them.

`operate.py` has the other commands.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from rich.table import Table

import operate_orders
import progress
from api_client import PAGE, ApiClient, escaped
from config import ScriptError
from operate_arguments import consumer_name, idempotency_key, json_patch, lowered, order_reference
from operate_lists import listed

Json = dict[str, Any]

# The reason of a dead letter that SQS moved by itself.
MOVED_BY_SQS = "moved-by-sqs"

# Dead letters that the API looks at to list those with a reason, and to redrive those.
SEARCHED_TO_LIST, SEARCHED_TO_REDRIVE = 200, 1000

# How many a queue delivers in a second, unless a command says otherwise.
PER_SECOND = 10

# What is said of dead letters beyond those of a request.
MORE = {True: "; there are more", False: "", None: "; there may be more"}


def dead(api: ApiClient, arguments: argparse.Namespace) -> list[Json]:
    """Dead letters of one consumer, or of all that have some.

    Adds a note to `arguments.notes` for each list that is not complete.
    """
    totals = counted(api)
    consumers = [name for name, total in totals.items() if total] if arguments.queue is None else [arguments.queue]
    order = None if arguments.order is None else operate_orders.identified(api, arguments.order)
    found = []
    for consumer in consumers:
        path = f"/ops/dead-letters?queue={escaped(consumer)}"
        if arguments.reason_code is not None:
            path += f"&reason={escaped(arguments.reason_code)}"
        messages = listed(api, path, f"dead letters of {consumer}", arguments)
        lack = missing_of_list(consumer, totals.get(consumer, 0), len(messages), arguments)
        arguments.notes += [lack] if lack else []
        found += [{"queue": consumer, **one} for one in messages if order is None or order_of(one) == order]
    return found


def counted(api: ApiClient) -> dict[str, int]:
    """The number of dead letters of each consumer, which is approximate."""
    return {one["name"]: one["dead_letters"] for one in api.get("/ops/queues").expect(200)["items"]}


def order_of(message: Json) -> str | None:
    order: str | None = (message["event"] or {}).get("order_id")
    return order


def missing_of_list(consumer: str, total: int, found: int, arguments: argparse.Namespace) -> str:
    """What a list of `found` dead letters of a consumer that has `total` lacks; empty if it lacks nothing."""
    what = f"about {total} dead letters of {consumer}"
    if arguments.reason_code is not None and total > SEARCHED_TO_LIST:
        return f"only {SEARCHED_TO_LIST} of {what} were searched for {arguments.reason_code}"
    if arguments.reason_code is not None:
        return f"{what} may have more than these {found} with {arguments.reason_code}" if found == PAGE < total else ""
    done = "are listed" if arguments.order is None else "were searched for the order"
    return f"only {found} of {what} {done}" if found < total else ""


def print_dead(messages: list[Json]) -> None:
    counts = Counter((one["queue"], one["reason"] or MOVED_BY_SQS) for one in messages)
    reasons = Table("consumer", "reason", "dead letters", box=None, pad_edge=False)
    for (consumer, reason), count in sorted(counts.items()):
        reasons.add_row(consumer, reason, str(count))
    progress.table(reasons, "no dead letter was found")
    if not messages:
        return
    columns = ("consumer", "message", "since", "reason", "event", "order", "if redriven", "detail")
    table = Table(*columns, box=None, pad_edge=False)
    for one in messages:
        event = one["event"] or {}
        table.add_row(
            one["queue"],
            one["id"],
            one["dead_since"][:19],
            one["reason"] or MOVED_BY_SQS,
            event.get("type", "none"),
            event.get("order_id") or "-",
            expected(one["forecast"]),
            one["detail"] or "",
        )
    progress.table(table)


def expected(forecast: Json) -> str:
    """What the consumer would do with a dead letter; why, if it would not handle it."""
    outcome = str(forecast["outcome"]).replace("_", " ")
    if forecast["outcome"] == "would_retry":
        failed = f"{forecast['failed_attempts']} failed, last {forecast['last_failure']}"
        return f"{outcome}: {failed if forecast['last_failure'] else 'no failure is recorded'}"
    if forecast["outcome"] == "already_handled":
        return f"{outcome} at {forecast['handled_at'][:19]}"
    return f"{outcome}: {forecast['detail']}"


def redrive(api: ApiClient, arguments: argparse.Namespace, pause: Callable[[float], None] = time.sleep) -> Json:
    """Moves dead letters back to their queue, or to their topic: those of one request, or all of them."""
    if arguments.all and (arguments.message or arguments.max is not None or arguments.key):
        raise ScriptError(
            "--all takes neither --message nor --max nor --key: it is a request for each hundred messages"
        )
    body: Json = {"reason": arguments.reason, "dry_run": arguments.dry_run}
    if arguments.per_second is not None:
        body["per_second"] = arguments.per_second
    if arguments.message is not None:
        body["message_ids"] = arguments.message
    if arguments.max is not None:
        body["max"] = arguments.max
    if arguments.reason_code is not None:
        body["reason_code"] = arguments.reason_code
    if arguments.patch is not None:
        body["patch"] = arguments.patch
    # A dry run moves nothing: each request would find the same messages.
    moves_all = arguments.all and not arguments.dry_run
    return _redrive_all(api, body, arguments, pause) if moves_all else _act(api, body, arguments)


def _redrive_all(api: ApiClient, body: Json, arguments: argparse.Namespace, pause: Callable[[float], None]) -> Json:
    """Moves as many messages as the queue has at first, or those of a reason until a request finds less than a page.

    One that fails again at once is a dead letter again, and not moved in a circle.
    """
    queues = {one["name"]: one for one in api.get("/ops/queues").expect(200)["items"]}
    known = queues.get(arguments.queue, {"dead_letters": 0, "has_queue": False})
    rate = (arguments.per_second or PER_SECOND) if known["has_queue"] else None
    redriven, requests = 0, 0
    found: list[str] = []
    refused: dict[str, Json] = {}
    while True:
        page = _act(api, body, arguments)
        redriven, requests = redriven + page["redriven"], requests + 1
        found += page["message_ids"]
        refused |= {one["message_id"]: one for one in page["refused"]}
        if is_last(page, redriven, known["dead_letters"], by_reason="reason_code" in body):
            sums = {"redriven": redriven, "message_ids": found, "refused": list(refused.values())}
            return {**page, **sums, "requests": requests}
        # The API delays the messages of a request, and begins again with those of the next one.
        wait_s = page["redriven"] / rate if rate else 0
        if not arguments.json:
            told = f"; the next ones follow in {wait_s:g} s: {rate} are delivered in a second (--per-second)"
            progress.note(f"{redriven} of about {known['dead_letters']} are moved{told if wait_s else ''}")
        if wait_s:
            pause(wait_s)


def is_last(page: Json, redriven: int, total: int, *, by_reason: bool) -> bool:
    """Whether all is moved that can be, of the `total` dead letters at first."""
    # Of a longer queue, a request without a reason finds a page; one with a reason would find those that failed again.
    has_found_all = len(page["message_ids"]) < PAGE and (by_reason or total <= SEARCHED_TO_REDRIVE)
    return page["redriven"] == 0 or has_found_all or redriven >= total


def discard(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """Deletes dead letters that will never be redriven."""
    body: Json = {"action": "discard", "reason": arguments.reason, "dry_run": arguments.dry_run}
    optional = {"message_ids": arguments.message, "reason_code": arguments.reason_code, "max": arguments.max}
    return _act(api, body | {name: value for name, value in optional.items() if value is not None}, arguments)


def _act(api: ApiClient, body: Json, arguments: argparse.Namespace) -> Json:
    moved: Json = api.post(f"/ops/queues/{escaped(arguments.queue)}/redrive", body, arguments.key).expect(200)
    verb = "deleted" if body.get("action") == "discard" else "moved"
    missing = [one for one in arguments.message or [] if one not in moved["message_ids"]]
    return {**moved, "verb": verb, "missing": missing, "requests": 1}


def print_redrive(moved: Json) -> None:
    refused, more = {one["message_id"] for one in moved["refused"]}, MORE[moved["has_more"]]
    if moved["action_id"]:
        done = moved["discarded"] + moved["redriven"]
        count = f"{done} {moved['verb']}, {len(refused)} stay{more}"
        action = f"action {moved['action_id']}"
        told = action if moved["requests"] == 1 else f"{moved['requests']} actions, at last {action},"
        progress.done(f"{moved['queue']}: {count}; {told} in the audit")
    else:
        chosen = [message for message in moved["message_ids"] if message not in refused]
        progress.heading(f"{moved['queue']}: {len(chosen)} would be {moved['verb']}, {len(refused)} stay{more}")
        for one in moved["forecasts"]:
            progress.note(f"{one['message_id']} if redriven {expected(one['forecast'])}")
    for one in moved["edited"]:
        progress.note(f"{one['message_id']} becomes {json.dumps(one['event']['data'])}")
    for one in moved["refused"]:
        progress.fail(f"{one['message_id']} stays: {one['reason']}: {one['detail']}")
    for message in moved["missing"]:
        progress.fail(f"{message} is not a dead letter of {moved['queue']}: scripts/ops dead lists them")


def is_redriven_in_part(moved: Json) -> bool:
    return bool(moved["refused"] or moved["missing"])


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The commands that list, redrive and discard dead letters."""
    listing = command("dead", "list dead letters, and count them by their reasons", dead, print_dead)
    listing.add_argument("queue", nargs="?", metavar="CONSUMER", help="of this function alone")
    listing.add_argument("--reason", dest="reason_code", metavar="CODE", help="with this reason alone")
    listing.add_argument(
        "--order",
        type=order_reference,
        metavar="ORDER",
        help="about this order alone; its id, or its number in e-mails",
    )
    again = command("redrive", "move dead letters back to their queue or topic", redrive, print_redrive)
    again.set_defaults(failed=is_redriven_in_part)
    again.add_argument(
        "queue", type=consumer_name, metavar="CONSUMER", help="the function that is to handle them again"
    )
    again.add_argument("--reason", required=True, help="why; it is kept in the audit")
    again.add_argument(
        "--message", action="append", type=lowered, metavar="ID", help="this message; may be repeated; by default all"
    )
    again.add_argument("--reason-code", metavar="CODE", help="those with this reason, as scripts/ops dead shows it")
    again.add_argument("--max", type=int, help="how many at most; 100 by default")
    again.add_argument(
        "--all", action="store_true", help="as many as there are now, a hundred at a time, at the rate of --per-second"
    )
    again.add_argument("--per-second", type=int, help="how many a queue delivers in a second; 10 by default")
    again.add_argument(
        "--patch", type=json_patch, metavar="JSON", help="edit texts of each event by this JSON Patch (RFC 6902)"
    )
    again.add_argument("--dry-run", action="store_true", help="say what would be moved, and move nothing")
    again.add_argument(
        "--key", type=idempotency_key, help="a command that is repeated with this key does nothing again"
    )
    _add_discard(command)


def _add_discard(command: Callable[..., argparse.ArgumentParser]) -> None:
    gone = command("discard", "delete dead letters that will never be redriven", discard, print_redrive)
    gone.set_defaults(failed=is_redriven_in_part)
    gone.add_argument("queue", type=consumer_name, metavar="CONSUMER", help="the function whose dead letters they are")
    gone.add_argument("--reason", required=True, help="why; it is kept in the audit, with the events of the messages")
    gone.add_argument("--message", action="append", type=lowered, metavar="ID", help="this message; may be repeated")
    gone.add_argument("--reason-code", metavar="CODE", help="those with this reason, as scripts/ops dead shows it")
    gone.add_argument("--max", type=int, help="how many at most; 100 by default")
    gone.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")
    gone.add_argument("--key", type=idempotency_key, help="a command that is repeated with this key does nothing again")
