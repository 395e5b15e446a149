"""scripts/shift-traffic with an AWS CLI that has functions of more versions than one page lists."""

import contextlib
import io
import json
import subprocess
import unittest
from typing import Any, NamedTuple
from unittest import mock

import catalog
import shift_traffic

PREFIX, NAME = "quayside-dev", "stock-reserve"
MOVED = f"{PREFIX}-{NAME}"
PAGE = 50


class Done(NamedTuple):
    code: int
    output: str
    error: str
    calls: list[list[str]]

    def of(self, operation: str) -> list[list[str]]:
        return [call for call in self.calls if call[1] == operation]


class Cli:
    """The AWS CLI. A query for text is applied to each page; responses in JSON have all pages."""

    def __init__(self, versions: int, alias: dict[str, Any], firing: list[str], *, fails: bool) -> None:
        self.versions, self.alias, self.firing, self.fails = versions, alias, firing, fails
        self.calls: list[list[str]] = []

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        words = command[1:]
        self.calls.append(words)
        if words[1] == "wait" and self.fails:
            return subprocess.CompletedProcess(command, 255, "")
        response = self.respond(words)
        if option(words, "--output") == "text":
            rows = response["Versions"]
            pages = [rows[start : start + PAGE] for start in range(0, len(rows), PAGE)]
            return subprocess.CompletedProcess(command, 0, "\n".join(page[-1]["Version"] for page in pages))
        return subprocess.CompletedProcess(command, 0, json.dumps(response) if response else "")

    def respond(self, words: list[str]) -> dict[str, Any]:
        is_moved = option(words, "--function-name") == MOVED
        numbers = range(1, (self.versions if is_moved else 1) + 1)
        group = option(words, "--deployment-group-name")
        alarms = [{"name": f"{PREFIX}-{kind}-{group}"} for kind in ("function-errors", "dead-letters")]
        responses: dict[str, dict[str, Any]] = {
            "list-versions-by-function": {"Versions": [{"Version": one} for one in ("$LATEST", *map(str, numbers))]},
            "get-alias": self.alias if is_moved else {"FunctionVersion": "1"},
            "describe-alarms": {"MetricAlarms": [{"AlarmName": name} for name in self.firing]},
            "get-deployment-group": {"deploymentGroupInfo": {"alarmConfiguration": {"alarms": alarms}}},
            "create-deployment": {"deploymentId": "d-1"},
            "get-deployment": {"deploymentInfo": {"status": "Stopped", "errorInformation": {"message": "an alarm"}}},
        }
        return responses.get(words[1], {})


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1] if name in words else ""


def shift(
    versions: int = 1, alias: dict[str, Any] | None = None, firing: list[str] | None = None, *, fails: bool = False
) -> Done:
    cli = Cli(versions, alias or {"FunctionVersion": "1"}, firing or [], fails=fails)
    output, error = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(subprocess, "run", cli.run),
        mock.patch("sys.argv", ["shift-traffic", "--prefix", PREFIX]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(error),
    ):
        code = shift_traffic.main()
    return Done(code, output.getvalue(), error.getvalue(), cli.calls)


class ShiftTrafficTest(unittest.TestCase):
    def test_newest_of_more_versions_than_a_page_lists_is_deployed(self) -> None:
        done = shift(versions=2 * PAGE + 7, alias={"FunctionVersion": "106"})
        self.assertEqual(done.code, 0, done.error)
        (created,) = done.of("create-deployment")
        self.assertEqual(option(created, "--deployment-group-name"), NAME)
        content = json.loads(json.loads(option(created, "--revision"))["appSpecContent"]["content"])
        properties = content["Resources"][0]["function"]["Properties"]
        self.assertEqual((properties["Name"], properties["Alias"]), (MOVED, "live"))
        self.assertEqual((properties["CurrentVersion"], properties["TargetVersion"]), ("106", "107"))
        self.assertNotIn("--override-alarm-configuration", created)

    def test_versions_are_deleted_but_for_the_last_ten_and_those_of_the_alias(self) -> None:
        routing = {"AdditionalVersionWeights": {"3": 0.1}}
        done = shift(versions=14, alias={"FunctionVersion": "2", "RoutingConfig": routing})
        deleted = [
            (option(call, "--function-name"), option(call, "--qualifier")) for call in done.of("delete-function")
        ]
        self.assertEqual(deleted, [(MOVED, "1"), (MOVED, "4")])

    def test_alarm_that_fires_already_does_not_stop_a_fix(self) -> None:
        firing = [f"{PREFIX}-dead-letters-{NAME}", f"{PREFIX}-dead-letters-stock-allocate"]
        done = shift(versions=2, firing=firing)
        watched = json.loads(option(done.of("create-deployment")[0], "--override-alarm-configuration"))
        self.assertEqual(watched["alarms"], [{"name": f"{PREFIX}-function-errors-{NAME}"}])
        self.assertEqual((watched["enabled"], watched["ignorePollAlarmFailure"]), (True, False))
        self.assertIn(firing[0], done.output)

    def test_version_that_was_moved_back_fails_and_nothing_is_deleted(self) -> None:
        done = shift(versions=20, fails=True)
        self.assertEqual((done.code, done.of("delete-function")), (1, []))
        self.assertIn(f"the previous version serves: {NAME}", done.error)
        self.assertIn("an alarm", done.error)

    def test_nothing_is_deployed_twice(self) -> None:
        done = shift()
        self.assertEqual((done.code, done.of("create-deployment")), (0, []))
        self.assertIn(f"0 of {len(catalog.functions())} functions", done.output)


if __name__ == "__main__":
    unittest.main()
