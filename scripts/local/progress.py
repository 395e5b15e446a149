"""Terminal output of the scripts: headings, steps with their duration, notes and errors.

On a terminal a running step shows a spinner and its elapsed time. Elsewhere (CI, a file) it prints a line at its start
and every 15 seconds.
"""

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from config import ScriptError

HEARTBEAT_S = 15
# Steps that end sooner print nothing but their result.
QUIET_S = 1.0
# Wider than any table.
MAX_WIDTH = 1_000_000
# Characters with which data could move the cursor, or change colors and the title of the terminal.
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}

_stdout = Console(highlight=False, soft_wrap=True)
_stderr = Console(highlight=False, soft_wrap=True, stderr=True)


def duration(seconds: float) -> str:
    return f"{int(seconds // 60)} min {int(seconds % 60)} s" if seconds >= 60 else f"{seconds:.1f} s"


def heading(text: str) -> None:
    _stdout.print(Text(literal(text), style="bold"))


def note(text: str) -> None:
    _stdout.print(Text(f"    {literal(text)}"))


def literal(text: str) -> str:
    """The text with control characters as their codes."""
    return text.translate(CONTROLS)


def table(rows: Table, without: str = "") -> None:
    """Prints a table, or `without` if it has no rows. Its texts are no markup.

    Nothing is cut: what is wider than the terminal goes on in its next line.
    """
    if not rows.row_count:
        if without:
            done(without)
        return
    layout = Console(highlight=False, markup=False, emoji=False, width=MAX_WIDTH)
    for cells in layout.render_lines(rows, pad=False):
        line = Text.assemble(*((literal(cell.text), cell.style or "") for cell in cells))
        line.rstrip()
        _stdout.print(line)


def fail(text: str) -> None:
    _stderr.print(Text.assemble(("✗", "red"), f" {literal(text)}"))


@contextmanager
def output() -> Iterator[None]:
    """Ends the program with status 1 if its reader has ended, and explains if there is no space for its output."""
    try:
        try:
            yield
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _discard_output()
        raise ScriptError(f"the output cannot be written: {error.strerror}") from None


def _discard_output() -> None:
    """Python writes what is left when it exits, which would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(main: Callable[[], int | None]) -> NoReturn:
    """Runs a program and exits with its status: 1 after an error, which is printed, and 130 after an interrupt."""
    try:
        status = main()
    except ScriptError as error:
        fail(str(error))
        status = 1
    except KeyboardInterrupt:
        fail("interrupted")
        status = 130
    raise SystemExit(status)


def done(text: str, seconds: float | None = None) -> None:
    took = "" if seconds is None else f" ({duration(seconds)})"
    _stdout.print(Text.assemble("  ", ("✓", "green"), f" {literal(text)}", (took, "dim")))


class Step:
    """A running step. `status` adds what it is doing at the moment."""

    def __init__(self, title: str) -> None:
        self.title, self.started = title, time.monotonic()
        self.status: Callable[[], str] = lambda: ""
        self._spinner = Spinner("dots")

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def __rich__(self) -> Padding:
        text = Text(f"{self.title} ({duration(self.elapsed())}) {self.status()}", no_wrap=True, overflow="ellipsis")
        self._spinner.update(text=text)
        return Padding(self._spinner, (0, 0, 0, 2))


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Shows a step while it runs, and its result and duration when it succeeds."""
    running = Step(title)
    with _shown(running):
        yield running
    done(title, running.elapsed())


@contextmanager
def _shown(running: Step) -> Iterator[None]:
    if _stdout.is_terminal:
        with Live(running, console=_stdout, transient=True, refresh_per_second=8):
            yield
        return
    ended = threading.Event()
    heartbeat = threading.Thread(target=_heartbeat, args=(running, ended), daemon=True)
    heartbeat.start()
    try:
        yield
    finally:
        ended.set()
        heartbeat.join()


def _heartbeat(running: Step, ended: threading.Event) -> None:
    if ended.wait(QUIET_S):
        return
    _stdout.print(Text(f"  … {running.title}"))
    while not ended.wait(HEARTBEAT_S):
        note(f"{running.title}: {duration(running.elapsed())} {running.status()}".rstrip())
