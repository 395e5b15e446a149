"""scripts/ops: which API it calls, what it says of problems, and where its output goes."""

import contextlib
import io
import json
import os
import subprocess
import sys
import unittest
from email.message import Message
from pathlib import Path
from typing import IO, Any
from unittest import mock

import api_client
import operate
import operate_access
import progress
from config import ScriptError

TOKEN = "t"
HERE = Path(__file__).resolve().parent


class Stacks(unittest.TestCase):
    def test_an_address_without_a_token_or_a_token_without_an_address_is_refused(self) -> None:
        for given, missing in (("OPS_API_URL", "OPS_TOKEN"), ("OPS_TOKEN", "OPS_API_URL")):
            with (
                mock.patch.dict("os.environ", {given: "https://api.example", missing: ""}),
                mock.patch("api_client.stack_env", side_effect=AssertionError("the local stack was asked for")),
                self.assertRaisesRegex(ScriptError, f"^{missing} is missing"),
            ):
                operate_access.admin()

    def remote(self, url: str, token: str = TOKEN) -> api_client.ApiClient:
        with mock.patch.dict("os.environ", {"OPS_API_URL": url, "OPS_TOKEN": token}):
            return operate_access.admin()

    def test_address_that_is_none_is_refused(self) -> None:
        for url in (
            "foo",
            "ftp://api.example",
            "http://",
            "http://a:b",
            "http://[",
            "https://a b",
            "https://a?b",
            "https://a#b",
        ):
            with self.assertRaisesRegex(ScriptError, "^OPS_API_URL is .+, not an address such as https://api.example$"):
                self.remote(url)
        self.assertEqual(self.remote("https://api.example/").base, "https://api.example")

    def test_token_that_no_header_can_have_is_refused_and_not_printed(self) -> None:
        for token in ("secret\nsecret", "secret ", "sécret"):
            with self.assertRaises(ScriptError) as refused:
                self.remote("https://api.example", token)
            self.assertRegex(str(refused.exception), "^OPS_TOKEN has ")
            self.assertNotIn("cret", str(refused.exception))

    def test_only_the_local_stack_is_started_with_scripts_up(self) -> None:
        nowhere = "http://localhost:1"
        with self.assertRaisesRegex(ScriptError, r"Connection refused; is OPS_API_URL right\?$"):
            self.remote(nowhere).get("/ops/queues")
        with self.assertRaisesRegex(ScriptError, r"is the stack up\? \(scripts/up\)$"):
            api_client.ApiClient(nowhere).get("/ops/queues")


