"""What an operator asks and does, over the API as an admin: `scripts/ops order` shows what happened to one.

It works on the running local stack. With OPS_API_URL and OPS_TOKEN (an admin's access token) in the environment it
works on another one.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from rich.table import Table

import operate_completion
import operate_consumers
import operate_metrics
import operate_orders
import operate_payments
import progress
from api_client import ApiClient, UnexpectedStatusError, escaped
from config import ScriptError
from operate_access import admin, explained
from operate_arguments import (
    Parser,
    consumer_name,
    idempotency_key,
    json_patch,
    lowered,
    order_reference,
    resource_id,
)
from operate_consumers import print_queues, queues
from operate_lists import listed

Json = dict[str, Any]

# The reason of a dead letter that SQS moved by itself.
MOVED_BY_SQS = "moved-by-sqs"

# What is said of dead letters beyond those of a request.
MORE = {True: "; there are more", False: "", None: "; there may be more"}

# ---- stuck orders, and dead letters ----------------------------------------------------------------------------


def stuck(api: ApiClient, arguments: argparse.Namespace) -> list[Json]:
    """Stuck orders, with the next step of each."""
    return listed(api, f"/ops/stuck-orders?minutes={arguments.minutes}", "orders", arguments)


def print_stuck(orders: list[Json]) -> None:
    table = Table("order", "placed", "reason", "next step", "by", "is cancelled", box=None, pad_edge=False)
    for one in orders:
        by = ", ".join(one["functions"]) or "-"
        table.add_row(
            one["id"],
            one["placed_at"][:19],
            one["status_reason"],
            one["next_step"],
            by,
            (one["cancelled_at"] or "never")[:19],
        )
    progress.table(table, "no order is stuck")


def dead(api: ApiClient, arguments: argparse.Namespace) -> list[Json]:
    """Dead letters of one consumer, or of all that have some."""
    if arguments.queue is not None:
        consumers = [arguments.queue]
    else:
        consumers = [one["name"] for one in api.get("/ops/queues").expect(200)["items"] if one["dead_letters"]]
    found = []
    for consumer in consumers:
        path = f"/ops/dead-letters?queue={escaped(consumer)}"
        if arguments.reason_code is not None:
            path += f"&reason={escaped(arguments.reason_code)}"
        messages = listed(api, path, f"dead letters of {consumer}", arguments)
        found += [{"queue": consumer, **message} for message in messages]
    return found


def print_dead(messages: list[Json]) -> None:
    counts = Counter((one["queue"], one["reason"] or MOVED_BY_SQS) for one in messages)
    reasons = Table("consumer", "reason", "dead letters", box=None, pad_edge=False)
    for (consumer, reason), count in sorted(counts.items()):
        reasons.add_row(consumer, reason, str(count))
    progress.table(reasons, "there are no dead letters")
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


def redrive(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """Moves dead letters back to their queue, or to their topic."""
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
    return _act(api, body, arguments)


def discard(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """Deletes dead letters that will never be redriven."""
    body: Json = {"action": "discard", "reason": arguments.reason, "dry_run": arguments.dry_run}
    optional = {"message_ids": arguments.message, "reason_code": arguments.reason_code, "max": arguments.max}
    return _act(api, body | {name: value for name, value in optional.items() if value is not None}, arguments)


def _act(api: ApiClient, body: Json, arguments: argparse.Namespace) -> Json:
    moved: Json = api.post(f"/ops/queues/{escaped(arguments.queue)}/redrive", body, arguments.key).expect(200)
    verb = "deleted" if body.get("action") == "discard" else "moved"
    missing = [one for one in arguments.message or [] if one not in moved["message_ids"]]
    return {**moved, "verb": verb, "missing": missing}


def print_redrive(moved: Json) -> None:
    refused, more = {one["message_id"] for one in moved["refused"]}, MORE[moved["has_more"]]
    if moved["action_id"]:
        done = moved["discarded"] + moved["redriven"]
        count = f"{done} {moved['verb']}, {len(refused)} stay{more}"
        progress.done(f"{moved['queue']}: {count}; action {moved['action_id']} in the audit")
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


def replay(api: ApiClient, arguments: argparse.Namespace, pause: Callable[[float], None] = time.sleep) -> Json:
    """Delivers published events again to one consumer, a page at a time, at the rate that was asked for."""
    body: Json = {
        "reason": arguments.reason,
        "consumer": arguments.consumer,
        "from": arguments.since,
        "to": arguments.until,
        "dry_run": arguments.dry_run,
        "per_second": arguments.per_second,
    }
    optional = {"event_types": arguments.type, "subject": arguments.subject, "cursor": arguments.cursor}
    body |= {name: value for name, value in optional.items() if value is not None}
    total: Json = {"consumer": arguments.consumer, "replayed": 0, "event_ids": [], "dry_run": arguments.dry_run}
    while True:
        # Each page is a request of its own.
        key = None if arguments.key is None else f"{arguments.key}-{body.get('cursor', '')}"
        page: Json = api.post("/ops/replay", body, key).expect(200)
        total["replayed"] += page["replayed"]
        total["event_ids"] += page["event_ids"]
        body["cursor"] = page["next_cursor"]
        if not page["next_cursor"]:
            return total
        # The API delays the events of a page, and begins again with those of the next one.
        wait_s = page["replayed"] / arguments.per_second
        if not arguments.json:
            progress.note(f"{len(total['event_ids'])} so far; to go on from here: --cursor {page['next_cursor']}")
            if wait_s:
                rate = f"{arguments.per_second} are delivered in a second (--per-second)"
                progress.note(f"the next page follows in {wait_s:g} s: {rate}")
        if wait_s:
            pause(wait_s)


def print_replay(total: Json) -> None:
    if total["dry_run"]:
        progress.heading(f"{len(total['event_ids'])} would be delivered to {total['consumer']}; none was")
        for event in total["event_ids"]:
            progress.note(event)
    else:
        progress.done(f"{total['replayed']} events were sent to {total['consumer']}")


def audit(api: ApiClient, arguments: argparse.Namespace) -> list[Json]:
    """The last actions of operators, and the last changes by staff and admins."""
    return listed(api, "/ops/audit", "entries", arguments)


def print_audit(entries: list[Json]) -> None:
    table = Table("at", "who", "as", "did", "to", "why", "outcome", box=None, pad_edge=False)
    for one in entries:
        outcome = "?" if one["outcome"] is None else operate_orders.details(one["outcome"])
        role, why = one["operator_role"] or "admin", one["reason"] or ""
        table.add_row(one["at"][:19], one["operator_id"], role, one["action"], one["target"], why, outcome)
    progress.table(table, "nothing was done")


# ---- settings -------------------------------------------------------------------------------------------------------


def settings(api: ApiClient, _arguments: argparse.Namespace) -> list[Json]:
    """The policies, rates and limits of the environment."""
    found: list[Json] = api.get("/ops/settings").expect(200)["items"]
    return found


def print_settings(found: list[Json]) -> None:
    table = Table("setting", "value", box=None, pad_edge=False)
    for one in found:
        table.add_row(one["name"], one["value"] or "-")
    progress.table(table, "there are no settings")


# ---- command line ---------------------------------------------------------------------------------------------------


def read_arguments() -> argparse.Namespace:
    return command_line().parse_args(namespace=argparse.Namespace(notes=[], watch=None))


def _add_deliveries(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The commands that deliver messages again."""
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
    again.add_argument("--per-second", type=int, help="how many a queue delivers in a second; 10 by default")
    again.add_argument(
        "--patch", type=json_patch, metavar="JSON", help="edit texts of each event by this JSON Patch (RFC 6902)"
    )
    again.add_argument("--dry-run", action="store_true", help="say what would be moved, and move nothing")
    again.add_argument(
        "--key", type=idempotency_key, help="a command that is repeated with this key does nothing again"
    )
    _add_discard(command)
    replayed = command(
        "replay", "deliver published events of the last seven days again to a consumer", replay, print_replay
    )
    replayed.add_argument("consumer", metavar="CONSUMER", help="the function that is to receive them")
    replayed.add_argument("--reason", required=True, help="why; it is kept in the audit")
    replayed.add_argument("--from", dest="since", required=True, metavar="TIME", help="published since, RFC 3339")
    replayed.add_argument("--to", dest="until", required=True, metavar="TIME", help="published before")
    replayed.add_argument("--type", action="append", metavar="EVENT", help="this type alone; may be repeated")
    replayed.add_argument(
        "--subject", type=lowered, metavar="ID", help="about this order, payment, product or user alone"
    )
    replayed.add_argument(
        "--per-second", type=int, default=10, help="how many are delivered in a second; 10 by default"
    )
    replayed.add_argument("--cursor", help="go on from where a run stopped")
    replayed.add_argument("--dry-run", action="store_true", help="say what would be delivered, and deliver nothing")
    replayed.add_argument(
        "--key", type=idempotency_key, help="a command that is repeated with this key does nothing again"
    )


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


