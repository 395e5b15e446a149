"""Gives the running stack what the sample events name, and rewrites the samples so that they name it.

A sample names an order, a product and an account that exist in the tests only. For the running stack one of each is
created, and the sample's ids are replaced. Event ids and idempotency keys are new in each run, because a repeated one
has no effect.
"""

import hashlib
import hmac
import json
import re
import secrets
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import sample_accounts
import samples
import verification
from api_client import ApiClient, eventually, new_key, stack_env
from config import ScriptError

Json = dict[str, Any]

# Ids in the samples.
CUSTOMER = "0192f0c1-0000-7000-8000-000000000001"
SESSION = "0192f0c1-0000-7000-8000-00000000005e"
PRODUCT = "0192f0c1-0000-7000-8000-0000000000a1"
IMPORT = "0192f0c1-0000-7000-8000-0000000000a7"
EXPORT = "0192f0c1-0000-7000-8000-0000000000a8"
ORDER = "0192f0c1-0000-7000-8000-0000000000b1"
PAYMENT = "0192f0c1-0000-7000-8000-0000000000c1"
REFUND = "0192f0c1-0000-7000-8000-0000000000d1"
ENDPOINT = "0192f0c1-0000-7000-8000-0000000000e7"
RECEIVERS = ("https://example.com/webhooks", "https://example.com/other")
DELIVERY = "0192f0c1-0000-7000-8000-0000000000e8"
CLIENT = "0192f0c1-0000-7000-8000-0000000000f1"
METHOD = "0192f0c1-0000-7000-8000-0000000000f7"
SOURCE = "greenhouse"
RECORD = "01a1fd49-93a0-7000-8000-000000000001"
# The samples of images have the id that others have for a payment.
IMAGE = PAYMENT
EMAIL = "ada@example.com"
# In minor units.
PRICE_ABOVE_THE_REFUND_LIMIT = 60_000
EVENT_ID = re.compile(r"0192f0c1-0000-(7000-8000-0000000e[0-9a-f]{4})")
# These end their order, so they have one of their own: what is cancelled cannot be shipped.
ENDING = ("order-cancel", "payment-close", "stock-release")
# These change who the customer is or end sessions, so they have an account each: others log in with the customer's.
CLOSING = (
    "order-erase",
    "password-change",
    "payment-method-forget",
    "session-end",
    "session-revoke",
    "user-delete",
    "user-erase",
    "user-logout",
    "user-role-update",
    "user-status-update",
)
# These name an image that exists, of a product of its own: an image changes the version of its product.
OWN_IMAGE = ("image-delete", "image-get")
# These change or delete an endpoint of webhooks, so they have one each, of the version that the sample names.
OWN_ENDPOINT = ("webhook-endpoint-delete", "webhook-endpoint-update", "webhook-secret-rotate")
# These take a client or its secret away.
OWN_CLIENT = ("client-delete", "client-secret-rotate")
# A partial refund leaves the order as it is.
REFUNDED = {"amount": 100, "currency": "USD"}
SAVED = {"payment_method": "pm_card_visa"}


