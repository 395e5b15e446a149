"""What scheduled functions can do, by arithmetic from documented figures: no stack is needed."""

import unittest
from unittest import mock

import capacity
import capacity_schedules
import catalog
import config
from capacity_model import TARGET, Use
from capacity_schedules import Work
from config import ScriptError


def stored() -> dict[str, Work]:
    return {each.name: each for each in capacity_schedules.work(capacity.stored())}


class Schedules(unittest.TestCase):
    def test_what_every_order_needs_sustains_the_target_or_is_known_not_to(self) -> None:
        found = stored()
        self.assertEqual(capacity_schedules.behind(found.values()), [])
        too_slow = {name for name in capacity_schedules.NEEDED if found[name].orders_per_s < TARGET}
        self.assertEqual(too_slow, set(capacity_schedules.KNOWN))

    def test_every_scheduled_function_is_counted_or_works_for_no_order(self) -> None:
        scheduled = {name for name in catalog.functions() if catalog.trigger(name)["kind"] == "schedule"}
        counted = set(stored()) | {"outbox-sweep"}
        self.assertEqual(scheduled - counted, capacity_schedules.OF_NO_ORDER)

    def test_figures_are_those_of_the_document(self) -> None:
        text = (config.ROOT / "docs/measurements.md").read_text()
        for figure in (capacity_schedules.PUBLISHED_PER_S, capacity_schedules.DELETED_PER_S):
            self.assertIn(f"{figure:,}".replace(",", " "), text)
        self.assertIn(f"{capacity_schedules.CHECK_ROUND_MS} ms a round", text)

    def test_delivery_check_looks_at_a_page_of_each_outbox_after_the_other(self) -> None:
        uses = {**capacity.stored(), capacity_schedules.FULLEST_OUTBOX: Use(records=2, cpu_ms=1, wait_ms=1)}
        check = {each.name: each for each in capacity_schedules.outbox_sweep(uses)}["delivery check"]
        # 250 events in eight waits of 6 ms and the statements.
        self.assertEqual(round(check.items_per_s), round(250 / (8 * 6 + 43) * 1000))
        self.assertEqual(check.orders_per_s, check.items_per_s / 2)

    def test_sweep_is_limited_by_its_pages_or_by_its_time(self) -> None:
        def rate(record_ms: float) -> float:
            with mock.patch("capacity_schedules.record_ms", return_value=record_ms):
                return {each.name: each.items_per_s for each in capacity_schedules.sweeps(capacity.stored())}[
                    "stock-sweep"
                ]

        # Ten pages of a hundred a minute; with a second for each, what fits in the time of reservations that expire.
        self.assertEqual(rate(1), 1000 / 60)
        self.assertEqual(rate(1000), 25 / 60)

    def test_attempts_of_webhooks_are_limited_in_total_and_for_each_endpoint(self) -> None:
        found = [each for each in capacity_schedules.sweeps(capacity.stored()) if each.name == "webhook-deliver"]
        # Four claims a minute.
        self.assertEqual([each.items_per_s for each in found], [4 / 60 * 100, 4 / 60 * 20])

    def test_events_of_an_outage_are_published_at_the_measured_rate(self) -> None:
        publishing = Work("publishing", "pending events", 2000, 7)
        self.assertEqual(capacity_schedules.hours_to_publish([publishing], 3600), 3.5)

    def test_work_that_falls_behind_is_named_with_its_rate(self) -> None:
        slow = Work("deletions", "rows", 20_000, 40)
        self.assertEqual(
            capacity_schedules.behind([slow]), ["deletions sustains 20,000 rows a second: 500 orders of 1000"]
        )

    def test_constant_that_moved_is_an_error(self) -> None:
        with self.assertRaises(ScriptError):
            capacity_schedules.constant(capacity_schedules.OUTBOX, r"const NOTHING: u32 = (\d+)")


if __name__ == "__main__":
    unittest.main()
