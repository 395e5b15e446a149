"""Where localstripe's answers differ from Stripe's documentation in what an adapter relies on, they are set right here."""

import re

from aiohttp import web
from localstripe import resources, server
from localstripe.errors import UserError
from localstripe.resources import (
    BalanceTransaction, Charge, Event, List, PaymentIntent, PaymentMethod, Refund, store, try_convert_to_int,
)

PAGE_LIMIT = 100
BOUNDS = {
    "gt": lambda at, bound: at > bound, "gte": lambda at, bound: at >= bound,
    "lt": lambda at, bound: at < bound, "lte": lambda at, bound: at <= bound,
}
# The part of Stripe's query language that we speak: metadata['key']:'value', joined by AND.
CLAUSE = re.compile(r"""metadata\[(['"])([^'"\\]+)\1\]:(['"])([^'"\\]*)\3""")
AND = re.compile(r"\s+AND\s+")


def error(status, kind, message, **more):
    """An answer in the form of Stripe's errors."""
    return web.json_response({"error": {"type": kind, "message": message, **more}}, status=status)


def set_right():
    _declines()
    _errors()
    _intents()
    _single_use()
    _refunds()
    _balance_transactions()
    server.app.router.add_get("/v1/payment_intents/search", search)


def fee(amount):
    """Stripe's standard price for a card: 2.9 % and 30 minor units, rounded half up."""
    return (amount * 29 + 500) // 1000 + 30


def _happened(kind, item):
    # Looked up when it is called: the sender replaces localstripe's.
    resources.schedule_webhook(Event(kind, item))


def _declines():
    # The card of `pm_card_visa_chargeDeclined` declines every charge; localstripe refuses only to attach it.
    declined = PaymentMethod._charging_is_declined
    PaymentMethod._charging_is_declined = lambda method: (
        declined(method) or (method.type == "card" and method._card_number == "4000000000000002"))


def _errors():
    respond = UserError.to_response

    def to_response(problem):
        # A decline is an error of the card, not of the request.
        if problem.code == 402:
            problem.body["error"]["type"] = "card_error"
            problem.body["error"].setdefault("decline_code", "generic_decline")
        # What does not exist is named by its code.
        if problem.code == 404:
            problem.body["error"].setdefault("code", "resource_missing")
        return respond(problem)

    UserError.to_response = to_response


def _intents():
    export, last_error, initialize = PaymentIntent._export, PaymentIntent.last_payment_error.fget, Charge._initialize_charge

    def export_with_id(intent, expand=None):
        """The charge by its id, unless it is asked for."""
        shown = export(intent, expand)
        if intent.latest_charge and not any(path.split(".")[0] == "latest_charge" for path in expand or ()):
            shown["latest_charge"] = intent.latest_charge.id
        return shown

    def last_payment_error(intent):
        """The same words as in the answer that refused."""
        known = last_error(intent)
        if known and "charge" in known:
            known.update(type="card_error", decline_code="generic_decline")
        return known

    def initialize_with_metadata(charge, *callbacks, **more):
        if charge.payment_intent:
            charge.metadata = dict(PaymentIntent._api_retrieve(charge.payment_intent).metadata)
        return initialize(charge, *callbacks, **more)

    PaymentIntent._export, PaymentIntent.last_payment_error = export_with_id, property(last_payment_error)
    Charge._initialize_charge = initialize_with_metadata
    # Gone from Stripe's API since 2022-11-15.
    del PaymentIntent.charges


# Stripe's words; it tells neither a code nor a parameter.
USED = ("The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected "
        "account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod "
        "multiple times, you must attach it to a Customer first.")


def _single_use():
    """A method that belongs to no customer pays once. Stripe's test tokens make a new one each time and are good for ever."""
    make, charge = PaymentIntent.__init__, PaymentIntent._create_charge

    def init(intent, payment_method=None, **more):
        method = store.get(f"payment_method:{payment_method}")
        if method is not None and method.customer is None and method._is_used:
            raise UserError(400, USED)
        make(intent, payment_method=payment_method, **more)

    def create_charge(intent, **more):
        method = store.get(f"payment_method:{intent.payment_method}")
        if method is not None:
            method._is_used = True
        charge(intent, **more)

    PaymentMethod._is_used = False
    PaymentIntent.__init__, PaymentIntent._create_charge = init, create_charge


# ---- refunds --------------------------------------------------------------------------------------------------


def _refunds():
    make, update = Refund.__init__, Refund._api_update.__func__

    def init(refund, charge=None, payment_intent=None, amount=None, reason=None, metadata=None, **more):
        charged = _charge_to_refund(charge, payment_intent)
        make(refund, charge=charged.id, amount=_amount_to_refund(charged, amount), metadata=metadata, **more)
        refund.payment_intent, refund.reason = charged.payment_intent, reason
        charged._refunds = (refund, *charged._refunds)
        _happened("charge.refunded", charged)
        _happened("refund.updated", refund)

    def update_and_tell(cls, name, **data):
        refund = update(cls, name, **data)
        _happened("refund.updated", refund)
        return refund

    def refunds_of(charge):
        # localstripe looks through all that it keeps, several times for each charge that it shows.
        found = List(f"/v1/charges/{charge.id}/refunds")
        found._list = list(charge._refunds)
        return found

    def list_all(cls, url, payment_intent=None, limit=None, starting_after=None, **more):
        _refuse_unknown(more)
        found = [refund for refund in _newest_first(cls) if payment_intent in (None, refund.payment_intent)]
        return _page(cls, url, found, limit, starting_after)

    Refund.__init__, Refund._api_update, Refund._api_list_all = init, classmethod(update_and_tell), classmethod(list_all)
    Charge._refunds, Charge.refunds = (), property(refunds_of)


