"""Tests of the end of `scripts/test`."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import config

# Ends after a failed step.
END = r"""
eval "$(sed -n '/^stop_stack()/,/^}/p' "$0")"
background='' QUAYSIDE_KEEP_RUNNING=
(exit 3) || stop_stack
"""


class StopStack(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.directory / "scripts").mkdir()
        for name in ("service", "down"):
            script = self.directory / "scripts" / name
            script.write_text('#!/usr/bin/env bash\necho "${0##*/} $*"\n')
            script.chmod(0o755)

    def end(self) -> tuple[int, list[str]]:
        """The status, and which scripts were called."""
        ended = subprocess.run(
            ["bash", "-c", END, str(config.ROOT / "scripts" / "test")],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ended.returncode, [line.strip() for line in ended.stdout.splitlines()]

    def test_states_of_services_are_printed_after_a_failure(self) -> None:
        (self.directory / ".local" / "run").mkdir(parents=True)
        (self.directory / ".local" / "run" / "postgres.json").touch()
        self.assertEqual(self.end(), (3, ["service status", "down"]))

    def test_states_of_services_are_not_printed_if_none_was_started(self) -> None:
        self.assertEqual(self.end(), (3, ["down"]))
        (self.directory / ".local" / "run").mkdir(parents=True)
        self.assertEqual(self.end(), (3, ["down"]))


if __name__ == "__main__":
    unittest.main()
