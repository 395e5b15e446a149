"""Amounts as people read them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import catalog


def text(money: Mapping[str, Any]) -> str:
    """`12.34 USD` for 1234 minor units. An amount in a currency that the catalog does not have says its unit."""
    minor, currency = money["amount"], money["currency"]
    digits = catalog.currency_digits().get(currency)
    return f"{minor} minor units of {currency}" if digits is None else f"{Decimal(minor).scaleb(-digits):f} {currency}"
