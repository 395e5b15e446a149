"""The ledger for scripts/ops."""

import argparse
import urllib.parse
from typing import Any

from rich.table import Table

import money
import progress
from api_client import ApiClient

Json = dict[str, Any]


def ledger(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """What the ledger has of a period, and how it differs from the gateway's statement."""
    period = {"from": arguments.since, "to": arguments.until}
    query = urllib.parse.urlencode({name: time for name, time in period.items() if time})
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
