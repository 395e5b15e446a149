"""Corrects localstripe where its behaviour differs from Stripe's documentation in what the adapter relies on."""

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web
from localstripe import resources, server
from localstripe.errors import UserError
from localstripe.resources import (
    BalanceTransaction,
    Charge,
    Event,
    List,
    PaymentIntent,
    PaymentMethod,
    Refund,
    store,
    try_convert_to_int,
)

import gateway_methods

MAX_PAGE = 100
DECLINED_CARD = "4000000000000002"
# Stripe's test methods that want the customer's consent, with their cards:
# https://docs.stripe.com/testing#regulatory-cards
CONSENT_CARDS = {
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_threeDSecure2Required": "4000000000003220",
}
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda at, bound: at > bound,
    "gte": lambda at, bound: at >= bound,
    "lt": lambda at, bound: at < bound,
    "lte": lambda at, bound: at <= bound,
}
# The supported part of Stripe's query language: metadata['key']:'value', joined by AND.
CLAUSE = re.compile(r"""metadata\[(['"])([^'"\\]+)\1\]:(['"])([^'"\\]*)\3""")
AND = re.compile(r"\s+AND\s+")


def error(status: int, kind: str, message: str, **more: str) -> web.Response:
    """A response in the form of Stripe's errors."""
    return web.json_response({"error": {"type": kind, "message": message, **more}}, status=status)


def install() -> None:
    _decline_card()
    _complete_errors()
    _correct_intents()
    _require_consent()
    _enforce_single_use()
    gateway_methods.install()
    _correct_refunds()
    _correct_balance_transactions()
    server.app.router.add_get("/v1/payment_intents/search", search)


def fee(amount: int) -> int:
    """Stripe's standard price for a card: 2.9 % and 30 minor units, rounded half up."""
    return (amount * 29 + 500) // 1000 + 30


def _publish(event_type: str, item: Any) -> None:
    # Looked up at the call, because gateway_webhooks replaces localstripe's function.
    resources.schedule_webhook(Event(event_type, item))


def _decline_card() -> None:
    # Stripe declines every charge to the card of `pm_card_visa_chargeDeclined`. localstripe only refuses to attach it.
    is_declined = PaymentMethod._charging_is_declined

    def is_declined_or_test_card(method: Any) -> bool:
        return bool(is_declined(method)) or (method.type == "card" and method._card_number == DECLINED_CARD)

    PaymentMethod._charging_is_declined = is_declined_or_test_card


def _complete_errors() -> None:
    to_response = UserError.to_response

    def to_complete_response(problem: Any) -> Any:
        # A decline is an error of the card, not of the request.
        if problem.code == 402:
            problem.body["error"]["type"] = "card_error"
            problem.body["error"].setdefault("decline_code", "generic_decline")
        if problem.code == 404:
            problem.body["error"].setdefault("code", "resource_missing")
        return to_response(problem)

    UserError.to_response = to_complete_response


def _correct_intents() -> None:
    """The members of intents, and their list by time of creation."""

    def list_all(
        cls: Any, /, url: str, created: Any = None, limit: Any = None, starting_after: Any = None, **more: Any
    ) -> Any:
        _reject_unknown(more)
        is_within = _range(created)
        return _page(cls, url, _newest_first(cls), limit, starting_after, lambda item: is_within(item.created))

    PaymentIntent._api_list_all = classmethod(list_all)
    _correct_members()


def _correct_members() -> None:
    export, initialize_charge = PaymentIntent._export, Charge._initialize_charge
    read_last_error = PaymentIntent.last_payment_error.fget

    def export_with_charge_id(intent: Any, expand: list[str] | None = None) -> Any:
        """Shows what was received, and the charge as its id, unless the request expands it."""
        shown = export(intent, expand)
        shown["amount_received"] = intent.amount if intent.status == "succeeded" else 0
        if intent.latest_charge and not any(path.split(".")[0] == "latest_charge" for path in expand or ()):
            shown["latest_charge"] = intent.latest_charge.id
        return shown

    def last_payment_error(intent: Any) -> Any:
        """Has the same fields as the response that reported the decline."""
        last_error = read_last_error(intent)
        if last_error and "charge" in last_error:
            last_error.update(type="card_error", decline_code="generic_decline")
        return last_error

    def initialize_with_metadata(charge: Any, *callbacks: Any, **more: Any) -> Any:
        if charge.payment_intent:
            charge.metadata = dict(PaymentIntent._api_retrieve(charge.payment_intent).metadata)
        return initialize_charge(charge, *callbacks, **more)

    PaymentIntent._export, PaymentIntent.last_payment_error = export_with_charge_id, property(last_payment_error)
    Charge._initialize_charge = initialize_with_metadata
    # Removed from Stripe's API in version 2022-11-15.
    del PaymentIntent.charges


