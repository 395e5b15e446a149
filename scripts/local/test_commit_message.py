"""The hook that checks commit messages. `scripts/test local` runs these tests."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import commit_message
import config

GOOD = "Retry the notice\n\nNobody was told.\n"


class Messages(unittest.TestCase):
    def test_subject_with_a_body_passes(self) -> None:
        for message in (GOOD, f"{GOOD}\n# Please enter the commit message.\n", f"{'a' * 72}\n\nWhy.\n"):
            self.assertEqual(commit_message.complaints(message), [], message)

    def test_what_git_writes_needs_no_body(self) -> None:
        for message in ("Merge branch 'a'\n", "fixup! Retry the notice\n"):
            self.assertEqual(commit_message.complaints(message), [], message)

    def test_other_forms_are_refused(self) -> None:
        for message, expected in (
            ("", "is empty"),
            (f"{'a' * 73}\n\nWhy.\n", "73 characters"),
            ("Retry the notice.\n\nWhy.\n", "full stop"),
            ("Retry the notice\nWhy.\n\nMore.\n", "second line"),
            ("Retry the notice\n", "no body"),
            ("Retry the notice\n\n# A comment.\n", "no body"),
            (f"Retry the notice\n\n{commit_message.SCISSORS}\n+added\n", "no body"),
        ):
            self.assertIn(expected, "; ".join(commit_message.complaints(message)), message)

    def test_hook_fails_with_the_reason_on_a_line(self) -> None:
        program = config.ROOT / "scripts" / "local" / "commit_message.py"
        with tempfile.TemporaryDirectory() as directory:
            for message, code, expected in ((GOOD, 0, ""), ("Retry\n", 1, "commit message: there is no body")):
                file = Path(directory) / "message"
                file.write_text(message)
                ended = subprocess.run([sys.executable, program, file], capture_output=True, text=True, check=False)
                self.assertEqual((ended.returncode, ended.stderr[: len(expected)]), (code, expected))

    def test_hook_is_the_one_of_the_configuration(self) -> None:
        text = (config.ROOT / ".pre-commit-config.yaml").read_text()
        self.assertIn("default_install_hook_types: [pre-commit, commit-msg]\n", text)
        self.assertIn("entry: python3 scripts/local/commit_message.py\n", text)


if __name__ == "__main__":
    unittest.main()
