"""Invocations that run while their function is updated. `scripts/test local` runs these tests."""

import io
import json
import unittest
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import process
from testing_emulator import DEADLINE_S, EmulatorTest

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


def package(version: int) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", WAITING.replace("VERSION", str(version)))
    return archive.getvalue()


class Updates(EmulatorTest):
    def setUp(self) -> None:
        super().setUp()
        self.functions = self.client("lambda")
        self.functions.create_function(
            FunctionName="waiting",
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/waiting",
            Handler="index.handler",
            Code={"ZipFile": package(1)},
            Timeout=DEADLINE_S,
        )
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
        running, later = self.update_in_the_middle(ZipFile=package(2))
        self.assertEqual((running.get("version"), later["version"]), (1, 2))

    def test_invocation_finishes_with_the_former_configuration(self) -> None:
        running, later = self.update_in_the_middle(Environment={"Variables": {"DATABASE_NAME": "new"}})
        self.assertEqual((running.get("version"), running.get("setting"), later["setting"]), (1, None, "new"))

    def test_former_environment_ends_after_its_invocation(self) -> None:
        running, later = self.update_in_the_middle(ZipFile=package(2))
        former = Path(f"/proc/{running['pid']}")
        self.assertTrue(process.wait_until(lambda: not former.exists(), DEADLINE_S))
        self.assertEqual(self.invoke({})["pid"], later["pid"])

    def test_function_that_fails_at_its_start_answers_with_its_error(self) -> None:
        self.functions.update_function_configuration(FunctionName="waiting", Handler="index.missing")
        self.assertIn("errorMessage", self.invoke({}))


if __name__ == "__main__":
    unittest.main()
