"""scripts/teardown with a Terraform that only says what it was asked for: what the environment keeps."""

import os
import re
import subprocess
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

import config
from terraform_apply import TERRAFORM

MODULE = re.compile(r'^module "(\w+)" \{\n(.*?)^\}$', re.MULTILINE | re.DOTALL)
RESOURCE = re.compile(r'^resource "(\w+)" "(\w+)"', re.MULTILINE)
# Prints the state and writes down its arguments.
STUB = """#!/bin/sh
[ "$1 $2" != "state list" ] || exec cat "$STUB_STATE"
printf '%s\\n' "$@" >>"$STUB_CALLS"
"""
# Kinds of resources that hold data or records, or without which those cannot be read.
HOLD_DATA = {
    "aws_cloudtrail",
    "aws_dynamodb_table",
    "aws_iam_policy",
    "aws_kms_key",
    "aws_rds_cluster",
    "aws_s3_bucket",
    "aws_secretsmanager_secret",
    "aws_vpc",
}
# The keys of the topics of alarms, which keep no message.
REMOVED = {"module.notifications.aws_kms_key.this", "module.global_notifications.aws_kms_key.this"}


def resources(directory: Path, prefix: str = "") -> Iterator[str]:
    """The addresses of all resources of a configuration, with those of its modules."""
    text = "\n".join(file.read_text() for file in directory.glob("*.tf"))
    for kind, name in RESOURCE.findall(text):
        yield f"{prefix}{kind}.{name}"
    for name, block in MODULE.findall(text):
        source = re.search(r'^  source += "(.+)"$', block, re.MULTILINE)
        index = '["one.two"]' if "for_each" in block else "[0]" if "count" in block else ""
        if source:
            yield from resources((directory / source[1]).resolve(), f"{prefix}module.{name}{index}.")


def teardown(state: list[str], *arguments: str) -> list[str]:
    """The arguments of all calls of Terraform but of the one that lists the state."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        stub, listed, calls = directory / "terraform", directory / "state", directory / "calls"
        stub.write_text(STUB)
        stub.chmod(0o755)
        listed.write_text("\n".join(state) + "\n")
        environment = {
            **os.environ,
            "PATH": f"{directory}:{os.environ['PATH']}",
            "QUAYSIDE_TEARDOWN_YES": "1",
            "STUB_CALLS": str(calls),
            "STUB_STATE": str(listed),
        }
        script = config.ROOT / "scripts" / "teardown"
        subprocess.run([script, "dev", *arguments], env=environment, check=True, stdin=subprocess.DEVNULL)
        return calls.read_text().splitlines()


def targets(arguments: list[str]) -> list[str]:
    return [argument.removeprefix("-target=") for argument in arguments if argument.startswith("-target=")]


def without_indexes(address: str) -> str:
    return re.sub(r'\[("[^"]*"|\d+)\]', "", address)


class TeardownTest(unittest.TestCase):
    state: list[str]
    targets: list[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.state = ["data.aws_partition.this", "module.database.data.aws_partition.this", *resources(TERRAFORM)]
        cls.targets = targets(teardown(cls.state))

    def test_nothing_that_holds_data_is_removed(self) -> None:
        for address in map(without_indexes, self.state):
            kind = address.split(".")[-2]
            removed = any(f"{address}.".startswith(f"{target}.") for target in self.targets)
            if kind in HOLD_DATA and address not in REMOVED:
                self.assertFalse(removed, address)

    def test_what_is_kept_refers_to_nothing_that_is_removed(self) -> None:
        # Terraform removes what refers to a target together with it.
        removed = {".".join(target.split(".")[:2]) for target in self.targets}
        text = "\n".join(file.read_text() for file in TERRAFORM.glob("*.tf"))
        kept = {name: block for name, block in MODULE.findall(text) if f"module.{name}" not in removed}
        self.assertIn("database", kept)
        for name, block in kept.items():
            self.assertEqual(removed & set(re.findall(r"\bmodule\.\w+", block)), set(), name)

    def test_what_runs_is_removed(self) -> None:
        for target in (
            "module.api",
            "module.cache",
            "module.edge.aws_cloudfront_distribution.this",
            "module.function",
            "module.kafka",
            "module.log_archive.aws_kinesis_firehose_delivery_stream.this",
            "module.messaging",
            "module.security.aws_guardduty_detector.this",
        ):
            self.assertIn(target, self.targets)

    def test_targets_have_no_indexes_and_no_data_sources(self) -> None:
        self.assertEqual([target for target in self.targets if "[" in target or "data." in target], [])
        self.assertEqual(len(self.targets), len(set(self.targets)))

    def test_removal_with_data_names_no_targets(self) -> None:
        arguments = teardown(self.state, "--with-data")
        self.assertIn("-destroy", arguments)
        self.assertEqual(targets(arguments), [])


if __name__ == "__main__":
    unittest.main()
