"""A program ends with its status, and with 1 after an error that it explains."""

import contextlib
import io
import unittest
from collections.abc import Callable

from rich.table import Table

import progress
from config import ScriptError


def status(main: Callable[[], int | None]) -> int | str | None:
    try:
        progress.run(main)
    except SystemExit as ended:
        return ended.code


def failing() -> None:
    raise ScriptError("there is no stack")


def interrupted() -> None:
    raise KeyboardInterrupt


class Run(unittest.TestCase):
    def test_exits_with_the_status_of_the_program(self) -> None:
        self.assertIsNone(status(lambda: None))
        self.assertEqual(status(lambda: 77), 77)

    def test_exits_with_1_after_an_error(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            self.assertEqual(status(failing), 1)
        self.assertIn("there is no stack", printed.getvalue())

    def test_exits_with_130_after_an_interrupt(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            self.assertEqual(status(interrupted), 130)
        self.assertIn("interrupted", printed.getvalue())

    def test_other_exceptions_are_not_caught(self) -> None:
        with self.assertRaises(KeyError):
            status(lambda: dict[str, int]()["absent"])


def shown(*rows: tuple[str, str]) -> list[str]:
    table = Table("setting", "value", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        progress.table(table)
    return printed.getvalue().splitlines()


class Tables(unittest.TestCase):
    def test_text_of_a_cell_is_printed_as_it_is(self) -> None:
        for text in ("[/x]", "[ticket-1]", "[red]a[/red]", ":smile:", r"\[x]"):
            self.assertEqual(shown(("a", text))[1], f"a        {text}")

    def test_control_characters_of_a_cell_are_shown_and_not_obeyed(self) -> None:
        self.assertEqual(shown(("a", "b\x1b[31mc\x9b"))[1], r"a        b\x1b[31mc\x9b")

    def test_lines_end_with_their_last_character(self) -> None:
        lines = shown(("a", "b"), ("c", "long " * 50), ("d", ""))
        self.assertEqual(lines, ["setting  value", "a        b", "c        " + ("long " * 50).strip(), "d"])

    def test_long_texts_are_not_cut(self) -> None:
        self.assertEqual(shown(("a", "x" * 5000))[1], "a        " + "x" * 5000)


if __name__ == "__main__":
    unittest.main()
