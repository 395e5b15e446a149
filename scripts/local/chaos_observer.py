"""Reads what scripts/chaos compares: the database, the gateway, the mailbox, the archive and the queues."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import api_client
import aws
import catalog
import chaos_imports
import chaos_webhooks
import config
import postgres_server
from api_client import ApiClient
from config import ScriptError

Json = dict[str, Any]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Queues of messages that will not be processed: dead-letter queues, and what a rule could not deliver.
DEAD_LETTER_QUEUES = ("-dlq", "undelivered")
NOTIFIED_EVENTS = ("OrderConfirmed.v1", "OrderCancelled.v1", "OrderWaiting.v1", "OrderShipped.v1", "OrderDelivered.v1")


def rows(statement: str) -> list[Json]:
    """Rows of a query as the database owner, who can read every schema."""
    result = postgres_server.psql(config.DATABASE, f"select coalesce(json_agg(t), '[]') from ({statement}) t")
    if result.returncode != 0:
        raise ScriptError(f"the database rejects a query: {result.stderr.strip()[:300]}")
    found: list[Json] = json.loads(result.stdout)
    return found


def quoted(values: Iterable[str]) -> str:
    """The values as a list for SQL's `in (…)`. They are ids and keys: letters, digits and dashes."""
    return ", ".join(f"'{value}'" for value in values) or "null"


def outboxes(columns: str, where: str) -> str:
    """A query over the outboxes of all contexts."""
    schemas = catalog.outbox_schemas()
    return " union all ".join(f"select {columns} from {schema}.outbox where {where}" for schema in schemas)


def database_time() -> str:
    return str(rows("select now()::text as now")[0]["now"])


