"""The faults of the drill of the runbooks: how each is injected, its alarm, and how its runbook fixes it."""

import datetime
import json
import secrets
import shlex
from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import Any

import aws
import config
import process
import runbook_stack
import runbooks
from api_client import eventually
from config import ScriptError
from runbook_stack import Stack, sql

Json = dict[str, Any]

# Why, in the audit.
REASON = "drill of the runbooks"
FUNCTION_EXAMPLE, REASON_EXAMPLE = "invoice-issue", "wrong tax on invoices since 1.4"


class Fault(ABC):
    """One fault. `undo` ends what is still injected when the drill ends, however it does."""

    # The name for the command line, a title, the alarm, and the page of its runbook.
    name: str
    title: str
    alarm: str
    page: str

    def __init__(self, stack: Stack, undo: ExitStack) -> None:
        self.stack, self.undo = stack, undo

    @abstractmethod
    def inject(self) -> None:
        """Makes the fault, and what its alarm's metric comes from."""

    @abstractmethod
    def diagnose(self) -> None:
        """Runs the commands that show what is wrong, and checks that they do."""

    @abstractmethod
    def fix(self) -> None:
        """Runs the commands that fix it, and waits for the proof that they did."""

    # ---- commands of the runbooks -----------------------------------------------------------------------------

    def run(self, beginning: str, page: str | None = None, **values: str) -> str:
        """Runs the command of a page that begins with these words, with values for its placeholders."""
        text = runbooks.command(page or self.page, beginning)
        return runbooks.run(runbooks.filled(text, _placeholders(values)))

    def run_json(self, beginning: str, page: str | None = None, **values: str) -> Any:
        """The same, with `--json`."""
        text = runbooks.filled(runbooks.command(page or self.page, beginning), _placeholders(values))
        return json.loads(runbooks.run(f"{text} --json"))

    def shows(self, text: str, *expected: str) -> None:
        """Checks that a command told the operator what has to be known."""
        missing = [one for one in expected if one not in text]
        if missing:
            raise ScriptError(f"the commands do not show {', '.join(missing)}:\n{text}")

    def pause(self, consumer: str) -> None:
        """An operator pauses a consumer. It is resumed at the end of the drill, if nothing did before."""
        self.undo.callback(self._ensure_running, consumer)
        text = runbooks.command("dead-letters", "scripts/ops pause")
        runbooks.run(runbooks.filled(text, {FUNCTION_EXAMPLE: consumer, REASON_EXAMPLE: REASON}))

    def _ensure_running(self, consumer: str) -> None:
        queues = self.stack.admin.get("/ops/queues").expect(200)["items"]
        if all(one["state"] == "running" for one in queues if one["name"] == consumer):
            return
        path, body = f"/ops/consumers/{consumer}/state", {"state": "running", "reason": REASON}
        self.stack.admin.put(path, body).expect(200)

    def resume(self, consumer: str) -> None:
        text = runbooks.command("queue-age", "scripts/ops resume")
        runbooks.run(runbooks.filled(text, {"<function>": consumer, "…": shlex.quote(REASON)}))


def _placeholders(values: dict[str, str]) -> dict[str, str]:
    """`order="1"` stands for `<order>`."""
    return {f"<{name.replace('_', ' ')}>": value for name, value in values.items()}


class GatewayDown(Fault):
    name, title = "gateway", "The payment gateway is unreachable"
    alarm, page = "gateway-suspended", "gateway"
    # As many failures in a row open the circuit.
    ORDERS = 6

    def inject(self) -> None:
        self.undo.callback(self.stack.gateway_fault, "none")
        self.stack.gateway_fault("unreachable")
        self.orders = self.stack.place_each(self.ORDERS)

    def diagnose(self) -> None:
        stuck = self.run("scripts/ops stuck", minutes="0")
        self.shows(stuck, "awaiting_payment", "payment-charge")
        self.shows(self.run("aws logs tail"), "unavailable")

    def fix(self) -> None:
        self.stack.gateway_fault("none")
        self.stack.confirmed(self.orders)


