"""Functions of Python have at most 60 lines. The structural tests check those of Rust, and the length of files."""

import ast
import unittest
from collections.abc import Iterator
from pathlib import Path

import config

MAX_FUNCTION_LINES = 60
SOURCES = ("scripts/local", "tests/clients/python")


def long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{path.name}::{node.name} has {lines} lines, more than {MAX_FUNCTION_LINES}"


class SourceFiles(unittest.TestCase):
    def test_functions_have_at_most_60_lines(self) -> None:
        files = [path for source in SOURCES for path in sorted((config.ROOT / source).glob("*.py"))]
        self.assertTrue(files)
        self.assertEqual([found for path in files for found in long_functions(path)], [])


if __name__ == "__main__":
    unittest.main()
