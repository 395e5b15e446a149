"""Events for what a function does in a state that its sample event does not meet, after that state has been made.

A state that takes hours, or a function that died, is made in the database.
"""

import json
import secrets
import urllib.parse
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aws
import catalog
import config
import postgres_server
import sample_accounts
import sample_data
import samples
from api_client import ApiClient, eventually, new_key, stack_env
from config import ScriptError
from sample_data import StackData

Json = dict[str, Any]

DECLINED = "pm_card_visa_chargeDeclined"
UNPAID = "payment_declined"


def events(function: str, data: StackData) -> list[Any]:
    """Further events of a function, besides its sample."""
    make = STATES.get(function)
    return make(data) if make else []


ORIGIN_SECRET = {"kind": "secret", "names": ["origin-secret"]}


def through_distribution(function: str, event: Json) -> Json:
    """A request that names its viewer as the distribution does, where attempts are counted by address."""
    if all(grant["on"] != ORIGIN_SECRET for grant in catalog.grants(function)):
        return event
    forged = {"x-viewer-address": "198.51.100.7", "x-origin-secret": "guessed"}
    return {**event, "headers": {**(event.get("headers") or {}), **forged}}


def _event_of_user(data: StackData, function: str, user: str) -> Any:
    """The sample event about this account."""
    own = data.own.get(function, {}) | {sample_data.CUSTOMER: user}
    return replace(data, own={**data.own, function: own}).event(function)


def _sql(statement: str) -> None:
    ended = postgres_server.psql("quayside", statement)
    if ended.returncode != 0:
        raise ScriptError(f"a state cannot be made: {ended.stderr.strip()}")


def _customer(data: StackData) -> ApiClient:
    return ApiClient(stack_env()["API_URL"]).login(*data.accounts["customer"])


def _unpaid_order(data: StackData) -> str:
    """An order whose card was declined. It keeps its reservation for a while."""
    customer = _customer(data)
    product = data.replacements[sample_data.PRODUCT]
    # The samples have used up most of it.
    _sql(f"update inventory.stock set available = available + 10 where product_id = '{product}'")
    wanted = json.loads(samples.event("order-place")["body"].replace(sample_data.PRODUCT, product))
    order = str(customer.post("/orders", {**wanted, "payment_method": DECLINED}, new_key()).expect(201)["id"])

    def is_declined() -> bool:
        return bool(customer.get(f"/orders/{order}").expect(200).get("status_reason") == UNPAID)

    eventually("declined order", is_declined)
    return order


def _stuck_order(data: StackData) -> list[Any]:
    _sql(f"update orders.orders set created_at = now() - interval '3 hours' where id = '{_unpaid_order(data)}'")
    return [data.event("order-sweep")]


def _expired_reservation(data: StackData) -> list[Any]:
    order = _unpaid_order(data)
    _sql(f"update inventory.reservations set expires_at = now() - interval '1 minute' where order_id = '{order}'")
    return [data.event("stock-sweep")]


def _unresolved_payment(data: StackData) -> list[Any]:
    """A charge whose function died before it recorded the outcome."""
    lost = (
        "status = 'pending', decline_code = null, transaction_id = null, reconcile_after = now() - interval '1 minute'"
    )
    _sql(f"update payments.payments set {lost} where order_id = '{_unpaid_order(data)}'")
    return [data.event("payment-reconcile")]


def _lost_change(data: StackData) -> list[Any]:
    """A change of an hour ago whose event is not in the outbox."""
    product = data.replacements[sample_data.PRODUCT]
    hour = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H")
    aws.client("dynamodb", config.aws_env()).update_item(
        TableName=config.physical_name("products"),
        Key={"pk": {"S": f"PRODUCT#{product}"}},
        UpdateExpression="SET changed_in = :hour",
        ExpressionAttributeValues={":hour": {"S": hour}},
    )
    _sql(f"delete from catalogue.outbox where event ->> 'subject' = '{product}'")
    _sql("delete from catalogue.product_sweep")
    return [data.event("product-sweep")]


