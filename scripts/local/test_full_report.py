"""Tests of the report of `scripts/test --full`."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import config

SCRIPT = config.ROOT / "scripts" / "local" / "test-report"
TABLE = "| a |\n|---|\n| 1 |\n"


def write(directory: Path) -> str:
    command = 'rustc() { echo rustc; }; . "$0"; write_report "| flink | a | b | 1 | | passed |" flink iam >/dev/null'
    subprocess.run(["bash", "-c", command, str(SCRIPT)], cwd=directory, check=True)
    return (directory / "docs" / "full-test.md").read_text()


class KeptSections(unittest.TestCase):
    def test_sections_of_the_last_report_are_kept_as_they_were(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            (directory / "docs").mkdir()
            tables = [directory / "target" / f"{table}.md" for table in ("sam", "flink", "arm64")]
            tables[0].parent.mkdir()
            for table in tables:
                table.write_text(TABLE)
            first = write(directory)
            self.assertEqual(first.count("\n## "), len(tables))
            for table in tables:
                table.unlink()
            self.assertEqual(write(directory), first)
            self.assertEqual(write(directory), first)


if __name__ == "__main__":
    unittest.main()
