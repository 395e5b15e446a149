"""Gives the running stack what the sample events name, and rewrites the samples so that they name it.

A sample names an order, a product and an account that exist in the tests only. For the running stack one of each is
created, and the sample's ids are replaced. Event ids and idempotency keys are new in each run, because a repeated one
has no effect.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
import urllib.parse
from dataclasses import dataclass
from functools import partial
from typing import Any

import samples
import verification
from api_client import ApiClient, eventually, new_key, stack_env
from config import ScriptError

Json = dict[str, Any]

# Ids in the samples.
CUSTOMER = "0192f0c1-0000-7000-8000-000000000001"
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
EMAIL = "ada@example.com"
EVENT_ID = re.compile(r"0192f0c1-0000-(7000-8000-0000000e[0-9a-f]{4})")
# These end their order, so they have one of their own: what is cancelled cannot be shipped.
ENDING = ("order-cancel", "payment-close", "stock-release")
# These change who the customer or the client is, so they have one of their own: who logs in afterwards needs the other.
CLOSING = (
    "client-delete",
    "order-erase",
    "password-change",
    "payment-method-forget",
    "user-delete",
    "user-erase",
    "user-role-update",
    "user-status-update",
)
# These change or delete an endpoint of webhooks, so they have one each, of the version that the sample names.
OWN_ENDPOINT = ("webhook-endpoint-delete", "webhook-endpoint-update", "webhook-secret-rotate")
# A partial refund leaves the order as it is.
REFUNDED = {"amount": 100, "currency": "USD"}
SAVED = {"payment_method": "pm_card_visa"}


@dataclass(frozen=True)
class StackData:
    """What the stack has instead of what the samples name."""

    replacements: dict[str, str]
    # E-mail address and password by role.
    accounts: dict[str, tuple[str, str]]
    # The gateway's id of the order's charge.
    transaction: str
    # The order and the payment of the functions that end an order.
    ended: dict[str, str]
    # The customer and the client of the functions that close an account.
    closed: dict[str, str]
    # The endpoints of the functions that change one.
    endpoints: dict[str, str]
    webhook_secret: str
    # Id and secret of a service client, as parameters of a request for a token.
    client: dict[str, str]
    # A login that waits for a second factor, and what finishes it.
    mfa: dict[str, str]
    # Four hexadecimal digits, new for each run.
    tag: str

    def event(self, function: str) -> Any:
        """The sample event of a function, for this stack."""
        text = samples.path(function).read_text()
        own = self.ended if function in ENDING else self.closed if function in CLOSING else {}
        if function in self.endpoints:
            own = {ENDPOINT: self.endpoints[function]}
        replacements = self.replacements | own
        for old, new in replacements.items():
            text = text.replace(old, new)
        event = json.loads(EVENT_ID.sub(rf"0192f0c1-{self.tag}-\1", text))
        headers = event.get("headers") or {}
        if "idempotency-key" in headers:
            headers["idempotency-key"] += f"-{self.tag}"
        if function == "token-issue":
            return {**event, "body": urllib.parse.urlencode({"grant_type": "client_credentials"} | self.client)}
        if function == "user-login-mfa":
            return {**event, "body": json.dumps(self.mfa)}
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
    # The account and the product must be new; the four digits of a tag may repeat.
    unique = secrets.token_hex(6)
    password = json.loads(samples.event("user-login")["body"])["password"]
    email = f"ada-{unique}@example.com"
    account = {"email": email, "username": f"ada{unique}", "password": password, "full_name": "Ada Lovelace"}
    user_id = str(public.post("/users/register", account).expect(201)["id"])
    other = account | {"email": f"eve-{unique}@example.com", "username": f"eve{unique}"}
    closed = {CUSTOMER: str(public.post("/users/register", other).expect(201)["id"]), EMAIL: other["email"]}
    verification.verify_email(env, public, user_id, email)
    accounts = {
        "customer": (email, password),
        "staff": (env["STAFF_EMAIL"], env["STAFF_PASSWORD"]),
        "admin": (env["ADMIN_EMAIL"], env["ADMIN_PASSWORD"]),
    }
    customer, staff = public.login(*accounts["customer"]), public.login(*accounts["staff"])
    lantern = json.loads(samples.event("product-create")["body"])
    lantern["sku"] = f"LANTERN-{unique.upper()}"
    product = str(staff.post("/products", lantern, new_key()).expect(201)["id"])
    eventually("stock of the product", lambda: public.get(f"/products/{product}/stock").expect(200)["available"])
    wanted = json.loads(samples.event("order-place")["body"].replace(PRODUCT, product))
    orders = [str(customer.post("/orders", wanted, new_key()).expect(201)["id"]) for _ in range(2)]
    payments = [eventually("paid order", partial(_payment, customer, order)) for order in orders]
    eventually("invoice", lambda: customer.get(f"/orders/{orders[0]}/invoice").expect(200))
    replacements = {
        CUSTOMER: user_id,
        PRODUCT: product,
        IMPORT: str(staff.post("/products/imports", {"size": 1}).expect(202)["id"]),
        EXPORT: str(staff.post("/products/exports", None).expect(202)["id"]),
        ORDER: orders[0],
        PAYMENT: str(payments[0]["id"]),
        REFUND: _refund(staff, payments[0]),
        METHOD: str(customer.post("/payment-methods", SAVED, new_key()).expect(201)["id"]),
        EMAIL: email,
    }
    admin = public.login(*accounts["admin"])
    one, two = (admin.post("/oauth/clients", {"name": f"Samples {unique}"}).expect(201) for _ in range(2))
    client = {"client_id": str(one["id"]), "client_secret": str(one["secret"])}
    replacements[CLIENT], closed[CLIENT] = client["client_id"], str(two["id"])
    receiver = f"{env['MAILBOX_URL']}webhooks/samples"
    replacements |= dict.fromkeys(RECEIVERS, receiver) | {ENDPOINT: _endpoint(staff, receiver)}
    tested = staff.post(f"/webhook-endpoints/{replacements[ENDPOINT]}/test", None)
    replacements[DELIVERY] = str(tested.expect(202)["id"])
    endpoints = {function: _endpoint(staff, receiver) for function in OWN_ENDPOINT}
    ended = {ORDER: orders[1], PAYMENT: str(payments[1]["id"])}
    secret = env["GATEWAY_WEBHOOK_SECRET"]
    transaction = str(payments[0]["transaction_id"])
    # It waits for its first code, and has no effect on logins.
    customer.post(f"/users/{user_id}/totp", {"current_password": password}).expect(200)
    mfa = _waiting_login(public, account | {"email": f"kim-{unique}@example.com", "username": f"kim{unique}"})
    return StackData(replacements, accounts, transaction, ended, closed, endpoints, secret, client, mfa, new_tag())


def _waiting_login(public: ApiClient, account: Json) -> dict[str, str]:
    """A login of a new account with a second factor, after its password was proven."""
    user = str(public.post("/users/register", account).expect(201)["id"])
    login = {"email": account["email"], "password": account["password"]}
    owner = public.login(login["email"], login["password"])
    secret = str(owner.post(f"/users/{user}/totp", {"current_password": login["password"]}).expect(200)["secret"])
    confirmed = owner.post(f"/users/{user}/totp/confirm", {"code": _one_time_password(secret)}).expect(200)
    waiting = public.post("/users/login", login).expect(401)
    return {"mfa_token": str(waiting["mfa_token"]), "recovery_code": str(confirmed["recovery_codes"][0])}


def _one_time_password(secret: str) -> str:
    """The code of RFC 6238 for this moment."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (int(time.time()) // 30).to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


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


def _payment(customer: ApiClient, order_id: str) -> Json:
    """The payment of an order whose stock is allocated."""
    order = customer.get(f"/orders/{order_id}").expect(200)
    if order["status"] != "processing":
        raise ScriptError(f"the order is {order['status']} ({order.get('status_reason')})")
    payment: Json = customer.get(f"/payments/order/{order_id}").expect(200)
    return payment