class Observer:
    """Everything that belongs to one run: its customers and products, and what happened since it began."""

    def __init__(
        self, env: dict[str, str], since: str, users: list[str], products: list[str], before: Json | None = None
    ) -> None:
        self.env, self.since, self.users, self.products = env, since, users, products
        self.outputs = aws.outputs()
        # Archived objects never change, so each is read once. By event id: type and number of lines.
        self.read_objects: set[str] = set()
        self.archived: dict[str, tuple[str, int]] = {}
        self.before: Json = {"charges": [], "events": [], "dead_letters": []}
        self.before = before or self._baseline()
        # The webhook endpoint of the run, its imports and its images.
        self.endpoint: Json = {}
        self.subscribed: list[Json] = []
        # Whether `subscribed` is what was there when no work was pending; its deliveries are deleted then.
        self.is_settled = False
        self.made_imports: list[Json] = []
        self.made_images: list[Json] = []
        # The source of its records, and the requests that were accepted.
        self.made_records: Json = {"source": "", "batches": []}

    def _baseline(self) -> Json:
        """What earlier runs left in places that do not record the customer."""
        return {
            "charges": [charge["id"] for charge in self.charges()],
            "events": list(self.read_archive()),
            "dead_letters": [letter["id"] for letter in self.dead_letters()],
        }

    @property
    def user_filter(self) -> str:
        return f"user_id in ({quoted(self.users)})"

    # ---- the database -----------------------------------------------------------------------------------------

    def orders(self) -> list[Json]:
        return rows(f"""
            select o.id, o.status, o.reason, o.total_amount as total, o.user_id, o.history,
                   (select json_agg(json_build_object('product_id', l.product_id, 'quantity', l.quantity))
                    from orders.order_lines l where l.order_id = o.id) as lines
            from orders.orders o where {self.user_filter} order by o.created_at""")

    def reservations(self) -> list[Json]:
        return rows(f"""
            select order_id, state from inventory.reservations
            where order_id in (select id from orders.orders where {self.user_filter})""")

    def stored_responses(self, keys: Iterable[str]) -> dict[str, str]:
        """The order that each idempotency key created, according to the database."""
        stored = rows(f"""
            select key, body::json ->> 'id' as id from orders.idempotency
            where status = 201 and key in ({quoted(keys)})""")
        return {row["key"]: row["id"] for row in stored}

    def stock(self) -> list[Json]:
        return rows(f"""
            select s.product_id as id, s.sku, s.available, s.reserved,
                   (select coalesce(sum(l.quantity), 0)
                    from inventory.reservation_lines l join inventory.reservations r using (order_id)
                    where l.product_id = s.product_id and r.state = 'shipped') as shipped
            from inventory.stock s where s.product_id in ({quoted(self.products)}) order by s.sku""")

    def invoices(self) -> list[Json]:
        found = rows(f"select order_id, series, position from invoices.invoices where {self.user_filter}")
        return [{**row, "document": f"{row['series']}/{row['series']}-{row['position']:06}.pdf"} for row in found]

    def series(self) -> dict[str, Json]:
        """The last number and all numbers of each series of invoices and credit notes."""
        found = rows("""
            select s.series, s.last_number as last, (
                select json_agg(n.position order by n.position) from (
                    select position from invoices.invoices i where i.series = s.series
                    union all select position from invoices.credit_notes c where c.series = s.series
                ) as n) as positions
            from invoices.series s""")
        return {row["series"]: {"last": row["last"], "positions": row["positions"] or []} for row in found}

    def notified_events(self) -> list[Json]:
        """Order events of which customers are notified."""
        return rows(f"""
            select id, event ->> 'type' as type, event #>> '{{data,order_id}}' as order_id from orders.outbox
            where event ->> 'type' in ({quoted(NOTIFIED_EVENTS)})
              and event #>> '{{data,user_id}}' in ({quoted(self.users)})""")

    def sent_notifications(self) -> list[Json]:
        return rows(f"""
            select event #>> '{{data,template}}' as template, event #>> '{{data,order_id}}' as order_id
            from notifications.outbox
            where event ->> 'type' = 'NotificationSent.v1'
              and event #>> '{{data,user_id}}' in ({quoted(self.users)})""")

    def window_units(self) -> dict[str, int]:
        """Units of this run's products that analytics has counted, in all windows."""
        found = rows(f"""
            select product_id as id, sum(units) as units from analytics.window_products
            where product_id in ({quoted(self.products)}) group by product_id""")
        return {row["id"]: row["units"] for row in found}

    def transfers(self) -> list[Json]:
        """Transfers of this run's payments, and of unknown payments since its start."""
        return rows(f"""
            select t.purpose, t.reference, t.amount, p.order_id from payments.transfers t
            left join payments.payments p on p.id = t.payment_id
            where (p.id is null and t.at >= '{self.since}') or p.{self.user_filter}""")

    def outbox_events(self) -> set[str]:
        return {row["id"] for row in rows(outboxes("id", f"created_at >= '{self.since}'"))}

    def read_subscribed(self) -> list[Json]:
        """The events that the webhook endpoint has to receive, with how far their deliveries are.

        The time of an event is when its cause began, which may be before its commit: no time separates the events that
        were committed from those to come, so that `subscribed` keeps what one query saw.
        """
        if not self.is_settled:
            subscribed = quoted(chaos_webhooks.SUBSCRIBED)
            where = f"event ->> 'type' in ({subscribed}) and created_at >= '{self.endpoint['since']}'"
            postponed = f"interval '{chaos_webhooks.POSTPONED_S} seconds'"
            self.subscribed = rows(f"""
                select o.id, o.type, coalesce(d.status = 'delivered', false) as is_delivered, d.error,
                       coalesce(d.next_attempt_at - d.last_attempt_at >= {postponed}, false) as is_postponed
                from ({outboxes("id, event ->> 'type' as type", where)}) o
                left join notifications.webhook_deliveries d on d.endpoint_id = '{self.endpoint["id"]}' and d.id = o.id
            """)
        return self.subscribed

    @property
    def skus(self) -> list[str]:
        """Of imported products."""
        return [sku for each in self.made_imports for sku in each["skus"]]

    def imports(self) -> list[Json]:
        """The imports with how they ended."""
        found = rows(
            f"select id, job from catalogue.jobs where id in ({quoted(each['id'] for each in self.made_imports)})"
        )
        jobs = {row["id"]: row["job"] for row in found}
        return [{**each, **import_result(jobs.get(each["id"]))} for each in self.made_imports]

    def imported(self) -> dict[str, dict[str, int]]:
        """How many products of each SKU are announced, listed and have stock."""
        skus, chosen = self.skus, quoted(self.skus)
        found = rows(f"""
            select 'announced' as what, event #>> '{{data,sku}}' as sku, count(*) as number
            from catalogue.outbox
            where event ->> 'type' = 'ProductCreated.v1' and event #>> '{{data,sku}}' in ({chosen}) group by 2
            union all select 'listed', sku, count(*) from catalogue.products where sku in ({chosen}) group by 2
            union all select 'stocked', sku, count(*) from inventory.stock where sku in ({chosen}) group by 2""")
        counts = {sku: {"announced": 0, "listed": 0, "stocked": 0} for sku in skus}
        for row in found:
            counts[row["sku"]][row["what"]] = row["number"]
        return counts

    def unwritten_records(self) -> int:
        """How many accepted records are not in the table, if nothing else is."""
        source, batches = self.made_records["source"], self.made_records["batches"]
        stored = rows(f"select count(*) as n from records.records where source = '{source}'")[0]["n"]
        return sum(len(batch["ids"]) for batch in batches) - int(stored)

    def records(self) -> Json:
        """The accepted requests, and by one statement the stored records and the sums of their hours."""
        source = self.made_records["source"]
        found = rows(f"""
            select (select coalesce(json_agg(json_build_object(
                        'id', id, 'number', (payload::json ->> 'number')::int, 'bytes', octet_length(payload))), '[]')
                    from records.records where source = '{source}') as stored,
                   (select coalesce(json_agg(json_build_object(
                        'hour', extract(epoch from hour)::bigint, 'records', records, 'bytes', bytes)), '[]')
                    from records.rollups where source = '{source}') as rollups""")[0]
        return {"batches": self.made_records["batches"], **found}

    # ---- outside the database ---------------------------------------------------------------------------------

    def charges(self) -> list[Json]:
        """Attempted charges at the gateway for this run's orders, and for unknown orders."""
        listed = api_client.fetch_json(f"{self.env['GATEWAY_URL']}/_local/charges")["charges"]
        others = {row["id"] for row in rows(f"select id from orders.orders where not ({self.user_filter})")}
        charges = [{**charge, "order_id": charge["metadata"].get("order_id", "")} for charge in listed]
        before = set(self.before["charges"])
        return [charge for charge in charges if charge["order_id"] not in others and charge["id"] not in before]

    def emails(self) -> list[Json]:
        received = api_client.fetch_json(self.env["MAILBOX_URL"])
        return [
            {"subject": message["subject"], "orders": sorted(set(UUID.findall(message["text"])))}
            for message in received
        ]

    def image_objects(self) -> dict[str, dict[str, int]]:
        """How many objects each uploaded image has under each prefix."""
        found: dict[str, Counter[str]] = {each["id"]: Counter() for each in self.made_images}
        for key in aws.list_objects(self.outputs["ProductImagesBucket"]) if found else []:
            # uploads/<product>/<image>, quarantine/<product>/<image>, images/<product>/<image>/<size>.<format>
            prefix, _, image = key.split("/")[:3]
            if image in found:
                found[image][prefix] += 1
        return {image: dict(counted) for image, counted in found.items()}

    def images(self) -> list[Json]:
        """The uploaded images with how they ended."""
        if not self.made_images:
            return []
        # The token of the run may have expired.
        staff = ApiClient(self.env["API_URL"]).login(self.env["STAFF_EMAIL"], self.env["STAFF_PASSWORD"])
        objects, views = self.image_objects(), dict[str, Json]()
        for product in sorted({each["product"] for each in self.made_images}):
            listed = staff.get(f"/products/{product}/images").expect(200)["items"]
            views |= {view["id"]: view for view in listed}
        missing = {"status": "missing", "reason": None}
        return [
            {
                **each,
                "status": views.get(each["id"], missing)["status"],
                "reason": views.get(each["id"], missing)["reason"],
                "objects": objects[each["id"]],
            }
            for each in self.made_images
        ]

    def read_archive(self) -> dict[str, tuple[str, int]]:
        """Archived events by id, with their type and the number of lines that hold them."""
        bucket = self.outputs["EventArchiveBucket"]
        for key in aws.list_objects(bucket):
            if key not in self.read_objects:
                self.read_objects.add(key)
                for line in aws.get_object(bucket, key).decode().splitlines():
                    event = json.loads(line)
                    _, lines = self.archived.get(event["id"], ("", 0))
                    self.archived[event["id"]] = (event["type"], lines + 1)
        return self.archived

    def archived_events(self) -> dict[str, str]:
        """Types by id of the archived events of this run."""
        earlier = rows(f"select id from ({outboxes('id, created_at', 'true')}) o where created_at < '{self.since}'")
        excluded = {row["id"] for row in earlier} | set(self.before["events"])
        archive = self.read_archive().items()
        return {event: event_type for event, (event_type, _) in archive if event not in excluded}

    def dead_letters(self) -> list[Json]:
        found = []
        for name, url in aws.queues().items():
            if name.endswith(DEAD_LETTER_QUEUES) and aws.message_count(url):
                found += [dead_letter(name, message) for message in aws.peek(url)]
        return [letter for letter in found if letter["id"] not in self.before["dead_letters"]]

    # ---- all of it --------------------------------------------------------------------------------------------

    def observations(self, placed: list[Json], replays: list[Json], received: dict[str, int]) -> Json:
        """Everything that `chaos_checks` compares."""
        return {
            "placed": placed,
            "replays": replays,
            "received": received,
            "orders": self.orders(),
            "stored_responses": self.stored_responses([entry["key"] for entry in placed]),
            "products": self.stock(),
            "reservations": self.reservations(),
            "charges": self.charges(),
            "transfers": self.transfers(),
            "ledger_sum": rows("select coalesce(sum(balance), 0) as sum from payments.accounts")[0]["sum"],
            "notified_events": self.notified_events(),
            "sent_notifications": self.sent_notifications(),
            "emails": self.emails(),
            "invoices": self.invoices(),
            "series": self.series(),
            "documents": aws.list_objects(self.outputs["InvoicesBucket"]),
            "counted": [row["event_id"] for row in rows("select event_id from analytics.counted_events")],
            "window_units": self.window_units(),
            "outbox": self.outbox_events(),
            "events_without_outbox": catalog.events_without_outbox(),
            "archived": self.archived_events(),
            "subscribed_events": self.subscribed,
            "webhooks": chaos_webhooks.received(self.endpoint),
            "imports": self.imports(),
            "imported": self.imported(),
            "images": self.images(),
            "records": self.records(),
            "dead_letters": self.dead_letters(),
        }


def import_result(job: Json | None) -> Json:
    """How an import ended, of which only the id is known if the database has lost it."""
    progress = job["progress"] if job else {"created": 0, "rejected": 0}
    return {
        "invalid_lines": chaos_imports.INVALID_LINES,
        "status": job["status"] if job else "missing",
        "failure": job["failure"] if job else None,
        "created": progress["created"],
        "rejected": progress["rejected"],
    }


def dead_letter(queue: str, message: Json) -> Json:
    """A message of a dead-letter queue, with its reason if the function gave one."""
    attributes = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    receives = message.get("Attributes", {}).get("ApproximateReceiveCount", "?")
    try:
        body = json.loads(message["Body"])
        event = body.get("detail", body) if isinstance(body, dict) else {}
        content = f"{event.get('type', '?')} of {event.get('subject', '?')}"
    except ValueError:
        content = message["Body"][:120]
    return {
        "id": message["MessageId"],
        "queue": queue,
        "reason": attributes.get("reason", f"maxReceiveCount exceeded, received {receives} times"),
        "detail": f"{attributes.get('detail', '')} [{content}]".strip(),
    }
