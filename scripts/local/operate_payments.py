"""The ledger, and refunds that wait for approval, for scripts/ops."""

import argparse
import urllib.parse
from typing import Any

from rich.table import Table

import api_client
import money
import progress
from api_client import PREFIX, ApiClient
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