def _charge_to_refund(charge, payment_intent):
    if (charge is None) == (payment_intent is None) or not isinstance(charge or payment_intent, str):
        raise UserError(400, "One of the following params should be provided: payment_intent or charge.")
    if charge is not None:
        return Charge._api_retrieve(charge)
    intent = PaymentIntent._api_retrieve(payment_intent)
    if intent.latest_charge is None or intent.latest_charge.status != "succeeded":
        raise UserError(400, f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.")
    return intent.latest_charge


def _amount_to_refund(charge, amount):
    left = charge.amount - charge.amount_refunded
    if charge.status == "succeeded" and left <= 0:
        raise UserError(400, f"Charge {charge.id} has already been refunded.", {"code": "charge_already_refunded"})
    wanted = left if amount is None else try_convert_to_int(amount)
    if isinstance(wanted, int) and wanted > left:
        raise UserError(400, f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})",
                        {"code": "amount_too_large", "param": "amount"})
    return wanted


# ---- balance transactions -------------------------------------------------------------------------------------


def _balance_transactions():
    make = BalanceTransaction.__init__

    def init(transaction, **given):
        make(transaction, **given)
        if transaction.type == "charge":
            transaction.fee = fee(transaction.amount)
            transaction.fee_details = [{
                "amount": transaction.fee, "application": None, "currency": transaction.currency,
                "description": "Stripe processing fees", "type": "stripe_fee",
            }]

    def list_all(cls, url, created=None, limit=None, starting_after=None, **more):
        _refuse_unknown(more)
        wanted = _within(created)
        return _page(cls, url, _newest_first(cls), limit, starting_after, lambda item: wanted(item.created))

    BalanceTransaction.__init__, BalanceTransaction._api_list_all = init, classmethod(list_all)


def _page(cls, url, found, limit, starting_after, wanted=lambda item: True):
    if starting_after is not None:
        seen = next((at for at, item in enumerate(found) if item.id == starting_after), None)
        if seen is None:
            raise UserError(400, f"No such {cls.object}: '{starting_after}'",
                            {"code": "resource_missing", "param": "starting_after"})
        found = found[seen + 1:]
    page = List(url, limit=_limit(limit))
    page._list = [item for item in found if wanted(item)]
    return page


def _newest_first(cls):
    found = [item for name, item in store.items() if name.startswith(f"{cls.object}:")]
    # Of the same second the later one is newer: the sort leaves them as they are.
    return sorted(reversed(found), key=lambda item: item.created, reverse=True)


def _within(created):
    """The test that `created[gte]` and the like ask for."""
    bounds = {} if created is None else created
    if not isinstance(bounds, dict) or not bounds.keys() <= BOUNDS.keys() or not all(str(at).isdecimal() for at in bounds.values()):
        raise UserError(400, "created takes gt, gte, lt and lte, each a Unix time", {"param": "created"})
    return lambda at: all(BOUNDS[name](at, int(bound)) for name, bound in bounds.items())


def _limit(given):
    limit = try_convert_to_int(given) if given is not None else 10
    if not isinstance(limit, int) or not 1 <= limit <= PAGE_LIMIT:
        raise UserError(400, f"limit is a number from 1 to {PAGE_LIMIT}", {"param": "limit"})
    return limit


def _refuse_unknown(parameters):
    if parameters:
        raise UserError(400, f"Received unknown parameter: {', '.join(parameters)}", {"code": "parameter_unknown"})


# ---- search ---------------------------------------------------------------------------------------------------


def clauses(query):
    """The metadata that a query asks for, as pairs of key and value."""
    found, at = [], 0
    while isinstance(query, str) and (clause := CLAUSE.match(query, at)):
        found.append((clause[2], clause[4]))
        if clause.end() == len(query):
            return found
        joint = AND.match(query, clause.end())
        if not joint:
            break
        at = joint.end()
    raise UserError(400, "This query is not understood: only metadata['key']:'value', joined by AND, is.", {"param": "query"})


async def search(request):
    """Payment intents by metadata, newest first. Stripe's own search lags by up to a minute, at times more; this one never."""
    asked = server.unflatten_data(request.query)
    wanted, limit, page, expand = (asked.pop(name, None) for name in ("query", "limit", "page", "expand"))
    _refuse_unknown(asked)
    wanted, limit = clauses(wanted), _limit(limit)
    if page is not None and not str(page).isdecimal():
        raise UserError(400, "page is what next_page said", {"param": "page"})
    start = int(page or 0)
    # As Stripe compares: whatever the case of the letters.
    found = [intent for intent in _newest_first(PaymentIntent) if all(
        key in intent.metadata and intent.metadata[key].casefold() == value.casefold() for key, value in wanted)]
    more = len(found) > start + limit
    expand = [path.removeprefix("data.") for path in expand or ()]
    return server.json_response({
        "object": "search_result", "url": "/v1/payment_intents/search", "has_more": more,
        "next_page": str(start + limit) if more else None,
        "data": [intent._export(expand=expand) for intent in found[start:start + limit]],
    })
