"""Tests of scripts/sam-local: what it chooses, sends and writes, and where no container engine starts."""

import argparse
import contextlib
import http.server
import io
import sys
import tempfile
import threading
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from unittest import mock

import api_client
import catalog
import config
import engine
import progress
import sam_files
import sam_local
import sam_routes
import sample_data
import samples
from config import ScriptError
from sam_routes import RouteRow


class SkippedTest(unittest.TestCase):
    def run_with(self, error: ScriptError) -> tuple[int, str, str]:
        """Exit status, output and written file of `scripts/sam-local` when the engine's start ends with this error."""
        file = Path(self.enterContext(tempfile.TemporaryDirectory())) / "table.md"
        self.enterContext(mock.patch.object(sys, "argv", ["sam-local", "--write", str(file)]))
        self.enterContext(mock.patch.object(api_client, "stack_env", dict))
        self.enterContext(mock.patch.object(engine, "start", mock.Mock(side_effect=error)))
        self.enterContext(mock.patch.object(engine, "stop"))
        output = self.enterContext(contextlib.redirect_stdout(io.StringIO()))
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        status = sam_local.main()
        return status, output.getvalue(), file.read_text() if file.exists() else ""

    def test_the_reason_is_printed_and_written_when_no_engine_starts(self) -> None:
        status, output, written = self.run_with(engine.UnavailableError("a Docker daemon needs root"))
        self.assertEqual(status, 77)
        self.assertIn("skipped: a Docker daemon needs root", output)
        self.assertEqual(written, "Skipped: a Docker daemon needs root.\n")

    def test_another_failure_is_no_skip(self) -> None:
        status, _, written = self.run_with(ScriptError("the front of the engine does not respond"))
        self.assertEqual((status, written), (1, ""))


class MachineTest(unittest.TestCase):
    def reason(self) -> str:
        with self.assertRaises(engine.UnavailableError) as raised:
            engine.check_machine()
        return str(raised.exception)

    def test_an_engine_needs_root(self) -> None:
        with mock.patch.object(config, "is_root", return_value=False):
            self.assertIn("needs root", self.reason())

    def test_a_missing_daemon_is_named(self) -> None:
        with (
            mock.patch.object(config, "is_root", return_value=True),
            mock.patch("shutil.which", side_effect=lambda program: None if program == "dockerd" else program),
        ):
            self.assertEqual(self.reason(), "dockerd not installed: run scripts/setup --containers")


class ChoiceTest(unittest.TestCase):
    def test_a_seed_chooses_the_same_functions(self) -> None:
        names = catalog.functions()
        self.assertEqual(sam_local.choose(names, 3, 7), sam_local.choose(names[::-1], 3, 7))
        self.assertNotEqual(sam_local.choose(names, 9, 7), sam_local.choose(names, 9, 8))


class InvocationTest(unittest.TestCase):
    def outcome(self, *answers: bytes | ScriptError) -> tuple[tuple[bytes, str], int]:
        send = mock.Mock(side_effect=answers)
        with mock.patch.object(progress, "note"):
            return sam_local.invoked("order-get", Path("ok.json"), send), send.call_count

    def test_a_function_that_responds_is_invoked_once(self) -> None:
        self.assertEqual(self.outcome(b"{}"), ((b"{}", ""), 1))

    def test_a_function_without_a_response_is_invoked_once_more(self) -> None:
        lost = ScriptError("no response (status 0)")
        self.assertEqual(self.outcome(lost, b"{}"), ((b"{}", "no response, then "), 2))
        with self.assertRaises(ScriptError):
            self.outcome(lost, lost)