def command_line() -> Parser:
    parser = Parser(prog="scripts/ops", description=__doc__)
    shared = Parser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, what: str, look: Callable[..., Any], show: Callable[..., None]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[shared], help=what, description=what)
        added.set_defaults(look=look, show=show, failed=lambda _found: False)
        return added

    one = command("order", "show what happened to an order", operate_orders.order, operate_orders.print_order)
    one.add_argument(
        "order", type=order_reference, metavar="ORDER", help="its id, or its number in e-mails, with or without spaces"
    )
    one.add_argument(
        "--watch", action="store_const", const=operate_orders.follow, help="follow it while it moves, until Ctrl-C"
    )
    still = command("stuck", "list stuck orders, with the next step of each", stuck, print_stuck)
    minutes = operate_metrics.STUCK_MINUTES
    still.add_argument("--minutes", type=int, default=minutes, help=f"since their placement; {minutes} by default")
    counted = command("queues", "list the consumers that have messages or are paused", queues, print_queues)
    counted.add_argument("--all", action="store_true", help="and all others")
    dead_letters = command("dead", "list dead letters, and count them by their reasons", dead, print_dead)
    dead_letters.add_argument("queue", nargs="?", metavar="CONSUMER", help="of this function alone")
    dead_letters.add_argument("--reason", dest="reason_code", metavar="CODE", help="with this reason alone")
    _add_deliveries(command)
    operate_consumers.add_commands(command)
    books = command(
        "ledger",
        "sum up the ledger, and list how it differs from the gateway",
        operate_payments.ledger,
        operate_payments.print_ledger,
    )
    books.add_argument("--from", dest="since", metavar="TIME", help="RFC 3339; a day before --to by default")
    books.add_argument("--to", dest="until", metavar="TIME", help="exclusive; now by default")
    command(
        "approvals", "list refunds that wait for approval", operate_payments.approvals, operate_payments.print_approvals
    )
    for verb, verdict in (("approve", "approved"), ("reject", "rejected")):
        what = f"{verb} a refund that waits for approval and that somebody else requested"
        decided = command(verb, what, operate_payments.decide, operate_payments.print_decided)
        decided.set_defaults(verdict=verdict)
        decided.add_argument("payment", type=resource_id, metavar="PAYMENT", help="as approvals lists it")
        decided.add_argument("refund", type=resource_id, metavar="REFUND", help="as approvals lists it")
        decided.add_argument("--reason", help="why; it is kept with the decision, and the audit shows it")
        decided.add_argument(
            "--key", type=idempotency_key, help="a command that is repeated with this key does nothing again"
        )
    command(
        "metrics",
        "print the key figures: orders, queues, outbox, errors",
        operate_metrics.metrics,
        operate_metrics.print_metrics,
    )
    command("config", "list the policies, rates and limits of the environment", settings, print_settings)
    command("audit", "list what operators did and what staff changed, who and why", audit, print_audit)
    operate_completion.add_command(commands)
    return parser


def run(arguments: argparse.Namespace) -> int:
    if arguments.command == operate_completion.COMMAND:
        print(operate_completion.script(command_line()), end="")
        return 0
    try:
        if arguments.watch:
            arguments.watch(admin(), arguments)
            return 0
        found = arguments.look(admin(), arguments)
    except UnexpectedStatusError as refused:
        raise ScriptError(explained(refused)) from None
    if arguments.json:
        print(json.dumps(found))
    else:
        arguments.show(found)
    for note in arguments.notes:
        progress.fail(note)
    return 1 if arguments.failed(found) else 0


def main() -> int:
    with progress.output():
        return run(read_arguments())


if __name__ == "__main__":
    progress.run(main)
