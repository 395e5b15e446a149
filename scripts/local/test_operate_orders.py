"""What scripts/ops makes of one order: its timeline, and following it."""

import contextlib
import io
import json
import unittest
from typing import Any
from unittest import mock

import operate
import operate_orders
import progress
from config import ScriptError

ORDER = "01936d6e-0000-7000-8000-000000000001"
REQUEST = "01936d6e-0000-7000-8000-00000000c0de"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def entry(kind: str, after: int | None, *deliveries: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "occurred_at": "2026-11-21T12:00:00.123456Z",
        "since_previous_ms": after,
        "published_at": "2026-11-21T12:00:00.345678Z",
        "actor": None,
        "correlation_id": REQUEST,
        "trace_id": TRACE,
        "data": {"order_id": ORDER, **data},
        "deliveries": list(deliveries),
    }


NO_FAILURE = {"failed_attempts": 0, "last_failure": None, "dead_lettered_at": None}
HANDLED = {"consumer": "stock-reserve", "status": "handled", "after_ms": 84, **NO_FAILURE}
OPEN = {"consumer": "payment-charge", "status": "open", "after_ms": None, **NO_FAILURE}
FAILED = {"failed_attempts": 2, "last_failure": "unavailable"}


class Orders(unittest.TestCase):
    def shown(self, timeline: list[dict[str, Any]], *messages: dict[str, Any], history_removed: bool = False) -> str:
        placed = {"id": ORDER, "status": "pending", "status_reason": "awaiting_payment", "created_at": "2026-11-21"}
        payment = {"id": "p", "status": "pending", "amount": {"amount": 1999, "currency": "USD"}}
        found = {"order": placed, "payment": payment, "timeline": timeline, "history_removed": history_removed}
        found["messages"] = list(messages)
        with contextlib.redirect_stdout(io.StringIO()) as printed, progress._stderr.capture() as failures:
            operate_orders.print_order(found)
        return printed.getvalue() + failures.get()

    def test_order_shows_what_each_event_says_and_who_has_not_handled_it(self) -> None:
        shown = self.shown(
            [
                entry("OrderPlaced.v1", None, HANDLED, total_amount={"amount": 1999, "currency": "USD"}),
                entry("StockReserved.v1", 84, OPEN, lines=[]),
            ]
        )
        self.assertIn("pending (awaiting_payment)", shown)
        self.assertIn("total_amount=19.99 USD", shown)
        self.assertIn("stock-reserve +84 ms", shown)
        self.assertIn("payment-charge has not handled StockReserved.v1", shown)
        self.assertNotIn("stock-reserve has not", shown)

    def test_order_shows_failed_attempts_of_what_is_handled_and_of_what_is_not(self) -> None:
        shown = self.shown([entry("OrderPlaced.v1", None, {**HANDLED, **FAILED}, {**OPEN, **FAILED})])
        self.assertIn("stock-reserve +84 ms after 2 failed, last unavailable", shown)
        self.assertIn("payment-charge OPEN after 2 failed, last unavailable", shown)
        self.assertNotIn("0 failed", self.shown([entry("OrderPlaced.v1", None, HANDLED, OPEN)]))

    def test_order_shows_whose_request_caused_an_event_and_when_it_was_published(self) -> None:
        by_staff = {**entry("OrderCancelled.v1", None), "actor": {"id": "u-1", "role": "staff"}}
        shown = self.shown([by_staff, {**entry("StockReleased.v1", 9), "published_at": None}])
        cancelled, released = [line for line in shown.splitlines() if ".v1" in line]
        self.assertIn("staff u-1  12:00:00.345", cancelled)
        self.assertNotIn("12:00:00.345", released)

    def test_order_shows_dead_letters(self) -> None:
        dead = {**OPEN, **FAILED, "dead_lettered_at": "2026-11-21T12:00:07.123Z"}
        shown = self.shown([entry("OrderPlaced.v1", None, dead)])
        self.assertIn("payment-charge DEAD LETTER since 12:00:07 after 2 failed, last unavailable", shown)
        self.assertIn("it is a dead letter, or was discarded as one, unavailable (scripts/ops dead)", shown)
        never = {**dead, "failed_attempts": 0, "last_failure": "unreadable"}
        self.assertIn("DEAD LETTER since 12:00:07 unreadable", self.shown([entry("OrderPlaced.v1", None, never)]))
        lines = list(
            operate_orders.changes(
                {
                    "order": {"id": ORDER, "status": "pending"},
                    "payment": None,
                    "timeline": [entry("OrderPlaced.v1", None, never)],
                    "history_removed": False,
                    "messages": [],
                }
            )
        )
        self.assertTrue(any("payment-charge DEAD LETTER" in line for line in lines), lines)

    def test_order_without_recorded_events_says_so(self) -> None:
        self.assertIn("no event of it is recorded yet", self.shown([]))

    def test_order_from_before_the_retention_of_events_says_so(self) -> None:
        shown = self.shown([], history_removed=True)
        self.assertIn("its events have been removed: they are kept for 180 days", shown)
        self.assertNotIn("recorded yet", shown)

    def test_order_shows_the_status_of_each_message(self) -> None:
        message = {
            "at": "2026-11-21T12:00:00Z",
            "channel": "sms",
            "template": "order_confirmed",
            "status": "unverified",
        }
        for timeline in ([], [entry("OrderPlaced.v1", None)]):
            shown = self.shown(timeline, message, {**message, "channel": "email", "status": "sent"})
            self.assertIn("2026-11-21T12:00:00Z  message order_confirmed by sms: unverified\n", shown)
            self.assertIn("message order_confirmed by email: sent\n", shown)

    def test_order_names_each_request_and_trace_once_with_its_events(self) -> None:
        later = {**entry("OrderCancelled.v1", 9), "correlation_id": "another", "trace_id": None}
        shown = self.shown([entry("OrderPlaced.v1", None), entry("StockReserved.v1", 84), later])
        self.assertIn(f"request {REQUEST}, trace {TRACE}: 2 events", shown)
        self.assertIn("request another, trace -: 1 event\n", shown)


