"""Logging in to a deployment, where accounts may have or need a second factor."""

import unittest
from email.message import Message
from typing import Any
from unittest import mock

from api_client import ApiClient, Response, staff_login
from config import ScriptError

EMAIL, PASSWORD = "staff@example.com", "secret"


def response(status: int, body: bytes) -> Response:
    return Response("POST /users/login", status, Message(), body)


class LoggingIn(unittest.TestCase):
    def log_in(self, code: str, *responses: Response) -> tuple[ApiClient, list[Any]]:
        """The client after a login, and what was sent."""
        public = ApiClient("http://api")
        with mock.patch.object(ApiClient, "post", side_effect=responses) as post:
            return public.login(EMAIL, PASSWORD, code), [call.args for call in post.call_args_list]

    def test_password_alone_logs_in_where_there_is_no_second_factor(self) -> None:
        client, sent = self.log_in("", response(200, b'{"access_token": "a"}'))
        self.assertEqual((client.token, len(sent)), ("a", 1))

    def test_code_finishes_the_login_of_an_account_with_a_second_factor(self) -> None:
        waiting, done = response(401, b'{"mfa_token": "m"}'), response(200, b'{"access_token": "a"}')
        client, sent = self.log_in("123456", waiting, done)
        self.assertEqual(client.token, "a")
        self.assertEqual(sent[1], ("/users/login/mfa", {"mfa_token": "m", "code": "123456"}))

    def test_missing_code_or_second_factor_is_named_without_a_token(self) -> None:
        for token, told in (("mfa_token", "STAFF_CODE"), ("enrolment_token", "console")):
            with self.assertRaisesRegex(ScriptError, told) as raised:
                self.log_in("", response(401, f'{{"{token}": "hidden"}}'.encode()))
            self.assertNotIn("hidden", str(raised.exception))

    def test_other_refusals_are_reported(self) -> None:
        for status, body in ((401, b'{"type": "/problems/wrong-credentials"}'), (401, b"<html>"), (503, b"")):
            with self.assertRaisesRegex(ScriptError, f"returned {status} instead of 200"):
                self.log_in("123456", response(status, body))

    def test_account_of_staff_is_read_from_the_variables(self) -> None:
        self.assertEqual(staff_login({"STAFF_EMAIL": EMAIL, "STAFF_PASSWORD": PASSWORD}), (EMAIL, PASSWORD, ""))


if __name__ == "__main__":
    unittest.main()
