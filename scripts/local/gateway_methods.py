"""Corrects localstripe's payment methods: attached to one customer, charged for that one only, detached permanently.

https://docs.stripe.com/api/payment_methods/attach and …/detach
"""

from typing import Any

from localstripe import server
from localstripe.errors import UserError
from localstripe.resources import Customer, PaymentIntent, PaymentMethod, store

# Stripe's messages for errors without a code.
ATTACHED = "The payment method you provided has already been attached to a customer."
NOT_ATTACHED = "The payment method you provided is not attached to a customer so detachment is impossible."
DETACHED = (
    "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and "
    "may not be used again."
)
OF_A_CUSTOMER = "The PaymentMethod belongs to a Customer. Please include the Customer in the `customer` parameter."
OF_ANOTHER = "The provided PaymentMethod cannot be used: it is not attached to the customer that was given."


def install() -> None:
    _attach_once()
    _detach_permanently()
    _charge_for_owner()


def _attach_once() -> None:
    attach = PaymentMethod._api_attach.__func__

    def attach_once(cls: Any, /, id: str, **data: Any) -> Any:  # noqa: A002 localstripe passes it by name
        method = store.get(f"payment_method:{id}")
        if method is not None and method.customer is not None:
            raise UserError(400, ATTACHED)
        if method is not None and method._is_used:
            raise UserError(400, DETACHED)
        return attach(cls, id, **data)

    PaymentMethod._api_attach = classmethod(attach_once)
    replace("/v1/payment_methods/{id}/attach", PaymentMethod._api_attach)


def _detach_permanently() -> None:
    detach, delete = PaymentMethod._api_detach.__func__, Customer._api_delete.__func__

    def detach_permanently(cls: Any, /, id: str, **data: Any) -> Any:  # noqa: A002
        method = store.get(f"payment_method:{id}")
        if method is not None and method.customer is None:
            raise UserError(400, NOT_ATTACHED)
        detached = detach(cls, id, **data)
        detached._is_used = True
        return detached

    def delete_with_methods(cls: Any, /, name: str) -> Any:
        deleted = delete(cls, name)
        for item in list(store.values()):
            if isinstance(item, PaymentMethod) and item.customer == name:
                item.customer, item._is_used = None, True
        return deleted

    PaymentMethod._api_detach, Customer._api_delete = classmethod(detach_permanently), classmethod(delete_with_methods)
    replace("/v1/payment_methods/{id}/detach", PaymentMethod._api_detach)


def _charge_for_owner() -> None:
    initialize = PaymentIntent.__init__

    def initialize_for_owner(intent: Any, payment_method: Any = None, customer: Any = None, **more: Any) -> None:
        method = store.get(f"payment_method:{payment_method}")
        owner = None if method is None else method.customer
        if owner is not None and customer is None:
            raise UserError(400, OF_A_CUSTOMER, {"param": "payment_method"})
        if method is not None and customer is not None and owner != customer:
            raise UserError(400, OF_ANOTHER, {"param": "payment_method"})
        initialize(intent, payment_method=payment_method, customer=customer, **more)

    PaymentIntent.__init__ = initialize_for_owner


def replace(path: str, handler: Any) -> None:
    """Replaces the handler of a route: localstripe's holds the function that it was made for."""
    for route in server.app.router.routes():
        if route.method == "POST" and route.resource is not None and route.resource.canonical == path:
            route._handler = server.api_extra(handler, path)