class Poison(Fault):
    name, title = "poison", "A queue has a message that is not an event"
    alarm, page = "dead-letters-credit-note-issue", "dead-letters"
    consumer = "credit-note-issue"

    def inject(self) -> None:
        self.undo.callback(self._purge)
        aws.send(self.stack.queue(self.consumer), f"not an event {secrets.token_hex(4)}", {})

    def _purge(self) -> None:
        url = self.stack.queue(f"{self.consumer}-dlq")
        if aws.message_count(url):
            aws.purge(url)

    def diagnose(self) -> None:
        self.shows(self.run("scripts/ops queues"), self.consumer)
        text = runbooks.command(self.page, "scripts/ops dead")
        (self.dead_letter,) = json.loads(
            runbooks.run(runbooks.filled(text, {"stock-reserve": self.consumer}) + " --json")
        )
        self.shows(str(self.dead_letter["reason"]), "unreadable")

    def fix(self) -> None:
        text = runbooks.command(self.page, "scripts/ops discard")
        values = {"<id>": str(self.dead_letter["id"]), "stock-reserve": self.consumer}
        runbooks.run(runbooks.filled(text, values))
        left = self.stack.admin.get(f"/ops/dead-letters?queue={self.consumer}").expect(200)["items"]
        if left:
            raise ScriptError(f"the dead letter is still there: {left}")


class StuckOrders(Fault):
    name, title = "stuck", "Orders are stuck, because a consumer does not run"
    alarm, page = "stuck-orders-cancelled", "stuck-orders"
    consumer = "stock-reserve"

    def inject(self) -> None:
        self.pause(self.consumer)
        self.lost, self.late = self.stack.place_each(2)
        self.stack.wait_for_messages(self.consumer, 2)
        for order, age in ((self.lost, "3 hours"), (self.late, "10 minutes")):
            sql(f"update orders.orders set created_at = created_at - interval '{age}' where id = '{order}'")
        self.stack.tick("order-sweep")

    def diagnose(self) -> None:
        self.shows(self.run("scripts/ops stuck"), self.late, "awaiting_stock", self.consumer)
        self.shows(self.run("scripts/ops order", id=self.late), self.late, "pending")
        self.shows(self.run("scripts/ops queues"), self.consumer, "paused")

    def fix(self) -> None:
        self.resume(self.consumer)
        self.stack.confirmed([self.late])
        status = self.stack.order(self.lost)["status"]
        if status != "cancelled":
            raise ScriptError(f"the order that waited for too long is {status}")


class OutboxLag(Fault):
    name, title = "lag", "Events are not published, because the bus rejects them"
    alarm, page = "outbox-lag", "outbox"

    def inject(self) -> None:
        self.bus = self.undo.enter_context(ExitStack())
        self.bus.enter_context(runbook_stack.bus_down())
        self.order = self.stack.place()
        sql(
            "update orders.outbox set created_at = created_at - interval '5 minutes' "
            f"where event #>> '{{data,order_id}}' = '{self.order}'"
        )
        self.stack.tick("outbox-sweep")

    def diagnose(self) -> None:
        waiting = self.run("select count(*)")
        if waiting.startswith("0|"):
            raise ScriptError("no event waits to be published")
        self.run("aws logs tail")

    def fix(self) -> None:
        self.bus.close()
        self.run("aws lambda invoke")
        self.stack.confirmed([self.order])
        self.stack.tick("outbox-sweep")


class LedgerDifference(Fault):
    name, title = "ledger", "The gateway has a charge that the ledger does not have"
    alarm, page = "ledger-discrepancies", "ledger"

    def inject(self) -> None:
        line = self.stack.lost_charge()
        self.reference, self.began = str(line["reference"]), _now()
        self.undo.callback(sql, f"delete from payments.statement_lines where reference = '{self.reference}'")
        # The statement has it in two hours: what is younger than that is not compared yet.
        at = f"timestamptz '{runbook_stack.read_until()}' - interval '2 hours'"
        sql(
            "insert into payments.statement_lines (purpose, reference, amount, currency, fee, fee_currency, at) "
            f"values ('charge', '{self.reference}', {line['amount']}, 'USD', {line['fee']}, 'USD', {at})"
        )
        self.compare()

    def compare(self) -> None:
        """Compares again at once, as the runbook says."""
        self.run("update payments.reconciliation")
        self.run("aws lambda invoke --function-name quayside-$STAGE-ledger-reconcile")

    def diagnose(self) -> None:
        self.shows(self.run("scripts/ops ledger"), self.reference, "missing_in_ledger")

    def fix(self) -> None:
        beginning = "aws lambda invoke --function-name quayside-$STAGE-payment-restore"
        self.shows(self.run(beginning, time=self.began), self.reference, "payment_lost")
        text = runbooks.filled(runbooks.command(self.page, beginning), {"<time>": self.began})
        runbooks.run(runbooks.filled(text, {'"apply": false': '"apply": true'}))
        self.compare()
        left = [one["reference"] for one in self.run_json("scripts/ops ledger")["discrepancies"]]
        if left:
            raise ScriptError(f"the ledger still differs: {left}")


