"""Setting up the canary: what is kept, what is replaced, and when its secret changes."""

import unittest
from typing import Any
from unittest import mock

import api_client
import canary
from config import ScriptError

URL, STAFF, EMAIL = "http://api", ("staff@example.com", "secret", "123456"), "canary@example.com"


class Environment:
    """Stands for the canary's functions and its secret."""

    def __init__(self, account: dict[str, Any]) -> None:
        self.stored, self.product_name, self.logins = account, "Canary test product", 0

    def account(self) -> dict[str, Any]:
        return self.stored

    def store(self, account: dict[str, Any]) -> None:
        self.stored = account

    def renew_login(self, _: str) -> str:
        self.logins += 1
        return f"password {self.logins}"


class SettingUp(unittest.TestCase):
    def set_up(self, environment: Environment, *, price: int = 0, is_priced: bool = False) -> mock.Mock:
        """Returns the function that creates products."""
        with (
            mock.patch.object(canary, "is_priced", return_value=is_priced),
            mock.patch.object(canary, "create_product", return_value="new") as create,
            mock.patch.object(api_client.ApiClient, "login"),
        ):
            canary.set_up(environment, URL, STAFF, EMAIL, price)  # type: ignore[arg-type]
        return create

    def test_first_call_creates_the_product_and_stores_the_account(self) -> None:
        environment = Environment({})
        self.assertEqual(self.set_up(environment, price=100).call_args.args[1:], ("Canary test product", 100))
        expected = {"email": EMAIL, "password": "password 1", "product_id": "new", "payment_method": canary.CARD}
        self.assertEqual(environment.stored, expected)

    def test_later_call_keeps_the_product_and_replaces_the_password(self) -> None:
        environment = Environment({"product_id": "old", "password": "old"})
        self.set_up(environment, is_priced=True).assert_not_called()
        self.assertEqual((environment.stored["product_id"], environment.stored["password"]), ("old", "password 1"))

    def test_failure_leaves_the_secret_as_it_was(self) -> None:
        environment = Environment({"product_id": "old"})
        with (
            mock.patch.object(environment, "renew_login", side_effect=ScriptError("no database")),
            self.assertRaises(ScriptError),
        ):
            self.set_up(environment, is_priced=True)
        self.assertEqual(environment.stored, {"product_id": "old"})

    def test_product_of_another_price_is_not_kept(self) -> None:
        for status, amount, kept in ((200, 0, True), (200, 100, False), (404, 0, False)):
            public = mock.Mock()
            public.get.return_value = mock.Mock(status=status, body={"price": {"amount": amount, "currency": "USD"}})
            self.assertEqual(canary.is_priced(public, "id", 0), kept, f"{status} {amount}")
        self.assertFalse(canary.is_priced(mock.Mock(), None, 0))


if __name__ == "__main__":
    unittest.main()
