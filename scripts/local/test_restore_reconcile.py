"""Tests of what scripts/restore-reconcile reads."""

import datetime
import json
import unittest
from io import BytesIO
from typing import Any
from unittest import mock

import restore_reconcile

FROM = datetime.datetime(2026, 11, 29, 23, 0, tzinfo=datetime.UTC)


class Archive:
    """A bucket with these objects."""

    def __init__(self, objects: dict[str, list[Any]]) -> None:
        self.objects = objects

    def get_paginator(self, _operation: str) -> "Archive":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[Any]:  # noqa: N803
        del Bucket
        return [{"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}]

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        del Bucket
        return {"Body": BytesIO("\n".join(map(json.dumps, self.objects[Key])).encode())}


class ArchivedEventsTest(unittest.TestCase):
    def archived(self, objects: dict[str, list[Any]]) -> list[str]:
        with mock.patch.object(restore_reconcile.Environment, "__init__", return_value=None):
            environment = restore_reconcile.Environment("local")
        environment.objects = Archive(objects)
        with mock.patch.object(environment, "archive_bucket", return_value="archive"):
            return [event["id"] for event in environment.archived(FROM, FROM + datetime.timedelta(hours=2))]

    def test_events_of_the_period_are_read_once_from_the_objects_of_its_days(self) -> None:
        def event(number: int, at: str) -> Any:
            return {"id": str(number), "time": at, "type": "OrderPlaced.v1", "subject": "order"}

        objects = {
            "order-events/2026/11/29/0-1-3.jsonl": [
                event(1, "2026-11-29T22:59:59Z"),
                event(2, "2026-11-29T23:00:00Z"),
                event(3, "2026-11-29T23:30:00Z"),
            ],
            "order-events/2026/11/30/0-3-5.jsonl": [
                event(3, "2026-11-29T23:30:00Z"),
                event(4, "2026-11-30T00:59:59Z"),
                event(5, "2026-11-30T01:00:00Z"),
            ],
        }
        self.assertEqual(self.archived(objects), ["2", "3", "4"])


if __name__ == "__main__":
    unittest.main()
