"""Places an order with the client that openapi-python-client generates, and follows it until it is paid.

scripts/clients generates the client, type-checks this file and runs it.
"""

import os
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from quayside_client import AuthenticatedClient, Client
from quayside_client.api.catalogue import product_create
from quayside_client.api.identity import user_login, user_register
from quayside_client.api.inventory import stock_get
from quayside_client.api.orders import order_get, order_place
from quayside_client.models.address import Address
from quayside_client.models.create_product import CreateProduct
from quayside_client.models.item import Item
from quayside_client.models.login import Login
from quayside_client.models.money import Money
from quayside_client.models.order_view import OrderView
from quayside_client.models.place_order import PlaceOrder
from quayside_client.models.problem import Problem
from quayside_client.models.product_view import ProductView
from quayside_client.models.register import Register
from quayside_client.models.stock_view import StockView
from quayside_client.models.token_view import TokenView
from quayside_client.models.user_view import UserView

POLL_S = 0.2
DEADLINE_S = 60

T = TypeVar("T")

API_URL = os.environ["API_URL"]
PUBLIC = Client(base_url=API_URL, raise_on_unexpected_status=True)


def expect(kind: type[T], body: object) -> T:
    """The body of a response, if it is of this kind and no problem document."""
    if isinstance(body, kind):
        return body
    raise SystemExit(f"{body.type_}: {body.detail}" if isinstance(body, Problem) else f"unexpected response {body!r}")


def eventually(what: str, look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(POLL_S)
    raise SystemExit(f"{what}: not within {DEADLINE_S} s")


def new_key() -> str:
    return str(uuid.uuid4())


def login(email: str, password: str) -> AuthenticatedClient:
    tokens = expect(TokenView, user_login.sync(client=PUBLIC, body=Login(email=email, password=password)))
    return AuthenticatedClient(base_url=API_URL, token=tokens.access_token, raise_on_unexpected_status=True)


def create_product(staff: AuthenticatedClient, tag: str) -> ProductView:
    wanted = CreateProduct(
        sku=f"PY-{tag.upper()}",
        name="Storm lantern",
        category="lighting",
        price=Money(amount=1999, currency="USD"),
        stock_quantity=3,
    )
    created = expect(ProductView, product_create.sync(client=staff, body=wanted, idempotency_key=new_key()))

    def available() -> int | None:
        stock = stock_get.sync(created.id, client=staff)
        return stock.available or None if isinstance(stock, StockView) else None

    eventually("stock of the product", available)
    return created


def register(tag: str) -> AuthenticatedClient:
    account = Register(email=f"py-{tag}@example.com", username=f"py{tag}", password=f"Harbour-{tag}-1843")
    expect(UserView, user_register.sync(client=PUBLIC, body=account))
    return login(account.email, account.password)


def main() -> None:
    tag = uuid.uuid4().hex[:12]
    product = create_product(login(os.environ["STAFF_EMAIL"], os.environ["STAFF_PASSWORD"]), tag)
    customer = register(tag)
    key = new_key()

    def place(quantity: int) -> OrderView | Problem | None:
        wanted = PlaceOrder(
            items=[Item(product_id=product.id, quantity=quantity)],
            shipping_address=Address(line1="Hafenstraße 12", city="Hamburg", postal_code="20457", country="DE"),
            payment_method="pm_card_visa",
        )
        return order_place.sync(client=customer, body=wanted, idempotency_key=key)

    order = expect(OrderView, place(2))
    if expect(OrderView, place(2)).id != order.id:
        raise SystemExit("the repeated request placed another order")
    problem = expect(Problem, place(1))
    if not problem.type_.endswith("/problems/idempotency-key-reused"):
        raise SystemExit(f"unexpected problem {problem.type_}")

    def paid() -> OrderView | None:
        seen = order_get.sync(order.id, client=customer)
        return seen if isinstance(seen, OrderView) and seen.status == "processing" else None

    seen = eventually("paid order", paid)
    print(f"order {seen.id} is {seen.status}: {seen.total_amount.amount} {seen.total_amount.currency}")


if __name__ == "__main__":
    main()
