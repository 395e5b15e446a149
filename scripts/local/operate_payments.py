"""The ledger, refunds that wait for approval, and payments of another amount, for scripts/ops.

`operate.py` has the other commands.
"""

import argparse
import urllib.parse
from collections.abc import Callable
from typing import Any

from rich.table import Table

import api_client
import money
import progress
from api_client import PREFIX, ApiClient
from operate_arguments import idempotency_key, resource_id
from operate_lists import listed

Json = dict[str, Any]


def ledger(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """What the ledger has of a period, and how it differs from the gateway's statement."""
    period = {"from": arguments.since, "to": arguments.until}
    query = urllib.parse.urlencode({name: time for name, time in period.items() if time is not None})
    report: Json = api.get(f"/ops/ledger?{query}").expect(200)
    return report


def print_ledger(report: Json) -> None:
    progress.heading(f"ledger from {report['from']} to {report['to']}")
    accounts = Table("account", "debits", "credits", box=None, pad_edge=False)
    for one in report["accounts"]:
        accounts.add_row(one["account"], money.text(one["debits"]), money.text(one["credits"]))
    progress.table(accounts, "nothing was posted")
    transfers = Table("purpose", "transfers", "amount", box=None, pad_edge=False)
    for one in report["transfers"]:
        transfers.add_row(one["purpose"], str(one["count"]), money.text(one["amount"]))
    progress.table(transfers)
    read, compared = report["read_until"] or "never", report["compared_at"] or "never"
    progress.note(f"the gateway's statement is read until: {read}; last daily comparison: {compared}")
    differing = Table("transaction", "purpose", "difference", "ledger", "gateway", box=None, pad_edge=False)
    for one in report["discrepancies"]:
        sides = [money.text(one[side]) if one[side] else "-" for side in ("ledger_amount", "gateway_amount")]
        differing.add_row(one["reference"], one["purpose"], one["kind"], *sides)
    agrees = "no difference in the last three days that are read" if report["read_until"] else ""
    progress.table(differing, agrees)


def approvals(api: ApiClient, arguments: argparse.Namespace) -> list[Json]:
    """Payments with a refund that waits for approval, those that wait longest first."""
    return listed(api, "/ops/payments/refund-approvals", "payments", arguments)


def print_approvals(payments: list[Json]) -> None:
    table = Table("since", "payment", "refund", "amount", "reason", "requested by", "order", box=None, pad_edge=False)
    for payment in payments:
        for one in payment["refund_approvals"]:
            if one["verdict"] is None:
                table.add_row(
                    one["requested_at"][:19],
                    payment["payment_id"],
                    one["id"],
                    money.text(one["amount"]),
                    one["reason"],
                    one["requested_by"],
                    payment["order_id"],
                )
    progress.table(table, "no refund waits for approval")


def mismatches(api: ApiClient, arguments: argparse.Namespace) -> list[Json]:
    """Payments of which the gateway moved something else than was asked, those with the newest mismatch first."""
    return listed(api, "/ops/payments/mismatches", "payments", arguments)


def print_mismatches(payments: list[Json]) -> None:
    columns = ("seen", "payment", "status", "movement", "asked", "answered", "transaction", "refund", "order")
    table = Table(*columns, box=None, pad_edge=False)
    for payment in payments:
        for one in payment["mismatches"]:
            table.add_row(
                one["seen_at"][:19],
                payment["payment_id"],
                payment["status"],
                one["movement"],
                money.text(one["asked"]),
                "not stated" if one["answered"] is None else money.text(one["answered"]),
                one["transaction_id"],
                one["refund_id"] or "-",
                payment["order_id"],
            )
    progress.table(table, "the gateway moved what was asked")


def decide(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """Approves or rejects a refund. Returns the payment."""
    path = f"{PREFIX}/payments/{arguments.payment}/refund-approvals/{arguments.refund}"
    key = {"Idempotency-Key": api_client.new_key() if arguments.key is None else arguments.key}
    body = {"verdict": arguments.verdict}
    if arguments.reason is not None:
        body["reason"] = arguments.reason
    payment: Json = api.call("PATCH", path, body, key).expect(200)
    return payment


def print_decided(payment: Json) -> None:
    refunded, amount = money.text(payment["refunded_amount"]), money.text(payment["amount"])
    progress.done(f"payment {payment['id']}: {payment['status']}, {refunded} of {amount} refunded")
    for one in payment["refund_approvals"]:
        why = f": {one['decision_reason']}" if one["decision_reason"] else ""
        progress.note(f"{one['id']}: {money.text(one['amount'])}, {one['verdict'] or 'waits'}{why}")


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The commands about money."""
    books = command("ledger", "sum up the ledger, and list how it differs from the gateway", ledger, print_ledger)
    books.add_argument("--from", dest="since", metavar="TIME", help="RFC 3339; a day before --to by default")
    books.add_argument("--to", dest="until", metavar="TIME", help="exclusive; now by default")
    command("mismatches", "list payments of which the gateway moved another amount", mismatches, print_mismatches)
    command("approvals", "list refunds that wait for approval", approvals, print_approvals)
    for verb, verdict in (("approve", "approved"), ("reject", "rejected")):
        what = f"{verb} a refund that waits for approval and that somebody else requested"
        decided = command(verb, what, decide, print_decided)
        decided.set_defaults(verdict=verdict)
        decided.add_argument("payment", type=resource_id, metavar="PAYMENT", help="as approvals lists it")
        decided.add_argument("refund", type=resource_id, metavar="REFUND", help="as approvals lists it")
        decided.add_argument("--reason", help="why; it is kept with the decision, and the audit shows it")
        decided.add_argument(
            "--key", type=idempotency_key, help="a command that is repeated with this key does nothing again"
        )
