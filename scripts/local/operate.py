"""What an operator asks and does, over the API as an admin: `scripts/ops order ID` shows what happened to an order.

It works on the running local stack. With OPS_API_URL and OPS_TOKEN (an admin's access token) in the environment it
works on another one.
"""

import argparse
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.table import Table

import api_client
import progress
from api_client import ApiClient

Json = dict[str, Any]

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PAGE = 100
# Members of events that say which order it is, which the heading says already.
COMMON = {"order_id", "user_id", "levels", "lines", "payment"}


def admin() -> ApiClient:
    """A client with the rights of an admin."""
    url, token = os.environ.get("OPS_API_URL"), os.environ.get("OPS_TOKEN")
    if url and token:
        return ApiClient(url, token)
    env = api_client.stack_env()
    return ApiClient(env["API_URL"]).login(env["ADMIN_EMAIL"], env["ADMIN_PASSWORD"])


def pages(api: ApiClient, path: str) -> Iterator[Json]:
    """The items of all pages of a list."""
    cursor, joint = "", "&" if "?" in path else "?"
    while True:
        body = api.get(f"{path}{joint}limit={PAGE}{cursor}").expect(200)
        yield from body["items"]
        if not body["next_cursor"]:
            return
        cursor = f"&cursor={body['next_cursor']}"


def order_id(text: str) -> str:
    if not UUID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text} is not an id, such as 01936d6e-0000-7000-8000-000000000000")
    return text


# ---- one order ------------------------------------------------------------------------------------------------------


def order(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """The order, its payment, and its timeline."""
    path = f"/orders/{arguments.order}"
    found = api.get(path).expect(200)
    payment = api.get(f"/payments/order/{arguments.order}")
    recorded = api.get(f"/ops{path}/timeline?limit=1")
    return {
        "order": found,
        "payment": None if payment.status == 404 else payment.expect(200),
        "timeline": [] if recorded.status == 404 else list(pages(api, f"/ops{path}/timeline")),
    }


def print_order(found: Json) -> None:
    placed, payment = found["order"], found["payment"]
    reason = f" ({placed['status_reason']})" if placed.get("status_reason") else ""
    progress.heading(f"order {placed['id']}: {placed['status']}{reason}, placed {placed['created_at']}")
    if payment:
        progress.note(f"payment {payment['id']}: {payment['status']}, {amount(payment['amount'])}")
    if not found["timeline"]:
        progress.note("no event of it is recorded yet: that takes up to half a minute")
        return
    table = Table("at", "after", "event", "says", "handled by", "request", box=None, pad_edge=False)
    for entry in found["timeline"]:
        table.add_row(
            entry["occurred_at"][11:23],
            "" if entry["since_previous_ms"] is None else milliseconds(entry["since_previous_ms"]),
            entry["type"],
            said(entry["data"]),
            handled(entry["deliveries"]),
            entry["correlation_id"][-12:],
        )
    progress.table(table)
    waiting = [
        f"{delivery['consumer']} has not handled {entry['type']}"
        for entry in found["timeline"]
        for delivery in entry["deliveries"]
        if delivery["status"] == "open"
    ]
    for line in waiting:
        progress.fail(f"{line}: it is queued, retried, or a dead letter (scripts/ops dead)")


def amount(money: Json) -> str:
    return f"{money['amount']} {money['currency']}"


def milliseconds(count: int) -> str:
    return f"+{count} ms" if abs(count) < 10_000 else f"+{count / 1000:.0f} s"


def said(data: Json) -> str:
    """What an event says besides the order that it is about."""
    texts = []
    for name, value in data.items():
        if name not in COMMON and not isinstance(value, list):
            is_money = isinstance(value, dict) and {"amount", "currency"} <= value.keys()
            texts.append(f"{name}={amount(value) if is_money else value}")
    return " ".join(texts)


def handled(deliveries: Sequence[Json]) -> str:
    """The consumers of an event, with the time that each took."""
    return ", ".join(
        f"{one['consumer']} {milliseconds(one['after_ms'])}"
        if one["status"] == "handled"
        else f"{one['consumer']} OPEN"
        for one in deliveries
    )


# ---- command line ---------------------------------------------------------------------------------------------------


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/ops", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, what: str, look: Callable[..., Any], show: Callable[..., None]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[shared], help=what, description=what)
        added.set_defaults(look=look, show=show)
        return added

    one = command("order", "show what happened to an order", order, print_order)
    one.add_argument("order", type=order_id, metavar="ID")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    found = arguments.look(admin(), arguments)
    if arguments.json:
        print(json.dumps(found))
    else:
        arguments.show(found)


if __name__ == "__main__":
    progress.run(main)
