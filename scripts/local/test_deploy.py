"""A deployment after one that was interrupted or failed, with a CloudFormation that has the states of a list."""

import contextlib
import io
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError

import aws
import cloudformation
import config
import deploy
import services
import stacks
from config import ScriptError

# No stack of the name.
ABSENT = ""


class FakeCloudFormation:
    """The states of the stack: each call sees the next one, and the last one stays."""

    def __init__(self, states: list[str], template: dict[str, Any] | None = None) -> None:
        self.states, self.template = states, template
        self.seen: list[str] = []

    def describe_stacks(self, **_: object) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        self.seen.append(state)
        if state == ABSENT:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        outputs = [{"OutputKey": "ApiId", "OutputValue": "api"}]
        return {"Stacks": [{"StackStatus": state, "Outputs": outputs}]}

    def get_template(self, **_: object) -> dict[str, Any]:
        if self.template is None:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "GetTemplate")
        return {"TemplateBody": self.template}


class DeploymentTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = Path(directory.name) / "stack.json"
        self.services: list[str] = []
        self.deployed: list[list[str]] = []
        self.replace(config, "STACK_STATE", self.state)
        self.replace(services, "stop", lambda service: self.services.append(f"stop {service.name}"))
        self.replace(services, "start", lambda service: self.services.append(f"start {service.name}"))
        self.replace(time, "sleep", lambda _: None)
        self.replace(stacks, "fingerprint", lambda stack, _: f"{stack} of now")
        self.replace(deploy, "parameters", dict)
        self.replace(deploy, "_emulator_run", lambda: 1)

    def replace(self, owner: object, name: str, value: object) -> None:
        patched = mock.patch.object(owner, name, value)
        patched.start()
        self.addCleanup(patched.stop)

    def settle(self, *states: str) -> FakeCloudFormation:
        cloud = FakeCloudFormation(list(states))
        self.replace(aws, "_client", lambda _: cloud)
        deploy._settle()
        return cloud

    def partial(self, chosen: list[str], *_: object) -> Path:
        self.deployed.append(list(chosen))
        return self.state

    def known(self) -> dict[str, Any]:
        stacks_of: dict[str, Any] = config.read_json(self.state)["stacks"]
        return stacks_of

    def test_interrupted_deployment_is_waited_for(self) -> None:
        cloud = self.settle("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
        self.assertEqual(cloud.seen[:3], ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"])
        self.assertEqual(self.services, [])

    def test_failed_deployment_starts_over_with_an_empty_emulator(self) -> None:
        for states in (
            ["CREATE_FAILED"],
            ["ROLLBACK_COMPLETE"],
            ["UPDATE_ROLLBACK_COMPLETE"],
            ["ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"],
            ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"],
        ):
            self.services.clear()
            self.settle(*states)
            self.assertEqual(self.services, ["stop aws", "start aws"], states)

    def test_what_needs_no_repair_is_left_alone(self) -> None:
        for state in (ABSENT, "CREATE_COMPLETE", "UPDATE_COMPLETE", "REVIEW_IN_PROGRESS"):
            cloud = self.settle(state)
            self.assertEqual(set(cloud.seen), {state})
        self.assertEqual(self.services, [])

    def test_deployment_that_does_not_end_is_an_error_that_says_what_to_do(self) -> None:
        self.replace(deploy, "SETTLE_DEADLINE_S", 0)
        with self.assertRaisesRegex(ScriptError, "scripts/service restart aws"):
            self.settle("UPDATE_IN_PROGRESS")
        self.assertEqual(self.services, [])

    def test_stacks_of_a_failed_deployment_are_deployed_again_and_others_stay_known(self) -> None:
        config.write_json(self.state, {"run": 1, "stacks": {"orders": "before", "payments": "before"}})
        self.replace(aws, "_client", lambda _: FakeCloudFormation(["UPDATE_COMPLETE"]))
        self.replace(stacks, "write_partial", self.partial)
        self.replace(deploy, "_sam_deploy", mock.Mock(side_effect=ScriptError("sam deploy failed")))
        with self.assertRaisesRegex(ScriptError, "sam deploy failed"), contextlib.redirect_stdout(io.StringIO()):
            deploy.deploy(["orders"])
        self.assertEqual(self.known(), {"payments": "before"})

    def test_restarted_emulator_gets_the_shared_stack_first(self) -> None:
        shared = {"Resources": {"SharedStack": {"Type": cloudformation.STACK}}}
        cloud = FakeCloudFormation(["UPDATE_ROLLBACK_COMPLETE"], shared)
        self.replace(aws, "_client", lambda _: cloud)
        self.replace(services, "stop", lambda _: setattr(cloud, "template", None))
        self.replace(stacks, "write_partial", self.partial)
        self.replace(deploy, "_sam_deploy", lambda _: None)
        with contextlib.redirect_stdout(io.StringIO()):
            deploy.deploy(["orders"])
        self.assertEqual(self.deployed, [["shared", "orders"]])
        self.assertEqual(self.known(), {"orders": "orders of now", "shared": "shared of now"})


if __name__ == "__main__":
    unittest.main()
