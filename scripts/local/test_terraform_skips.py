"""scripts/terraform on a machine that lacks something: it says what was not checked, and does not succeed."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import config

SKIPPED = 77
# What the script itself needs.
PROGRAMS = ("bash", "cp", "dirname", "env", "find", "grep", "mkdir", "printf", "rm", "sed")


class TerraformSkipsTest(unittest.TestCase):
    def setUp(self) -> None:
        created = tempfile.TemporaryDirectory()
        self.addCleanup(created.cleanup)
        self.root = Path(created.name)
        for directory in ("bin", "scripts", "terraform"):
            (self.root / directory).mkdir()
        shutil.copy(config.ROOT / "scripts" / "terraform", self.root / "scripts")
        shutil.copy(config.ROOT / "terraform" / "versions.tf", self.root / "terraform")
        for program in PROGRAMS:
            if found := shutil.which(program):
                (self.root / "bin" / program).symlink_to(found)

    def install_terraform(self, script: str) -> None:
        stub = self.root / "bin" / "terraform"
        stub.write_text(f"#!/bin/sh\n{script}\n")
        stub.chmod(0o755)

    def run_parts(self, *parts: str) -> tuple[int, str]:
        """The status of the script, and what it wrote for the report of the tests."""
        script = self.root / "scripts" / "terraform"
        environment = {"PATH": str(self.root / "bin"), "HOME": str(self.root)}
        done = subprocess.run([script, *parts], env=environment, check=False, capture_output=True, text=True)
        file = self.root / "target" / ("apply.md" if parts == ("apply-local",) else "terraform.md")
        return done.returncode, file.read_text() if file.exists() else done.stderr

    def test_nothing_is_checked_without_terraform(self) -> None:
        for parts in ((), ("apply-local",)):
            status, text = self.run_parts(*parts)
            self.assertEqual(status, SKIPPED)
            self.assertIn("Terraform is not installed", text)

    def test_scan_without_its_program_is_no_success(self) -> None:
        self.install_terraform("exit 0")
        status, text = self.run_parts("fmt", "scan")
        self.assertEqual(status, SKIPPED)
        self.assertTrue(text.startswith("Skipped: scan: checkov is not installed"), text)

    def test_parts_that_need_the_provider_are_named(self) -> None:
        self.install_terraform(
            'case "$*" in *init*) echo "Error: Failed to query available provider packages"; exit 1 ;; esac'
        )
        status, text = self.run_parts("fmt", "validate", "plan")
        self.assertEqual(status, SKIPPED)
        self.assertRegex(text, "^Skipped: validate: no mirror .+; plan: no mirror ")

    def test_all_parts_that_ran_are_a_success_and_a_failed_one_is_a_failure(self) -> None:
        self.install_terraform("exit 0")
        self.assertEqual(self.run_parts("fmt"), (0, ""))
        self.install_terraform('[ "$1" != fmt ]')
        self.assertEqual(self.run_parts("fmt", "scan")[0], 1)


if __name__ == "__main__":
    unittest.main()
