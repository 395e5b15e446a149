"""The key figures of a stack for scripts/ops: from the API, and here also from what its functions emitted."""

import argparse
import json
import os
import time
from collections.abc import Iterable
from typing import Any

from rich.table import Table

import api_client
import config
import emulator_records
import progress
from api_client import ApiClient, escaped
from emf import GAUGE_S
from operate_consumers import is_stopped

Json = dict[str, Any]

MINUTES = 15
WINDOW_S = 300
# As `GET /ops/stuck-orders` and the console have it.
STUCK_MINUTES = 5
# Upper limit of counts; shown as "or more".
MOST = 100
# Names as functions emit them.
GAUGES = ("OutboxLag", "OutboxWaiting", "WebhookLag")
COUNTS = ("Invocations", "ServerErrors")


def metrics(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """Orders, queues and dead letters by the API; the outbox and errors by metrics that are here."""
    now = time.time()
    # Whole windows, and the current one.
    since = now - now % WINDOW_S - MINUTES * 60
    start = escaped(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since)))
    orders = sum(one["orders"] for one in api_client.pages(api, f"/analytics/windows?from={start}"))
    queues = api.get("/ops/queues").expect(200)["items"]
    stuck = api.get(f"/ops/stuck-orders?minutes={STUCK_MINUTES}&limit={MOST}").expect(200)["items"]
    dead = {one["name"]: one["dead_letters"] for one in queues if one["dead_letters"]}
    seen = seen_dead_letters(api, dead)
    found: Json = {
        "minutes": MINUTES,
        "orders_per_minute": round(orders / (now - since) * 60, 2),
        "stuck_orders": len(stuck),
        "waiting": sum(one["waiting"] + one["in_flight"] + one["delayed"] for one in queues),
        "longest_queue": max(queues, key=lambda one: one["waiting"], default={"name": None, "waiting": 0}),
        "dead_letters": dead,
        "oldest_dead_letter": min(seen, default=None),
        "dead_letters_seen": len(seen),
        "paused": [one["name"] for one in queues if is_stopped(one)],
        "emitted": None,
    }
    if os.environ.get("OPS_API_URL"):
        arguments.notes.append("the outbox and errors of another stack are on its CloudWatch dashboards")
        return found
    records, _ = emulator_records.read(config.LOGS / emulator_records.LINES)
    return {**found, "emitted": emitted((record["message"] for record in records), now)}


def seen_dead_letters(api: ApiClient, dead: Iterable[str]) -> list[str]:
    """Since when each dead letter that the API lists is one: `MOST` of a consumer, in no order."""
    pages = (api.get(f"/ops/dead-letters?queue={escaped(name)}&limit={MOST}").expect(200)["items"] for name in dead)
    return [message["dead_since"] for page in pages for message in page]


def emitted(lines: Iterable[str], now: float) -> Json:
    """Sums of counts since `MINUTES` ago, and the last values of gauges, of metrics lines (EMF)."""
    counts, gauges = dict.fromkeys(COUNTS, 0.0), dict.fromkeys(GAUGES, (0.0, -1.0))
    for line in lines:
        if '"_aws"' not in line:
            continue
        try:
            members: Json = json.loads(line[line.index("{") :])
        except ValueError:
            continue
        at = members["_aws"]["Timestamp"] / 1000
        for name in COUNTS:
            if isinstance(members.get(name), int | float) and at > now - MINUTES * 60:
                counts[name] += members[name]
        for name in GAUGES:
            if isinstance(members.get(name), list) and members[name] and at > now - GAUGE_S:
                gauges[name] = max(gauges[name], (at, float(members[name][-1])))
    known = {name: value for name, (at, value) in gauges.items() if at}
    return {**{name: int(count) for name, count in counts.items()}, **{name: known.get(name) for name in GAUGES}}


def print_metrics(found: Json) -> None:
    rows = Table("figure", "value", box=None, pad_edge=False)
    rows.add_row(f"confirmed orders a minute, last {found['minutes']} minutes", str(found["orders_per_minute"]))
    many = "or more" if found["stuck_orders"] == MOST else ""
    rows.add_row(f"orders pending for {STUCK_MINUTES} minutes", f"{found['stuck_orders']} {many}".rstrip())
    longest = found["longest_queue"]
    most = f", most for {longest['name']} ({longest['waiting']})" if longest["waiting"] else ""
    rows.add_row("messages in queues", f"{found['waiting']}{most}")
    dead = ", ".join(f"{name} {count}" for name, count in found["dead_letters"].items())
    rows.add_row("dead letters", dead or "0")
    total, seen = sum(found["dead_letters"].values()), found["dead_letters_seen"]
    perhaps = f" or earlier: only {seen} of about {total} were looked at" if seen < total else ""
    rows.add_row("oldest dead letter since", f"{found['oldest_dead_letter'] or '-'}{perhaps}")
    rows.add_row("paused consumers", ", ".join(found["paused"]) or "none")
    shown = found["emitted"]
    if shown is not None:
        waiting = "" if shown["OutboxWaiting"] is None else f"; {shown['OutboxWaiting']:.0f} events wait"
        rows.add_row("outbox: oldest event not published", f"{age(shown['OutboxLag'])}{waiting}")
        rows.add_row("webhooks: oldest delivery that is due", age(shown["WebhookLag"]))
        errors, calls = shown["ServerErrors"], shown["Invocations"]
        rows.add_row(f"requests that failed (5xx), last {found['minutes']} minutes", f"{errors} of {calls} invocations")
    progress.table(rows)


def age(milliseconds: float | None) -> str:
    return "unknown: not emitted lately" if milliseconds is None else progress.duration(milliseconds / 1000)