class Numbers(unittest.TestCase):
    def identified(self, reference: str, *ids: str) -> tuple[str, list[str]]:
        """The id that is found where the API lists these, and the paths that were asked for."""
        api = mock.Mock()
        api.get.return_value.expect.return_value = {"items": [{"id": one} for one in ids], "next_cursor": None}
        with mock.patch("sys.argv", ["ops", "order", reference]):
            named = operate.read_arguments().order
        found = operate_orders.identified(api, named)
        return found, [call.args[0] for call in api.get.call_args_list]

    def test_an_order_is_named_by_its_id_or_by_its_number_in_any_case_and_with_spaces(self) -> None:
        other = "01936d6e-0000-7000-8000-0123456789ab"
        self.assertEqual(self.identified(ORDER.upper()), (ORDER, []))
        for number in ("0123456789AB", "0123 4567 89ab"):
            self.assertEqual(self.identified(number, other), (other, ["/orders?number=0123456789ab"]))

    def test_a_number_that_names_no_order_or_several_is_refused(self) -> None:
        with self.assertRaisesRegex(ScriptError, "no order has the number 0123456789AB"):
            self.identified("0123456789ab")
        with self.assertRaisesRegex(ScriptError, "2 orders have the number 0123456789AB: name one by its id: a, b"):
            self.identified("0123456789ab", "a", "b")

    def test_what_is_neither_an_id_nor_a_number_is_refused(self) -> None:
        for text in ("", "0123456789a", "0123456789ag", ORDER[:-1]):
            with contextlib.redirect_stderr(io.StringIO()) as printed, self.assertRaises(SystemExit):
                self.identified(text)
            self.assertIn("is neither an id, such as", printed.getvalue())


