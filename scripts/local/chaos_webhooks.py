"""The webhook endpoint of scripts/chaos: what it subscribes to, and what it received.

The receiver is the mailbox, which is not killed.
"""

import datetime
from typing import Any

from standardwebhooks import Webhook

import api_client
from api_client import ApiClient

Json = dict[str, Any]

SUBSCRIBED = (
    "OrderPlaced.v1",
    "OrderConfirmed.v1",
    "OrderCancelled.v1",
    "OrderShipped.v1",
    "PaymentSucceeded.v1",
    "PaymentFailed.v1",
    "PaymentRefunded.v1",
    "InvoiceIssued.v1",
    "ProductCreated.v1",
)


def register(env: dict[str, str], staff: ApiClient, tag: str) -> Json:
    """Registers an endpoint for the run. It gets what is committed after its creation."""
    url = f"{env['MAILBOX_URL']}webhooks/chaos-{tag}"
    wanted = {"url": url, "event_types": SUBSCRIBED, "description": "chaos"}
    created = staff.post("/webhook-endpoints", wanted, api_client.new_key()).expect(201)
    return {"id": created["id"], "url": url, "secret": created["secret"], "since": created["created_at"]}


def delete(staff: ApiClient, endpoint: Json) -> None:
    """Deletes the endpoint with its deliveries; what it received stays in the mailbox."""
    staff.delete(f"/webhook-endpoints/{endpoint['id']}").expect(204)


def received(endpoint: Json) -> list[Json]:
    """The messages of the endpoint, in the order of arrival."""
    return [
        {
            "id": message["headers"]["webhook-id"],
            "body": message["body"],
            "is_signed": is_signed(endpoint["secret"], message),
        }
        for message in api_client.fetch_json(endpoint["url"])
    ]


def is_signed(secret: str, message: Json) -> bool:
    """Whether a signature is right. `Webhook.verify` refuses messages that are older than five minutes."""
    headers = message["headers"]
    sent_at = datetime.datetime.fromtimestamp(int(headers["webhook-timestamp"]), datetime.UTC)
    signature = Webhook(secret).sign(headers["webhook-id"], sent_at, message["body"])
    return signature in headers["webhook-signature"].split(" ")
