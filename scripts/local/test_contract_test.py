"""Tests of the report of scripts/contract."""

import unittest

import contract_test

OUTPUT = """
API Operations:
  Selected: 115/123
  Tested: 114
  Skipped: 1

Test cases:
  4012 generated, 4010 passed, 2 skipped

Seed: 7
"""


class TableRow(unittest.TestCase):
    def test_summary_gives_operations_and_requests(self) -> None:
        row = contract_test.table_row("staff", OUTPUT, is_conformant=True)
        self.assertEqual(row, "| staff | 114 | 4012 generated, 4010 passed, 2 skipped | as documented |")

    def test_run_without_summary_is_told(self) -> None:
        row = contract_test.table_row("staff", "", is_conformant=False)
        self.assertEqual(row, "| staff |  | no summary | **differs** |")
