"""Tests of scripts/sam-local: what it chooses, sends and writes, and where no container engine starts."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import api_client
import catalog
import config
import engine
import sam_files
import sam_local
import sam_routes
import samples
from config import ScriptError


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