class StaleKey(Fault):
    name, title = "key", "The password of a database role is not rotated"
    alarm, page = "secret-rotation-failed", "certificate-and-secrets"
    function, role, secret = "database-secret-rotate", "runbook_drill", "database/runbook_drill"

    def inject(self) -> None:
        client, name = aws.client("secretsmanager", config.aws_env()), f"quayside/{config.STAGE}/{self.secret}"
        self.undo.callback(sql, f"drop role if exists {self.role}")
        sql(f"drop role if exists {self.role}")
        delete = {"SecretId": name, "ForceDeleteWithoutRecovery": True}
        if any(one["Name"] == name for one in client.list_secrets()["SecretList"]):
            client.delete_secret(**delete)
        client.create_secret(Name=name, SecretString=json.dumps({"username": self.role}))
        self.undo.callback(lambda: client.delete_secret(**delete))
        # As the schedule of Secrets Manager does it.
        client.rotate_secret(SecretId=name, RotationLambdaARN=aws.function_arn(self.function))

    def diagnose(self) -> None:
        self.shows(self.run("aws secretsmanager describe-secret", secret=self.secret), "RotationEnabled")
        self.shows(self.run("aws logs tail"), "not-found", "no such database role")

    def fix(self) -> None:
        sql(f"create role {self.role} login")
        self.run("aws secretsmanager rotate-secret --rotate-immediately", secret=self.secret)
        eventually("record of the rotation", lambda: self._last_rotation() == "RotationSucceeded")
        value = aws.client("secretsmanager", config.aws_env()).get_secret_value(
            SecretId=f"quayside/{config.STAGE}/{self.secret}"
        )
        login = json.loads(value["SecretString"])
        if not _can_log_in(login["username"], login["password"]):
            raise ScriptError(f"the role {self.role} cannot log in with the password of its secret")

    def _last_rotation(self) -> str:
        mine = [one for one in runbook_stack.rotations() if self.secret in one["additionalEventData"]["SecretId"]]
        return str(mine[-1]["eventName"])


class FullQueue(Fault):
    name, title = "queue", "Messages wait in a queue, because its consumer is paused"
    alarm, page = "queue-age-payment-charge", "queue-age"
    consumer = "payment-charge"

    def inject(self) -> None:
        self.pause(self.consumer)
        self.order = self.stack.place()
        self.stack.wait_for_messages(self.consumer, 1)
        self.stack.make_older(self.consumer, 20 * 60)

    def diagnose(self) -> None:
        self.shows(self.run("scripts/ops queues"), self.consumer, "paused")
        self.shows(self.run("scripts/ops audit"), "pause", self.consumer, REASON)
        text = runbooks.block(self.page, "aws sqs get-queue-attributes")
        lines = [line for line in text.splitlines() if "aws sqs" in line]
        attributes = runbooks.run(runbooks.filled("\n".join(lines), {"<function>": self.consumer}))
        self.shows(attributes, "ApproximateNumberOfMessages")

    def fix(self) -> None:
        self.resume(self.consumer)
        self.stack.confirmed([self.order])


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _can_log_in(role: str, password: str) -> bool:
    address = ["-h", "127.0.0.1", "-p", config.port("postgres"), "-U", role, "-d", config.DATABASE]
    env = config.clean_env(PGPASSWORD=password)
    argv = [config.postgres_bin() / "psql", "-X", "-q", *address, "-c", "select 1"]
    return process.run_as(None, argv, env).returncode == 0


ALL: tuple[type[Fault], ...] = (GatewayDown, Poison, StuckOrders, OutboxLag, LedgerDifference, StaleKey, FullQueue)
