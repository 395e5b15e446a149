"""Sends orders through the running stack over HTTP, from registration to shipment, and checks every step."""

import argparse
import base64
import json
import random
import sys
import time
from typing import Any

import aws
import config
import invitation
import money
import process
import progress
import services
import verification
from api_client import PREFIX, ApiClient, Response, eventually, fetch, fetch_json, new_key, put_json, stack_env
from config import ScriptError
from progress import note, step

Json = dict[str, Any]

DOWNLOADS = config.LOCAL / "demo"
PRICE = 1999
STOCK = 10
QUANTITY = 2
CARD, DECLINED_CARD = "pm_card_visa", "pm_card_visa_chargeDeclined"
LOW_STOCK, RESTOCK = 10, 100
SHARE_OF_DECLINES = 0.1
ADDRESS = {"line1": "Hafenstraße 12", "city": "Hamburg", "region": "HH", "postal_code": "20457", "country": "DE"}


def check(condition: bool, message: str) -> None:
    if not condition:
        raise ScriptError(message)


class Demo:
    """One run. Each one creates its own customer and product, so that the demo can run again and again."""

    def __init__(self) -> None:
        self.env = stack_env()
        self.public = ApiClient(self.env["API_URL"])
        self.tag = time.strftime("%Y%m%d-%H%M%S")
        self.email = f"ada-{self.tag}@example.com"
        self.phone = f"+49{self.tag.replace('-', '')[2:]}"
        self.outputs = aws.outputs()

    # ---- 1 ----------------------------------------------------------------------------------------------------

    def customer(self) -> None:
        self.password = f"Lovelace-{self.tag}-1843"
        with step("Ada registers"):
            form = {
                "email": self.email,
                "username": f"ada{self.tag.replace('-', '')}",
                "password": self.password,
                "full_name": "Ada Lovelace",
                "phone": self.phone,
            }
            self.user_id = self.public.post("/users/register", form).expect(201)["id"]
        with step("Ada logs in and gets an access token"):
            self.ada = self.public.login(self.email, self.password)
        with step("Ada verifies her e-mail address with the token in the mailbox; nothing else is sent to it before"):
            verification.verify_email(self.env, self.public, self.user_id, self.email)
        header = json.loads(base64.urlsafe_b64decode(str(self.ada.token).split(".")[0] + "=="))
        keys = self.public.call("GET", "/.well-known/jwks.json").expect(200)["keys"]
        check(header.get("kid") in [key.get("kid") for key in keys], "the token's key is not in the JWKS")
        note(f"user {self.user_id}; the token is signed with {header['alg']}, key {header['kid'][:8]}… of the JWKS")
        with step("Without a token, the list of orders is rejected (401)"):
            self.public.get("/orders").expect(401)

    # ---- 2 ----------------------------------------------------------------------------------------------------

    def product(self) -> None:
        with step("A staff member logs in and creates a product"):
            self.staff = self.public.login(self.env["STAFF_EMAIL"], self.env["STAFF_PASSWORD"])
            product = {
                "sku": f"TEA-{self.tag}",
                "name": "Darjeeling First Flush",
                "description": "100 g, loose leaf",
                "category": "tea",
                "price": {"amount": PRICE, "currency": "USD"},
                "stock_quantity": STOCK,
            }
            self.tea = self.staff.post("/products", product, new_key()).expect(201)
        with step("The event ProductCreated opens its stock"):
            eventually("stock of the product", lambda: self.stock() == (STOCK, 0))
        with step("Ada reads the product"):
            seen = self.ada.get(f"/products/{self.tea['id']}").expect(200)
        note(f"{seen['sku']}, {seen['name']}, {money.text(seen['price'])}, {STOCK} units in stock")
        services.stop(services.REDIS)
        try:
            with step("With Redis stopped, the product is still readable"):
                self.ada.get(f"/products/{self.tea['id']}").expect(200)
        finally:
            services.start(services.REDIS)

    def stock(self) -> tuple[int, int]:
        """Available and reserved units."""
        level = self.public.get(f"/products/{self.tea['id']}/stock").expect(200)
        return level["available"], level["reserved"]

    # ---- 3 ----------------------------------------------------------------------------------------------------

    def place(self, quantity: int, card: str, key: str | None = None) -> Response:
        order = {
            "items": [{"product_id": self.tea["id"], "quantity": quantity}],
            "shipping_address": ADDRESS,
            "payment_method": card,
        }
        return self.ada.post("/orders", order, key or new_key())

    def order(self) -> None:
        key = new_key()
        with step(f"Ada orders {QUANTITY} units"):
            self.first: Json = self.place(QUANTITY, CARD, key).expect(201)
        note(f"order {self.first['id']}, {money.text(self.first['total_amount'])}, {self.first['status']}")
        with step("The same request with the same Idempotency-Key returns the same order"):
            again = self.place(QUANTITY, CARD, key).expect(201)
            check(again == self.first, "the repeated request returned another response")
            orders = self.ada.get("/orders").expect(200)["items"]
            check([order["id"] for order in orders] == [self.first["id"]], f"1 order expected, found {len(orders)}")
        with step("Another order with that Idempotency-Key is rejected (422)"):
            self.place(QUANTITY + 1, CARD, key).expect(422)

    def reached(self, order: Json, status: str, reason: str | None = None) -> Json:
        """The order, once it has this status."""
        seen: Json = self.ada.get(f"/orders/{order['id']}").expect(200)
        if (seen["status"], seen.get("status_reason")) != (status, reason):
            raise ScriptError(f"the order is {seen['status']} ({seen.get('status_reason')})")
        return seen

    # ---- 4 ----------------------------------------------------------------------------------------------------

    def payment_and_confirmation(self) -> None:
        with step("Stock is reserved, the card charged, the stock allocated, the order confirmed"):
            self.first = eventually("confirmed order", lambda: self.reached(self.first, "processing"))
            eventually("allocated stock", lambda: self.stock() == (STOCK - QUANTITY, QUANTITY))
        charge = self.only_charge(self.first)
        check(charge["amount"] == self.first["total_amount"]["amount"], f"the charge has another amount: {charge}")
        history = " → ".join(_history_entry(entry) for entry in self.first["history"])
        note(f"history  {history}")
        note(f"charge   {charge['id']}, {money.text({**charge, 'currency': charge['currency'].upper()})}, exactly one")
        note(f"stock    {STOCK - QUANTITY} available, {QUANTITY} allocated")

    def charges(self) -> list[Json]:
        charges: list[Json] = fetch_json(f"{self.env['GATEWAY_URL']}/_local/charges")["charges"]
        return charges

    def only_charge(self, order: Json) -> Json:
        made = [charge for charge in self.charges() if order["id"] in charge["metadata"].values()]
        if [charge["status"] for charge in made] != ["succeeded"]:
            raise ScriptError(f"one succeeded charge expected, the gateway has {made}")
        return made[0]

    # ---- 5 ----------------------------------------------------------------------------------------------------

    def email_and_invoice(self) -> None:
        with step("The order confirmation arrives by e-mail"):
            message = eventually("e-mail", lambda: self.emails("Your order"))[0]
        note(f"to {message['to'][0]}: “{message['subject']}”")
        with step("The invoice is issued, and its PDF downloads from S3 with a presigned URL"):
            path = f"/orders/{self.first['id']}/invoice"
            invoice = eventually("invoice", lambda: self.ada.get(path).expect(200))
            pdf, media_type = fetch(invoice["url"])
        check(pdf.startswith(b"%PDF-"), f"the invoice is not a PDF but {media_type}: {pdf[:40]!r}")
        DOWNLOADS.mkdir(parents=True, exist_ok=True)
        self.pdf = DOWNLOADS / f"invoice-{invoice['number'].replace('/', '-')}.pdf"
        self.pdf.write_bytes(pdf)
        note(f"number {invoice['number']}, {len(pdf)} bytes, saved to {self.pdf.relative_to(config.ROOT)}")

    def emails(self, containing: str = "") -> list[Json]:
        received: list[Json] = fetch_json(f"{self.env['MAILBOX_URL']}?to={self.email}")
        return [message for message in received if containing in message["subject"] + message["text"]]

    # ---- 6 ----------------------------------------------------------------------------------------------------

    def archive(self) -> None:
        bucket = self.outputs["EventArchiveBucket"]
        with step("The order's events are on the Kafka topic order-events, and archived from there to S3"):
            archived = eventually("archived events of the order", lambda: self.archived(bucket))
        for key, types in archived.items():
            note(f"s3://{bucket}/{key}: {', '.join(types)}")

    def archived(self, bucket: str) -> dict[str, list[str]]:
        """Types of the archived events of the first order, by object key."""
        found = {}
        for key in aws.list_objects(bucket, "order-events/"):
            lines = [line for line in aws.get_object(bucket, key).decode().splitlines() if self.first["id"] in line]
            if lines:
                found[key] = [str(json.loads(line).get("type", "?")) for line in lines]
        types = " ".join(event_type for types in found.values() for event_type in types)
        if not ("OrderPlaced" in types and "OrderConfirmed" in types):
            raise ScriptError(f"archived so far: {types or 'nothing'}")
        return found

    # ---- 7 ----------------------------------------------------------------------------------------------------

    def analytics(self) -> None:
        with step("The order is counted in its five-minute window"):
            seen = eventually("window of the order", self.window_of_product)
        revenue, average = money.text(seen["revenue"]), money.text(seen["average_order_value"])
        note(f"{seen['start']} to {seen['end']}: {seen['orders']} orders, {revenue}, average {average}")

    def window_of_product(self) -> Json:
        # Windows are listed from the oldest: with this start, the current one is on the first page.
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 600))
        windows: list[Json] = self.staff.get(f"/analytics/windows?from={since}&limit=100").expect(200)["items"]
        for window in windows:
            if any(top["product_id"] == self.tea["id"] for top in window["top_products"]):
                return window
        raise ScriptError(f"{len(windows)} windows, none of them with the product")

    # ---- 8 ----------------------------------------------------------------------------------------------------

    def failures(self) -> None:
        with step("A card is declined: the order waits for another payment, its stock stays reserved"):
            declined = self.place(1, DECLINED_CARD).expect(201)
            eventually("waiting order", lambda: self.reached(declined, "pending", "payment_declined"))
        with step("Ada pays with another card, and the order is confirmed"):
            retry = {"order_id": declined["id"], "payment_method": CARD}
            self.ada.post("/payments/process", retry, new_key()).expect(202)
            eventually("confirmed order", lambda: self.reached(declined, "processing"))
        payment = self.payment(declined)
        note(f"order {declined['id']}: paid with attempt {payment['attempts']}, {money.text(payment['amount'])}")
        self.second = declined
        before = len(self.charges())
        with step("An order exceeds the stock: it is cancelled and not charged"):
            excessive = self.place(STOCK * 10, CARD).expect(201)
            eventually("cancelled order", lambda: self.reached(excessive, "cancelled", "insufficient_stock"))
        check(len(self.charges()) == before, "an order without stock was charged")
        available, reserved = self.stock()
        note(f"order {excessive['id']}: cancelled, insufficient_stock")
        note(f"stock {available} available, {reserved} allocated")

    def payment(self, order: Json) -> Json:
        payment: Json = self.ada.get(f"/payments/order/{order['id']}").expect(200)
        return payment

    # ---- 9 ----------------------------------------------------------------------------------------------------

    def refund_and_lost_response(self) -> None:
        with step("Ada cancels the second order: its stock is released, its payment refunded"):
            self.ada.delete(f"/orders/{self.second['id']}").expect(202)
            eventually("refunded payment", lambda: self.payment(self.second)["status"] == "refunded")
            eventually("released stock", lambda: self.stock() == (STOCK - QUANTITY, QUANTITY))
        payment = self.payment(self.second)
        refunded, paid = money.text(payment["refunded_amount"]), money.text(payment["amount"])
        note(f"payment {payment['id']}: {refunded} of {paid} refunded")
        with step("The gateway charges, but its response is lost: the retry does not charge again"):
            fault = {"mode": "drop_response", "count": 1, "path": "/v1/payment_intents"}
            put_json(f"{self.env['GATEWAY_URL']}/_local/faults", fault)
            third = self.place(1, CARD).expect(201)
            eventually("confirmed order", lambda: self.reached(third, "processing"))
        note(f"order {third['id']}: confirmed; charge {self.only_charge(third)['id']}, exactly one")

    # ---- 10 ---------------------------------------------------------------------------------------------------

    def shipment(self) -> None:
        with step("Ada verifies her phone number with the token in a text message"):
            verification.verify_phone(self.ada, self.user_id, self.text_messages)
        with step("Ada chooses notifications by e-mail and SMS, in German"):
            preferences = {"channels": ["email", "sms"], "locale": "de"}
            self.ada.put(f"/users/{self.user_id}/preferences", preferences).expect(200)
        with step("Staff marks the first order as shipped, and its stock leaves the warehouse"):
            version = self.ada.get(f"/orders/{self.first['id']}").headers["ETag"]
            self.staff.patch(f"/orders/{self.first['id']}/status", {"status": "shipped"}, version).expect(200)
            eventually("shipped stock", lambda: self.stock()[1] == 1)
        with step("Ada is notified by e-mail and SMS"):
            message = eventually("e-mail in German", lambda: self.emails("unterwegs"))[0]
            text = eventually("SMS", lambda: [sms for sms in self.text_messages() if not verification.token_in(sms)])[0]
        note(f"e-mail  “{message['subject']}”")
        note(f"SMS     “{text}”")
        with step("A shipped order cannot be cancelled (409)"):
            self.ada.delete(f"/orders/{self.first['id']}").expect(409)
        available, reserved = self.stock()
        shipped = STOCK - available - reserved
        note(f"stock {available} available, {reserved} allocated, {shipped} shipped, of {STOCK} received")

    def text_messages(self) -> list[str]:
        sent = fetch_json(f"{self.env['AWS_ENDPOINT_URL']}/_ministack/sns/sms-messages")["sms_messages"]
        return [message["Message"] for message in sent.get(self.phone, [])]

    # -----------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        chapters = (
            ("A customer registers", self.customer),
            ("A product goes on sale", self.product),
            ("An order is placed exactly once", self.order),
            ("Stock, payment, confirmation", self.payment_and_confirmation),
            ("E-mail and invoice", self.email_and_invoice),
            ("Kafka and the event archive", self.archive),
            ("Analytics", self.analytics),
            ("Declined card, insufficient stock", self.failures),
            ("Cancellation, refund, lost response", self.refund_and_lost_response),
            ("Shipment", self.shipment),
        )
        for number, (title, chapter) in enumerate(chapters, 1):
            progress.heading(f"{number}. {title}")
            chapter()

    def summarize(self, seconds: float) -> None:
        progress.heading(f"All ten steps passed in {progress.duration(seconds)}")
        served = config.dashboards_url() if process.pid_of(services.EXPORTER.name) else None
        product = f"{PREFIX}/products/{self.tea['id']}"
        for line in invitation.lines(invitation.places(self.env, (self.email, self.password), product, served)):
            note(line)
        invoice, values = self.pdf.relative_to(config.ROOT), config.STACK_ENV.relative_to(config.ROOT)
        note(f"The invoice is {invoice}; addresses and accounts for programs are in {values}.")
        note("scripts/demo --watch places an order every few seconds: look at one in the shop and in the console.")
        note("The stack is still running. Stop it with scripts/down.")

    def watch(self) -> None:
        """Places an order every few seconds until it is interrupted, so that there is something to look at."""
        progress.heading("An order every few seconds; Ctrl-C ends it")
        while True:
            if self.stock()[0] < LOW_STOCK:
                delivery = {"delta": RESTOCK, "reason": "received"}
                key = {"Idempotency-Key": new_key()}
                self.staff.call("PATCH", f"{PREFIX}/products/{self.tea['id']}/stock", delivery, key).expect(200)
            card = DECLINED_CARD if random.random() < SHARE_OF_DECLINES else CARD
            placed = self.place(random.randint(1, 3), card).expect(201)
            note(f"order {placed['id']}, {money.text(placed['total_amount'])}")
            time.sleep(random.uniform(2, 5))


def _history_entry(entry: Json) -> str:
    return f"{entry['status']} ({entry['reason']})" if entry.get("reason") else str(entry["status"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--watch", action="store_true", help="then place an order every few seconds")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        demo = Demo()
        demo.run()
        demo.summarize(time.monotonic() - started)
        if arguments.watch:
            demo.watch()
    except ScriptError as error:
        progress.fail(str(error))
        return 1
    except KeyboardInterrupt:
        progress.fail("interrupted; the stack is still running, stop it with scripts/down")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
