"""The key figures that scripts/ops prints, and the completion of its commands."""

import contextlib
import io
import json
import subprocess
import unittest
from typing import Any
from unittest import mock

import operate
import operate_completion
import operate_metrics

NOW = 1_795_250_880.0
IDLE = {"state": "running", "dead_letters": 0, "waiting": 0, "in_flight": 0, "delayed": 0}


def line(at: float, **members: Any) -> str:
    return f"INFO {json.dumps({'_aws': {'Timestamp': at * 1000}, **members})}"


class Emitted(unittest.TestCase):
    def test_counts_are_of_the_last_minutes_and_gauges_the_last_ones(self) -> None:
        lines = [
            line(NOW - 3600, Invocations=50, ServerErrors=9),
            line(NOW - 60, Invocations=4, ServerErrors=1),
            line(NOW - 30, Invocations=1, OutboxLag=[1500]),
            line(NOW - 90, OutboxLag=[99_000], OutboxWaiting=[7]),
            line(NOW - 3600, WebhookLag=[1]),
            "START",
            '{"_aws": broken',
        ]
        found = operate_metrics.emitted(lines, NOW)
        wanted = {"Invocations": 5, "ServerErrors": 1, "OutboxLag": 1500.0, "OutboxWaiting": 7.0, "WebhookLag": None}
        self.assertEqual(found, wanted)


class Metrics(unittest.TestCase):
    def found(self, environment: dict[str, str], dead_letters: int = 2) -> tuple[dict[str, Any], list[str]]:
        messages = [{"dead_since": "2026-11-21T12:00:00Z"}, {"dead_since": "2026-11-21T11:00:00Z"}]
        queues = [
            {"name": "a", **IDLE, "waiting": 3, "delayed": 1},
            {"name": "b", **IDLE, "state": "paused", "dead_letters": dead_letters},
            {"name": "c", **IDLE},
        ]
        answers = {
            "/analytics/windows": {"items": [{"orders": 20}, {"orders": 10}], "next_cursor": None},
            "/ops/queues": {"items": queues},
            "/ops/stuck-orders": {"items": [{}]},
            "/ops/dead-letters": {"items": messages},
        }
        api, arguments = mock.Mock(), mock.Mock(notes=[])
        api.get.side_effect = lambda path: mock.Mock(expect=lambda _status: answers[path.split("?")[0]])
        lines = ([{"message": line(NOW - 1, OutboxLag=[2_000], Invocations=3)}], 0)
        with (
            mock.patch.dict("os.environ", environment),
            mock.patch("time.time", return_value=NOW),
            mock.patch("emulator_records.read", return_value=lines),
        ):
            return operate_metrics.metrics(api, arguments), arguments.notes

    def test_figures_are_of_the_api_and_of_what_functions_emitted(self) -> None:
        found, notes = self.found({"OPS_API_URL": ""})
        self.assertEqual(notes, [])
        # 30 orders since 15 minutes before the current window, which began at NOW - 180 s.
        self.assertEqual(NOW % 300, 180)
        self.assertEqual(found["orders_per_minute"], round(30 / 18, 2))
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate_metrics.print_metrics(found)
        for shown in (
            r"confirmed orders a minute, last 15 minutes +1\.67\n",
            r"orders pending for 5 minutes +1\n",
            r"messages in queues +4, most for a \(3\)\n",
            r"dead letters +b 2\n",
            r"oldest dead letter since +2026-11-21T11:00:00Z\n",
            r"paused consumers +b\n",
            r"outbox: oldest event not published +2\.0 s\n",
            r"webhooks: oldest delivery that is due +unknown",
            r"requests that failed \(5xx\), last 15 minutes +0 of 3 invocations\n",
        ):
            self.assertRegex(printed.getvalue(), shown)

    def test_oldest_dead_letter_of_those_that_are_listed_is_not_taken_for_that_of_all(self) -> None:
        found, _ = self.found({"OPS_API_URL": ""}, dead_letters=5000)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate_metrics.print_metrics(found)
        told = "2026-11-21T11:00:00Z or earlier: only 2 of about 5000 were looked at"
        self.assertIn(told, printed.getvalue())

    def test_what_another_stack_emitted_is_not_taken_from_this_machine(self) -> None:
        found, notes = self.found({"OPS_API_URL": "https://api.example"})
        self.assertIsNone(found["emitted"])
        self.assertEqual(notes, ["the outbox and errors of another stack are on its CloudWatch dashboards"])


class Completion(unittest.TestCase):
    def completed(self, *words: str) -> list[str]:
        """What bash offers for the last word."""
        script = operate_completion.script(operate.command_line())
        script += f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}\n_quayside_ops; echo ${{COMPREPLY[@]}}"
        ran = subprocess.run(["bash", "-c", script], capture_output=True, check=True, text=True)
        self.assertEqual(ran.stderr, "")
        return ran.stdout.split()

    def test_commands_options_and_consumers_are_completed(self) -> None:
        self.assertEqual(self.completed("scripts/ops", "re"), ["redrive", "replay", "resume", "reject"])
        self.assertIn("--dry-run", self.completed("ops", "redrive", "--d"))
        self.assertEqual(self.completed("ops", "pause", "stock-re"), ["stock-release", "stock-reserve"])
        self.assertEqual(self.completed("ops", "order", "--w"), ["--watch"])
        self.assertEqual(self.completed("ops", "order", "stock"), [])

    def test_command_prints_the_script_without_a_stack(self) -> None:
        with (
            mock.patch("sys.argv", ["ops", "completion"]),
            mock.patch("operate.admin", side_effect=AssertionError("the stack was asked for")),
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            self.assertEqual(operate.main(), 0)
        self.assertIn("complete -F _quayside_ops ops\n", printed.getvalue())


if __name__ == "__main__":
    unittest.main()
