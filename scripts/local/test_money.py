"""Amounts as people read them."""

import unittest
from unittest import mock

import catalog
import money


def text(amount: int, currency: str) -> str:
    return money.text({"amount": amount, "currency": currency})


class Amounts(unittest.TestCase):
    def test_amount_has_the_decimals_of_its_currency(self) -> None:
        self.assertEqual([text(minor, "USD") for minor in (1234, 5, 0)], ["12.34 USD", "0.05 USD", "0.00 USD"])
        self.assertEqual([text(minor, "JPY") for minor in (500, 0)], ["500 JPY", "0 JPY"])
        with mock.patch.object(catalog, "currency_digits", return_value={"KWD": 3}):
            self.assertEqual([text(minor, "KWD") for minor in (1234, 5)], ["1.234 KWD", "0.005 KWD"])

    def test_negative_and_large_amounts_are_exact(self) -> None:
        self.assertEqual(text(-5, "EUR"), "-0.05 EUR")
        self.assertEqual(text(2**63 - 1, "EUR"), "92233720368547758.07 EUR")

    def test_amount_of_an_unknown_currency_says_that_it_is_in_minor_units(self) -> None:
        self.assertEqual(text(1234, "XXX"), "1234 minor units of XXX")


if __name__ == "__main__":
    unittest.main()
