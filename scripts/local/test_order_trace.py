"""Traces from log lines: the tree follows causes, and a hop without a cause is found."""

import json
import unittest
from typing import Any

import order_trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def line(function: str, *spans: dict[str, Any]) -> str:
    return json.dumps(
        {"function_name": function, "Invocations": 1, "spans": [{"trace_id": TRACE, **span} for span in spans]}
    )


def span(name: str, parent: str | None, at: int, **more: Any) -> dict[str, Any]:
    begun = {"span_id": name, "name": f"{name}.v1", "started_at": at, "duration_ms": 5, **more}
    return {**begun, "parent_id": parent} if parent else begun


LINES = [
    line("stock-reserve", span("b", "a", 1_010)),
    line("order-place", span("a", "client", 1_000)),
    line("payment-charge", span("c", "b", 1_020, failed=True)),
]


class Spans(unittest.TestCase):
    def test_spans_are_read_once_and_sorted_by_start(self) -> None:
        other = line("stock-reserve", {**span("z", None, 1), "trace_id": "0" * 32})
        spans = order_trace.spans_of([*LINES, *LINES, other, f'no JSON {TRACE} "spans"'], TRACE)
        self.assertEqual([one.id for one in spans], ["a", "b", "c"])
        self.assertEqual([one.function for one in spans], ["order-place", "stock-reserve", "payment-charge"])

    def test_each_span_is_drawn_under_its_cause(self) -> None:
        spans = order_trace.spans_of(LINES, TRACE)
        self.assertEqual([(depth, one.id) for depth, one in order_trace.tree(spans)], [(0, "a"), (1, "b"), (2, "c")])
        rows = order_trace.drawing(spans).splitlines()
        self.assertIn("    payment-charge  c.v1  FAILED", rows[2])

    def test_span_without_a_cause_in_its_trace_is_found(self) -> None:
        spans = order_trace.spans_of([*LINES, line("update-send", span("d", "lost", 1_030))], TRACE)
        self.assertEqual([one.id for one in order_trace.orphans(spans)], ["d"])
        self.assertEqual([depth for depth, one in order_trace.tree(spans) if one.id == "d"], [0])


if __name__ == "__main__":
    unittest.main()