LAST_ID = "ffffffff-ffff-7fff-bfff-ffffffffffff"
ARCHIVED_DAY = "2026-11-01"
# The time of the day's beginning, in milliseconds, as the first digits of a UUIDv7.
ARCHIVED_RECORD = "01a19467-e800-7000-8000-"


def _archive_day() -> None:
    """A day of records whose file is missing, so that a reader asks the archive for it."""
    last = ARCHIVED_RECORD + "f" * 12
    _sql(f"insert into records.partitions (day, state) values ('{ARCHIVED_DAY}', 'archived') on conflict do nothing")
    _sql(
        "insert into records.archived (day, part, object_key, first_id, last_id, records, bytes) "
        f"values ('{ARCHIVED_DAY}', 1, 'records/none.parquet', '{ARCHIVED_RECORD}{'0' * 12}', '{last}', 1, 1) "
        "on conflict do nothing"
    )


def _archived_record(data: StackData) -> list[Any]:
    _archive_day()
    # That a record is missing is cached.
    record = ARCHIVED_RECORD + secrets.token_hex(6)
    return [data.event("record-get") | {"rawPath": f"/api/v1/data/{record}", "pathParameters": {"id": record}}]


def _archived_records(data: StackData) -> list[Any]:
    _archive_day()
    _sql(
        "insert into records.sources (name, status, writers, schema_version, created_at) "
        "values ('archived', 'closed', '{}', 1, now()) on conflict do nothing"
    )
    event = data.event("record-list")
    event["requestContext"]["authorizer"]["lambda"]["role"] = "staff"
    query = f"source=archived&from={ARCHIVED_DAY}T00:00:00Z&to={ARCHIVED_DAY}T12:00:00Z"
    return [event | {"rawQueryString": query}]


def _due_day(data: StackData) -> list[Any]:
    """A day past its retention that has a record."""
    day = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=secrets.randbelow(2000))
    digits = f"{int(day.timestamp() * 1000):012x}"
    record = f"{digits[:8]}-{digits[8:]}-7000-8000-{secrets.token_hex(6)}"
    _sql(
        f"select records.open_day('{day:%Y-%m-%d}'); "
        "insert into records.records (id, received_at, schema_version, source, payload) "
        f"values ('{record}', now(), 1, 'archived', '{{}}')"
    )
    return [data.event("record-partition")]


def _refund_without_list(data: StackData) -> list[Any]:
    """A webhook that does not list the refunds of its charge, so that the gateway is asked."""
    charge = {"id": "ch_none", "object": "charge", "payment_intent": data.transaction, "refunded": True}
    return [data.webhook(data.event("payment-webhook"), "charge.refunded", charge)]


def _whole_rotation(_: StackData) -> list[Any]:
    """The last step of a rotation, after the first: the role logs in with the password that it has."""
    first = samples.event("database-secret-rotate") | {"ClientRequestToken": _token()}
    return [first | {"Step": "createSecret"}, first | {"Step": "finishSecret"}]


def _token() -> str:
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _other_channels(data: StackData) -> list[Any]:
    """Manual notifications to a phone and to a device."""
    user, phone = data.replacements[sample_data.CUSTOMER], f"+1500555{secrets.randbelow(9000) + 1000}"
    _sql(
        f"update notifications.contacts set phone = '{phone}' where user_id = '{user}'; "
        "insert into notifications.verified_addresses (user_id, kind, address, version) "
        f"values ('{user}', 'phone', '{phone}', 1) "
        "on conflict (user_id, kind) do update set address = excluded.address"
    )
    customer = _customer(data)
    _sql(
        "insert into notifications.preferences (user_id, channels, locale) "
        f"values ('{user}', '{{email,sms,push}}', 'en') on conflict do nothing"
    )
    body = json.loads(samples.event("device-register")["body"]) | {"token": secrets.token_hex(16)}
    customer.post(f"/users/{user}/devices", body).expect(201)
    return [_by_channel(data, channel) for channel in ("sms", "push")]


