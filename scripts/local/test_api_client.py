"""Logging in to a deployment, where accounts may have or need a second factor."""

import unittest
from email.message import Message
from typing import Any
from unittest import mock

from api_client import ApiClient, Response, staff_login
from config import ScriptError

EMAIL, PASSWORD = "staff@example.com", "secret"
GRANTED = b'{"access_token": "a", "expires_in": 3600}'


def response(status: int, body: bytes) -> Response:
    return Response("POST /users/login", status, Message(), body)


class LoggingIn(unittest.TestCase):
    def log_in(self, code: Any, *responses: Response) -> tuple[ApiClient, list[Any]]:
        """The client after a login, and what was sent."""
        public = ApiClient("http://api")
        with mock.patch.object(ApiClient, "post", side_effect=responses) as post:
            return public.login(EMAIL, PASSWORD, code), [call.args for call in post.call_args_list]

    def test_password_alone_logs_in_where_there_is_no_second_factor(self) -> None:
        client, sent = self.log_in("", response(200, GRANTED))
        self.assertEqual((client.token, len(sent)), ("a", 1))

    def test_code_finishes_the_login_of_an_account_with_a_second_factor(self) -> None:
        for code in ("123456", lambda: "123456"):
            client, sent = self.log_in(code, response(401, b'{"mfa_token": "m"}'), response(200, GRANTED))
            self.assertEqual((client.token, client.renewal), ("a", None), "another login would need another code")
            self.assertEqual(sent[1], ("/users/login/mfa", {"mfa_token": "m", "code": "123456"}))

    def test_code_is_asked_for_once_the_password_is_proven(self) -> None:
        self.log_in(mock.Mock(side_effect=AssertionError("a code was asked for")), response(200, GRANTED))

    def test_client_logs_in_again_before_its_token_expires(self) -> None:
        public, sent = ApiClient("http://api"), list[str | None]()

        def send(_self: ApiClient, _method: str, _path: str, _data: Any, headers: dict[str, str]) -> Response:
            sent.append(headers.get("Authorization"))
            number = sum(authorization is None for authorization in sent)
            return response(200, f'{{"access_token": "{number}", "expires_in": 3600}}'.encode())

        with mock.patch.object(ApiClient, "send", send), mock.patch("time.monotonic") as clock:
            clock.return_value = 0
            client = public.login(EMAIL, PASSWORD)
            for clock.return_value in (3539, 3540, 3541, 7081):
                client.get("/orders")
        self.assertEqual(sent, [None, "Bearer 1", None, "Bearer 2", "Bearer 2", None, "Bearer 3"])

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
