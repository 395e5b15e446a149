"""What the operator's command line makes of responses of the API."""

import contextlib
import io
import json
import unittest
from collections.abc import Callable
from typing import Any
from unittest import mock

import api_client
import operate
import operate_consumers
import operate_dead_letters
import operate_payments

ORDER = "01936d6e-0000-7000-8000-000000000001"


class Pages(unittest.TestCase):
    def test_all_pages_of_a_list_are_read(self) -> None:
        asked = []

        class Api:
            def get(self, path: str) -> Any:
                asked.append(path)
                last = "cursor" in path
                body = {"items": [len(asked)], "next_cursor": None if last else "abc"}
                return mock.Mock(expect=lambda _status: body)

        api: Any = Api()
        self.assertEqual(list(api_client.pages(api, "/x?minutes=1")), [1, 2])
        self.assertEqual(asked, ["/x?minutes=1&limit=100", "/x?minutes=1&limit=100&cursor=abc"])


class Replays(unittest.TestCase):
    def test_every_page_is_replayed_from_the_cursor_of_the_one_before(self) -> None:
        asked: list[dict[str, Any]] = []

        class Api:
            def post(self, _path: str, body: dict[str, Any], key: str) -> Any:
                asked.append({"key": key, **body})
                cursor = None if len(asked) > 1 else "next"
                page = {"replayed": 2, "event_ids": ["a", "b"], "policy": "claims", "next_cursor": cursor}
                return mock.Mock(expect=lambda _status: page)

        command = ["ops", "replay", "product-index", "--json", "--reason", "a defect", "--from", "t0", "--to", "t1"]
        command += ["--key", "k"]
        with mock.patch("sys.argv", command):
            arguments = operate.read_arguments()
        api: Any = Api()
        pauses: list[float] = []
        total = operate.replay(api, arguments, pauses.append)
        self.assertEqual(pauses, [2 / 10], "the second page waits until the two events of the first are delivered")
        self.assertEqual((total["replayed"], len(total["event_ids"])), (4, 4))
        self.assertEqual([page.get("cursor") for page in asked], [None, "next"])
        self.assertEqual([page["key"] for page in asked], ["k-", "k-next"])
        self.assertNotIn("subject", asked[0])

    def test_pause_between_pages_is_announced_with_its_reason(self) -> None:
        def printed(replayed: int) -> str:
            page = {"replayed": replayed, "event_ids": ["a"], "policy": "claims"}
            pages = [{**page, "next_cursor": cursor} for cursor in ("next", None)]
            api: Any = mock.Mock()
            api.post.return_value.expect.side_effect = pages
            line = ["--reason", "a defect", "--from", "t0", "--to", "t1", "--per-second", "5"]
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                operate.replay(api, arguments("replay", "a", *line), lambda _seconds: None)
            return shown.getvalue()

        self.assertIn("the next page follows in 20 s: 5 are delivered in a second (--per-second)", printed(100))
        self.assertNotIn("follows", printed(0), "a dry run does not wait")

    def test_dry_run_says_what_the_consumer_does_with_events_that_it_has_handled(self) -> None:
        for policy, expected in (("claims", "skips them"), ("by_version", "handles them again")):
            api: Any = mock.Mock()
            page = {"replayed": 0, "event_ids": ["a"], "policy": policy, "next_cursor": None}
            api.post.return_value.expect.return_value = page
            line = ["--reason", "a defect", "--from", "t0", "--to", "t1", "--dry-run"]
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                operate.print_replay(operate.replay(api, arguments("replay", "a", *line)))
            self.assertIn(expected, shown.getvalue())

    def test_empty_options_are_sent(self) -> None:
        api: Any = mock.Mock()
        page = {"replayed": 0, "event_ids": [], "policy": "claims", "next_cursor": None}
        api.post.return_value.expect.return_value = page
        line = ["--reason", "a defect", "--from", "t0", "--to", "t1", "--subject", "", "--cursor", ""]
        operate.replay(api, arguments("replay", "a", *line))
        body = api.post.call_args.args[1]
        self.assertEqual(body["subject"], "")


