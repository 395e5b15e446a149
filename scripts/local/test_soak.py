"""The growth of a resource, with samples made up here: no stack is needed."""

import unittest

import soak
import soak_growth
from soak_growth import FLAT, GROWS, WITH_ORDERS

ORDERS = [10 * number for number in range(20)]


def verdict(kind: str, values: list[float]) -> str:
    return soak_growth.growth(kind, "x", values, ORDERS).verdict


class Levels(unittest.TestCase):
    def test_memory_that_rises_at_the_start_only_is_flat(self) -> None:
        self.assertEqual(verdict("memory", [5, 20, 38, 40, *[41.0] * 16]), FLAT)

    def test_memory_that_rises_until_the_end_grows(self) -> None:
        self.assertEqual(verdict("memory", [40.0 + 2 * number for number in range(20)]), GROWS)

    def test_a_queue_whose_waiting_messages_rise_grows(self) -> None:
        self.assertEqual(verdict("waiting", [0.0 + 3 * number for number in range(20)]), GROWS)

    def test_a_single_peak_of_waiting_messages_is_flat(self) -> None:
        self.assertEqual(verdict("waiting", [0.0] * 12 + [60.0] + [0.0] * 7), FLAT)


class Totals(unittest.TestCase):
    def test_a_table_that_never_changes_is_flat(self) -> None:
        self.assertEqual(verdict("rows", [500.0] * 20), FLAT)

    def test_as_many_rows_an_order_in_both_halves_grow_with_orders(self) -> None:
        self.assertEqual(verdict("rows", [3.0 * orders for orders in ORDERS]), WITH_ORDERS)

    def test_more_rows_an_order_in_the_second_half_grow(self) -> None:
        self.assertEqual(verdict("rows", [orders**2 / 20 for orders in ORDERS]), GROWS)

    def test_rows_that_are_deleted_again_are_no_growth(self) -> None:
        self.assertEqual(verdict("rows", [3.0 * min(orders, 80) for orders in ORDERS]), WITH_ORDERS)


class Reports(unittest.TestCase):
    def test_fewer_than_four_samples_are_an_error(self) -> None:
        with self.assertRaisesRegex(ValueError, "at least four are needed"):
            soak_growth.growth("rows", "x", [1, 2, 3], [1, 2, 3])

    def test_a_resource_that_appears_later_counts_from_its_first_sample(self) -> None:
        samples: list[dict[tuple[str, str], float]] = [{}] * 10 + [{("memory", "order-place"): 9.0}] * 10
        rows = soak.growths(samples, ORDERS)
        self.assertEqual([(row.name, row.start, row.verdict) for row in rows], [("order-place", 9.0, FLAT)])

    def test_only_the_memory_of_the_emulator_may_grow(self) -> None:
        rising = [40.0 + 2 * number for number in range(20)]
        rows = [soak_growth.growth("memory", name, rising, ORDERS) for name in ("aws", "order-place")]
        self.assertEqual([soak.is_allowed(row) for row in rows], [True, False])


if __name__ == "__main__":
    unittest.main()
