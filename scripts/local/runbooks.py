"""The commands of the runbooks: found in their pages, and run as they are written.

A command stands in a block that is indented by four spaces. What differs each time is a placeholder, such as
`<function>`; whoever runs a command says what stands for it.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import config
import postgres_server
import progress
from config import ScriptError

PAGES = config.ROOT / "docs" / "runbooks"
SQL = ("select ", "update ")
PLACEHOLDER = re.compile(r"<[a-z][^<>|]*>|…")
# Words that begin a line of a shell.
SHELL = re.compile(r"(aws|scripts/\S+|\w+=\$\()")
# Of a shell, or of SQL.
COMMENT = re.compile(r"\s+# .*$|\s{2,}-- .*$")
TIMEOUT_S = 120


def blocks(page: str) -> list[str]:
    """The indented blocks of a page, without the indentation."""
    text = (PAGES / f"{page}.md").read_text()
    found = re.findall(r"(?:^(?: {4}.*)?\n)+", text, re.MULTILINE)
    return [
        one for one in (re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip("\n") for block in found) if one.strip()
    ]


def commands(block: str) -> Iterator[str]:
    """The commands of a block, each with its continued lines and without its comment."""
    lines: list[str] = []
    for line in block.splitlines():
        text = COMMENT.sub("", line).strip()
        is_continued = bool(lines) and lines[-1].endswith("\\")
        if is_continued:
            lines[-1] = lines[-1].removesuffix("\\").rstrip() + " " + text
        elif text and not text.startswith("#"):
            lines.append(text)
    yield from lines


def command(page: str, beginning: str) -> str:
    """The first command of a page that begins with these words."""
    for block in blocks(page):
        for one in commands(block):
            if one.startswith(beginning):
                return one
    raise ScriptError(f"docs/runbooks/{page}.md has no command {beginning!r} any more")


def block(page: str, part: str) -> str:
    """All commands of the block that has this part: they share variables of the shell."""
    for one in blocks(page):
        if part in one:
            return "\n".join(commands(one))
    raise ScriptError(f"docs/runbooks/{page}.md has no command with {part!r} any more")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The command with values in place of its placeholders, or of its examples."""
    for name, value in values.items():
        if name not in text:
            raise ScriptError(f"the command {text!r} has no {name} any more")
        text = text.replace(name, value)
    left = PLACEHOLDER.search(text)
    if left:
        raise ScriptError(f"the command {text!r} has a placeholder that nobody filled in: {left[0]}")
    return text


def run(text: str) -> str:
    """Runs a command. Returns what it printed; a failure is a `ScriptError`."""
    progress.note(f"$ {text.replace(chr(10), chr(10) + '      ')}")
    if text.startswith(SQL):
        ended = postgres_server.psql(config.DATABASE, text)
    else:
        programs = Path(__file__).with_name("runbook-bin")
        env = {**os.environ, "STAGE": config.STAGE, "PATH": f"{programs}:{os.environ['PATH']}"}
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=config.ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    if ended.returncode != 0:
        raise ScriptError(f"the command failed with status {ended.returncode}: {text}\n{ended.stdout}{ended.stderr}")
    return ended.stdout
