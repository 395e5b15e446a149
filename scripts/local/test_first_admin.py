"""The command that creates the first admin."""

import io
import json
import unittest
from typing import Any

import first_admin
from config import ScriptError


class Lambda:
    """A client of Lambda that responds with this body."""

    def __init__(self, body: object, failed: bool = False) -> None:
        self.body, self.failed = body, failed
        self.sent: dict[str, Any] = {}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 names of the API
        self.sent = {"function": FunctionName, **json.loads(Payload)}
        response: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(self.body).encode())}
        return {**response, "FunctionError": "Unhandled"} if self.failed else response


class FirstAdmin(unittest.TestCase):
    def test_account_of_an_admin_is_requested_with_the_password(self) -> None:
        client = Lambda({"applied": [], "accounts": 1})
        self.assertTrue(first_admin.create(client, "f", "Ada.L@example.com", "secret"))
        (account,) = client.sent["accounts"]
        expected = {"email": "Ada.L@example.com", "username": "adminadal", "password": "secret", "role": "admin"}
        self.assertEqual(account, expected)

    def test_account_that_exists_is_not_reported_as_created(self) -> None:
        self.assertFalse(first_admin.create(Lambda({"applied": [], "accounts": 0}), "f", "a@example.com", "secret"))

    def test_failed_function_is_an_error_without_the_password(self) -> None:
        with self.assertRaises(ScriptError) as raised:
            first_admin.create(Lambda({"errorMessage": "no database"}, failed=True), "f", "a@example.com", "secret")
        self.assertIn("no database", str(raised.exception))
        self.assertNotIn("secret", str(raised.exception))

    def test_passwords_differ(self) -> None:
        self.assertEqual(len({first_admin.new_password() for _ in range(20)}), 20)


if __name__ == "__main__":
    unittest.main()
