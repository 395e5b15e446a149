"""Invocations that run while their function is updated. `scripts/test local` runs these tests."""

import importlib
import json
import sys
import types
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import process
from testing_emulator import DEADLINE_S, EmulatorTest, package

# Says that it works, waits for a file, and returns its version.
WAITING = """
import os, pathlib, time

def handler(event, context):
    if event:
        pathlib.Path(event["begun"]).write_text(str(os.getpid()))
        while not pathlib.Path(event["awaited"]).exists():
            time.sleep(0.01)
    return {"version": VERSION, "setting": os.environ.get("DATABASE_NAME"), "pid": os.getpid()}
"""


def code(version: int) -> str:
    return WAITING.replace("VERSION", str(version))


class Updates(EmulatorTest):
    def setUp(self) -> None:
        super().setUp()
        self.functions = self.create_function("waiting", code(1), Timeout=DEADLINE_S)
        self.begun, self.awaited = self.directory / "begun", self.directory / "awaited"

    def invoke(self, event: dict[str, str]) -> dict[str, object]:
        response = self.functions.invoke(FunctionName="waiting", Payload=json.dumps(event).encode())
        answered: dict[str, object] = json.load(response["Payload"])
        return answered

    def update_in_the_middle(self, **update: object) -> tuple[dict[str, object], dict[str, object]]:
        """What the invocation returns that ran during the update, and the next one."""
        event = {"begun": str(self.begun), "awaited": str(self.awaited)}
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self.invoke, event)
            self.assertTrue(process.wait_until(self.begun.exists, DEADLINE_S))
            if "ZipFile" in update:
                self.functions.update_function_code(FunctionName="waiting", **update)
            else:
                self.functions.update_function_configuration(FunctionName="waiting", **update)
            later = self.invoke({})
            self.awaited.touch()
            return running.result(), later

    def test_invocation_finishes_with_the_former_code_while_the_next_has_the_new_one(self) -> None:
        running, later = self.update_in_the_middle(ZipFile=package(code(2)))
        self.assertEqual((running.get("version"), later["version"]), (1, 2))

    def test_invocation_finishes_with_the_former_configuration(self) -> None:
        running, later = self.update_in_the_middle(Environment={"Variables": {"DATABASE_NAME": "new"}})
        self.assertEqual((running.get("version"), running.get("setting"), later["setting"]), (1, None, "new"))

    def test_former_environment_ends_after_its_invocation(self) -> None:
        running, later = self.update_in_the_middle(ZipFile=package(code(2)))
        former = Path(f"/proc/{running['pid']}")
        self.assertTrue(process.wait_until(lambda: not former.exists(), DEADLINE_S))
        self.assertEqual(self.invoke({})["pid"], later["pid"])

    def test_function_that_fails_at_its_start_answers_with_its_error(self) -> None:
        self.functions.update_function_configuration(FunctionName="waiting", Handler="index.missing")
        self.assertIn("errorMessage", self.invoke({}))


class Environment:
    """An execution environment, as the emulator has them in its pools."""

    def __init__(self) -> None:
        self.in_use = True


class Lock:
    """Calls `released` after it is released."""

    def __init__(self, released: Callable[[], object] = lambda: None) -> None:
        self.released = released

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        released, self.released = self.released, lambda: None
        released()


class Release(unittest.TestCase):
    """On stand-ins of the emulator's modules, which this Python does not have."""

    def setUp(self) -> None:
        self.ended = list[Environment]()
        self.lock, self.environment = Lock(), Environment()
        self.pools = {"000000000000:eu-west-1:waiting:$LATEST": [self.environment]}
        core, svc = types.ModuleType("ministack.core"), types.ModuleType("ministack.services")
        runtime = types.SimpleNamespace(_lock=self.lock, _workers=self.pools, kill_workers=self.ended.extend)
        vars(core).update(lambda_runtime=runtime)
        vars(svc).update(lambda_svc=types.SimpleNamespace())
        modules = {"ministack": types.ModuleType("ministack"), core.__name__: core, svc.__name__: svc}
        self.enterContext(mock.patch.dict(sys.modules, modules))
        self.updates = importlib.import_module("emulator_updates")
        self.addCleanup(sys.modules.pop, "emulator_updates")

    def test_environment_that_the_next_invocation_has_taken_ends_after_that(self) -> None:
        def take_and_update() -> None:
            self.environment.in_use = True
            self.updates._retire_working("waiting")

        self.lock.released = take_and_update
        self.updates._release(self.environment)
        self.assertEqual((self.ended, self.environment.in_use), ([], True))
        self.updates._release(self.environment)
        self.assertEqual(self.ended, [self.environment])

    def test_environment_without_an_invocation_ends_at_the_update(self) -> None:
        self.updates._release(self.environment)
        self.updates._retire_working("waiting")
        self.assertEqual((self.ended, self.pools), ([self.environment], {}))


if __name__ == "__main__":
    unittest.main()