def _require_consent() -> None:
    """Test methods that want the customer's consent, and the events about it.

    localstripe's `POST …/_authenticate` with the client secret and `success` stands for what the customer does in
    Stripe's window.
    """
    find, create = PaymentMethod._try_get_canonical_test_article.__func__, PaymentIntent._api_create.__func__
    confirm = PaymentIntent._confirm

    def find_test_method(cls: Any, name: Any) -> Any:
        if name not in CONSENT_CARDS:
            return find(cls, name)
        card = {"number": CONSENT_CARDS[name], "exp_month": "12", "exp_year": "2030", "cvc": "123"}
        return cls(type="card", card=card)

    def create_for_sdk(cls: Any, /, **data: Any) -> Any:
        # A parameter that localstripe does not know.
        data.pop("use_stripe_sdk", None)
        return create(cls, **data)

    def confirm_and_publish(intent: Any, **more: Any) -> None:
        confirm(intent, **more)
        if intent.status == "requires_action":
            _publish("payment_intent.requires_action", intent)

    def has_failed(intent: Any) -> bool:
        return bool(vars(intent).get("_authentication_failed"))

    def fail(intent: Any, failed: bool) -> None:
        # localstripe publishes nothing when the customer refuses.
        vars(intent)["_authentication_failed"] = failed
        if failed:
            intent.payment_method = None
            _publish("payment_intent.payment_failed", intent)

    PaymentMethod._try_get_canonical_test_article = classmethod(find_test_method)
    PaymentIntent._api_create = classmethod(create_for_sdk)
    PaymentIntent._confirm = confirm_and_publish
    PaymentIntent._authentication_failed = property(has_failed, fail)


# Stripe's text, which comes without a code and without a parameter.
USED = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "
    "connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use "
    "a PaymentMethod multiple times, you must attach it to a Customer first."
)


def _enforce_single_use() -> None:
    """A payment method without a customer pays once. Stripe's test tokens create a new method at each use."""
    initialize, charge = PaymentIntent.__init__, PaymentIntent._create_charge

    def initialize_unused(intent: Any, payment_method: Any = None, **more: Any) -> None:
        method = store.get(f"payment_method:{payment_method}")
        if method is not None and method.customer is None and method._is_used:
            raise UserError(400, USED)
        initialize(intent, payment_method=payment_method, **more)

    def charge_and_mark(intent: Any, **more: Any) -> None:
        method = store.get(f"payment_method:{intent.payment_method}")
        if method is not None:
            method._is_used = True
        charge(intent, **more)

    PaymentMethod._is_used = False
    PaymentIntent.__init__, PaymentIntent._create_charge = initialize_unused, charge_and_mark


# ---- refunds --------------------------------------------------------------------------------------------------


def _correct_refunds() -> None:
    initialize, update = Refund.__init__, Refund._api_update.__func__

    def initialize_from_intent(
        refund: Any,
        charge: Any = None,
        payment_intent: Any = None,
        amount: Any = None,
        reason: Any = None,
        metadata: Any = None,
        **more: Any,
    ) -> None:
        charged = _charge_to_refund(charge, payment_intent)
        initialize(refund, charge=charged.id, amount=_amount_to_refund(charged, amount), metadata=metadata, **more)
        refund.payment_intent, refund.reason = charged.payment_intent, reason
        charged._refunds = (refund, *charged._refunds)
        _publish("refund.created", refund)
        _publish("charge.refunded", charged)
        _publish("refund.updated", refund)

    def update_and_publish(cls: Any, /, name: str, **data: Any) -> Any:
        refund = update(cls, name, **data)
        _publish("refund.updated", refund)
        return refund

    def refunds_of(charge: Any) -> Any:
        # localstripe searches its whole store for this, several times for each charge that it shows.
        page = List(f"/v1/charges/{charge.id}/refunds")
        page._list = list(charge._refunds)
        return page

    def list_all(
        cls: Any, /, url: str, payment_intent: Any = None, limit: Any = None, starting_after: Any = None, **more: Any
    ) -> Any:
        _reject_unknown(more)
        found = [refund for refund in _newest_first(cls) if payment_intent in {None, refund.payment_intent}]
        return _page(cls, url, found, limit, starting_after)

    Refund.__init__ = initialize_from_intent
    Refund._api_update, Refund._api_list_all = classmethod(update_and_publish), classmethod(list_all)
    Charge._refunds, Charge.refunds = (), property(refunds_of)


def _charge_to_refund(charge: Any, payment_intent: Any) -> Any:
    if (charge is None) == (payment_intent is None) or not isinstance(charge or payment_intent, str):
        raise UserError(400, "One of the following params should be provided: payment_intent or charge.")
    if charge is not None:
        return Charge._api_retrieve(charge)
    intent = PaymentIntent._api_retrieve(payment_intent)
    if intent.latest_charge is None or intent.latest_charge.status != "succeeded":
        raise UserError(400, f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.")
    return intent.latest_charge


def _amount_to_refund(charge: Any, amount: Any) -> Any:
    left = charge.amount - charge.amount_refunded
    if charge.status == "succeeded" and left <= 0:
        raise UserError(400, f"Charge {charge.id} has already been refunded.", {"code": "charge_already_refunded"})
    wanted = left if amount is None else try_convert_to_int(amount)
    if isinstance(wanted, int) and wanted > left:
        message = f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})"
        raise UserError(400, message, {"code": "amount_too_large", "param": "amount"})
    return wanted


