"""Events for what a function does in a state that its sample event does not meet, after that state has been made.

A state that takes hours, or a function that died, is made in the database.
"""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aws
import config
import postgres_server
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


ARCHIVED_DAY = "2026-11-01"
ARCHIVED_RECORD = "01a19467-e800-7000-8000-000000000001"


def _archive_day() -> None:
    """A day of records whose file is missing, so that a reader asks the archive for it."""
    _sql(f"insert into records.partitions (day, state) values ('{ARCHIVED_DAY}', 'archived') on conflict do nothing")
    _sql(
        "insert into records.archived (day, part, object_key, first_id, last_id, records, bytes) "
        f"values ('{ARCHIVED_DAY}', 1, 'records/none.parquet', records.least_id('{ARCHIVED_DAY}'), "
        f"records.least_id(date '{ARCHIVED_DAY}' + 1), 1, 1) on conflict do nothing"
    )


def _archived_record(data: StackData) -> list[Any]:
    _archive_day()
    path = f"/api/v1/data/{ARCHIVED_RECORD}"
    return [data.event("record-get") | {"rawPath": path, "pathParameters": {"id": ARCHIVED_RECORD}}]


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
    user = data.replacements[sample_data.CUSTOMER]
    _sql(
        f"update notifications.contacts set phone = '+1500555{secrets.randbelow(9000) + 1000}' where user_id = '{user}'"
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


def _another_account(_: StackData) -> list[Any]:
    """The erasure of an account that is there: that of the sample can be erased once."""
    name = f"gone{secrets.token_hex(6)}"
    password = json.loads(samples.event("user-login")["body"])["password"]
    account = {"email": f"{name}@example.com", "username": name, "password": password}
    user = str(ApiClient(stack_env()["API_URL"]).post("/users/register", account).expect(201)["id"])
    return [json.loads(samples.path("user-erase").read_text().replace(sample_data.CUSTOMER, user))]


def _paused_consumer(data: StackData) -> list[Any]:
    """A pause and its end: the consumer of the sample runs before and afterwards."""
    event, reason = data.event("consumer-state-update"), "A proof of the permission."
    return [event | {"body": json.dumps({"state": state, "reason": reason})} for state in ("paused", "running")]


STATES: dict[str, Callable[[StackData], list[Any]]] = {
    "consumer-state-update": _paused_consumer,
    "database-secret-rotate": _whole_rotation,
    "message-send": _other_channels,
    "order-sweep": _stuck_order,
    "payment-reconcile": _unresolved_payment,
    "payment-webhook": _refund_without_list,
    "product-sweep": _lost_change,
    "record-get": _archived_record,
    "record-list": _archived_records,
    "stock-sweep": _expired_reservation,
    "user-erase": _another_account,
}
