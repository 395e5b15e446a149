"""Tests of what the comparison sends to the functions and takes from their tables."""

import json
import unittest
from datetime import UTC, datetime

import catalog
import function_windows
from stream_events import Generator

KEY = (1_795_867_200, "USD", "total", "")
OTHER = (1_795_867_500, "USD", "total", "")


class Messages(unittest.TestCase):
    def test_function_gets_the_events_that_it_consumes_in_batches(self) -> None:
        events = Generator("7").make(datetime(2026, 11, 28, 12, tzinfo=UTC), 5, 200, 0).events
        consumed = catalog.row("analytics-feed")["consumes"]
        batches = [invocation["Records"] for invocation in function_windows.messages(events)]
        sent = [json.loads(message["body"]) for batch in batches for message in batch]
        self.assertEqual([body["detail"] for body in sent], [event for event in events if event["type"] in consumed])
        self.assertTrue(all(body["detail-type"] == body["detail"]["type"] for body in sent))
        self.assertEqual({len(batch) for batch in batches[:-1]}, {function_windows.BATCH})
        self.assertEqual(len({message["messageId"] for batch in batches for message in batch}), len(sent))


class Figures(unittest.TestCase):
    def test_figures_of_other_runs_in_the_period_are_taken_off(self) -> None:
        before = {KEY: (2, 200, 4)}
        self.assertEqual(function_windows.added(before, {KEY: (5, 900, 9), OTHER: (1, 1, 1)}),
                         {KEY: (3, 700, 5), OTHER: (1, 1, 1)})  # fmt: skip
        self.assertEqual(function_windows.added(before, before), {})

    def test_what_the_tables_do_not_have_is_not_compared(self) -> None:
        product = (1_795_867_200, "USD", "product", "lantern")
        held = function_windows.held({KEY: (1, 100, 2), product: (1, 100, 2)})
        self.assertEqual(held, {KEY: (1, 100, 2), product: (0, 0, 2)})


if __name__ == "__main__":
    unittest.main()
