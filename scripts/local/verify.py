"""Checks a deployment as a black box: journeys of customers over its HTTP API, and nothing else.

It needs the URL of the API, a payment gateway in test mode, and an account of staff in STAFF_EMAIL and STAFF_PASSWORD
(STAFF_CODE is the code of its second factor), which creates the product that is ordered. Without the account, --product
names a product with 3 units in stock.
Each run registers a customer of its own; nothing is deleted. A step that fails ends its journey, and the others go on.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import config
import progress
from api_client import PREFIX, ApiClient, Response, StaffLogin, eventually, fetch, new_key, stack_env, staff_login
from config import ScriptError
from progress import note, step

Json = dict[str, Any]

CARD, DECLINED_CARD = "pm_card_visa", "pm_card_visa_chargeDeclined"
ADDRESS = {"line1": "Hafenstraße 12", "city": "Hamburg", "postal_code": "20457", "country": "DE"}
STOCK, PRICE = 5, 1250
MAX_BODY = 256 * 1024


class Verification:
    """The journeys of one run. They share a customer and a product."""

    def __init__(self, api_url: str, email: str, product: str | None, deadline_s: float) -> None:
        self.public = ApiClient(api_url.rstrip("/"))
        self.deadline_s = deadline_s
        self.tag = time.strftime("%Y%m%d%H%M%S")
        local, _, domain = email.partition("@")
        self.email = f"{local}+{self.tag}@{domain}"
        self.password = f"Verify-{new_key()}"
        self.customer: ApiClient | None = None
        self.product_id = product
        # Only of a product of this run is the stock known.
        self.owns_product = product is None

    def soon(self, what: str, look: Callable[[], Any]) -> Any:
        return eventually(what, look, self.deadline_s, 0.5)

    # ---- journeys ---------------------------------------------------------------------------------------------

    def readiness(self) -> None:
        with step("/health and /ready respond with 200"):
            self.public.call("GET", "/health").expect(200)
            self.public.call("GET", "/ready").expect(200)
        with step("The public keys of access tokens are published"):
            check(bool(self.public.call("GET", "/.well-known/jwks.json").expect(200)["keys"]), "there is no key")
        with step("An unknown path is 404, a wrong method 405 with the right ones"):
            problem(self.public.get("/no-such-thing"), 404)
            allowed = problem(self.public.delete("/products"), 405).headers.get("Allow", "")
            check("POST" in allowed, f"the header Allow is {allowed!r}")

    def registration(self) -> None:
        form = {"email": self.email, "username": f"verify{self.tag}", "password": self.password}
        with step("A customer registers"):
            self.public.post("/users/register", form).expect(201)
        note(self.email)
        with step("A second registration of the address is a conflict (409)"):
            problem(self.public.post("/users/register", form), 409)
        with step("A wrong password is rejected (401), the right one gives a token"):
            wrong = {"email": self.email, "password": self.password + "x"}
            problem(self.public.post("/users/login", wrong), 401)
            self.customer = self.public.login(self.email, self.password)
        with step("Without a token or with a forged one, orders are not to be had (401)"):
            for client in (self.public, ApiClient(self.public.base, f"{self.customer.token}x")):
                check(client.get("/orders").status == 401, "orders were listed")

    def catalogue(self, staff_account: StaffLogin) -> None:
        with step("Staff creates a product"):
            staff = self.public.login(*staff_account)
            row = {
                "sku": f"VERIFY-{self.tag}",
                "name": "Verification tea",
                "category": "verification",
                "price": {"amount": PRICE, "currency": "USD"},
                "stock_quantity": STOCK,
            }
            self.product_id = staff.post("/products", row, new_key()).expect(201)["id"]
        with step("The product's stock is opened"):
            self.soon("stock of the product", lambda: self.stock() == (STOCK, 0))
        with step("A customer may not create products (403)"):
            problem(self.shopper().post("/products", {**row, "sku": f"VERIFY-{self.tag}-2"}, new_key()), 403)

    def browsing(self) -> None:
        path = f"/products/{self.product()}"
        with step("Anybody reads the product and its stock"):
            seen = self.public.get(path)
            check(seen.expect(200)["id"] == self.product_id, "it is another product")
            self.public.get(f"{path}/stock").expect(200)
        with step("An unchanged product is not sent again (304)"):
            tag = seen.headers.get("ETag", "")
            self.public.call("GET", PREFIX + path, headers={"If-None-Match": tag}).expect(304)

    def ordering(self) -> None:
        key = new_key()
        with step("An order is placed"):
            order = self.place(2, CARD, key).expect(201)
        note(order["id"])
        with step("The same request with the same Idempotency-Key returns the same order"):
            check(self.place(2, CARD, key).expect(201) == order, "it returned another response")
        with step("Another request with that key is rejected (422)"):
            problem(self.place(1, CARD, key), 422)
        with step("The order is paid and confirmed"):
            self.soon("confirmed order", lambda: self.reached(order, "processing"))
            payment = self.payment(order)
            check(payment["status"] == "succeeded", f"the payment is {payment['status']}")
            check(payment["amount"] == order["total_amount"], f"the payment has another amount: {payment['amount']}")
        if self.owns_product:
            with step("Its stock is allocated"):
                self.soon("allocated stock", lambda: self.stock() == (STOCK - 2, 2))
        with step("Its invoice is a PDF behind a link that expires"):
            path = f"/orders/{order['id']}/invoice"
            invoice = self.soon("invoice", lambda: self.shopper().get(path).expect(200))
            pdf, media_type = fetch(invoice["url"])
            check(pdf.startswith(b"%PDF-"), f"the invoice is not a PDF but {media_type}")
        note(f"invoice {invoice['number']}, {len(pdf)} bytes")

    def cancellation(self) -> None:
        with step("A paid order is cancelled by its customer"):
            order = self.place(1, CARD).expect(201)
            self.soon("confirmed order", lambda: self.reached(order, "processing"))
            before = self.stock()
            self.shopper().delete(f"/orders/{order['id']}").expect(202)
            self.soon("cancelled order", lambda: self.reached(order, "cancelled"))
        with step("Its payment is refunded in full"):
            payment = self.soon("refunded payment", lambda: self.refunded(order))
            check(payment["refunded_amount"] == order["total_amount"], f"refunded: {payment['refunded_amount']}")
        if self.owns_product:
            with step("Its stock is available again"):
                self.soon("released stock", lambda: self.stock() == (before[0] + 1, before[1] - 1))
        with step("Cancelling it again changes nothing"):
            again = self.shopper().delete(f"/orders/{order['id']}").expect(202)
            check(again["status"] == "cancelled", f"the order is {again['status']}")
            check(self.payment(order) == payment, "the payment has changed")

    def rejected_orders(self) -> None:
        with step("An order with a declined card waits for another one"):
            order = self.place(1, DECLINED_CARD).expect(201)
            self.soon("waiting order", lambda: self.reached(order, "pending", "payment_declined"))
        with step("It is cancelled without a charge"):
            self.shopper().delete(f"/orders/{order['id']}").expect(202)
            self.soon("cancelled order", lambda: self.reached(order, "cancelled"))
        if self.owns_product:
            with step("An order of more than the stock is cancelled and not charged"):
                order = self.place(STOCK + 1, CARD).expect(201)
                self.soon("cancelled order", lambda: self.reached(order, "cancelled", "insufficient_stock"))

    def bad_input(self) -> None:
        path, json_type = PREFIX + "/orders", {"Content-Type": "application/json"}
        shopper = self.shopper()
        order = self.order_form(1, CARD)
        auth = {"Authorization": f"Bearer {shopper.token}", "Idempotency-Key": new_key()}

        def send(body: object, **headers: str) -> Response:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            return shopper.send("POST", path, data, {**auth, **json_type, **headers})

        with step("An order without an Idempotency-Key is rejected (400)"):
            problem(shopper.post("/orders", order), 400)
        with step("Malformed JSON is rejected (400), another media type (415), a large body (413)"):
            problem(send(b'{"items": ['), 400)
            problem(send(order, **{"Content-Type": "text/plain"}), 415)
            check(send({**order, "payment_method": "x" * MAX_BODY}).status == 413, "it was not 413")
        with step("Wrong members are named (422)"):
            named = problem(send({**order, "coupon": "FREE"}), 422).body["errors"]
            check(any("coupon" in error["pointer"] for error in named), f"the errors are {named}")
            line = {"product_id": self.product(), "quantity": 0}
            named = problem(send({**order, "items": [line]}), 422).body["errors"]
            check([error["pointer"] for error in named] == ["/items/0/quantity"], f"the errors are {named}")
        with step("An order that does not exist is not found (404)"):
            problem(shopper.get("/orders/00000000-0000-7000-8000-000000000000"), 404)

    # ---- parts of journeys ------------------------------------------------------------------------------------

    def shopper(self) -> ApiClient:
        if self.customer is None:
            raise ScriptError("not checked: no customer could log in")
        return self.customer

    def product(self) -> str:
        if self.product_id is None:
            raise ScriptError("not checked: there is no product to order")
        return self.product_id

    def order_form(self, quantity: int, card: str) -> Json:
        items = [{"product_id": self.product(), "quantity": quantity}]
        return {"items": items, "shipping_address": ADDRESS, "payment_method": card}

    def place(self, quantity: int, card: str, key: str | None = None) -> Response:
        return self.shopper().post("/orders", self.order_form(quantity, card), key or new_key())

    def reached(self, order: Json, status: str, reason: str | None = None) -> bool:
        seen = self.shopper().get(f"/orders/{order['id']}").expect(200)
        if seen["status"] != status or (reason and seen.get("status_reason") != reason):
            raise ScriptError(f"the order is {seen['status']} ({seen.get('status_reason')})")
        return True

    def payment(self, order: Json) -> Json:
        payment: Json = self.shopper().get(f"/payments/order/{order['id']}").expect(200)
        return payment

    def refunded(self, order: Json) -> Json:
        payment = self.payment(order)
        if payment["status"] != "refunded":
            raise ScriptError(f"the payment is {payment['status']}")
        return payment

    def stock(self) -> tuple[int, int]:
        """Available and reserved units."""
        level = self.public.get(f"/products/{self.product()}/stock").expect(200)
        return level["available"], level["reserved"]

    # -----------------------------------------------------------------------------------------------------------

    def run(self, staff_account: StaffLogin | None) -> int:
        """Runs all journeys. Returns how many failed."""
        journeys: list[tuple[str, Callable[[], None]]] = [
            ("Readiness", self.readiness),
            ("Registration and login", self.registration),
            ("Browsing", self.browsing),
            ("Order, payment, invoice", self.ordering),
            ("Cancellation and refund", self.cancellation),
            ("Orders that are rejected", self.rejected_orders),
            ("Bad input", self.bad_input),
        ]
        if staff_account:
            journeys.insert(2, ("Catalogue", lambda: self.catalogue(staff_account)))
        failed = []
        for title, journey in journeys:
            progress.heading(title)
            try:
                journey()
            except ScriptError as error:
                progress.fail(f"{title}: {error}")
                failed.append(title)
            except (KeyError, TypeError, ValueError) as error:
                progress.fail(f"{title}: a response lacks what the contract promises: {error!r}")
                failed.append(title)
        progress.heading(f"{len(journeys) - len(failed)} of {len(journeys)} journeys passed")
        for title in failed:
            progress.fail(title)
        return len(failed)


def check(condition: bool, message: str) -> None:
    if not condition:
        raise ScriptError(message)


def problem(response: Response, status: int) -> Response:
    """The response, if it is a problem document of this status."""
    body = response.expect(status)
    media_type = str(response.headers.get("Content-Type", ""))
    check(media_type.startswith("application/problem+json"), f"{response.request}: the media type is {media_type!r}")
    check(body.get("status") == status, f"{response.request}: the problem says {body.get('status')}")
    return response


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--api-url", help="base URL of the API; default: that of the local stack")
    parser.add_argument("--product", help="id of the product to order, instead of a new one")
    parser.add_argument(
        "--email",
        default="success@simulator.amazonses.com",
        help="address of the customer, with a tag after a plus sign; the default is one that SES delivers to nobody",
    )
    parser.add_argument("--deadline", type=float, default=60, help="seconds for what happens after a response")
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    try:
        # The accounts of the local stack are of no use elsewhere.
        known = os.environ if arguments.api_url else {**stack_env(), **os.environ}
        api_url = arguments.api_url or stack_env()["API_URL"]
        login = staff_login(known)
        if not arguments.product and not all(login[:2]):
            raise ScriptError("set STAFF_EMAIL and STAFF_PASSWORD, or name a product with --product")
        verification = Verification(api_url, arguments.email, arguments.product, arguments.deadline)
        return 1 if verification.run(None if arguments.product else login) else 0
    except ScriptError as error:
        progress.fail(str(error))
        return 2
    except KeyboardInterrupt:
        progress.fail("interrupted")
        return 130


if __name__ == "__main__":
    os.chdir(config.ROOT)
    sys.exit(main())
