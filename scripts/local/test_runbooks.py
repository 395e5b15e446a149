"""The commands of the runbooks are commands: scripts/ops takes them, and AWS has their operations and parameters.

`scripts/test local` runs these tests. scripts/test runbooks runs some of them on injected faults.
"""

import contextlib
import io
import re
import shlex
import unittest
from collections.abc import Iterator
from unittest import mock

import aws_command
import operate
import runbook_drill
import runbooks
from config import ScriptError

# Of the AWS CLI alone, not of a service.
CLI_ONLY = {("s3", "sync"), ("logs", "tail")}
ID = "01936d6e-0000-7000-8000-000000000001"
ENDS = {"|", "||", "&&", ";", "(", ")"}
IN_TEXT = re.compile(r"`aws ([a-z0-9-]+) ([a-z0-9-]+)")


def all_commands() -> Iterator[tuple[str, str]]:
    """The commands of all pages, with something in place of each placeholder."""
    for page in sorted(runbooks.PAGES.glob("*.md")):
        for block in runbooks.blocks(page.stem):
            for command in runbooks.commands(block):
                text = runbooks.PLACEHOLDER.sub(lambda found: _example(found[0]), command)
                yield page.stem, text


def _example(placeholder: str) -> str:
    if placeholder == "…":
        return "2026-11-21T08:00:00Z"
    return {"<minutes>": "5", "<epoch>": "1", "<function>": "stock-reserve"}.get(placeholder, ID)


def aws_calls(command: str) -> Iterator[list[str]]:
    """What follows each `aws` of a line of a shell."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    call: list[str] | None = None
    for word in [*lexer, ";"]:
        if call is not None and word in ENDS:
            yield call
            call = None
        elif call is not None:
            call.append(word)
        elif word == "aws":
            call = []


class Commands(unittest.TestCase):
    def test_scripts_ops_takes_every_command_of_it(self) -> None:
        found = [(page, text) for page, text in all_commands() if text.startswith("scripts/ops ")]
        self.assertGreater(len(found), 15)
        for page, text in found:
            with self.subTest(page=page, command=text), mock.patch("sys.argv", shlex.split(text)):
                said = io.StringIO()
                try:
                    with contextlib.redirect_stderr(said):
                        operate.read_arguments()
                except SystemExit:
                    self.fail(said.getvalue())

    def test_aws_has_every_operation_and_its_parameters(self) -> None:
        calls = [(page, text, call) for page, text in all_commands() for call in aws_calls(_without_quotes(text))]
        self.assertGreater(len(calls), 25)
        for page, text, call in calls:
            if tuple(call[:2]) not in CLI_ONLY and "xargs" not in text:
                with self.subTest(page=page, command=text):
                    aws_command.read(call)

    def test_aws_has_every_operation_that_a_text_names(self) -> None:
        for page in sorted(runbooks.PAGES.glob("*.md")):
            for service, operation in set(IN_TEXT.findall(page.read_text())) - CLI_ONLY:
                with self.subTest(page=page.stem, command=f"aws {service} {operation}"):
                    aws_command.model_of(service, operation)

    def test_command_without_a_value_for_a_placeholder_is_refused(self) -> None:
        for text in ("scripts/ops dead <function>", "scripts/ops resume x --reason …"):
            with self.assertRaises(ScriptError):
                runbooks.filled(text, {})
        self.assertEqual(runbooks.filled("scripts/ops dead <function>", {"<function>": "x"}), "scripts/ops dead x")

    def test_value_for_what_the_command_does_not_have_is_refused(self) -> None:
        with self.assertRaises(ScriptError):
            runbooks.filled("scripts/ops queues", {"<function>": "x"})

    def test_continued_lines_are_one_command_and_comments_none(self) -> None:
        lines = [
            "scripts/ops queues   # state",
            "aws sqs list-queues \\",
            "    --max-results 3",
            "# nothing",
            "select 1;   -- 1",
        ]
        block = "\n".join(lines)
        expected = ["scripts/ops queues", "aws sqs list-queues --max-results 3", "select 1;"]
        self.assertEqual(list(runbooks.commands(block)), expected)


def _without_quotes(text: str) -> str:
    """Substitutions inside of quotes are read, too."""
    return text.replace('"$(', "$(").replace(')"', ")")


class Drill(unittest.TestCase):
    RESULT = runbook_drill.Result("lag", "No event is published", "outbox-lag", 0.71, 0.3, 1.24)

    def test_times_replace_those_of_the_document_and_nothing_else(self) -> None:
        begin, end = runbook_drill.BEGIN, runbook_drill.END
        row = "| No event is published | `outbox-lag` | 0.7 | 0.3 | 1.2 |"
        document = runbook_drill.written(f"before\n\n{begin}\n\nold\n\n{end}\n\nafter\n", [self.RESULT])
        self.assertIn(f"|\n{row}\n\n{end}\n\nafter\n", document)
        self.assertTrue(document.startswith(f"before\n\n{begin}\n\n| fault |"))
        self.assertNotIn("old", document)

    def test_document_has_a_place_for_the_times(self) -> None:
        document = runbook_drill.DOCUMENT.read_text()
        self.assertLess(document.index(runbook_drill.BEGIN), document.index(runbook_drill.END))


class AwsCommand(unittest.TestCase):
    def test_parameters_have_the_types_of_the_service(self) -> None:
        line = "sqs receive-message --queue-url u --attribute-names All Policy --visibility-timeout 5 --query Messages"
        read = aws_command.read(line.split())
        expected = {"QueueUrl": "u", "AttributeNames": ["All", "Policy"], "VisibilityTimeout": 5}
        self.assertEqual((read.operation, read.parameters), ("receive_message", expected))
        self.assertEqual(read.options, {"query": "Messages"})

    def test_flag_is_true_and_with_no_before_it_false(self) -> None:
        for flag, value in (("--rotate-immediately", True), ("--no-rotate-immediately", False)):
            read = aws_command.read(["secretsmanager", "rotate-secret", flag, "--secret-id", "s"])
            self.assertEqual(read.parameters, {"SecretId": "s", "RotateImmediately": value})

    def test_response_of_a_function_goes_to_a_file(self) -> None:
        read = aws_command.read(["lambda", "invoke", "--function-name", "f", "--payload", "{}", "out.json"])
        self.assertEqual((read.parameters, read.outfile), ({"FunctionName": "f", "Payload": b"{}"}, "out.json"))

    def test_what_a_service_does_not_have_is_refused(self) -> None:
        lines = (
            "sqs",
            "nothing list",
            "sqs nothing",
            "sqs list-queues --nothing 1",
            "sqs list-queues nothing",
            "sqs get-queue-url",
        )
        for line in lines:
            with self.subTest(line), self.assertRaises(ScriptError):
                aws_command.read(line.split())

    def test_result_is_text_as_the_command_line_prints_it(self) -> None:
        self.assertEqual(aws_command.as_text(["a", "b\n"]), "a\nb")
        self.assertEqual((aws_command.as_text("a"), aws_command.as_text(None)), ("a", "None"))


if __name__ == "__main__":
    unittest.main()