class Api:
    """Answers GET requests by their path, and keeps what is posted or put."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers, self.posted, self.put_to = answers, dict[str, Any](), dict[str, Any]()
        self.key: str | None = None

    def get(self, path: str) -> Any:
        return mock.Mock(expect=lambda _status: self.answers[path])

    def post(self, path: str, body: Any, key: str | None) -> Any:
        self.posted[path], self.key = body, key
        return mock.Mock(expect=lambda _status: {"action_id": "a", "redriven": 1, "discarded": 0, "message_ids": ["m"]})

    def put(self, path: str, body: Any, key: str | None) -> Any:
        self.put_to[path], self.key = body, key
        return mock.Mock(expect=lambda _status: {})


def arguments(*line: str) -> Any:
    with mock.patch("sys.argv", ["ops", *line]):
        return operate.read_arguments()


def refusal(*line: str) -> str:
    """What the command line says of arguments that it refuses."""
    with contextlib.redirect_stderr(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        arguments(*line)
    return printed.getvalue()


class Commands(unittest.TestCase):
    def test_audit_counts_discarded_messages_and_does_not_print_them(self) -> None:
        who = {"operator_id": "o", "operator_role": None}
        about = {"at": "2026-11-21T12:00:00Z", **who, "action": "discard", "target": "a", "reason": "r"}
        outcome = {"matched": 1, "discarded": 1, "messages": [{"message_id": "m"}]}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate.print_audit([{**about, "outcome": outcome}])
        self.assertIn("matched=1 discarded=1", printed.getvalue())
        self.assertNotIn("messages", printed.getvalue())

    def test_lists_end_somewhere_and_say_so(self) -> None:
        api: Any = mock.Mock()
        for items, note in ((300, "only the first 1000 entries are listed"), (250, "")):
            last: dict[str, Any] = {"items": [{}] * items, "next_cursor": None}
            api.get.return_value.expect.side_effect = [{**last, "next_cursor": "c"}] * 3 + [last]
            asked = arguments("audit", "--json")
            with (
                mock.patch("operate.admin", return_value=api),
                mock.patch("operate.read_arguments", return_value=asked),
                contextlib.redirect_stdout(io.StringIO()) as printed,
                contextlib.redirect_stderr(io.StringIO()) as said,
            ):
                self.assertEqual(operate.main(), 0)
            self.assertEqual(len(json.loads(printed.getvalue())), 1000)
            self.assertEqual(said.getvalue(), f"✗ {note}\n" if note else "")

    def test_audit_shows_actions_with_their_reason_and_changes_with_what_they_say(self) -> None:
        common = {"at": "2026-11-21T12:00:00Z", "operator_id": "u-1"}
        action = {"action": "redrive", "target": "stock-reserve", "reason": "it is back", "outcome": {"redriven": 2}}
        said = {"order_id": "o-1", "reason": "staff_request"}
        change = {"action": "OrderCancelled.v1", "target": "o-1", "reason": None, "outcome": said}
        unfinished = {**action, "outcome": None}
        entries = [
            {**common, "operator_role": role, **one}
            for role, one in ((None, action), ("staff", change), (None, unfinished))
        ]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate.print_audit(entries)
        _, first, second, third = [line.split() for line in printed.getvalue().splitlines()]
        self.assertEqual(first[1:], ["u-1", "admin", "redrive", "stock-reserve", "it", "is", "back", "redriven=2"])
        self.assertEqual(second[1:], ["u-1", "staff", "OrderCancelled.v1", "o-1", "reason=staff_request"])
        self.assertEqual(third[-1], "?")

    def test_names_are_escaped(self) -> None:
        api: Any = mock.Mock()
        api.get.return_value.expect.return_value = {"items": [], "next_cursor": None}
        name, escaped = "a b/ü&limit=1", "a%20b%2F%C3%BC%26limit%3D1"
        operate_dead_letters.dead(api, arguments("dead", name))
        api.get.assert_called_with(f"/ops/dead-letters?queue={escaped}&limit=100")
        api.post.return_value.expect.return_value = {"message_ids": []}
        operate_dead_letters.redrive(api, arguments("redrive", name, "--reason", "it is back"))
        self.assertEqual(api.post.call_args.args[0], f"/ops/queues/{escaped}/redrive")
        operate_consumers.pause(api, arguments("pause", name, "--reason", "a defect"))
        self.assertEqual(api.put.call_args.args[0], f"/ops/consumers/{escaped}/state")

    def test_key_that_no_header_can_have_is_refused(self) -> None:
        for key in ("", "a b", "a\nb", "ümlaut"):
            self.assertIn("1 to 255 visible ASCII", refusal("pause", "a", "--reason", "a defect", "--key", key))

    def test_empty_names_are_not_left_out(self) -> None:
        page: dict[str, Any] = {"items": [], "next_cursor": None}
        queues: dict[str, Any] = {"/ops/queues": {"items": []}}
        api: Any = Api({**queues, "/ops/dead-letters?queue=&limit=100": page, "/ops/ledger?from=": {"from": "a"}})
        self.assertEqual(operate_dead_letters.dead(api, arguments("dead", "")), [])
        self.assertEqual(operate_payments.ledger(api, arguments("ledger", "--from", "")), {"from": "a"})
        for line in (("redrive", ""), ("pause", ""), ("resume", "")):
            self.assertIn("is empty", refusal(*line, "--reason", "it is back"))

    def test_ids_may_be_in_upper_case(self) -> None:
        line = ["--reason", "it is back", "--message", ORDER.upper()]
        self.assertEqual(arguments("redrive", "a", *line).message, [ORDER])
        self.assertEqual(arguments("order", ORDER.upper()).order, ORDER)

    def test_ledger_lists_both_amounts_of_a_difference(self) -> None:
        dollars = {"amount": 500, "currency": "USD"}
        differing = {"reference": "ch_1", "purpose": "charge", "kind": "missing_at_gateway", "ledger_amount": dollars}
        report = {
            "from": "a",
            "to": "b",
            "accounts": [],
            "transfers": [{"purpose": "charge", "count": 1, "amount": dollars}],
            "read_until": None,
            "compared_at": None,
            "discrepancies": [differing | {"gateway_amount": None}],
        }
        api: Any = Api({"/ops/ledger?from=a": report})
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate_payments.print_ledger(operate_payments.ledger(api, arguments("ledger", "--from", "a")))
        self.assertRegex(printed.getvalue(), r"ch_1 +charge +missing_at_gateway +5.00 USD +-")

    def test_queues_without_messages_are_left_out_unless_their_consumer_is_paused(self) -> None:
        counts = {"waiting": 0, "in_flight": 0, "delayed": 0}
        listed: list[dict[str, Any]] = [
            {"name": "a", "state": "running", "dead_letters": 1, **counts},
            {"name": "b", "state": "running", "dead_letters": 0, **counts},
            {"name": "c", "state": "paused", "dead_letters": 0, **counts},
            {"name": "d", "state": None, "dead_letters": 0, **counts},
        ]
        api: Any = Api({"/ops/queues": {"items": listed}})
        self.assertEqual([one["name"] for one in operate_consumers.queues(api, arguments("queues"))], ["a", "c"])
        self.assertEqual(len(operate_consumers.queues(api, arguments("queues", "--all"))), 4)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate_consumers.print_queues(listed)
        self.assertRegex(printed.getvalue(), r"c +paused +0")

    def test_pause_and_resume_need_a_reason_and_say_what_changed(self) -> None:
        with self.assertRaises(SystemExit), mock.patch("sys.stderr"):
            arguments("pause", "a")
        for command, state in (("pause", "paused"), ("resume", "running")):
            api: Any = Api({})
            asked = arguments(command, "a", "--reason", "a defect", "--key", "k")
            asked.look(api, asked)
            wanted = {"state": state, "reason": "a defect"}
            self.assertEqual((api.put_to, api.key), ({"/ops/consumers/a/state": wanted}, "k"))
        switched = {"consumer": "a", "state": "paused", "changed": 1, "action_id": "x"}
        for changed, said in ((1, r"a +paused +1 +x"), (0, r"a +paused +none: it had this state +x")):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                asked.show({**switched, "changed": changed})
            self.assertRegex(printed.getvalue(), said)


PAYMENT, REFUND = ORDER[:-1] + "2", ORDER[:-1] + "3"


class RefundApprovals(unittest.TestCase):
    def approval(self, refund: str, minor: int, verdict: str | None = None) -> dict[str, Any]:
        asked = {"requested_at": "2026-11-21T12:00:00.123Z", "requested_by": "staff-1", "reason": "duplicate"}
        decided = {"verdict": verdict, "decision_reason": "it came back" if verdict else None}
        return {"id": refund, "amount": {"amount": minor, "currency": "USD"}, **decided, **asked}

    def printed(self, show: Callable[[Any], None], found: Any) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            show(found)
        return printed.getvalue()

    def test_refunds_that_wait_are_listed_and_those_that_are_decided_are_not(self) -> None:
        approvals = [self.approval("decided", 500, "approved"), self.approval(REFUND, 60_000)]
        waiting = {"payment_id": PAYMENT, "order_id": ORDER, "refund_approvals": approvals}
        page = {"items": [waiting], "next_cursor": None}
        api: Any = Api({"/ops/payments/refund-approvals?limit=100": page})
        listed = operate_payments.approvals(api, arguments("approvals"))
        shown = self.printed(operate_payments.print_approvals, listed)
        row = rf"2026-11-21T12:00:00 +{PAYMENT} +{REFUND} +600.00 USD +duplicate +staff-1 +{ORDER}"
        self.assertRegex(shown, row)
        self.assertNotIn("decided", shown)
        self.assertIn("no refund waits", self.printed(operate_payments.print_approvals, []))

    def test_payments_of_which_another_amount_moved_are_listed(self) -> None:
        seen = {"movement": "charge", "transaction_id": "ch_1", "refund_id": None, "seen_at": "2026-11-21T12:00:00Z"}
        asked = {"amount": 1999, "currency": "USD"}
        both = [
            {**seen, "asked": asked, "answered": {"amount": 1499, "currency": "XTS"}},
            {**seen, "asked": asked, "answered": None, "movement": "refund", "refund_id": REFUND},
        ]
        payment = {"payment_id": PAYMENT, "order_id": ORDER, "status": "pending", "mismatches": both}
        api: Any = Api({"/ops/payments/mismatches?limit=100": {"items": [payment], "next_cursor": None}})
        listed = operate_payments.mismatches(api, arguments("mismatches"))
        shown = self.printed(operate_payments.print_mismatches, listed)
        row = rf"2026-11-21T12:00:00 +{PAYMENT} +pending +charge +19.99 USD +1499 minor units of XTS +ch_1 +- +{ORDER}"
        self.assertRegex(shown, row)
        self.assertRegex(shown, rf"refund +19.99 USD +not stated +ch_1 +{REFUND}")
        self.assertIn("moved what was asked", self.printed(operate_payments.print_mismatches, []))

    def test_decision_is_sent_with_a_key(self) -> None:
        dollars = {"amount": 60_000, "currency": "USD"}
        for verb, verdict in (("approve", "approved"), ("reject", "rejected")):
            approvals = [self.approval(REFUND, 60_000, verdict)]
            payment = {"id": PAYMENT, "status": "succeeded", "amount": dollars, "refunded_amount": dollars}
            api: Any = mock.Mock()
            api.call.return_value.expect.return_value = {**payment, "refund_approvals": approvals}
            line = (verb, PAYMENT, REFUND, "--key", "k", "--reason", "it came back")
            decided = operate_payments.decide(api, arguments(*line))
            path = f"/api/v1/payments/{PAYMENT}/refund-approvals/{REFUND}"
            body = {"verdict": verdict, "reason": "it came back"}
            api.call.assert_called_once_with("PATCH", path, body, {"Idempotency-Key": "k"})
            shown = self.printed(operate_payments.print_decided, decided)
            self.assertIn(f"{REFUND}: 600.00 USD, {verdict}: it came back", shown)
        operate_payments.decide(api, arguments("reject", PAYMENT, REFUND))
        self.assertEqual(api.call.call_args.args[2], {"verdict": "rejected"})
        self.assertTrue(api.call.call_args.args[3]["Idempotency-Key"])

    def test_decision_needs_two_ids(self) -> None:
        for line in (["approve", PAYMENT], ["approve", PAYMENT, "all"]):
            with self.assertRaises(SystemExit), mock.patch("sys.stderr"):
                arguments(*line)


if __name__ == "__main__":
    unittest.main()