def _by_channel(data: StackData, channel: str) -> Any:
    event = data.event("message-send")
    record = event["Records"][0]
    envelope = json.loads(record["body"])
    envelope["detail"]["data"]["channel"] = channel
    envelope["detail"]["id"] = f"{envelope['detail']['id'][:-8]}{secrets.token_hex(4)}"
    return {**event, "Records": [{**record, "body": json.dumps(envelope)}]}


def _another_account(data: StackData) -> list[Any]:
    """The erasure of an account that is there: that of the sample can be erased once."""
    account = sample_accounts.register(ApiClient(stack_env()["API_URL"]), "gone")
    return [_event_of_user(data, "user-erase", account.id)]


def _account_with_method(data: StackData) -> list[Any]:
    """The deletion of an account that saved a payment method."""
    public = ApiClient(stack_env()["API_URL"])
    account = sample_accounts.register(public, "gone")
    owner = public.login(account.email, account.password)
    owner.post("/payment-methods", sample_data.SAVED, new_key()).expect(201)
    return [_event_of_user(data, "payment-method-forget", account.id)]


def _changed_address(data: StackData) -> list[Any]:
    """A change of the e-mail address, which needs the password."""
    event = data.event("user-update")
    body = json.loads(event["body"]) | {"email": f"ada{secrets.token_hex(6)}@example.com", "current_password": "wrong"}
    version = _customer(data).get(f"/users/{data.replacements[sample_data.CUSTOMER]}").expect(200)["version"]
    return [{**event, "body": json.dumps(body), "headers": {**event["headers"], "if-match": f'"{version}"'}}]


def _gone_endpoint(data: StackData) -> tuple[str, str]:
    """An endpoint whose receiver is gone, which disables it and tells its creator, and a delivery to it that is due."""
    staff = ApiClient(stack_env()["API_URL"]).login(*data.accounts["staff"])
    receiver = data.replacements[sample_data.RECEIVERS[0]]
    wanted = json.loads(samples.event("webhook-endpoint-create")["body"]) | {"url": receiver}
    endpoint = str(staff.post("/webhook-endpoints", wanted).expect(201)["id"])
    delivery = str(staff.post(f"/webhook-endpoints/{endpoint}/test", None).expect(202)["id"])
    # An account from the seed has no contact.
    creator = data.replacements[sample_data.CUSTOMER]
    _sql(
        f"update notifications.webhook_endpoints set url = url || '?status=410', created_by = '{creator}' "
        f"where id = '{endpoint}'; "
        "update notifications.webhook_deliveries set status = 'pending', next_attempt_at = now() "
        f"where endpoint_id = '{endpoint}'; "
        # Few endpoints get an event at once.
        "update notifications.webhook_endpoints set event_types = '{OrderShipped.v1}' "
        f"where id <> '{endpoint}'"
    )
    return endpoint, delivery


def _to_gone_endpoint(function: str, data: StackData) -> list[Any]:
    endpoint, delivery = _gone_endpoint(data)
    own = {sample_data.ENDPOINT: endpoint, sample_data.DELIVERY: delivery}
    return [replace(data, own={**data.own, function: own}).event(function)]


def _second_factor(data: StackData) -> list[Any]:
    """A second factor whose code is checked. Its secret is opened for that, whether or not the code is right."""
    account, _ = sample_accounts.with_second_factor(ApiClient(stack_env()["API_URL"]))
    return [_event_of_user(data, "totp-remove", account.id)]


def _unpublished_events(data: StackData) -> list[Any]:
    """An event of each context that was committed and not published."""
    conditions = [row for grant in catalog.grants("outbox-sweep") for row in grant["conditions"]]
    for source in (row["values"][0] for row in conditions if row["variable"] == "events:source"):
        outbox = f"{source.removeprefix('quayside.')}.outbox"
        oldest = f"select id from {outbox} order by created_at, id limit 1"
        _sql(f"update {outbox} set published_at = null, claimed_until = null where id = ({oldest})")
    return [data.event("outbox-sweep")]