class PreparationTest(unittest.TestCase):
    def test_routes_have_other_data_than_the_functions_before_them(self) -> None:
        given = []

        def keep(_: list[str], data: object, *__: object) -> list[object]:
            given.append(data)
            return []

        arguments = argparse.Namespace(names=["order-get"], all=False, warm=False, write=None)
        with (
            mock.patch.object(sample_data, "create", side_effect=["first", "second"]),
            mock.patch.object(sam_local, "run_functions", side_effect=keep),
            mock.patch.object(sam_local, "run_routes", side_effect=keep),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            sam_local.check(arguments)
        self.assertEqual(given, ["first", "second"])


class GroupTest(unittest.TestCase):
    def test_a_server_serves_a_part_of_the_routes(self) -> None:
        groups = sam_routes.groups(catalog.routes())
        self.assertGreater(len(groups), 1)
        self.assertLessEqual(max(map(len, groups)), sam_routes.ROUTES_PER_SERVER)

    def test_groups_keep_the_order_of_the_samples(self) -> None:
        names = [name for group in sam_routes.groups(catalog.routes()) for name in group]
        self.assertEqual(names, samples.in_order(catalog.routes()))

    def test_each_group_has_a_server_of_its_own(self) -> None:
        running: list[str] = []
        served: list[str] = []

        @contextlib.contextmanager
        def server(command: str, _: object) -> Iterator[str]:
            running.append(command)
            yield f"http://server-{len(served)}"
            running.pop()
            served.append(command)

        def call(url: str, name: str, *_: object) -> RouteRow:
            self.assertEqual(running, ["start-api"])
            return RouteRow(name, url, 1, "200", True)

        with (
            mock.patch.object(sam_routes, "server", server),
            mock.patch.object(sam_local, "environment", dict),
            mock.patch.object(sam_routes, "tokens", return_value={}),
            mock.patch.object(sam_routes, "call", side_effect=call),
            mock.patch.object(progress, "note"),
        ):
            rows = sam_local.run_routes(list(catalog.routes()), mock.Mock())
        by_server: dict[str, list[str]] = {}
        for row in rows:
            by_server.setdefault(row.route, []).append(row.name)
        self.assertEqual(list(by_server.values()), sam_routes.groups(catalog.routes()))


class Api(http.server.BaseHTTPRequestHandler):
    """Answers with the statuses of `answers` in turn, and keeps the tokens it received."""

    answers: ClassVar[list[int]] = []
    received: ClassVar[list[str]] = []

    def _answer(self) -> None:
        self.received.append(self.headers.get("authorization", ""))
        self.send_response(self.answers.pop(0))
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass


class CallTest(unittest.TestCase):
    def called(self, name: str, answers: list[int], owners: dict[str, tuple[str, str]] | None = None) -> RouteRow:
        Api.answers[:], Api.received[:] = answers, []
        data = mock.Mock(owners=owners or {})
        data.event.side_effect = samples.event
        with http.server.HTTPServer(("127.0.0.1", 0), Api) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                url = f"http://127.0.0.1:{server.server_port}"
                return sam_routes.call(url, name, data, {"customer": "token-1"})
            finally:
                server.shutdown()
                thread.join()

    def test_a_redirect_is_the_response_and_not_followed(self) -> None:
        row = self.called("image-get", [302])
        self.assertEqual((row.result, row.passed), ("302", True))

    def test_a_route_whose_container_did_not_start_is_called_once_more(self) -> None:
        row = self.called("category-list", [502, 200])
        self.assertEqual((row.result, row.passed), ("502, then 200", True))
        self.assertFalse(self.called("category-list", [502, 502]).passed)

    def test_a_route_that_accepts_a_wrong_token_fails(self) -> None:
        row = self.called("order-get", [200, 200])
        self.assertEqual((row.result, row.passed), ("200, 200 with a wrong token", False))
        self.assertTrue(self.called("order-get", [200, 401]).passed)

    def test_a_function_with_an_account_of_its_own_is_called_with_its_token(self) -> None:
        owner = api_client.ApiClient("http://127.0.0.1", "token-2")
        with mock.patch.object(api_client.ApiClient, "login", return_value=owner) as login:
            self.called("user-logout", [204, 401], {"user-logout": ("eve@example.com", "password-2")})
            self.assertEqual(Api.received, ["Bearer token-2", "Bearer wrong"])
            login.assert_called_once_with("eve@example.com", "password-2")
            self.called("order-get", [200, 401], {"user-logout": ("eve@example.com", "password-2")})
        self.assertEqual(Api.received, ["Bearer token-1", "Bearer wrong"])


class RequestTest(unittest.TestCase):
    def test_a_request_has_the_token_instead_of_the_samples(self) -> None:
        request = sam_routes.request_of(samples.event("order-list"), "token-1")
        self.assertEqual((request.method, request.path), ("GET", "/api/v1/orders?limit=10"))
        self.assertEqual(request.headers["authorization"], "Bearer token-1")
        self.assertNotIn("host", request.headers)

    def test_a_public_request_has_no_token(self) -> None:
        self.assertNotIn("authorization", sam_routes.request_of(samples.event("health-get"), None).headers)


class TemplateTest(unittest.TestCase):
    def test_functions_get_literal_names_and_packages_absolute_paths(self) -> None:
        template = """\
  A:
      CodeUri: target/lambda/order-get/bootstrap.zip
      FunctionName:
        Fn::Sub: quayside-${Stage}-order-get
      Code: ../target/lambda/order-get/bootstrap.zip
      TemplateURL: stacks/orders.yaml
"""
        text, nested = sam_files.localized(template, Path("/clone/stacks"))
        self.assertIn("CodeUri: /clone/stacks/target/lambda/order-get/bootstrap.zip\n", text)
        self.assertIn("Code: /clone/target/lambda/order-get/bootstrap.zip\n", text)
        self.assertIn(f"FunctionName: {config.physical_name('order-get')}\n", text)
        self.assertEqual(nested, ["stacks/orders.yaml"])

    def test_every_function_of_the_template_gets_a_literal_name(self) -> None:
        text = sam_files.TEMPLATE.read_text()
        for template in [sam_files.TEMPLATE, *sam_files.TEMPLATE.parent.glob("stacks/*.yaml")]:
            text += sam_files.localized(template.read_text(), template.parent)[0]
        missing = [name for name in catalog.functions() if f"FunctionName: {config.physical_name(name)}\n" not in text]
        self.assertEqual(missing, [])


class CatalogTest(unittest.TestCase):
    def test_a_logical_id_leads_back_to_its_function(self) -> None:
        self.assertEqual(catalog.logical_id("order-list-user"), "OrderListUserFunction")
        names = catalog.functions()
        self.assertEqual([catalog.function_of(catalog.logical_id(name)) for name in names], names)
        self.assertIsNone(catalog.function_of("OrderPlaceRole"))
