"""Walks real orders through the running stack over HTTP, and says what it sees."""

import base64
import json
import sys
import time
import urllib.request

import aws
import config
import services
import progress
import api_client
from config import ScriptError
from progress import note, step
from api_client import Client, eventually, fetch, new_key, stack_env

DEMO = config.LOCAL / "demo"
PRICE = 1999
STOCK = 10
QUANTITY = 2
ADDRESS = {"line1": "Hafenstraße 12", "city": "Hamburg", "region": "HH", "postal_code": "20457", "country": "DE"}


def money(value):
    return f"{value['amount'] / 100:.2f} {value['currency']}"


def put(url, body):
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="PUT",
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as got:
        got.read()


class Demo:
    def __init__(self):
        self.env = stack_env()
        self.public = Client(self.env["API_URL"])
        # Each run brings its own customer and product, so that it can be walked again and again.
        self.tag = time.strftime("%Y%m%d-%H%M%S")
        self.phone = f"+49{self.tag.replace('-', '')[2:]}"
        self.outputs = (aws.stack() or {"outputs": {}})["outputs"]

    # ---- 1 ----------------------------------------------------------------------------------------------------

    def customer(self):
        email, password = f"ada-{self.tag}@example.com", f"Lovelace-{self.tag}-1843"
        with step("a customer registers"):
            account = self.public.post("/users/register", {
                "email": email, "username": f"ada{self.tag.replace('-', '')}", "password": password,
                "full_name": "Ada Lovelace", "phone": self.phone}).expect(201)
        with step("and logs in"):
            self.ada = self.public.login(email, password)
        self.ada.email, self.ada.id = email, account["id"]
        header = json.loads(base64.urlsafe_b64decode(self.ada.token.split(".")[0] + "=="))
        keys = self.public.call("GET", "/.well-known/jwks.json").expect(200)["keys"]
        if header.get("kid") not in [key.get("kid") for key in keys]:
            raise ScriptError("the token's key is not among the published ones")
        note(f"user {account['id']}; token signed {header['alg']}, its key {header['kid'][:8]}… is in the JWKS")
        with step("without a token her orders stay closed"):
            self.public.get("/orders").expect(401)

    # ---- 2 ----------------------------------------------------------------------------------------------------

    def product(self):
        with step("staff logs in and puts a product on sale"):
            self.staff = self.public.login(self.env["STAFF_EMAIL"], self.env["STAFF_PASSWORD"])
            self.tea = self.staff.post("/products", {
                "sku": f"TEA-{self.tag}", "name": "Darjeeling First Flush", "description": "100 g, loose leaf", "category": "tea",
                "price": {"amount": PRICE, "currency": "USD"}, "stock_quantity": STOCK}, new_key()).expect(201)
        with step("its stock is opened by the event"):
            eventually("stock of the product", lambda: self.stock() == (STOCK, 0))
        with step("the customer reads it"):
            seen = self.ada.get(f"/products/{self.tea['id']}").expect(200)
        note(f"{seen['sku']}, {seen['name']}, {money(seen['price'])}, {STOCK} in stock")
        services.stop(services.REDIS)
        try:
            with step("Redis stopped: the product can still be read"):
                self.ada.get(f"/products/{self.tea['id']}").expect(200)
        finally:
            services.start(services.REDIS)

    def stock(self):
        level = self.public.get(f"/products/{self.tea['id']}/stock").expect(200)
        return level["available"], level["reserved"]

    # ---- 3 ----------------------------------------------------------------------------------------------------

    def place(self, quantity, card, key=None):
        return self.ada.post("/orders", {
            "items": [{"product_id": self.tea["id"], "quantity": quantity}], "shipping_address": ADDRESS,
            "payment_method": card}, key or new_key())

    def order(self):
        key = new_key()
        with step("the customer places an order"):
            first = self.place(QUANTITY, "pm_card_visa", key)
            self.first = first.expect(201)
        note(f"order {self.first['id']}, {money(self.first['total_amount'])}, {self.first['status']}")
        with step("the same request again gives the same answer and no second order"):
            again = self.place(QUANTITY, "pm_card_visa", key)
            if again.expect(201) != self.first:
                raise ScriptError("the repeated request got another answer")
            mine = self.ada.get("/orders").expect(200)["items"]
            if [order["id"] for order in mine] != [self.first["id"]]:
                raise ScriptError(f"one order was due, there are {len(mine)}")
        with step("the same key for another order is refused"):
            self.place(QUANTITY + 1, "pm_card_visa", key).expect(422)

    def settled(self, order, status, reason=None):
        seen = self.ada.get(f"/orders/{order['id']}").expect(200)
        if (seen["status"], seen.get("status_reason")) == (status, reason):
            return seen
        raise ScriptError(f"order is {seen['status']} ({seen.get('status_reason')})")

    # ---- 4 ----------------------------------------------------------------------------------------------------

    def saga(self):
        with step("stock is reserved, the card charged, the order confirmed"):
            self.first = eventually("order confirmed", lambda: self.settled(self.first, "processing"))
            eventually("reserved stock", lambda: self.stock() == (STOCK - QUANTITY, QUANTITY))
        charge = self.only_charge(self.first["total_amount"]["amount"])
        steps = " → ".join(f"{h['status']}{' (' + h['reason'] + ')' if h.get('reason') else ''}" for h in self.first["history"])
        note(f"{steps}; charge {charge['id']}: {charge['amount'] / 100:.2f} {charge['currency'].upper()}, once; "
             f"stock {STOCK - QUANTITY} free, {QUANTITY} reserved")

    def charges(self):
        return json.loads(fetch(f"{self.env['GATEWAY_URL']}/_local/charges")[0])["charges"]

    def only_charge(self, amount):
        about = [c for c in self.charges() if self.first["id"] in c["metadata"].values()]
        if [(c["status"], c["amount"]) for c in about] != [("succeeded", amount)]:
            raise ScriptError(f"one charge of {amount} was due, the gateway has {about}")
        return about[0]

    # ---- 5 ----------------------------------------------------------------------------------------------------

    def letter_and_invoice(self):
        with step("the confirmation mail arrives"):
            mail = eventually("mail", lambda: self.mails())[0]
        note(f"to {mail['to'][0]}: “{mail['subject']}”")
        with step("the invoice lies in S3 and downloads through its link"):
            invoice = eventually("invoice", lambda: self.ada.get(f"/orders/{self.first['id']}/invoice").expect(200))
            pdf, kind = fetch(invoice["url"])
        if not pdf.startswith(b"%PDF-"):
            raise ScriptError(f"the invoice is not a PDF but {kind}: {pdf[:40]!r}")
        DEMO.mkdir(parents=True, exist_ok=True)
        self.pdf = DEMO / f"invoice-{invoice['number'].replace('/', '-')}.pdf"
        self.pdf.write_bytes(pdf)
        note(f"number {invoice['number']}, {len(pdf)} bytes, kept as {self.pdf.relative_to(config.ROOT)}")

    def mails(self, containing=""):
        listed = json.loads(fetch(f"{self.env['MAILBOX_URL']}?to={self.ada.email}")[0])
        return [mail for mail in listed if containing in mail["subject"] + mail["text"]]

    # ---- 6 ----------------------------------------------------------------------------------------------------

    def archive(self):
        bucket = self.outputs.get("EventArchiveBucket")
        if not bucket:
            raise ScriptError("the stack has no output EventArchiveBucket")
        with step("its events are on the Kafka topic order-events and archived from there to S3"):
            found = eventually("archived events of the order", lambda: self.archived(bucket))
        for key, kinds in found.items():
            note(f"s3://{bucket}/{key}: {', '.join(kinds)}")

    def archived(self, bucket):
        found = {}
        for key in aws.list_objects(bucket, "order-events/"):
            lines = [line for line in aws.get_object(bucket, key).decode().splitlines() if self.first["id"] in line]
            if lines:
                found[key] = [json.loads(line).get("type", "?") for line in lines]
        kinds = " ".join(kind for kinds in found.values() for kind in kinds)
        if not ("OrderPlaced" in kinds and "OrderConfirmed" in kinds):
            raise ScriptError(f"archived so far: {kinds or 'nothing'}")
        return found

    # ---- 7 ----------------------------------------------------------------------------------------------------

    def window(self):
        with step("the order shows in its five-minute window"):
            seen = eventually("window of the order", self.window_of_product)
        note(f"{seen['start']} to {seen['end']}: {seen['orders']} orders, {money(seen['revenue'])}, "
             f"{money(seen['average_order_value'])} on average")

    def window_of_product(self):
        # The list begins with the oldest: from ten minutes ago it has the window of now on its first page.
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 600))
        windows = self.staff.get(f"/analytics/windows?from={since}&limit=100").expect(200)["items"]
        for window in windows:
            if any(top["product_id"] == self.tea["id"] for top in window["top_products"]):
                return window
        raise ScriptError(f"{len(windows)} windows, the product in none")

    # ---- 8 ----------------------------------------------------------------------------------------------------

    def failures(self):
        with step("a declined card: the order waits for her, its stock stays held"):
            declined = self.place(1, "pm_card_visa_chargeDeclined").expect(201)
            eventually("order that waits", lambda: self.settled(declined, "pending", "payment_declined"))
        with step("she pays with another card and the order is confirmed"):
            self.ada.post("/payments/process", {"order_id": declined["id"], "payment_method": "pm_card_visa"}, new_key()).expect(202)
            eventually("order confirmed", lambda: self.settled(declined, "processing"))
        payment = self.payment(declined)
        note(f"order {declined['id']}: paid with attempt {payment['attempts']}, {money(payment['amount'])}")
        self.second = declined
        before = len(self.charges())
        with step("more than there is: the order is cancelled and nothing charged"):
            greedy = self.place(STOCK * 10, "pm_card_visa").expect(201)
            eventually("cancelled order", lambda: self.settled(greedy, "cancelled", "insufficient_stock"))
        if len(self.charges()) != before:
            raise ScriptError("an order without stock was charged")
        note(f"order {greedy['id']}: cancelled, insufficient_stock; stock {self.stock()[0]} free, {self.stock()[1]} reserved")

    def payment(self, order):
        return self.ada.get(f"/payments/order/{order['id']}").expect(200)

    # ---- 9 ----------------------------------------------------------------------------------------------------

    def money_back(self):
        with step("she cancels the second order: stock is free again, the money goes back"):
            self.ada.call("DELETE", f"{api_client.PREFIX}/orders/{self.second['id']}").expect(202)
            eventually("refunded payment", lambda: self.payment(self.second)["status"] == "refunded")
            eventually("free stock", lambda: self.stock() == (STOCK - QUANTITY, QUANTITY))
        payment = self.payment(self.second)
        note(f"payment {payment['id']}: {money(payment['refunded_amount'])} of {money(payment['amount'])} went back")
        url = f"{self.env['GATEWAY_URL']}/_local/faults"
        with step("the gateway charges and dies before it answers: charged once all the same"):
            put(url, {"mode": "drop_response", "count": 1, "path": "/v1/payment_intents"})
            third = self.place(1, "pm_card_visa").expect(201)
            eventually("order confirmed", lambda: self.settled(third, "processing"))
        made = [c for c in self.charges() if third["id"] in c["metadata"].values()]
        if len(made) != 1:
            raise ScriptError(f"one charge was due, the gateway has {made}")
        note(f"order {third['id']}: confirmed; charge {made[0]['id']}, once")

    # ---- 10 ---------------------------------------------------------------------------------------------------

    def shipment(self):
        with step("she wants to be told by text message as well, in German"):
            self.ada.call("PUT", f"{api_client.PREFIX}/users/{self.ada.id}/preferences",
                          {"channels": ["email", "sms"], "locale": "de"}).expect(200)
        with step("staff ships the first order: its stock has left the house"):
            seen = self.ada.get(f"/orders/{self.first['id']}")
            version = seen.headers["ETag"]
            self.staff.call("PATCH", f"{api_client.PREFIX}/orders/{self.first['id']}/status", {"status": "shipped"},
                            If_Match=version).expect(200)
            eventually("committed stock", lambda: self.stock()[1] == 1)
        with step("a letter and a text message tell her"):
            mail = eventually("letter in German", lambda: self.mails("unterwegs"))[0]
            text = eventually("text message", lambda: self.texts())[0]
        note(f"“{mail['subject']}”")
        note(f"“{text}”")
        with step("now it is too late to cancel"):
            self.ada.call("DELETE", f"{api_client.PREFIX}/orders/{self.first['id']}").expect(409)
        free, reserved = self.stock()
        note(f"stock {free} free, {reserved} reserved, {STOCK - free - reserved} shipped, of {STOCK} received")

    def texts(self):
        told = json.loads(fetch(f"{self.env['AWS_ENDPOINT_URL']}/_ministack/sns/sms-messages")[0])
        return [text["Message"] for text in told["sms_messages"].get(self.phone, [])]

    def walk(self):
        chapters = (
            ("A customer comes", self.customer), ("A product goes on sale", self.product), ("An order, once", self.order),
            ("Stock, payment, confirmation", self.saga), ("Mail and invoice", self.letter_and_invoice),
            ("Kafka and the archive", self.archive), ("Analytics", self.window), ("When it goes wrong", self.failures), ("Money back", self.money_back), ("On its way", self.shipment),
        )
        for number, (title, chapter) in enumerate(chapters, 1):
            progress.heading(f"{number}. {title}")
            chapter()

    def summary(self, seconds):
        progress.heading("All ten steps done" + f" in {progress.took(seconds)}")
        note(f"API       {self.env['API_URL']}  (try /health, /.well-known/jwks.json, {api_client.PREFIX}/products/{self.tea['id']})")
        note(f"mail      {self.env['MAILBOX_URL']}")
        note(f"gateway   {self.env['GATEWAY_URL']}/_local/charges")
        note(f"invoice   {self.pdf.relative_to(config.ROOT)}")
        note(f"values    {config.STACK_ENV.relative_to(config.ROOT)}  (addresses, accounts, passwords)")
        note("The stack goes on running; scripts/down stops it.")


def main():
    started = time.monotonic()
    try:
        demo = Demo()
        demo.walk()
        demo.summary(time.monotonic() - started)
    except ScriptError as trouble:
        progress.fail(str(trouble))
        return 1
    except KeyboardInterrupt:
        progress.fail("interrupted; the stack goes on running, scripts/down stops it")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
