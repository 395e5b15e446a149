"""What scripts/terraform applies to the emulator: every module is in the scope, replaced ones have their outputs."""

import re
import tempfile
import unittest
from pathlib import Path

import terraform_apply
import terraform_docs
from config import ScriptError
from terraform_apply import TERRAFORM


def module_of(address: str) -> str:
    """The module in `module.email.aws_sesv2_email_identity.this` or `module.consumer (Kafka)`."""
    found = re.match(r"module\.\w+", address)
    return found[0] if found else ""


class ScopeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.scope = terraform_apply.scope()
        self.named = [*self.scope.applied, *self.scope.replaced, *self.scope.left_out]

    def test_every_module_of_the_root_is_applied_replaced_or_left_out(self) -> None:
        text = "\n".join(file.read_text() for file in TERRAFORM.glob("*.tf"))
        modules = {f"module.{name}" for name in re.findall(r'^module "(\w+)"', text, re.MULTILINE)}
        self.assertEqual({module_of(address) for address in self.named}, modules)

    def test_no_address_is_named_twice_and_every_reason_is_given(self) -> None:
        self.assertEqual(len(self.named), len(set(self.named)))
        reasons = {**self.scope.unchanged, **self.scope.replaced, **self.scope.left_out}
        for name, reason in reasons.items():
            self.assertGreater(len(reason), 10, name)

    def test_module_that_is_applied_in_part_names_all_its_resources(self) -> None:
        parts = [address for address in self.named if address.count(".") > 1]
        for module in {module_of(address) for address in parts}:
            directory = TERRAFORM / "modules" / module.removeprefix("module.").replace("_", "-")
            text = "\n".join(file.read_text() for file in directory.glob("*.tf"))
            resources = {
                f"{module}.{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE)
            }
            self.assertEqual({part for part in parts if part.startswith(f"{module}.")}, resources)

    def test_resources_of_which_something_is_not_compared_exist(self) -> None:
        pattern = re.compile(r'^resource "(\w+)" "(\w+)"', re.MULTILINE)
        for address in self.scope.unchanged:
            name = address.removeprefix("module.")
            overridden = pattern.findall((TERRAFORM / "local" / "unchanged" / f"{name}.tf").read_text())
            files = (TERRAFORM / "modules" / name).glob("*.tf")
            defined = pattern.findall("\n".join(file.read_text() for file in files))
            self.assertLessEqual(set(overridden), set(defined), name)
            self.assertIn(address, self.scope.applied)

    def test_mappings_of_kafka_are_not_applied_and_all_others_are(self) -> None:
        targets = terraform_apply.targets(["module.keys", "module.consumer"])
        self.assertIn('module.consumer["order-advance/order-advance"]', targets)
        self.assertEqual([target for target in targets if "event-archive" in target], [])
        self.assertEqual(targets[0], "module.keys")
        self.assertNotIn("module.consumer", targets)

    def test_replaced_modules_keep_their_variables_and_outputs(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            for address in self.scope.replaced:
                module = address.removeprefix("module.")
                source = TERRAFORM / "modules" / module
                (work / "modules" / module).mkdir(parents=True)
                for file in source.glob("*.tf"):
                    (work / "modules" / module / file.name).write_text(file.read_text())
            terraform_apply.replace_modules(work, self.scope.replaced)
            for address in self.scope.replaced:
                module = address.removeprefix("module.")
                for kind in ("variable", "output"):
                    was, now = (
                        [block.name for block in terraform_docs.blocks(root / "modules" / module, kind)]
                        for root in (TERRAFORM, work)
                    )
                    self.assertEqual(was, now, f"{kind}s of {module}")
                files = {file.name for file in (work / "modules" / module).glob("*.tf")}
                self.assertEqual(files, {"outputs.tf", "variables.tf", "versions.tf"})


class OutputTest(unittest.TestCase):
    def test_changes_are_those_of_the_summary(self) -> None:
        summary = "Apply complete! Resources: 12 added, 1 changed, 0 destroyed.\n\nOutputs:\n"
        self.assertEqual(terraform_apply.changes(f"Creating...\n\n{summary}"), (12, 1, 0))
        with self.assertRaises(ScriptError):
            terraform_apply.changes("Error: no summary")

    def test_resources_are_counted_by_module_without_data(self) -> None:
        addresses = [
            'module.function["order-place"].aws_lambda_alias.this',
            'module.function["order-get"].aws_lambda_alias.this',
            "module.artifacts.module.bucket.aws_s3_bucket.this",
            "module.api.data.aws_region.this",
            "data.aws_region.this",
        ]
        self.assertEqual(terraform_apply.by_module(addresses), {"module.function": 2, "module.artifacts": 1})


if __name__ == "__main__":
    unittest.main()
