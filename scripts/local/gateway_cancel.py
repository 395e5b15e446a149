"""Corrects how localstripe cancels payment intents: with a reason, an error for those that have ended, and an event.

https://docs.stripe.com/api/payment_intents/cancel
"""

from typing import Any

from localstripe import resources
from localstripe.errors import UserError
from localstripe.resources import Event, PaymentIntent

import gateway_methods

REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


def install() -> None:
    cancel = PaymentIntent._api_cancel.__func__

    def cancel_and_publish(cls: Any, /, id: str, cancellation_reason: Any = None, **more: Any) -> Any:  # noqa: A002
        if more:
            raise UserError(400, f"Received unknown parameter: {', '.join(more)}", {"code": "parameter_unknown"})
        if cancellation_reason not in {None, *REASONS}:
            message = f"Invalid cancellation_reason: must be one of {', '.join(REASONS)}"
            raise UserError(400, message, {"param": "cancellation_reason"})
        status = cls._api_retrieve(id).status
        if status not in CANCELLABLE:
            message = (
                f"You cannot cancel this PaymentIntent because it has a status of {status}. Only a PaymentIntent with "
                f"one of the following statuses may be canceled: {', '.join(CANCELLABLE)}."
            )
            raise UserError(400, message, {"code": "payment_intent_unexpected_state"})
        intent = cancel(cls, id)
        intent.cancellation_reason = cancellation_reason
        resources.schedule_webhook(Event("payment_intent.canceled", intent))
        return intent

    PaymentIntent.cancellation_reason = None
    PaymentIntent._api_cancel = classmethod(cancel_and_publish)
    gateway_methods.replace("/v1/payment_intents/{id}/cancel", PaymentIntent._api_cancel)
