"""Tests of the generated orders: what they add up to, and how they change on their way."""

import unittest
from datetime import UTC, datetime

import stream_events
from stream_events import CANARY, WINDOW_S, GeneratedOrders, Generator, Json

END = datetime(2026, 11, 28, 12, tzinfo=UTC)


def generated(seed: str = "7") -> GeneratedOrders:
    return Generator(seed).make(END, minutes=5, orders=120, history=40)


def of(events: list[Json], name: str) -> list[Json]:
    return [event for event in events if event["type"] == name]


def countable(made: GeneratedOrders) -> list[Json]:
    """The events that windows count: all but those that are late by a year."""
    return [each for each in made.events if each["time"] > "2026"]


class Generation(unittest.TestCase):
    def test_same_seed_makes_the_same_events(self) -> None:
        self.assertEqual(generated().events, generated().events)
        self.assertNotEqual(generated().events, generated("8").events)

    def test_figures_are_those_of_the_events(self) -> None:
        made = generated()
        sold = [each for each in of(countable(made), "OrderConfirmed.v1") if each["data"]["user_id"] != CANARY]
        totals = [figure for key, figure in made.figures.items() if key[2] == "total"]
        self.assertEqual(sum(figure.events for figure in totals), len(sold))
        self.assertEqual(
            sum(figure.amount for figure in totals), sum(each["data"]["total_amount"]["amount"] for each in sold)
        )
        units = sum(line["quantity"] for each in sold for line in each["data"]["lines"])
        self.assertEqual(sum(figure.units for figure in totals), units)
        by_product = sum(figure.units for key, figure in made.figures.items() if key[2] == "product")
        self.assertEqual(by_product, units)

    def test_orders_of_the_canary_are_events_but_in_no_figure(self) -> None:
        made = generated()
        payments = [each for each in countable(made) if each["type"].startswith("Payment")]
        tests = [each for each in payments if each["data"]["user_id"] == CANARY]
        self.assertTrue(tests)
        counted = sum(figure.events for key, figure in made.figures.items() if key[2] == "payment")
        self.assertEqual(counted, len(payments) - len(tests))

    def test_figures_have_what_is_from_the_future_and_not_what_is_late_by_a_year(self) -> None:
        made = generated()
        starts = {start for start, *_ in made.figures}
        self.assertGreater(max(starts), END.timestamp() + 86_400)
        self.assertGreater(min(starts), END.timestamp() - 31 * 86_400)
        late = [each for each in made.events if each["time"] < "2026"]
        self.assertTrue(of(late, "OrderConfirmed.v1"))
        self.assertLessEqual({each["id"] for each in late}, made.mistimed)

    def test_windows_start_at_multiples_of_their_length(self) -> None:
        self.assertEqual({start % WINDOW_S for start, *_ in generated().figures}, {0})


class Deliveries(unittest.TestCase):
    def test_every_event_arrives_and_some_arrive_twice(self) -> None:
        made = generated()
        events, delivered = made.events, stream_events.deliveries(made, "7")
        self.assertEqual({each["id"] for each in delivered}, {each["id"] for each in events})
        self.assertGreater(len(delivered), len(events))

    def test_some_come_out_of_order_and_some_at_the_end(self) -> None:
        made = generated()
        delivered = stream_events.deliveries(made, "7")
        times = [each["time"] for each in delivered if each["id"] not in made.mistimed]
        self.assertNotEqual(times, sorted(times))
        newest = times.index(max(times))
        self.assertTrue([time for time in times[newest:] if time < min(times[newest - 5 : newest])])

    def test_what_is_late_by_a_year_or_from_the_future_comes_twice_and_between_others(self) -> None:
        made = generated()
        ids = [each["id"] for each in stream_events.deliveries(made, "7")]
        self.assertEqual({ids.count(each) for each in made.mistimed}, {2})
        places = [place for place, each in enumerate(ids) if each in made.mistimed]
        self.assertGreater(places[-1] - places[0], 3 * len(made.mistimed))

    def test_members_that_are_not_exported_are_not_in_the_log(self) -> None:
        event = of(generated().events, "OrderConfirmed.v1")[0]
        data = stream_events.exported(event)["data"]
        self.assertNotIn("shipping_address", data)
        self.assertEqual(data["total_amount"], event["data"]["total_amount"])
        line = data["lines"][0]
        self.assertNotIn("product_name", line)
        self.assertEqual(line["quantity"], event["data"]["lines"][0]["quantity"])


class Differences(unittest.TestCase):
    def test_figure_that_differs_or_is_missing_is_a_line(self) -> None:
        key = (1_795_867_200, "USD", "total", "")
        other = (1_795_867_500, "USD", "total", "")
        left = {key: (1, 100, 2), other: (1, 1, 1)}
        self.assertEqual(list(stream_events.differences(left, left)), [])
        lines = list(stream_events.differences(left, {key: (1, 100, 3)}))
        self.assertEqual(len(lines), 2)
        self.assertIn("2026-11-28T12:00Z USD total", lines[0])
        self.assertEqual(stream_events.windows(left), 2)


if __name__ == "__main__":
    unittest.main()
