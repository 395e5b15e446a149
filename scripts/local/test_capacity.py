"""The capacity of each stage, from the stored measurement and the catalog: no stack is needed."""

import unittest
from unittest import mock

import capacity
import catalog
from capacity_model import Use


def row(memory_mb: int, concurrency: int, **mapping: object) -> dict[str, object]:
    mappings = [mapping] if mapping else []
    return {"memory_mb": memory_mb, "concurrency": concurrency, "mappings": mappings, "uses_database": True}


def of(found: dict[str, object], use: Use) -> capacity.Stage:
    with mock.patch.object(catalog, "row", return_value=found):
        return capacity.stage("order-place", use)


class Stages(unittest.TestCase):
    def test_every_stage_of_an_order_takes_the_target(self) -> None:
        found = capacity.stages(capacity.stored())
        self.assertEqual(capacity.narrow(found), [])
        self.assertLessEqual(set(capacity.SAGA), {each.function for each in found})

    def test_page_is_that_of_the_stored_measurement_and_the_catalog(self) -> None:
        written = capacity.PAGE.read_text()
        self.assertEqual(written, capacity.page(capacity.stored()), "run scripts/capacity --stored --write")

    def test_request_takes_its_cpu_time_at_its_share_and_its_waits(self) -> None:
        found = of(row(1769, 10), Use(records=1, cpu_ms=20, wait_ms=30))
        self.assertEqual((found.record_ms, found.orders_per_s, found.connections), (50, 200, 10))
        self.assertEqual(of(row(1769 // 2, 10), Use(1, 20, 30)).record_ms, 20 * 1769 / 884 + 30)

    def test_waits_of_a_batch_overlap_and_its_cpu_times_do_not(self) -> None:
        queue = row(1769, 2, source="queue", batch=100, concurrent=10)
        # Ten messages: 10 times 5 ms, and one wait.
        self.assertEqual(of(queue, Use(1, 5, 50)).orders_per_s, 200)
        self.assertEqual(of(queue, Use(2, 5, 50)).orders_per_s, 100)

    def test_narrow_stage_is_named_with_the_concurrency_that_it_needs(self) -> None:
        slow = of(row(1769, 3), Use(1, 5, 5))
        self.assertEqual(
            capacity.narrow([slow]),
            ["order-place takes 300 orders a second at a concurrency of 3: 10 is needed for 1000"],
        )


if __name__ == "__main__":
    unittest.main()