@dataclass(frozen=True)
class StackData:
    """What the stack has instead of what the samples name."""

    replacements: dict[str, str]
    # What functions have instead of that.
    own: dict[str, dict[str, str]]
    # E-mail address and password by role.
    accounts: dict[str, tuple[str, str]]
    # E-mail address and password of the account that only one function has.
    owners: dict[str, tuple[str, str]]
    # The gateway's id of the order's charge.
    transaction: str
    webhook_secret: str
    # Id and secret of a service client, as parameters of a request for a token.
    client: dict[str, str]
    # What makes the body of samples that use up a login. A login that waits for a second factor does not wait long.
    logins: Mapping[str, Callable[[], dict[str, str]]]
    # Four hexadecimal digits, new for each run.
    tag: str

    def event(self, function: str) -> Any:
        """The sample event of a function, for this stack."""
        text = samples.path(function).read_text()
        for old, new in (self.replacements | self.own.get(function, {})).items():
            text = text.replace(old, new)
        event = json.loads(EVENT_ID.sub(rf"0192f0c1-{self.tag}-\1", text))
        headers = event.get("headers") or {}
        if "idempotency-key" in headers:
            headers["idempotency-key"] += f"-{self.tag}"
        if function == "token-issue":
            return {**event, "body": urllib.parse.urlencode({"grant_type": "client_credentials"} | self.client)}
        if function in self.logins:
            return {**event, "body": json.dumps(self.logins[function]())}
        if function == "payment-webhook":
            return self._signed(event)
        if function == "user-register":
            return _with_body(event, email=f"new-{self.tag}@example.com", username=f"new{self.tag}")
        if function == "product-create":
            return _with_body(event, sku=f"LANTERN-{self.tag.upper()}")
        return event

    def _signed(self, event: Json) -> Json:
        """The webhook as the payment gateway sends it: the sample has the form of the tests' gateway."""
        sample = json.loads(event["body"])
        metadata = {"payment_id": sample["payment_id"], "attempt": str(sample["attempt"])}
        intent = {"id": self.transaction, "status": "succeeded", "metadata": metadata}
        return self.webhook(event, "payment_intent.succeeded", intent)

    def webhook(self, event: Json, kind: str, content: Json) -> Json:
        """The event of a request with a webhook of this type, signed now."""
        body = json.dumps({"id": f"evt_{self.tag}", "type": kind, "data": {"object": content}})
        at = int(time.time())
        digest = hmac.new(self.webhook_secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return {**event, "body": body, "headers": {**event["headers"], "stripe-signature": f"t={at},v1={digest}"}}


def _with_body(event: Json, **changes: str) -> Json:
    return {**event, "body": json.dumps({**json.loads(event["body"]), **changes})}


def new_tag() -> str:
    return secrets.token_hex(2)


def create() -> StackData:
    """Places an order in the running stack and waits until it is paid."""
    env = stack_env()
    public = ApiClient(env["API_URL"])
    account = sample_accounts.register(public, "ada")
    verification.verify_email(env, public, account.id, account.email)
    accounts = _accounts(env, account)
    customer, staff, admin = (public.login(*accounts[role]) for role in ("customer", "staff", "admin"))
    product = _product(public, staff)
    wanted = json.loads(samples.event("order-place")["body"].replace(PRODUCT, product))
    orders = [str(customer.post("/orders", wanted, new_key()).expect(201)["id"]) for _ in range(2)]
    payments = [eventually("paid order", partial(_payment, customer, order)) for order in orders]
    eventually("invoice", lambda: customer.get(f"/orders/{orders[0]}/invoice").expect(200))
    eventually("timeline", lambda: admin.get(f"/ops/orders/{orders[0]}/timeline").expect(200))
    client, receiver = _client(admin), f"{env['MAILBOX_URL']}webhooks/samples"
    endpoint = _endpoint(staff, receiver)
    replacements = {
        CUSTOMER: account.id,
        PRODUCT: product,
        IMPORT: str(staff.post("/products/imports", {"size": 1}).expect(202)["id"]),
        EXPORT: str(staff.post("/products/exports", None).expect(202)["id"]),
        ORDER: orders[0],
        PAYMENT: str(payments[0]["id"]),
        REFUND: _refund(staff, payments[0]),
        METHOD: str(customer.post("/payment-methods", SAVED, new_key()).expect(201)["id"]),
        EMAIL: account.email,
        CLIENT: client["client_id"],
        **_source_and_record(staff, client["client_id"]),
        **dict.fromkeys(RECEIVERS, receiver),
        ENDPOINT: endpoint,
        DELIVERY: str(staff.post(f"/webhook-endpoints/{endpoint}/test", None).expect(202)["id"]),
    }
    closed = sample_accounts.register_each(public, CLOSING)
    ended, pictured = {ORDER: orders[1], PAYMENT: str(payments[1]["id"])}, _image(staff, _product(public, staff))
    own = {
        **{function: {CUSTOMER: its.id} for function, its in closed.items()},
        **dict.fromkeys(ENDING, ended),
        **dict.fromkeys(OWN_IMAGE, pictured),
        **{function: {ENDPOINT: _endpoint(staff, receiver)} for function in OWN_ENDPOINT},
        "session-revoke": _session(public, closed["session-revoke"]),
        **{function: {CLIENT: _client(admin)["client_id"]} for function in OWN_CLIENT},
        "source-close": {SOURCE: _source(staff, client["client_id"])},
        "refund-approval-decide": _waiting_refund(customer, staff, wanted),
    }
    # It waits for its first code, and has no effect on logins.
    customer.post(f"/users/{account.id}/totp", {"current_password": account.password}).expect(200)
    return StackData(
        replacements=replacements,
        own=own,
        accounts=accounts,
        owners={function: (its.email, its.password) for function, its in closed.items()},
        transaction=str(payments[0]["transaction_id"]),
        webhook_secret=env["GATEWAY_WEBHOOK_SECRET"],
        client=client,
        logins={
            "token-refresh": partial(sample_accounts.refreshable_login, public, account),
            "user-login-mfa": partial(sample_accounts.waiting_login, public),
        },
        tag=new_tag(),
    )


def _accounts(env: dict[str, str], customer: sample_accounts.Account) -> dict[str, tuple[str, str]]:
    """E-mail address and password of an account of each role."""
    return {
        "customer": (customer.email, customer.password),
        "staff": (env["STAFF_EMAIL"], env["STAFF_PASSWORD"]),
        "admin": (env["ADMIN_EMAIL"], env["ADMIN_PASSWORD"]),
    }


def _product(public: ApiClient, staff: ApiClient, minor: int | None = None) -> str:
    """A new product, which has stock."""
    lantern = json.loads(samples.event("product-create")["body"])
    # The four digits of a tag may repeat.
    lantern["sku"] = f"LANTERN-{secrets.token_hex(6).upper()}"
    lantern["price"]["amount"] = minor or lantern["price"]["amount"]
    product = str(staff.post("/products", lantern, new_key()).expect(201)["id"])
    eventually("stock of the product", lambda: public.get(f"/products/{product}/stock").expect(200)["available"])
    return product


def _session(public: ApiClient, account: sample_accounts.Account) -> dict[str, str]:
    """An account and its session."""
    sessions = public.login(account.email, account.password).get(f"/users/{account.id}/sessions").expect(200)
    return {CUSTOMER: account.id, SESSION: str(sessions["items"][0]["id"])}


def _image(staff: ApiClient, product: str) -> dict[str, str]:
    """A product and an image of it that was announced and not sent."""
    wanted = json.loads(samples.event("image-add")["body"])
    return {PRODUCT: product, IMAGE: str(staff.post(f"/products/{product}/images", wanted).expect(201)["id"])}


def _client(admin: ApiClient) -> dict[str, str]:
    created = admin.post("/oauth/clients", {"name": f"Samples {secrets.token_hex(6)}"}).expect(201)
    return {"client_id": str(created["id"]), "client_secret": str(created["secret"])}


def _source(staff: ApiClient, writer: str) -> str:
    """Name of a new source of records, to which this service client sends."""
    name = f"greenhouse-{secrets.token_hex(6)}"
    wanted = samples.event("source-create")["body"].replace(CLIENT, writer).replace(SOURCE, name)
    return str(staff.post("/data/sources", json.loads(wanted), new_key()).expect(201)["name"])


def _source_and_record(staff: ApiClient, writer: str) -> dict[str, str]:
    """A new source, and the id of its record, once it is written."""
    source = _source(staff, writer)
    wanted = json.loads(samples.event("record-create")["body"].replace(SOURCE, source))
    record = str(staff.post("/data", wanted, new_key()).expect(202)["ids"][0])
    eventually("record", lambda: staff.get(f"/data/{record}").expect(200))
    return {SOURCE: source, RECORD: record}


def _endpoint(staff: ApiClient, receiver: str) -> str:
    """A new endpoint of webhooks, without an Idempotency-Key: each call creates one."""
    wanted = json.loads(samples.event("webhook-endpoint-create")["body"]) | {"url": receiver}
    return str(staff.post("/webhook-endpoints", wanted).expect(201)["id"])


def _refund(staff: ApiClient, payment: Json) -> str:
    request = {"payment_id": payment["id"], "amount": REFUNDED, "reason": "requested_by_customer"}
    answer = staff.post("/payments/refund", request, new_key())
    if answer.status not in samples.PROCESSED:
        raise ScriptError(f"the payment of the samples cannot be refunded: {answer.status} {answer.raw[:300]!r}")
    return str(staff.get(f"/payments/{payment['id']}").expect(200)["refunds"][0]["id"])


def _waiting_refund(customer: ApiClient, staff: ApiClient, order: Json) -> dict[str, str]:
    """A payment of its own, and a refund of it that waits for approval."""
    expensive = {"product_id": _product(customer, staff, PRICE_ABOVE_THE_REFUND_LIMIT), "quantity": 1}
    placed = str(customer.post("/orders", {**order, "items": [expensive]}, new_key()).expect(201)["id"])
    payment = eventually("paid order", partial(_payment, customer, placed))
    request = {"payment_id": payment["id"], "reason": "requested_by_customer"}
    shown = staff.post("/payments/refund", request, new_key()).expect(202)
    return {PAYMENT: str(payment["id"]), REFUND: str(shown["refund_approvals"][0]["id"])}


def _payment(customer: ApiClient, order_id: str) -> Json:
    """The payment of an order whose stock is allocated."""
    order = customer.get(f"/orders/{order_id}").expect(200)
    if order["status"] != "processing":
        raise ScriptError(f"the order is {order['status']} ({order.get('status_reason')})")
    payment: Json = customer.get(f"/payments/order/{order_id}").expect(200)
    return payment
