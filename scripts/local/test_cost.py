"""Counting and pricing of orders, with records made up here: no stack is needed."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import catalog
import config
import cost
import cost_budgets
import cost_model
import cost_month
from cost_count import Usage, usage
from cost_model import Flow


def metrics(**members: int) -> str:
    definitions = [{"Name": name, "Unit": "Count"} for name in members]
    return json.dumps({**members, "_aws": {"CloudWatchMetrics": [{"Metrics": definitions}]}})


def physical(function: str) -> str:
    return f"quayside-local-{function}"


def invocation(function: str, *messages: str) -> list[dict[str, str]]:
    lines = ["START RequestId: 1 Version: 1", *messages, "END RequestId: 1", "REPORT RequestId: 1"]
    return [{"function": physical(function), "message": message} for message in lines]


def call(function: str, service: str, action: str, *entries: int) -> dict[str, Any]:
    return {"function": physical(function), "service": service, "action": action, "entries": list(entries)}


def of(orders: int, lines: list[dict[str, str]], calls: list[dict[str, Any]], **cpu: float) -> Usage:
    return usage(orders, 1, lines, calls, {name.replace("_", "-"): value for name, value in cpu.items()})


def forwarded(orders: int, records: int) -> Usage:
    """Orders with one event each, forwarded in batches of so many records."""
    lines = invocation("event-forward", metrics(RecordsProcessed=records)) * (orders // records)
    return of(orders, lines, [])


class Counting(unittest.TestCase):
    def test_lines_of_the_platform_are_invocations_and_no_log_bytes(self) -> None:
        found = of(1, invocation("order-place", "12345", "é"), [])
        self.assertEqual((found.invocations["order-place"], found.lines["order-place"]), (1, 2))
        self.assertEqual(found.log_bytes["order-place"], 7)

    def test_records_are_those_of_the_metrics_whatever_became_of_them(self) -> None:
        found = of(1, invocation("event-forward", metrics(RecordsProcessed=3, RecordsFailed=1, Invocations=1)), [])
        self.assertEqual(found.records["event-forward"], 4)
        self.assertIn(("event-forward", "RecordsFailed"), found.series)

    def test_calls_are_of_the_function_that_made_them(self) -> None:
        calls = [call("order-place", "events", "PutEvents", 1000, 1100), call("no-function", "events", "PutEvents", 1)]
        found = of(1, [], [*calls, {**calls[0], "function": ""}])
        self.assertEqual(list(found.calls), [("order-place", "events", "PutEvents")])
        one = found.calls["order-place", "events", "PutEvents"]
        self.assertEqual((one.requests, one.entries, one.bytes, one.kib), (1, 2, 2100, 3))

    def test_schedules_do_not_belong_to_orders(self) -> None:
        found = of(1, invocation("order-sweep", "line"), [call("order-sweep", "events", "PutEvents", 1)], order_sweep=5)
        self.assertEqual((found.functions, dict(found.calls), dict(found.cpu_ms)), ([], {}, {}))


class Pricing(unittest.TestCase):
    def test_queue_has_a_send_a_message_and_two_requests_a_batch(self) -> None:
        mapping = {"source": "queue", "batch": 10, "window_s": 0}
        with mock.patch.dict(catalog.row("event-forward"), {"mappings": [mapping]}):
            self.assertEqual(Flow(forwarded(8, 1), 1).queue_requests(), 3)
            self.assertEqual(Flow(forwarded(8, 4), 1).queue_requests(), 1.5)

    def test_window_gathers_what_arrives_until_the_batch_is_full(self) -> None:
        mapping = {"source": "queue", "batch": 100, "window_s": 20}
        with mock.patch.dict(catalog.row("event-forward"), {"mappings": [mapping]}):
            found = forwarded(8, 1)
            # Five pollers each gather for twenty seconds.
            self.assertEqual(Flow(found, 1).invocations("event-forward"), 1 / 4)
            self.assertEqual(Flow(found, 100).invocations("event-forward"), 1 / 100)
            self.assertEqual(Flow(found, 0.001).invocations("event-forward"), 1, "no batch has less than a record")
            self.assertEqual(Flow(found, 100, cost_model.typical_design()).invocations("event-forward"), 1)

    def test_rate_changes_batches_and_not_what_an_order_uses(self) -> None:
        one, many = forwarded(4, 1), forwarded(40, 8)
        for _ in range(2):
            # Two batches more, of events that were published twice.
            for record in invocation("event-forward", metrics(RecordsProcessed=8)):
                many.add_line("event-forward", record["message"])
        found = cost_model.batched(one, many)
        self.assertEqual((found.records["event-forward"], found.invocations["event-forward"]), (40, 5))

    def test_traces_are_what_lambda_samples_and_ours_are_log_lines(self) -> None:
        found = of(1, invocation("order-place", "x") + invocation("authorizer", "x"), [])
        typical = cost_model.typical_design()
        roots = Flow(found, 1, typical).traces()
        self.assertGreaterEqual(roots, 2)
        # A request a second, and five percent of the other ninety-nine.
        self.assertAlmostEqual(Flow(found, 100, typical).traces(), roots * 0.0595)
        self.assertEqual(Flow(found, 0.1, typical).traces(), roots)
        self.assertEqual(Flow(found, 1).traces(), 0)

    def test_more_of_anything_costs_more(self) -> None:
        place = invocation("order-place", "x" * 500)
        small = of(1, place, [call("order-place", "events", "PutEvents", 1000)], order_place=5)
        for larger in (
            of(1, place * 2, [call("order-place", "events", "PutEvents", 1000)], order_place=5),
            of(
                1,
                invocation("order-place", "x" * 900),
                [call("order-place", "events", "PutEvents", 1000)],
                order_place=5,
            ),
            of(1, place, [call("order-place", "events", "PutEvents", 1000, 1000)], order_place=5),
            of(1, place, [call("order-place", "events", "PutEvents", 1000)], order_place=9),
        ):
            totals = [cost_model.total(cost_model.per_million(Flow(one, 1).quantities())) for one in (small, larger)]
            self.assertLess(*totals)

    def test_floor_is_what_the_promises_impose(self) -> None:
        self.assertEqual(cost_model.total(cost_model.floor()), 11)

    def test_every_price_names_its_source(self) -> None:
        table = cost_model.prices()
        for row in [*table["variable"].values(), *table["monthly"].values()]:
            self.assertTrue(row["source"].startswith("https://") and row["what"], row)

    def test_month_has_lines_for_both_environments_and_prod_costs_more(self) -> None:
        dev, prod = (cost_month.fixed(name) for name in cost_month.ENVIRONMENTS)
        self.assertEqual(list(dev), list(prod))
        self.assertGreater(prod["database"], dev["database"])
        self.assertTrue(all(value > 0 for value in dev.values()), dev)

    def test_month_has_all_keys_of_an_environment(self) -> None:
        modules = config.ROOT / "terraform" / "modules"
        holders = {path.parent.name for path in modules.rglob("*.tf") if 'resource "aws_kms_key"' in path.read_text()}
        self.assertEqual(holders, {"keys", "notifications", "trail"})
        self.assertEqual(cost_month.fixed("prod")["keys"], 13)


class Budgets(unittest.TestCase):
    def test_double_use_exceeds_its_budget(self) -> None:
        budgets = dict.fromkeys(cost_budgets.budgets(), 2.0)
        lines = invocation("order-place", "x")
        with mock.patch.object(cost_budgets, "budgets", lambda: {**budgets, "log bytes": 100}):
            self.assertEqual(cost_budgets.exceeded(of(1, lines * 2, [])), [])
            self.assertEqual(
                cost_budgets.exceeded(of(1, lines * 4, [])),
                ["invocations: 4.00 instead of 2", "log lines: 4.00 instead of 2"],
            )

    def test_every_count_has_a_budget(self) -> None:
        self.assertEqual(set(cost_budgets.counts(of(1, [], []))), set(cost_budgets.budgets()))


class Document(unittest.TestCase):
    def test_only_the_generated_part_is_replaced(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "cost.md"
            path.write_text(f"before\n{cost.BEGIN}\nold\n{cost.END}\nafter\n")
            cost.write(path, "new")
            self.assertEqual(path.read_text(), f"before\n{cost.BEGIN}\n\nnew\n{cost.END}\nafter\n")

    def test_report_has_a_row_for_each_line_and_function(self) -> None:
        found = of(1, invocation("order-place", "x"), [])
        text = cost.report(cost_model.flows(found, found))
        for expected in ("HTTP API request", "`order-place`", "| **total** |", "NAT gateways"):
            self.assertIn(expected, text)


if __name__ == "__main__":
    unittest.main()
