"""A program ends with its status, and with 1 after an error that it explains."""

import contextlib
import io
import unittest
from collections.abc import Callable

import progress
from config import ScriptError


def status(main: Callable[[], int | None]) -> int | str | None:
    try:
        progress.run(main)
    except SystemExit as ended:
        return ended.code


def failing() -> None:
    raise ScriptError("there is no stack")


class Run(unittest.TestCase):
    def test_exits_with_the_status_of_the_program(self) -> None:
        self.assertIsNone(status(lambda: None))
        self.assertEqual(status(lambda: 77), 77)

    def test_exits_with_1_after_an_error(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            self.assertEqual(status(failing), 1)
        self.assertIn("there is no stack", printed.getvalue())

    def test_other_exceptions_are_not_caught(self) -> None:
        with self.assertRaises(KeyError):
            status(lambda: dict[str, int]()["absent"])


if __name__ == "__main__":
    unittest.main()
