"""Sets the PostgreSQL of the local cloud back to an earlier moment, reconciles, and checks the result.

The run starts the local cloud if it is not up, and then:

1. places orders, sends records, and dumps the database (the recovery point);
2. places and sends more: paid, shipped and cancelled, registers a customer, and waits until all is archived and
   written;
3. refuses connections to the database, and replaces it by the dump. The gateway, DynamoDB, Kafka, S3 and the mailbox
   stand later, and consumers go on retrying. `record-write` and `event-record` are set back to where they were before
   the dump;
4. runs scripts/restore-reconcile three times: a report, which changes nothing; with `--apply`; and once more with
   `--apply`, which must find nothing left to do;
5. checks: every charge belongs to a payment or is refunded, no number is given twice, the orders before the dump are
   as they were or further, a new order is confirmed, every record is there once, and the events of the lost orders are
   recorded.

It prints the recovery point and the time of each step. The database that was replaced stays as `quayside_lost` until
the next run. The runbook is docs/runbooks/restore.md.
"""

import argparse
import datetime
import os
import subprocess
import sys
import time
from typing import Any

import api_client
import aws
import chaos
import chaos_load
import chaos_observer
import config
import kafka_offsets
import postgres_server
import process
import progress
import restore_reconcile
from api_client import ApiClient
from chaos_observer import rows
from config import ScriptError

Json = dict[str, Any]

CUSTOMERS, BEFORE, AFTER = 3, 4, 6
# What writes to the database what it reads from Kafka.
READERS = ("record-write", "event-record")
LOST = f"{config.DATABASE}_lost"
CONFIRM_S, ARCHIVE_S = 120, 600


def database_instant() -> datetime.datetime:
    return restore_reconcile.instant(str(rows("select now() as now")[0]["now"]))


def owner(program: str, *arguments: object) -> None:
    """Runs a PostgreSQL program as the owner of the database."""
    address = ["-h", "127.0.0.1", "-p", config.port("postgres"), "-U", config.DATABASE_OWNER]
    env = config.clean_env(PGPASSWORD=config.secret("owner_password"))
    result = process.run_as(None, [config.postgres_bin() / program, *address, *arguments], env)
    if result.returncode != 0:
        raise ScriptError(f"{program} failed: {result.stderr.strip()[:400]}")


def statement(text: str) -> None:
    result = postgres_server.psql("postgres", text)
    if result.returncode != 0:
        raise ScriptError(f"PostgreSQL rejects {text!r}: {result.stderr.strip()[:300]}")