class Login(unittest.TestCase):
    def log_in(self, *typed: str | type[Exception], url: str = "https://api.example") -> tuple[str, list[Any]]:
        """What is printed after these were typed, and the bodies that were sent."""
        waiting = api_client.Response("POST /x", 401, Message(), b'{"mfa_token": "m"}')
        granted = api_client.Response("POST /x", 200, Message(), b'{"access_token": "a.b-c", "expires_in": 3600}')
        with (
            mock.patch.dict("os.environ", {"OPS_API_URL": url, "OPS_TOKEN": ""}),
            mock.patch("sys.argv", ["ops", "login", "--email", "ada@example.com"]),
            mock.patch("getpass.getpass", side_effect=typed),
            mock.patch.object(api_client.ApiClient, "post", side_effect=[waiting, granted]) as post,
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            self.assertEqual(operate.main(), 0)
        return printed.getvalue(), [call.args[1] for call in post.call_args_list]

    def test_login_asks_for_password_and_code_and_prints_the_token_for_a_shell(self) -> None:
        printed, sent = self.log_in("secret", "123456")
        self.assertEqual(printed, "export OPS_TOKEN=a.b-c\n")
        credentials = {"email": "ada@example.com", "password": "secret"}
        self.assertEqual(sent, [credentials, {"mfa_token": "m", "code": "123456"}])

    def test_login_takes_no_password_and_no_code_from_the_command_line(self) -> None:
        for option in ("--password", "--code"):
            with (
                mock.patch("sys.argv", ["ops", "login", "--email", "ada@example.com", option, "secret"]),
                contextlib.redirect_stderr(io.StringIO()) as said,
                self.assertRaises(SystemExit),
            ):
                operate.read_arguments()
            self.assertIn("unrecognized arguments", said.getvalue())

    def test_login_without_an_address_or_without_what_is_to_be_typed_is_refused(self) -> None:
        for typed, url, told in (
            ([], "", "^OPS_API_URL is missing"),
            ([], "foo", "^OPS_API_URL is 'foo'"),
            ([""], "https://api.example", "^Password: nothing was typed"),
            ([EOFError], "https://api.example", "^Password: nothing was typed"),
            (["secret", ""], "https://api.example", "^Code of the second factor: nothing was typed"),
        ):
            with self.assertRaisesRegex(ScriptError, told):
                self.log_in(*typed, url=url)


class Problems(unittest.TestCase):
    def said(self, status: int, raw: bytes) -> str:
        api: Any = mock.Mock()
        api.get.return_value = api_client.Response("GET /x", status, Message(), raw)
        with (
            mock.patch("operate.admin", return_value=api),
            mock.patch("sys.argv", ["ops", "config"]),
            contextlib.redirect_stderr(io.StringIO()) as printed,
            self.assertRaises(SystemExit) as ended,
        ):
            progress.run(operate.main)
        self.assertEqual(ended.exception.code, 1)
        return printed.getvalue()

    def test_problem_of_the_api_is_said_in_words(self) -> None:
        errors = [
            {"pointer": "/max", "detail": "must be from 1 to [100]"},
            {"pointer": "?to", "detail": "is a\x1b word"},
        ]
        problem = {"type": "x", "detail": "The request is wrong.", "trace_id": "f00", "errors": errors}
        lines = ["The request is wrong.", "/max must be from 1 to [100]", r"?to is a\x1b word", "trace_id f00"]
        self.assertEqual(self.said(422, json.dumps(problem).encode()), "✗ " + "\n    ".join(lines) + "\n")

    def test_detail_that_names_the_only_field_is_said_once(self) -> None:
        errors = [{"pointer": "/max", "detail": "must be 1"}]
        problem = {"detail": "/max must be 1", "trace_id": "f00", "errors": errors}
        self.assertEqual(self.said(422, json.dumps(problem).encode()), "✗ /max must be 1\n    trace_id f00\n")

    def test_token_that_has_expired_is_named(self) -> None:
        for token, advice in (
            ("t", "\n    OPS_TOKEN is valid for an hour: scripts/ops login prints a new one"),
            ("", ""),
        ):
            with mock.patch.dict("os.environ", {"OPS_TOKEN": token}):
                self.assertEqual(self.said(401, b'{"detail": "No valid token."}'), f"✗ No valid token.{advice}\n")

    def test_other_responses_are_shown_as_they_are(self) -> None:
        for raw in (b"<html>", b'{"message":"Forbidden"}', b"[]", b""):
            said = self.said(403, raw)
            body = f": {raw.decode()}" if raw else ""
            self.assertEqual(said, f"✗ GET /x returned 403 instead of 200{body}\n")
        self.assertEqual(self.said(200, b"<html>"), "✗ GET /x returned something else than JSON\n")


class Output(unittest.TestCase):
    def run_into(self, output: IO[bytes], *line: str) -> tuple[int, str]:
        """Status and errors of a run whose output goes there."""
        code = "import operate, progress, unittest.mock as m; a = m.patch('operate.admin').start()()\n"
        page = "{'items': [{'name': 'n' * 99, 'value': 'v'}] * 99, 'next_cursor': None}"
        code += f"a.get.return_value.expect.return_value = {page}\nprogress.run(operate.main)"
        ran = subprocess.run(
            [sys.executable, "-c", code, *line],
            cwd=HERE,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
        return ran.returncode, ran.stderr

    def test_reader_that_ends_early_is_no_error_to_explain(self) -> None:
        for line in (["config"], ["config", "--json"]):
            read, write = os.pipe()
            os.close(read)
            with os.fdopen(write, "wb") as output:
                self.assertEqual(self.run_into(output, *line), (1, ""))

    @unittest.skipUnless(Path("/dev/full").exists(), "there is no /dev/full")
    def test_full_output_is_named(self) -> None:
        for line in (["config"], ["config", "--json"]):
            with Path("/dev/full").open("wb") as output:
                full = "✗ the output cannot be written: No space left on device\n"
                self.assertEqual(self.run_into(output, *line), (1, full))


if __name__ == "__main__":
    unittest.main()
