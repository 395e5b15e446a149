"""Commands that documents name exist, with the options and steps that are named there."""

import re
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import config
import operate
import operate_completion

SCRIPTS = config.ROOT / "scripts"
DOCUMENTS = ("*.md", "docs/**/*.md", "terraform/*.md", "shared/**/README.md")
# Code of a document: an indented or fenced line, or a span. Of a script: its comments.
CODE = re.compile(r"^(?: {4}|\t)\s*(?P<line>\S.*)$|`(?P<span>[^`\n]+)`", re.MULTILINE)
FENCED = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^# {2,}(scripts/.*)$", re.MULTILINE)
COMMAND = re.compile(r"(?<![\w/.<-])scripts/(?P<name>[a-z][a-z0-9-]*)(?![\w/.-])(?P<rest>(?: [^\s#|;&]+)*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
MODULE = re.compile(r"\b([a-z]\w*)\.py\b")
# An option of a Rust program is a member of the arguments, after an attribute.
CLAP = re.compile(r"#\[arg\(long(?: = \"(?P<name>[\w-]+)\")?[^\n]*\)\]\s*(?:pub )?(?P<member>\w+):")
RUST = {"xtask": "scripts/xtask/src", "benchmark": "scripts/benchmark/src"}
STEPS = re.compile(r"^run_([\w-]+)\(", re.MULTILINE)


class Named(NamedTuple):
    """A command in a document, with what follows the name of the script."""

    document: str
    script: str
    rest: str


def code(text: str) -> Iterator[str]:
    for found in CODE.finditer(text):
        yield found["line"] or found["span"]
    for block in FENCED.findall(text):
        yield from block.splitlines()


def named() -> Iterator[Named]:
    for path in sorted(path for pattern in DOCUMENTS for path in config.ROOT.glob(pattern)):
        for line in code(path.read_text()):
            yield from _commands(path, line)
    for path in sorted(path for path in SCRIPTS.iterdir() if path.is_file()):
        for line in COMMENT.findall(path.read_text()):
            yield from _commands(path, line)


def _commands(path: Path, line: str) -> Iterator[Named]:
    for found in COMMAND.finditer(line):
        yield Named(str(path.relative_to(config.ROOT)), found["name"], found["rest"])


def sources(script: str) -> Iterator[str]:
    """The script without its comments, and the programs that it runs."""
    text = re.sub(r"^\s*#.*$", "", (SCRIPTS / script).read_text(), flags=re.MULTILINE)
    yield text
    modules = MODULE.findall(text)
    if script == "flink":
        modules = ["flink_watch", "flink_compare", "flink_package"]
    for module in modules:
        for path in sorted(SCRIPTS.glob(f"local/{module}.py")) + sorted(SCRIPTS.glob(f"local/{module}_*.py")):
            yield path.read_text()
    for program, directory in RUST.items():
        if re.search(rf"/{program}\"|-p {program}\b", text):
            for path in sorted((config.ROOT / directory).rglob("*.rs")):
                for option in CLAP.finditer(path.read_text()):
                    yield "--" + (option["name"] or option["member"].replace("_", "-"))


def has_option(texts: list[str], option: str) -> bool:
    return any(re.search(rf"{re.escape(option)}(?![\w-])", text) for text in texts)


class Commands(unittest.TestCase):
    def test_every_script_that_is_named_exists(self) -> None:
        found = list(named())
        self.assertGreater(len(found), 200)
        missing = {one for one in found if not (SCRIPTS / one.script).exists()}
        self.assertEqual(missing, set())

    def test_every_option_that_is_named_is_one_of_the_script(self) -> None:
        found = [one for one in named() if (SCRIPTS / one.script).is_file() and OPTION.search(one.rest)]
        self.assertGreater(len(found), 50)
        texts = {script: list(sources(script)) for script in {one.script for one in found}}
        wrong = {
            f"{one.document}: scripts/{one.script} has no option {option}"
            for one in found
            for option in OPTION.findall(one.rest)
            if not has_option(texts[one.script], option)
        }
        self.assertEqual(wrong, set())

    def test_every_step_and_part_that_is_named_exists(self) -> None:
        wrong = set()
        for script in ("test", "terraform"):
            # With the files that the script sources.
            files = [SCRIPTS / script, *SCRIPTS.glob(f"local/{script}-*")]
            steps = {step for file in files for step in STEPS.findall(file.read_text())}
            for one in named():
                words = OPTION.sub("", one.rest).split() if one.script == script else []
                wrong |= {f"{one.document}: {script} {word}" for word in words if word not in steps}
        self.assertEqual(wrong, set())

    def test_every_verb_of_operators_that_is_named_exists(self) -> None:
        verbs = dict(operate_completion.commands(operate.command_line()))
        found = {(one.document, one.rest.split()[0]) for one in named() if one.script == "ops" and one.rest}
        self.assertGreater(len(found), 20)
        self.assertEqual({f"{document}: scripts/ops {verb}" for document, verb in found if verb not in verbs}, set())


if __name__ == "__main__":
    unittest.main()
