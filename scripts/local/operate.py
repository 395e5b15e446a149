"""What an operator asks and does, over the API as an admin: `scripts/ops order` shows what happened to one.

It works on the running local stack. With OPS_API_URL and OPS_TOKEN (an admin's access token, which login prints) in the
environment it works on another one.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from rich.table import Table

import operate_access
import operate_completion
import operate_consumers
import operate_dead_letters
import operate_metrics
import operate_orders
import operate_payments
import progress
from api_client import ApiClient, UnexpectedStatusError
from config import ScriptError
from operate_access import admin, explained
from operate_arguments import (
    Parser,
    idempotency_key,
    lowered,
    order_reference,
)
from operate_consumers import print_queues, queues
from operate_lists import listed

Json = dict[str, Any]

# What a consumer does with an event that it has handled, by its policy.
REPEATED = {"claims": "it recognizes and skips them", "by_version": "it handles them again: what is missing changes"}

# ---- stuck orders, replays and the audit -----------------------------------------------------------------------


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
        total["policy"] = page["policy"]
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
        progress.note(f"those that it has handled: {REPEATED[total['policy']]}")
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


def _add_replay(command: Callable[..., argparse.ArgumentParser]) -> None:
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


def command_line() -> Parser:
    parser = Parser(prog="scripts/ops", description=__doc__)
    shared = Parser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, what: str, look: Callable[..., Any], show: Callable[..., None]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[shared], help=what, description=what)
        added.set_defaults(look=look, show=show, failed=lambda _found: False, connect=None)
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
    operate_dead_letters.add_commands(command)
    _add_replay(command)
    operate_consumers.add_commands(command)
    operate_payments.add_commands(command)
    command(
        "metrics",
        "print the key figures: orders, queues, outbox, errors",
        operate_metrics.metrics,
        operate_metrics.print_metrics,
    )
    command("config", "list the policies, rates and limits of the environment", settings, print_settings)
    command("audit", "list what operators did and what staff changed, who and why", audit, print_audit)
    operate_access.add_command(command)
    operate_completion.add_command(commands)
    return parser


def run(arguments: argparse.Namespace) -> int:
    if arguments.command == operate_completion.COMMAND:
        print(operate_completion.script(command_line()), end="")
        return 0
    try:
        api = (arguments.connect or admin)()
        if arguments.watch:
            arguments.watch(api, arguments)
            return 0
        found = arguments.look(api, arguments)
    except UnexpectedStatusError as refused:
        raise ScriptError(explained(refused, has_token=arguments.connect is None)) from None
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
