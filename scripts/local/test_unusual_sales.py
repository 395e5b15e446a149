"""The windows of the sales that scripts/browser --pictures makes."""

import unittest
from datetime import datetime

import unusual_sales
from stream_events import WINDOW_S, Generator

NOW = 1_795_250_880.0


class UnusualSales(unittest.TestCase):
    def test_unusual_window_is_complete_and_all_weeks_that_it_is_compared_with_are_whole(self) -> None:
        unusual, hour, before = unusual_sales.windows_before(NOW)
        self.assertGreater(NOW - (unusual + WINDOW_S), 900)
        self.assertEqual([start % WINDOW_S for start in (unusual, *hour, *before)], [0] * 64)
        self.assertEqual((len(hour), len(set(before)), max(hour)), (11, 52, 1_795_250_700))
        # Both programs of the windows know an event for 31 days.
        self.assertLess(NOW - min(before), 31 * 86_400)

    def test_orders_are_in_their_windows_and_not_in_the_future(self) -> None:
        _, hour, _ = unusual_sales.windows_before(NOW)
        made = unusual_sales.confirmations(Generator("test"), hour, "GBP", lambda: 10, NOW)
        times = [datetime.fromisoformat(event["time"]).timestamp() for event in made]
        self.assertEqual(len(times), 10 * 10 + 6)
        self.assertLessEqual(max(times), NOW)
        self.assertEqual({int(at) // WINDOW_S * WINDOW_S for at in times}, set(hour))


if __name__ == "__main__":
    unittest.main()
