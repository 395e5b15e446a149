"""Moves the alias of every function to its newest version with CodeDeploy, and deletes versions that no rollback needs.

Only the standard library and the AWS CLI, because the machines that deploy have nothing else.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import catalog

ALIAS = os.environ.get("QUAYSIDE_ALIAS", "live")
# Versions of a function that stay, besides those that the alias names: as many releases can be returned to at once.
KEPT = 10
LATEST = "$LATEST"


class AwsError(Exception):
    """The AWS CLI failed, and printed why."""


class Function(NamedTuple):
    """A function in an environment: what its alias serves, and its published versions, oldest first."""

    name: str
    physical: str
    current: str
    # What the alias serves while an earlier deployment is unfinished.
    beside: tuple[str, ...]
    versions: tuple[int, ...]

    @property
    def newest(self) -> str:
        return str(self.versions[-1])

    def outdated(self) -> list[int]:
        """Versions that the alias does not name, but for the newest ones."""
        used = {self.current, *self.beside}
        return [version for version in self.versions[:-KEPT] if str(version) not in used]


def aws(*arguments: str) -> Any:
    """The response of the AWS CLI. With JSON it gathers all pages, while a query for text is applied to each page."""
    done = subprocess.run(["aws", *arguments, "--output", "json"], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise AwsError(" ".join(arguments[:2]))
    return json.loads(done.stdout) if done.stdout.strip() else None


def function(prefix: str, name: str) -> Function:
    """Reads the state of a function."""
    physical = f"{prefix}-{name}"
    alias = aws("lambda", "get-alias", "--function-name", physical, "--name", ALIAS)
    listed = aws("lambda", "list-versions-by-function", "--function-name", physical)["Versions"]
    versions = sorted(int(one["Version"]) for one in listed if one["Version"] != LATEST)
    beside = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return Function(name, physical, alias["FunctionVersion"], tuple(beside), tuple(versions))


def revision(moved: Function) -> str:
    """The revision of a deployment, as CodeDeploy wants it: JSON in JSON."""
    properties = {
        "Name": moved.physical,
        "Alias": ALIAS,
        "CurrentVersion": moved.current,
        "TargetVersion": moved.newest,
    }
    content = {"version": 0.0, "Resources": [{"function": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    return json.dumps({"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}})


def firing(prefix: str) -> set[str]:
    """Alarms of the environment that fire already, and so say nothing about a new version."""
    found = aws("cloudwatch", "describe-alarms", "--alarm-name-prefix", f"{prefix}-", "--state-value", "ALARM")
    return {alarm["AlarmName"] for alarm in found["MetricAlarms"]}


def watched(prefix: str, name: str, before: set[str]) -> list[str]:
    """Options that leave out the alarms that fire already, which would stop the deployment of a fix."""
    if not before:
        return []
    group = aws("deploy", "get-deployment-group", "--application-name", prefix, "--deployment-group-name", name)
    alarms = [alarm["name"] for alarm in group["deploymentGroupInfo"]["alarmConfiguration"]["alarms"]]
    left_out = [alarm for alarm in alarms if alarm in before]
    if not left_out:
        return []
    print(f"shift-traffic: {name} is not watched by what fires already: {', '.join(left_out)}")
    rest = [{"name": alarm} for alarm in alarms if alarm not in before]
    # Alarms that cannot be read stop a deployment here, as in the group.
    configuration = {"enabled": bool(rest), "ignorePollAlarmFailure": False, "alarms": rest}
    return ["--override-alarm-configuration", json.dumps(configuration)]


def start(prefix: str, moved: Function, before: set[str]) -> str:
    """Starts the deployment of a function and returns its id."""
    identifier = aws(
        "deploy",
        "create-deployment",
        "--application-name",
        prefix,
        "--deployment-group-name",
        moved.name,
        "--revision",
        revision(moved),
        *watched(prefix, moved.name, before),
    )["deploymentId"]
    print(f"shift-traffic: {moved.name} from version {moved.current} to {moved.newest}: {identifier}")
    return str(identifier)


def is_successful(deployment: str) -> bool:
    """Waits for the end of a deployment, and prints why it failed."""
    try:
        aws("deploy", "wait", "deployment-successful", "--deployment-id", deployment)
    except AwsError:
        info = aws("deploy", "get-deployment", "--deployment-id", deployment)["deploymentInfo"]
        print(info["status"], info.get("errorInformation", {}).get("message"), file=sys.stderr)
        return False
    return True


def prune(functions: Iterable[Function]) -> int:
    """Deletes outdated versions: Lambda keeps 75 GB of code in an account and region. Returns how many.

    One that cannot be deleted is tried again after the next release: the traffic has moved already.
    """
    count = 0
    for one in functions:
        for version in one.outdated():
            try:
                aws("lambda", "delete-function", "--function-name", one.physical, "--qualifier", str(version))
                count += 1
            except AwsError as error:
                print(f"shift-traffic: aws {error} failed; the version stays", file=sys.stderr)
    return count


def shift(prefix: str, names: Sequence[str]) -> int:
    """Moves all functions, and returns the exit code."""
    functions = [function(prefix, name) for name in names]
    moved = [one for one in functions if one.versions and one.current != one.newest]
    before = firing(prefix) if moved else set()
    deployments = {one.name: start(prefix, one, before) for one in moved}
    failed = [name for name, deployment in deployments.items() if not is_successful(deployment)]
    if failed:
        print(f"shift-traffic: not deployed, the previous version serves: {' '.join(failed)}", file=sys.stderr)
        return 1
    print(f"shift-traffic: {len(moved)} of {len(functions)} functions have a new version")
    print(f"shift-traffic: {prune(functions)} versions deleted that are older than the last {KEPT}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="shift-traffic", description=__doc__)
    parser.add_argument("--prefix", required=True, help="beginning of physical names, such as quayside-dev")
    try:
        return shift(parser.parse_args().prefix, catalog.functions())
    except AwsError as error:
        print(f"shift-traffic: aws {error} failed; run it again", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
