"""The report of a comparison of both paths, for `scripts/test --full`: target/flink.md."""

from collections.abc import Iterable
from dataclasses import dataclass

import config

FILE = config.ROOT / "target" / "flink.md"


@dataclass(frozen=True)
class Compared:
    """Two computations of the same figures."""

    what: str
    windows: int
    figures: int
    differences: int


def markdown(compared: Iterable[Compared], run: str, wrong: int) -> str:
    """The comparison as a table, and what was run."""
    lines = ["| compared | windows | figures | differences |", "|---|--:|--:|--:|"]
    lines += [f"| {each.what} | {each.windows} | {each.figures} | {each.differences} |" for each in compared]
    return "\n".join([*lines, "", f"{run}; {wrong} answers of the archive are wrong."]) + "\n"


def save(text: str) -> None:
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text)