# ---- balance transactions -------------------------------------------------------------------------------------


def _correct_balance_transactions() -> None:
    initialize = BalanceTransaction.__init__

    def initialize_with_fee(transaction: Any, **given: Any) -> None:
        initialize(transaction, **given)
        if transaction.type == "charge":
            transaction.fee = fee(transaction.amount)
            transaction.fee_details = [
                {
                    "amount": transaction.fee,
                    "application": None,
                    "currency": transaction.currency,
                    "description": "Stripe processing fees",
                    "type": "stripe_fee",
                }
            ]

    def list_all(
        cls: Any, /, url: str, created: Any = None, limit: Any = None, starting_after: Any = None, **more: Any
    ) -> Any:
        _reject_unknown(more)
        is_within = _range(created)
        return _page(cls, url, _newest_first(cls), limit, starting_after, lambda item: is_within(item.created))

    BalanceTransaction.__init__ = initialize_with_fee
    BalanceTransaction._api_list_all = classmethod(list_all)


def _page(
    cls: Any,
    url: str,
    found: list[Any],
    limit: Any,
    starting_after: Any,
    is_wanted: Callable[[Any], bool] = lambda _: True,
) -> Any:
    if starting_after is not None:
        position = next((at for at, item in enumerate(found) if item.id == starting_after), None)
        if position is None:
            message = f"No such {cls.object}: '{starting_after}'"
            raise UserError(400, message, {"code": "resource_missing", "param": "starting_after"})
        found = found[position + 1 :]
    page = List(url, limit=_limit(limit))
    page._list = [item for item in found if is_wanted(item)]
    return page


def _newest_first(cls: Any) -> list[Any]:
    found = [item for name, item in store.items() if name.startswith(f"{cls.object}:")]
    # Objects of the same second are in the order of their creation.
    numbered = sorted(enumerate(found), key=lambda pair: (pair[1].created, pair[0]), reverse=True)
    return [item for _, item in numbered]


def _range(created: Any) -> Callable[[int], bool]:
    """The predicate of `created[gte]` and the like."""
    bounds = {} if created is None else created
    known = isinstance(bounds, dict) and bounds.keys() <= COMPARISONS.keys()
    if not known or not all(str(at).isdecimal() for at in bounds.values()):
        raise UserError(400, "created takes gt, gte, lt and lte, each a Unix time", {"param": "created"})
    return lambda at: all(COMPARISONS[name](at, int(bound)) for name, bound in bounds.items())


def _limit(given: Any) -> int:
    limit = try_convert_to_int(given) if given is not None else 10
    if not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE:
        raise UserError(400, f"limit must be a number from 1 to {MAX_PAGE}", {"param": "limit"})
    return limit


def _reject_unknown(parameters: dict[str, Any]) -> None:
    if parameters:
        raise UserError(400, f"Received unknown parameter: {', '.join(parameters)}", {"code": "parameter_unknown"})


# ---- search ---------------------------------------------------------------------------------------------------


def clauses(query: Any) -> list[tuple[str, str]]:
    """Parses a query into pairs of metadata key and value."""
    found, position = [], 0
    while isinstance(query, str) and (clause := CLAUSE.match(query, position)):
        found.append((clause[2], clause[4]))
        if clause.end() == len(query):
            return found
        conjunction = AND.match(query, clause.end())
        if not conjunction:
            break
        position = conjunction.end()
    message = "This query is not supported: use metadata['key']:'value', joined by AND."
    raise UserError(400, message, {"param": "query"})


async def search(request: web.Request) -> web.StreamResponse:
    """Payment intents by metadata, newest first. Unlike Stripe's search index, it never lags."""
    parameters = server.unflatten_data(request.query)
    query, limit, page, expand = (parameters.pop(name, None) for name in ("query", "limit", "page", "expand"))
    _reject_unknown(parameters)
    wanted, limit = clauses(query), _limit(limit)
    if page is not None and not str(page).isdecimal():
        raise UserError(400, "page must be the next_page of a response", {"param": "page"})
    start = int(page or 0)
    found = [intent for intent in _newest_first(PaymentIntent) if _matches(intent, wanted)]
    has_more = len(found) > start + limit
    expand = [path.removeprefix("data.") for path in expand or ()]
    response: web.StreamResponse = server.json_response(
        {
            "object": "search_result",
            "url": "/v1/payment_intents/search",
            "has_more": has_more,
            "next_page": str(start + limit) if has_more else None,
            "data": [intent._export(expand=expand) for intent in found[start : start + limit]],
        }
    )
    return response


def _matches(intent: Any, wanted: list[tuple[str, str]]) -> bool:
    # Stripe compares without regard to case.
    metadata = intent.metadata
    return all(key in metadata and metadata[key].casefold() == value.casefold() for key, value in wanted)
