"""Messages of scripts/chaos that reach their last delivery. `scripts/test local` runs these tests."""

import json
import random
import unittest
from contextlib import ExitStack
from typing import Any
from unittest import mock

import api_client
import aws
import chaos_redelivery
from config import ScriptError

Json = dict[str, Any]

FORMER = {"VisibilityTimeout": "90", "RedrivePolicy": '{"deadLetterTargetArn": "dead", "maxReceiveCount": 1000}'}
ENV = {"API_URL": "", "ADMIN_EMAIL": "", "ADMIN_PASSWORD": ""}


class LastDeliveries(unittest.TestCase):
    def setUp(self) -> None:
        self.done = list[str]()
        self.attributes, self.dead = dict(FORMER), {"a": 0, "b": 0}
        for name, replacement in (
            ("queues", lambda: {queue: queue for queue in ("a", "b", "a-dlq", "b-dlq")}),
            ("message_count", lambda url: self.dead[url.removesuffix("-dlq")]),
            ("queue_attributes", lambda _url, _names: dict(self.attributes)),
            ("set_queue_attributes", self.set_attributes),
        ):
            self.enterContext(mock.patch.object(aws, name, replacement))
        self.enterContext(mock.patch.object(api_client, "stack_env", lambda: ENV))
        client = self.enterContext(mock.patch.object(chaos_redelivery, "ApiClient"))
        client.return_value.login.return_value.post = self.redrive

    def set_attributes(self, _url: str, attributes: dict[str, str]) -> None:
        self.attributes.update(attributes)
        self.done.append(f"deliveries {json.loads(attributes['RedrivePolicy'])['maxReceiveCount']}")

    def redrive(self, path: str, _body: Json) -> Any:
        name = path.split("/")[3]
        self.done.append("redrive")
        self.dead[name] -= 1
        return mock.Mock(expect=lambda _status: {"redriven": 1})

    def break_one(self, name: str, undo: ExitStack) -> None:
        self.done.append(f"break {name}")
        undo.callback(self.done.append, f"restore {name}")

    def test_consumer_starts_again_before_its_dead_letters_are_redriven(self) -> None:
        with chaos_redelivery.last_deliveries(random.Random(1), ["a"], self.break_one) as redelivery:
            self.assertEqual(self.attributes["VisibilityTimeout"], "1")
            self.dead["a"] = 2
        expected = ["break a", "deliveries 3", "restore a", "deliveries 1000", "redrive", "redrive"]
        self.assertEqual(self.done, expected)
        self.assertEqual((self.attributes, redelivery.redriven), (FORMER, 2))

    def test_consumer_that_has_dead_letters_already_is_not_chosen(self) -> None:
        self.dead["a"] = 1
        with chaos_redelivery.last_deliveries(random.Random(1), ["a", "b"], self.break_one) as redelivery:
            self.assertEqual(redelivery.consumer, "b")
        with self.assertRaises(ScriptError), chaos_redelivery.last_deliveries(random.Random(1), ["a"], self.break_one):
            self.fail("it was broken")


if __name__ == "__main__":
    unittest.main()