def _known_product(data: StackData) -> list[Any]:
    """An import that changes a product."""
    public = ApiClient(stack_env()["API_URL"])
    staff = public.login(*data.accounts["staff"])
    known = public.get(f"/products/{data.replacements[sample_data.PRODUCT]}").expect(200)
    price = known["price"] | {"amount": secrets.randbelow(9000) + 1000}
    line = json.loads(samples.event("product-create")["body"]) | {"sku": known["sku"], "price": price}
    content = (json.dumps(line) + "\n").encode()
    upload = staff.post("/products/imports", {"size": len(content), "mode": "upsert"}).expect(202)["upload"]
    ApiClient(upload["url"]).send("PUT", "", content, upload["headers"]).expect(200)
    return [data.event("product-import-run")]


def _completed_upload(data: StackData) -> list[Any]:
    """An export whose function died after it had completed the upload of its parts, and before it stored that."""
    died = {"status": "running", "ended_at": None, "upload": "none", "parts": ["none"], "after": LAST_ID}
    ended = "select id from catalogue.jobs where kind = 'export' and not is_open order by id desc limit 1"
    _sql(
        f"update catalogue.jobs set is_open = true, due_at = now(), job = job || '{json.dumps(died)}' "
        f"where id = ({ended})"
    )
    return [data.event("product-export-run")]


def _next_comparison(data: StackData) -> list[Any]:
    """The comparison of a day, which has been made today."""
    _sql("update payments.reconciliation set progress = progress || '{\"compared_at\": null}'")
    return [data.event("ledger-reconcile")]


def _lost_payment(data: StackData) -> list[Any]:
    """A charge of a payment that the database does not have."""
    charge = {
        "amount": "1999",
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": "true",
        "metadata[payment_id]": _token(),
        "metadata[attempt]": "1",
        "metadata[environment]": config.STAGE,
    }
    headers = {"Authorization": f"Bearer {config.secret('gateway_secret_key')}", "Idempotency-Key": _token()}
    gateway = ApiClient(stack_env()["GATEWAY_URL"])
    gateway.send("POST", "/v1/payment_intents", urllib.parse.urlencode(charge).encode(), headers).expect(200)
    since = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [data.event("payment-restore") | {"from": since, "apply": True}]


def _paused_consumer(data: StackData) -> list[Any]:
    """A pause and its end: the consumer of the sample runs before and afterwards."""
    event, reason = data.event("consumer-state-update"), "A proof of the permission."
    return [event | {"body": json.dumps({"state": state, "reason": reason})} for state in ("paused", "running")]


STATES: dict[str, Callable[[StackData], list[Any]]] = {
    "consumer-state-update": _paused_consumer,
    "database-secret-rotate": _whole_rotation,
    "ledger-reconcile": _next_comparison,
    "message-send": _other_channels,
    "order-sweep": _stuck_order,
    "outbox-sweep": _unpublished_events,
    "payment-method-forget": _account_with_method,
    "payment-reconcile": _unresolved_payment,
    "payment-restore": _lost_payment,
    "payment-webhook": _refund_without_list,
    "product-export-run": _completed_upload,
    "product-import-run": _known_product,
    "product-sweep": _lost_change,
    "record-get": _archived_record,
    "record-list": _archived_records,
    "record-partition": _due_day,
    "stock-sweep": _expired_reservation,
    "totp-remove": _second_factor,
    "user-erase": _another_account,
    "user-update": _changed_address,
    **{
        function: partial(_to_gone_endpoint, function)
        for function in ("webhook-deliver", "webhook-delivery-retry", "webhook-endpoint-test", "webhook-enqueue")
    },
}