def refuse_connections() -> None:
    """The database accepts nobody any more, as one that is being restored."""
    statement(f"alter database {config.DATABASE} with allow_connections false")
    statement(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{config.DATABASE}'")


def replace_database(dump: str) -> None:
    statement(f"drop database if exists {LOST} with (force)")
    statement(f"alter database {config.DATABASE} rename to {LOST}")
    # With the rights on the database itself.
    owner("pg_restore", "--create", "-d", "postgres", "--exit-on-error", dump)


class Drill:
    """One run."""

    def __init__(self) -> None:
        self.env = chaos.ensure_up()
        # For botocore, as an operator would export them.
        os.environ.update(config.aws_env())
        self.dump = str(config.DATA / "restore-drill.dump")
        self.environment = restore_reconcile.Environment("local")
        self.broken: list[str] = []
        # Number of records that were sent.
        self.sent = 0

    def expect(self, holds: bool, what: str) -> None:
        (progress.done if holds else progress.fail)(what)
        if not holds:
            self.broken.append(what)

    def prepare(self) -> None:
        tag = time.strftime("%y%m%d%H%M%S")
        customers = chaos_load.register_customers(self.env, CUSTOMERS, tag)
        self.customers = [client for _, client in customers]
        self.staff = ApiClient(self.env["API_URL"]).login(self.env["STAFF_EMAIL"], self.env["STAFF_PASSWORD"])
        self.products = list(chaos_load.create_products(self.env, self.staff, tag, 1000))
        self.source = f"drill-{tag}"
        self.staff.post("/data/sources", {"name": self.source, "schema": {"type": "object"}, "writers": []}).expect(201)
        self.tag = tag

    def place(self, number: int) -> list[str]:
        """Places orders and waits until they are confirmed. Returns their ids."""
        placed = []
        for index in range(number):
            body = {
                "items": [{"product_id": self.products[1], "quantity": 1}],
                "shipping_address": chaos_load.ADDRESS,
                "payment_method": chaos_load.CARD,
            }
            customer = self.customers[index % CUSTOMERS]
            placed.append(str(customer.post("/orders", body, api_client.new_key()).expect(201)["id"]))

        def are_confirmed() -> bool:
            return all(self.status(order) == "processing" for order in placed)

        api_client.eventually("confirmation of the orders", are_confirmed, CONFIRM_S)
        return placed

    def status(self, order: str) -> str:
        return str(self.staff.get(f"/orders/{order}").expect(200)["status"])

    def work_after_the_dump(self) -> None:
        """What happens after the recovery point: it will be lost."""
        self.lost = self.place(AFTER)
        shipped, cancelled = self.lost[0], self.lost[1]
        seen = self.staff.get(f"/orders/{shipped}")
        self.staff.patch(f"/orders/{shipped}/status", {"status": "shipped"}, seen.headers["ETag"]).expect(200)
        self.customers[1 % CUSTOMERS].delete(f"/orders/{cancelled}").expect(202)
        chaos_load.register_customers(self.env, 1, f"{self.tag}x")

        def are_archived() -> bool:
            ids = {event["subject"] for event in self.archived() if event["type"] == "OrderConfirmed.v1"}
            return ids >= set(self.lost)

        api_client.eventually("the archive of the lost orders", are_archived, ARCHIVE_S, 5)

        def are_invoiced() -> bool:
            issued = rows(f"select order_id from invoices.invoices where order_id in ({self.lost_ids})")
            return len(issued) == AFTER

        api_client.eventually("the invoices of the lost orders", are_invoiced, CONFIRM_S)
        self.send_records(AFTER)
        self.await_recorded()

    def send_records(self, number: int) -> None:
        """Sends records, and waits until they are written."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sent = [{"source": self.source, "recorded_at": now, "payload": {"depth": each}} for each in range(number)]
        self.staff.post("/data", {"records": sent}, api_client.new_key()).expect(202)
        self.sent += number
        api_client.eventually("the records", lambda: self.counts() == [self.sent, self.sent], CONFIRM_S)

    def counts(self) -> list[int]:
        """How many records the table has, and how many the sums of its hours count."""
        stored = f"select count(*) from records.records where source = '{self.source}'"
        summed = f"select coalesce(sum(records), 0)::bigint from records.rollups where source = '{self.source}'"
        found = rows(f"select ({stored}) as stored, ({summed}) as summed")[0]
        return [int(found["stored"]), int(found["summed"])]

    def await_recorded(self) -> None:
        """Waits until `event-record` has recorded the lost orders."""

        def are_recorded() -> bool:
            found = f"select order_id from operations.event_records where order_id in ({self.lost_ids})"
            return {row["order_id"] for row in rows(f"{found} and type = 'OrderPlaced.v1'")} == set(self.lost)

        api_client.eventually("the recorded events of the lost orders", are_recorded, CONFIRM_S)

    @property
    def lost_ids(self) -> str:
        return chaos_observer.quoted(self.lost)

    def archived(self) -> list[Json]:
        return list(self.environment.archived(self.moment, datetime.datetime.now(datetime.UTC)))

    def reconcile(self, *, apply: bool) -> Json:
        words = ["--stage", "local", "--from", restore_reconcile.written(self.moment), *(["--apply"] if apply else [])]
        arguments = restore_reconcile.read_arguments([*words, "--until", restore_reconcile.written(self.stopped)])
        return restore_reconcile.reconcile(self.environment, arguments)

    def restore(self) -> None:
        with progress.step("Refuse connections, and replace the database by the dump"):
            self.stopped = database_instant()
            kafka_offsets.pause()
            started = time.monotonic()
            refuse_connections()
            replace_database(self.dump)
            self.restored_s = time.monotonic() - started
        with progress.step("Let the readers of Kafka read again what they had written"):
            kafka_offsets.set_back(self.offsets, READERS)
            kafka_offsets.resume()

    def check(self, documents: set[str], before: list[str]) -> None:
        charges = api_client.fetch_json(f"{self.env['GATEWAY_URL']}/_local/charges")["charges"]
        payments = {row["id"] for row in rows("select id from payments.payments where transaction_id is not null")}
        unowned = [
            charge["id"]
            for charge in charges
            if charge["status"] == "succeeded"
            and charge["metadata"].get("payment_id") not in payments
            and charge["refunded"] != charge["amount"]
        ]
        self.expect(not unowned, f"every charge belongs to a payment or is refunded {unowned or ''}".rstrip())
        states = {order: self.status(order) for order in before}
        late = {order: state for order, state in states.items() if state != "processing"}
        self.expect(not late, f"the orders before the recovery point are confirmed {late or ''}".rstrip())
        self.expect(bool(self.place(2)), "new orders are confirmed")
        sums = rows("select coalesce(sum(balance), 0) as sum from payments.accounts")[0]["sum"]
        self.expect(int(sums) == 0, "the accounts of the ledger add up to zero")

        def are_invoiced() -> bool:
            return len(set(aws.list_objects(self.bucket)) - documents) >= 2

        api_client.eventually("invoices of the new orders", are_invoiced, CONFIRM_S)
        known = rows(
            "select series || '/' || series || '-' || lpad(position::text, 6, '0') || '.pdf' as key,"
            f" created_at >= '{self.moment}' as is_new from invoices.invoices"
        )
        twice = {row["key"] for row in known if row["is_new"]} & documents
        self.expect(not twice, f"no number is given twice {sorted(twice) or ''}".rstrip())

    def check_readers(self) -> None:
        """What was read from Kafka after the recovery point is there again, and once."""
        api_client.eventually("the lost records", lambda: self.counts()[0] >= self.sent, CONFIRM_S)
        self.await_recorded()
        stored, summed = self.counts()
        found = f"{stored} stored and {summed} counted of {self.sent} records"
        self.expect(stored == summed == self.sent, f"every record is there and counted once: {found}")

    def run(self) -> bool:
        with progress.step("Register customers, create products, place orders"):
            self.prepare()
            before = self.place(BEFORE)
            self.send_records(BEFORE)
        with progress.step("Dump the database: the recovery point"):
            # Before the dump: what is read twice changes nothing.
            self.offsets = kafka_offsets.read()
            self.moment = database_instant()
            owner("pg_dump", "-d", config.DATABASE, "-Fc", "-f", self.dump)
        with progress.step("Place orders that will be lost, ship one, cancel one"):
            self.work_after_the_dump()
        self.bucket = aws.outputs()["InvoicesBucket"]
        documents = set(aws.list_objects(self.bucket))
        self.restore()
        found = self.reconcile(apply=False)
        restore_reconcile.report(found)
        lost = [one for one in found["payments"][0]["differences"] if one["standing"] == "payment_lost"]
        self.expect(
            len([one for one in lost if one["purpose"] == "charge"]) >= AFTER, "the report shows the lost charges"
        )
        self.expect(bool(found["invoices"]["gaps"]), "the report shows the numbers that the database does not know")
        with progress.step("Reconcile") as step:
            first = self.reconcile(apply=True)
            self.reconciled_s = step.elapsed()
        second = self.reconcile(apply=True)
        changed = [run for run in second["payments"] if run["returned"] or run["recorded"]]
        self.expect(not changed and not second["invoices"]["gaps"], "a second run changes nothing")
        self.expect(not any(run["not_returned"] for run in first["payments"]), "every lost charge is refunded")
        self.check(documents, before)
        self.check_readers()
        self.summary(found)
        return not self.broken

    def summary(self, found: Json) -> None:
        progress.heading("Recovery")
        last = max((restore_reconcile.instant(event["time"]) for event in found["lost"]), default=self.moment)
        lost_s = (last - self.moment).total_seconds()
        progress.note(f"recovery point: {lost_s:.0f} s of commits were lost, {len(found['lost'])} events")
        progress.note(f"recovery time: {self.restored_s:.1f} s restore, {self.reconciled_s:.1f} s reconciliation")


def main() -> int:
    formatter = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(prog="scripts/restore-drill", description=__doc__, formatter_class=formatter).parse_args()
    try:
        holds = Drill().run()
    except (ScriptError, subprocess.SubprocessError) as error:
        progress.fail(str(error))
        return 1
    if not holds:
        progress.fail("the restore left something broken; the stack is left running")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
