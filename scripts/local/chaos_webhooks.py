"""The webhook endpoint of scripts/chaos: what it subscribes to, and what it received.

The receiver is the mailbox, which is not killed.
"""

import contextlib
import datetime
import time
from typing import Any

from standardwebhooks import Webhook

import api_client
from api_client import ApiClient
from config import ScriptError

Json = dict[str, Any]

# Few types, because an endpoint with a backlog gets at most eighty deliveries a minute: see webhook-deliver.
SUBSCRIBED = ("OrderConfirmed.v1", "OrderCancelled.v1", "PaymentRefunded.v1", "ProductCreated.v1")
# The delay after a third attempt that failed, longer than a run waits: DELAYS of shared/domain/src/webhook/schedule.rs.
# An attempt that was killed is repeated when its lease of two minutes ends, but counts as an attempt.
POSTPONED_S = 1_800
DELETE_ATTEMPTS, DELETE_PAUSE_S = 6, 5


def register(env: dict[str, str], staff: ApiClient, tag: str) -> Json:
    """Registers an endpoint for the run. It gets the events of what happens after its creation."""
    url = f"{env['MAILBOX_URL']}webhooks/chaos-{tag}"
    wanted = {"url": url, "event_types": SUBSCRIBED, "description": "chaos"}
    created = staff.post("/webhook-endpoints", wanted, api_client.new_key()).expect(201)
    return {"id": created["id"], "url": url, "secret": created["secret"]}


def delete(env: dict[str, str], endpoint: Json) -> bool:
    """Deletes the endpoint with its deliveries; what it received stays in the mailbox. Returns whether it is gone."""
    for number in range(DELETE_ATTEMPTS):
        time.sleep(DELETE_PAUSE_S if number else 0)
        with contextlib.suppress(ScriptError):
            # The token of the run may have expired.
            staff = ApiClient(env["API_URL"]).login(env["STAFF_EMAIL"], env["STAFF_PASSWORD"])
            if staff.delete(f"/webhook-endpoints/{endpoint['id']}").status in {204, 404}:
                return True
    return False


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
    """Whether a signature is valid. `Webhook.verify` refuses messages that are older than five minutes."""
    headers = message["headers"]
    sent_at = datetime.datetime.fromtimestamp(int(headers["webhook-timestamp"]), datetime.UTC)
    signature = Webhook(secret).sign(headers["webhook-id"], sent_at, message["body"])
    return signature in headers["webhook-signature"].split(" ")
