"""Tests of what both paths of the windows cost."""

import unittest

import stream_cost


class Cost(unittest.TestCase):
    def test_document_has_the_table_of_these_prices(self) -> None:
        document = stream_cost.DOCUMENT.read_text()
        self.assertEqual(document, stream_cost.written(document), "run scripts/local/run stream_cost.py --write")

    def test_functions_cost_less_below_the_rate_and_more_above(self) -> None:
        rate = stream_cost.break_even()
        self.assertLess(stream_cost.functions(rate / 2), stream_cost.flink())
        self.assertGreater(stream_cost.functions(rate * 2), stream_cost.flink())

    def test_full_batches_cost_less_for_an_order(self) -> None:
        self.assertLess(sum(stream_cost.per_order(100).values()), sum(stream_cost.per_order(0.1).values()))


if __name__ == "__main__":
    unittest.main()
