"""Finds what stands later than PostgreSQL after it was set back to an earlier moment, and reconciles it.

Without `--apply` it only reports. A second run with `--apply` changes nothing; what a person has to decide is reported
each time. In this order:

- `invoice-restore`: series of invoices continue after the highest number that has a document, so that none is given
  twice. It runs first, because events that are published again issue invoices.
- `payment-restore`: charges whose payments were lost are refunded and posted; refunds that payments lack are recorded.
- the archive: events between the moment and `--until`, by aggregate. Their state is lost; a person decides.

`--until` is when consumers were stopped for the restore: events after it belong to the restored database.

The runbook is docs/runbooks/restore.md.
"""

import argparse
import datetime
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import catalog
import config
import progress
from config import ScriptError

Json = dict[str, Any]

# The longest function timeout is ten minutes.
TIMEOUT_S = 630
# Payments that one invocation returns are limited, so it is repeated until none remains.
MAX_RUNS = 100
# Aggregates of a kind that the report lists.
SHOWN = 20


def instant(text: str) -> datetime.datetime:
    """A time with a zone, such as 2026-11-29T03:00:00Z."""
    at = datetime.datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone: end it with Z for UTC")
    return at.astimezone(datetime.UTC)


def written(at: datetime.datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class Environment:
    """The functions and the archive of one environment."""

    def __init__(self, stage: str, region: str | None = None) -> None:
        self.prefix = f"{catalog.prefix()}-{stage}"
        session = botocore.session.get_session()
        once = Config(read_timeout=TIMEOUT_S, retries={"total_max_attempts": 1})
        self.functions = session.create_client("lambda", region_name=region, config=once)
        self.objects = session.create_client("s3", region_name=region, config=Config(s3={"addressing_style": "path"}))

    def invoke(self, function: str, payload: object) -> Json:
        response = self.functions.invoke(FunctionName=f"{self.prefix}-{function}", Payload=json.dumps(payload).encode())
        body = response["Payload"].read().decode(errors="replace")
        if "FunctionError" in response:
            raise ScriptError(f"{function} failed: {body[:400]}")
        found: Json = json.loads(body)
        return found

    def archive_bucket(self) -> str:
        configured = self.functions.get_function_configuration(FunctionName=f"{self.prefix}-event-archive")
        return str(configured["Environment"]["Variables"]["ARCHIVE_BUCKET"])

    def archived(self, start: datetime.datetime, end: datetime.datetime) -> Iterator[Json]:
        """Archived events of the period, each once. Objects are by topic and day, and may be a day late."""
        bucket, seen = self.archive_bucket(), set[str]()
        days = [start.date() + datetime.timedelta(days=number) for number in range((end - start).days + 3)]
        for topic in [name for name, row in catalog.section("kafka_topics").items() if row["is_event_log"]]:
            for day in days:
                pages = self.objects.get_paginator("list_objects_v2").paginate(
                    Bucket=bucket, Prefix=f"{topic}/{day:%Y/%m/%d}/"
                )
                for key in (item["Key"] for page in pages for item in page.get("Contents", [])):
                    lines = self.objects.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()
                    for event in map(json.loads, lines):
                        if start <= instant(event["time"]) < end and event["id"] not in seen:
                            seen.add(event["id"])
                            yield event


def reconcile(environment: Environment, arguments: argparse.Namespace) -> Json:
    """Runs all steps. Returns what each found."""
    moment = {"from": written(arguments.since), "apply": arguments.apply}
    found: Json = {"invoices": environment.invoke("invoice-restore", moment), "payments": []}
    for _ in range(MAX_RUNS):
        payments = environment.invoke("payment-restore", moment)
        found["payments"].append(payments)
        if not payments["remaining"]:
            break
    found["lost"] = list(environment.archived(arguments.since, arguments.until))
    return found


def report(found: Json) -> None:
    """Prints what was found, and what is left to a person."""
    progress.heading("Numbers")
    for gap in found["invoices"]["gaps"]:
        progress.note(
            f"{gap['series']}: the database does not know {gap['first']} to {gap['last']}, which have documents"
        )
    progress.heading("Money")
    first = found["payments"][0]
    progress.note(f"{first['compared']} transactions of the gateway compared")
    for one in first["differences"]:
        amount = f"{one['amount']['amount']} {one['amount']['currency']}"
        progress.note(
            f"{one['standing']}: {one['purpose']} {one['reference']} of {amount}, payment {one['payment_id']}"
        )
    returned, recorded = (sum(run[name] for run in found["payments"]) for name in ("returned", "recorded"))
    progress.note(f"{returned} lost charges refunded, {recorded} refunds recorded")
    for run in found["payments"]:
        for name in ("not_returned", "unreadable"):
            for reference in run[name]:
                progress.fail(f"{name.replace('_', ' ')}: {reference}; see docs/runbooks/restore.md")
    progress.heading("Events without state")
    for kind, number in sorted(Counter(event["type"] for event in found["lost"]).items()):
        progress.note(f"{number} {kind}")
    shown = [event for event in found["lost"] if event["type"] in DECIDED_BY_PERSONS]
    for event in shown[:SHOWN]:
        progress.note(f"{event['time']} {event['type']} of {event['subject']}")
    if len(shown) > SHOWN:
        progress.note(f"and {len(shown) - SHOWN} more: --json writes all of them")


# Events that tell of something outside that the restored database does not undo.
DECIDED_BY_PERSONS = (
    "OrderShipped.v1",
    "StockShipped.v1",
    "StockAdjusted.v1",
    "UserRegistered.v1",
    "UserErased.v1",
    "ProductCreated.v1",
    "ProductUpdated.v1",
    "ProductDeleted.v1",
)


def read_arguments(words: list[str] | None = None) -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="scripts/restore-reconcile", description=__doc__, formatter_class=formatter)
    parser.add_argument("--stage", required=True, help="local, dev or prod")
    parser.add_argument("--region", help="region of the environment (default: that of the AWS configuration)")
    parser.add_argument(
        "--from", dest="since", type=instant, required=True, help="the moment PostgreSQL was set back to"
    )
    parser.add_argument("--until", type=instant, help="when consumers were stopped for the restore (default: now)")
    parser.add_argument("--apply", action="store_true", help="change what can be reconciled; without it, only report")
    parser.add_argument("--json", metavar="FILE", help="write everything that was found to this file")
    arguments = parser.parse_args(words)
    arguments.until = arguments.until or datetime.datetime.now(datetime.UTC)
    return arguments


def main() -> int:
    arguments = read_arguments()
    if arguments.stage == config.STAGE:
        os.environ.update(config.aws_env())
    try:
        found = reconcile(Environment(arguments.stage, arguments.region), arguments)
    except (ScriptError, BotoCoreError, ClientError) as error:
        progress.fail(str(error))
        return 1
    report(found)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
