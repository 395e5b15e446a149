"""Reads what scripts/chaos adds up: from the database, the gateway, the mailbox, the archive and the queues."""

import json
import re

import aws
import config
import services
import api_client
from config import ScriptError

CONTEXTS = ("identity", "inventory", "orders", "payments", "notifications", "invoices")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Queues that hold what was given up, or could not be delivered at all.
GRAVES = ("-dlq", "undelivered")


def rows(statement):
    """Rows of a query, as dictionaries. Read by the owner of the database, who sees every context."""
    found = services.psql(config.DATABASE, f"select coalesce(json_agg(t), '[]') from ({statement}) t")
    if found.returncode != 0:
        raise ScriptError(f"the database refuses a query of ours: {found.stderr.strip()[:300]}")
    return json.loads(found.stdout)


def quoted(values):
    """A list of uuids or keys for an `in (…)`. They are ours or the database's own, letters, digits and dashes."""
    return ", ".join(f"'{value}'" for value in values) or "null"


def outboxes(columns, where):
    return " union all ".join(f"select {columns} from {context}.outbox where {where}" for context in CONTEXTS)


def now():
    return rows("select now()::text as now")[0]["now"]


class Run:
    """What belongs to one run: its customers, its products, and all that happened since it began."""

    def __init__(self, env, since, users, products, before=None):
        self.env, self.since, self.users, self.products = env, since, users, products
        self.outputs = (aws.stack() or {"outputs": {}})["outputs"]
        # Objects are never changed: each is read once.
        self.seen, self.archived = set(), {}
        self.before = before or self.traces()

    def traces(self):
        """What others left on a stack that was used before, where no database says whose it is."""
        self.before = {"charges": [], "events": [], "dead": []}
        return {"charges": [one["id"] for one in self.charges()], "events": list(self.read_archive()),
                "dead": [one["id"] for one in self.dead()]}

    def of_users(self):
        return f"user_id in ({quoted(self.users)})"

    # ---- the database -----------------------------------------------------------------------------------------

    def orders(self):
        return rows(f"""
            select o.id, o.status, o.reason, o.total_amount as total, o.user_id, o.history,
                   (select json_agg(json_build_object('product_id', l.product_id, 'quantity', l.quantity))
                    from orders.order_lines l where l.order_id = o.id) as lines
            from orders.orders o where {self.of_users()} order by o.created_at""")

    def of_orders(self):
        return f"order_id in (select id from orders.orders where {self.of_users()})"

    def answers(self, keys):
        """The order that each key made, as the database remembers it."""
        kept = rows(f"select key, body::json ->> 'id' as id from orders.idempotency where status = 201 and key in ({quoted(keys)})")
        return {one["key"]: one["id"] for one in kept}

    def stock(self):
        return rows(f"""
            select s.product_id as id, s.sku, s.available, s.reserved,
                   (select coalesce(sum(l.quantity), 0)
                    from inventory.reservation_lines l join inventory.reservations r using (order_id)
                    where l.product_id = s.product_id and r.state = 'shipped') as committed
            from inventory.stock s where s.product_id in ({quoted(self.products)}) order by s.sku""")

    def invoices(self):
        found = rows(f"select order_id, series, position from invoices.invoices where {self.of_users()}")
        return [{**one, "document": f"{one['series']}/{one['series']}-{one['position']:06}.pdf"} for one in found]

    def series(self):
        found = rows("""
            select s.series, s.last_number as last, (select json_agg(i.position order by i.position)
                                      from invoices.invoices i where i.series = s.series) as positions
            from invoices.series s""")
        return {one["series"]: {"last": one["last"], "positions": one["positions"] or []} for one in found}

    def news(self):
        """What a customer is to be told of."""
        return rows(f"""
            select id, event ->> 'type' as type, event #>> '{{data,order_id}}' as order_id from orders.outbox
            where event ->> 'type' in ('OrderConfirmed.v1', 'OrderCancelled.v1', 'OrderWaiting.v1', 'OrderShipped.v1', 'OrderDelivered.v1')
              and event #>> '{{data,user_id}}' in ({quoted(self.users)})""")

    def notes(self):
        return rows(f"""
            select event #>> '{{data,template}}' as template, event #>> '{{data,order_id}}' as order_id from notifications.outbox
            where event ->> 'type' = 'NotificationSent.v1' and event #>> '{{data,user_id}}' in ({quoted(self.users)})""")

    def transfers(self):
        return rows(f"""
            select t.purpose, t.reference, t.amount, p.order_id from payments.transfers t
            left join payments.payments p on p.id = t.payment_id
            where p.id is null or p.{self.of_users()}""")

    def outbox(self):
        return {one["id"] for one in rows(outboxes("id", f"created_at >= '{self.since}'"))}

    # ---- outside ----------------------------------------------------------------------------------------------

    def charges(self):
        """Attempts at the gateway for this run's orders, and for orders that nobody knows."""
        listed = json.loads(api_client.fetch(f"{self.env['GATEWAY_URL']}/_local/charges")[0])["charges"]
        others = {one["id"] for one in rows(f"select id from orders.orders where not ({self.of_users()})")}
        told = [{**one, "order_id": one["metadata"].get("order_id", "")} for one in listed]
        older = set(self.before["charges"])
        return [one for one in told if one["order_id"] not in others and one["id"] not in older]

    def mails(self):
        listed = json.loads(api_client.fetch(self.env["MAILBOX_URL"])[0])
        return [{"subject": mail["subject"], "orders": sorted(set(ID.findall(mail["text"])))} for mail in listed]

    def read_archive(self):
        """Event ids and types in the archive since the run began; how many lines were read twice is their difference."""
        bucket = self.outputs["EventArchiveBucket"]
        for key in aws.list_objects(bucket):
            if key not in self.seen:
                self.seen.add(key)
                for line in aws.get_object(bucket, key).decode().splitlines():
                    event = json.loads(line)
                    self.archived.setdefault(event["id"], [event["type"], event["time"], 0])[2] += 1
        return self.archived

    def archive(self):
        """Types by event id, of the events of this run."""
        begun = rows(f"select id from ({outboxes('id, created_at', 'true')}) o where created_at < '{self.since}'")
        older = {one["id"] for one in begun} | set(self.before["events"])
        return {one: type_of for one, (type_of, _, _) in self.read_archive().items() if one not in older}

    def dead(self):
        found = []
        for name, url in aws.queues().items():
            if name.endswith(GRAVES) and aws.messages(url):
                found += [letter(name, one) for one in aws.letters(url)]
        return [one for one in found if one["id"] not in self.before["dead"]]

    # ---- all of it --------------------------------------------------------------------------------------------

    def facts(self, placed, replays, received):
        charged = self.charges()
        return {
            "placed": placed, "replays": replays, "received": received, "orders": self.orders(),
            "answers": self.answers([one["key"] for one in placed]), "products": self.stock(),
            "holds": rows(f"select order_id, state from inventory.reservations where {self.of_orders()}"),
            "charges": charged, "transfers": self.transfers(),
            "ledger_sum": rows("select coalesce(sum(balance), 0) as sum from payments.accounts")[0]["sum"],
            "news": self.news(), "notes": self.notes(), "mails": self.mails(), "invoices": self.invoices(), "series": self.series(),
            "documents": aws.list_objects(self.outputs["InvoicesBucket"]),
            "counted": [one["event_id"] for one in rows("select event_id from analytics.counted_events")],
            "outbox": self.outbox(), "archived": self.archive(), "dead": self.dead(),
        }


def letter(queue, message):
    """A dead letter, with its reason where the function gave one."""
    said = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    received = message.get("Attributes", {}).get("ApproximateReceiveCount", "?")
    try:
        event = json.loads(message["Body"])
        about = event.get("detail", event) if isinstance(event, dict) else {}
        what = f"{about.get('type', '?')} of {about.get('subject', '?')}"
    except ValueError:
        what = message["Body"][:120]
    return {"id": message["MessageId"], "queue": queue, "reason": said.get("reason", f"given up by the queue, received {received} times"),
            "detail": f"{said.get('detail', '')} [{what}]".strip()}
