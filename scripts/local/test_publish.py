"""scripts/publish with an AWS CLI that only says what it was asked for."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import config

STUB = """#!/bin/sh
printf '%s\\n' "$*" >>"$STUB_CALLS"
"""


class PublishTest(unittest.TestCase):
    def setUp(self) -> None:
        created = tempfile.TemporaryDirectory()
        self.addCleanup(created.cleanup)
        self.directory = Path(created.name)
        stub = self.directory / "aws"
        stub.write_text(STUB)
        stub.chmod(0o755)

    def publish(self, *arguments: str) -> tuple[int, str, list[str]]:
        """The status, the error, and the calls of the AWS CLI."""
        calls = self.directory / "calls"
        environment = {
            **os.environ,
            "PATH": f"{self.directory}:{os.environ['PATH']}",
            "STUB_CALLS": str(calls),
        }
        script = config.ROOT / "scripts" / "publish"
        done = subprocess.run(
            [script, *arguments], env=environment, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        return done.returncode, done.stderr, calls.read_text().splitlines() if calls.exists() else []

    def test_pages_name_nothing_that_is_not_there_yet(self) -> None:
        (self.directory / "index.html").touch()
        status, _, calls = self.publish("--pages", str(self.directory), "--bucket", "one")
        self.assertEqual(status, 0)
        first, then = calls
        self.assertIn(
            f"--cache-control public, max-age=31536000, immutable {self.directory}/assets s3://one/assets", first
        )
        self.assertIn(f"--cache-control no-cache --exclude assets/* {self.directory} s3://one", then)

    def test_pages_that_were_not_built_are_refused(self) -> None:
        status, error, calls = self.publish("--pages", str(self.directory), "--bucket", "one")
        self.assertEqual((status, calls), (1, []))
        self.assertIn("run scripts/web", error)

    def test_every_package_of_the_catalog_is_published_or_none(self) -> None:
        functions = list(json.loads((config.ROOT / "terraform" / "catalog.json").read_text())["functions"])
        arguments = ("--packages", str(self.directory), "--bucket", "one", "--release", "two")
        for function in functions[:-1]:
            (self.directory / function).mkdir()
            (self.directory / function / "bootstrap.zip").touch()
        status, error, calls = self.publish(*arguments)
        self.assertEqual((status, calls), (1, []))
        self.assertIn(functions[-1], error)
        (self.directory / functions[-1]).mkdir()
        (self.directory / functions[-1] / "bootstrap.zip").touch()
        status, _, calls = self.publish(*arguments)
        self.assertEqual((status, len(calls)), (0, len(functions)))
        self.assertTrue(calls[0].endswith(f"s3://one/two/{functions[0]}.zip"), calls[0])

    def test_jar_of_flink_is_published_under_the_release_that_terraform_names(self) -> None:
        for function in json.loads((config.ROOT / "terraform" / "catalog.json").read_text())["functions"]:
            (self.directory / function).mkdir()
            (self.directory / function / "bootstrap.zip").touch()
        (self.directory / "windows.jar").touch()
        _, _, calls = self.publish("--packages", str(self.directory), "--bucket", "one", "--release", "two")
        self.assertEqual(calls[-1], f"s3 cp --only-show-errors {self.directory}/windows.jar s3://one/two/windows.jar")
        self.assertIn(
            'key        = "${var.release}/windows.jar"', (config.ROOT / "terraform" / "streaming.tf").read_text()
        )

    def test_jar_is_needed_once_the_variables_of_an_environment_set_flink(self) -> None:
        environment = self.directory / "dev"
        environment.mkdir()
        for text, status in (('region = "x"\n', 1), ("flink = null\n", 1), ("flink = {}\n", 0), ("flink  = {\n}\n", 0)):
            (environment / "terraform.tfvars").write_text(text)
            script = config.ROOT / "scripts" / "local" / "uses-flink"
            self.assertEqual(subprocess.run([script, self.directory], check=False).returncode, status, text)

    def test_pages_and_packages_are_published_one_at_a_time(self) -> None:
        for arguments in (
            ("--pages", "one"),
            ("--packages", "one", "--bucket", "two"),
            ("--pages", "one", "--packages", "two", "--bucket", "three", "--release", "four"),
        ):
            status, error, calls = self.publish(*arguments)
            self.assertEqual((status, calls), (2, []), arguments)
            self.assertIn("are required", error)


if __name__ == "__main__":
    unittest.main()