class Following(unittest.TestCase):
    def followed(self, looks: list[dict[str, Any]], *line: str) -> tuple[str, int]:
        """What is printed while the order looks like this, and how often it was looked at. The last look stays."""
        seen = mock.Mock(side_effect=[*looks, *[looks[-1]] * 100])
        with mock.patch("sys.argv", ["ops", "order", ORDER, "--watch", *line]):
            arguments = operate.read_arguments()
        with (
            mock.patch("operate_orders.order", seen),
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            operate_orders.follow(mock.Mock(), arguments, lambda: None)
        return printed.getvalue(), seen.call_count

    def look(self, status: str, *timeline: dict[str, Any]) -> dict[str, Any]:
        order = {"id": ORDER, "status": status}
        return {"order": order, "payment": None, "timeline": list(timeline), "history_removed": False, "messages": []}

    def test_what_is_new_is_printed_once_until_nothing_moves(self) -> None:
        placed = entry("OrderPlaced.v1", None, {**HANDLED, **NO_FAILURE})
        looks = [
            self.look("pending", entry("OrderPlaced.v1", None, OPEN)),
            self.look("pending", placed),
            self.look("processing", placed, entry("OrderConfirmed.v1", 90)),
        ]
        printed, count = self.followed(looks)
        order = ["OrderPlaced.v1", f"order {ORDER}: pending", "stock-reserve handled OrderPlaced.v1 +84 ms"]
        order += ["OrderConfirmed.v1", f"order {ORDER}: processing"]
        self.assertEqual(sorted(order, key=printed.index), order)
        self.assertEqual([printed.count(one) for one in (order[1], order[2], order[4])], [1, 1, 1])
        self.assertEqual(count, len(looks) + operate_orders.QUIET_LOOKS)

    def test_a_message_is_printed_with_each_status_that_it_gets(self) -> None:
        message = {"at": "2026-11-21T12:00:00.5Z", "channel": "email", "template": "order_confirmed", "status": "sent"}
        look = self.look("processing", entry("OrderConfirmed.v1", None))
        looks = [{**look, "messages": [message]}, {**look, "messages": [{**message, "status": "bounced"}]}]
        printed, _ = self.followed(looks)
        for status in ("sent", "bounced"):
            self.assertEqual(printed.count(f"12:00:00.5Z  message order_confirmed by email: {status}\n"), 1)

    def test_an_order_whose_events_have_been_removed_is_not_followed_for_ever(self) -> None:
        printed, _ = self.followed([{**self.look("delivered"), "history_removed": True}])
        self.assertEqual(printed.count(operate_orders.REMOVED), 1)

    def test_the_history_is_removed_if_the_api_says_so(self) -> None:
        for problem, expected in (("history-removed", True), ("not-found", False)):
            api, missing = mock.Mock(), mock.Mock(status=404, body={"type": f"/problems/{problem}"})
            messages = mock.Mock()
            messages.expect.return_value = {"items": [], "next_cursor": None}
            api.get.side_effect = [mock.Mock(), missing, missing, messages]
            found = operate_orders.order(api, mock.Mock(order=ORDER))
            self.assertEqual((found["timeline"], found["history_removed"]), ([], expected))

    def test_an_order_that_waits_is_followed_until_it_is_interrupted(self) -> None:
        handled = entry("OrderConfirmed.v1", None, OPEN)
        for look in (self.look("pending"), self.look("processing"), self.look("processing", handled)):
            with self.assertRaises(StopIteration):
                self.followed([look])
        interrupted = mock.Mock(side_effect=KeyboardInterrupt)
        with mock.patch("operate_orders.order", interrupted):
            operate_orders.follow(mock.Mock(), mock.Mock(json=False))

    def test_each_change_is_a_line_of_json_if_asked_for(self) -> None:
        looks = [self.look("pending"), self.look("processing", entry("OrderConfirmed.v1", None))]
        printed, _ = self.followed(looks, "--json")
        found = [json.loads(line)["order"]["status"] for line in printed.splitlines()]
        self.assertEqual(found, ["pending", "processing"])


if __name__ == "__main__":
    unittest.main()
