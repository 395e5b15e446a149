"""What the operator's command line makes of dead letters: it lists, redrives and discards them."""

import contextlib
import io
import unittest
from typing import Any
from unittest import mock

import operate
import operate_dead_letters
from config import ScriptError
from test_operate import ORDER, Api, arguments, refusal

FORECAST = {
    "outcome": "would_retry",
    "detail": "Its handler would run again.",
    "handled_at": None,
    "failed_attempts": 2,
    "last_failure": "unavailable",
}


class DeadLetters(unittest.TestCase):
    def test_dead_letters_are_counted_by_consumer_and_reason(self) -> None:
        def message(queue: str, reason: str | None) -> dict[str, Any]:
            about = {"queue": queue, "id": "m", "dead_since": "2026-11-21T12:00:00Z", "detail": None, "event": None}
            return {**about, "reason": reason, "forecast": FORECAST}

        listed = [message("a", "not-found"), message("a", None), message("a", "not-found"), message("b", "not-found")]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate_dead_letters.print_dead(listed)
        shown = printed.getvalue()
        for row in (r"a +moved-by-sqs +1\b", r"a +not-found +2\b", r"b +not-found +1\b"):
            self.assertRegex(shown, row)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate_dead_letters.print_dead([])
        self.assertIn("no dead letter was found", printed.getvalue())

    def test_forecast_says_why_a_message_would_not_be_handled(self) -> None:
        for changed, said in (
            ({"last_failure": None}, "would retry: no failure is recorded"),
            ({"outcome": "would_return", "detail": "It is no event."}, "would return: It is no event."),
            (
                {"outcome": "already_handled", "handled_at": "2026-11-21T12:00:00.5Z"},
                "already handled at 2026-11-21T12:00:00",
            ),
        ):
            self.assertEqual(operate_dead_letters.expected({**FORECAST, **changed}), said)

    def test_dead_letters_can_be_listed_and_redriven_by_reason(self) -> None:
        page: dict[str, Any] = {"items": [], "next_cursor": None}
        api: Any = Api({"/ops/queues": {"items": []}, "/ops/dead-letters?queue=a&reason=not-found&limit=100": page})
        self.assertEqual(operate_dead_letters.dead(api, arguments("dead", "a", "--reason", "not-found")), [])
        operate_dead_letters.redrive(
            api, arguments("redrive", "a", "--reason", "it is back", "--reason-code", "not-found")
        )
        self.assertEqual(api.posted["/ops/queues/a/redrive"]["reason_code"], "not-found")

    def test_discard_sends_what_was_asked(self) -> None:
        api: Any = Api({})
        line = ["--reason", "no event", "--message", "m", "--reason-code", "unreadable", "--key", "k"]
        gone = operate_dead_letters.discard(api, arguments("discard", "a", *line))
        asked = {"action": "discard", "reason": "no event", "dry_run": False}
        selected = {"message_ids": ["m"], "reason_code": "unreadable"}
        self.assertEqual((api.posted, api.key), ({"/ops/queues/a/redrive": {**asked, **selected}}, "k"))
        self.assertEqual((gone["verb"], gone["missing"]), ("deleted", []))
        with self.assertRaises(SystemExit), mock.patch("sys.stderr"):
            arguments("discard", "a")

    def test_dead_letters_of_all_consumers_that_have_some_are_listed(self) -> None:
        message = {"id": "m", "reason": "not-found"}
        api: Any = Api(
            {
                "/ops/queues": {"items": [{"name": "a", "dead_letters": 2}, {"name": "b", "dead_letters": 0}]},
                "/ops/dead-letters?queue=a&limit=100": {"items": [message], "next_cursor": "b=2"},
                "/ops/dead-letters?queue=a&limit=100&cursor=b%3D2": {"items": [message], "next_cursor": None},
            }
        )
        self.assertEqual(operate_dead_letters.dead(api, arguments("dead")), [{"queue": "a", **message}] * 2)

    def listed(self, total: int, found: list[dict[str, Any]], *line: str) -> tuple[list[str], list[str]]:
        """Ids and notes of a list of a consumer that has `total` dead letters, of which the API lists these."""
        queues, page = {"items": [{"name": "a", "dead_letters": total}]}, {"items": found, "next_cursor": None}
        api: Any = mock.Mock()
        answers = {"/ops/queues": queues, "/ops/dead-letters": page}
        api.get.side_effect = lambda path: mock.Mock(expect=lambda _status: answers[path.split("?")[0]])
        asked = arguments("dead", "a", *line)
        return [one["id"] for one in operate_dead_letters.dead(api, asked)], asked.notes

    def test_list_that_is_not_complete_says_how_many_there_are(self) -> None:
        hundred = [{"id": str(number), "event": None} for number in range(100)]
        self.assertEqual(self.listed(100, hundred)[1], [])
        self.assertEqual(self.listed(5000, hundred)[1], ["only 100 of about 5000 dead letters of a are listed"])
        by_reason = ("--reason", "not-found")
        self.assertEqual(self.listed(200, hundred[:3], *by_reason)[1], [])
        for total, found, note in (
            (101, hundred, "about 101 dead letters of a may have more than these 100 with not-found"),
            (5000, hundred[:3], "only 200 of about 5000 dead letters of a were searched for not-found"),
        ):
            self.assertEqual(self.listed(total, found, *by_reason)[1], [note])

    def test_dead_letters_of_one_order_are_listed(self) -> None:
        events = (None, {"type": "UserErased.v1"}, {"order_id": ORDER}, {"order_id": "another"})
        found = [{"id": str(number), "event": event} for number, event in enumerate(events)]
        self.assertEqual(self.listed(4, found, "--order", ORDER), (["2"], []))
        ids, notes = self.listed(300, found, "--order", ORDER)
        said = "only 4 of about 300 dead letters of a were searched for the order"
        self.assertEqual((ids, notes), (["2"], [said]))

    def test_redrive_needs_a_reason_and_sends_what_was_asked(self) -> None:
        with self.assertRaises(SystemExit), mock.patch("sys.stderr"):
            arguments("redrive", "a")
        api: Any = Api({})
        line = ["--reason", "it is back", "--message", "m", "--dry-run", "--key", "k"]
        operate_dead_letters.redrive(api, arguments("redrive", "a", *line))
        asked = {"reason": "it is back", "dry_run": True, "message_ids": ["m"]}
        self.assertEqual((api.posted, api.key), ({"/ops/queues/a/redrive": asked}, "k"))

    def test_redrive_sends_a_patch_as_json(self) -> None:
        api: Any = Api({})
        patch = '[{"op": "remove", "path": "/data/reason"}]'
        operate_dead_letters.redrive(api, arguments("redrive", "a", "--reason", "it is back", "--patch", patch))
        self.assertEqual(api.posted["/ops/queues/a/redrive"]["patch"], [{"op": "remove", "path": "/data/reason"}])
        self.assertIsNone(api.key)
        with self.assertRaises(SystemExit), mock.patch("sys.stderr"):
            arguments("redrive", "a", "--reason", "it is back", "--patch", "remove")

    def test_redrive_sends_what_the_api_is_to_refuse(self) -> None:
        for option, text, member, value in (
            ("max", "0", "max", 0),
            ("per-second", "0", "per_second", 0),
            ("patch", "[]", "patch", []),
            ("patch", "{}", "patch", {}),
        ):
            api: Any = Api({})
            operate_dead_letters.redrive(api, arguments("redrive", "a", "--reason", "it is back", f"--{option}", text))
            self.assertEqual(api.posted["/ops/queues/a/redrive"][member], value)

    def redriven(self, **members: Any) -> tuple[str, int]:
        """What a redrive of which one message is refused prints, and its status."""
        refused = [{"message_id": "r", "reason": "validation", "detail": "/data/text is [too] long"}]
        moved = {
            "queue": "a",
            "verb": "moved",
            "discarded": 0,
            "message_ids": ["m", "n", "r"],
            "has_more": False,
            "forecasts": [{"message_id": one, "forecast": FORECAST} for one in ("m", "n")],
            "edited": [],
            "refused": refused,
            "missing": [],
            "requests": 1,
            **members,
        }
        with (
            mock.patch("operate.admin"),
            mock.patch("sys.argv", ["ops", "redrive", "a", "--reason", "it is back"]),
            mock.patch("operate_dead_letters.redrive", return_value=moved),
            contextlib.redirect_stdout(io.StringIO()) as printed,
            contextlib.redirect_stderr(printed),
        ):
            status = operate.main()
        return printed.getvalue(), status

    def test_refused_messages_do_not_count_as_moved(self) -> None:
        stays = "✗ r stays: validation: /data/text is [too] long\n"
        shown, status = self.redriven(action_id=None, redriven=0)
        told = "if redriven would retry: 2 failed, last unavailable"
        self.assertIn(f"a: 2 would be moved, 1 stay\n    m {told}\n    n {told}\n" + stays, shown)
        self.assertEqual(status, 1)
        shown, status = self.redriven(action_id="x", redriven=2)
        self.assertIn("a: 2 moved, 1 stay; action x in the audit\n" + stays, shown)
        self.assertEqual(status, 1)
        shown, status = self.redriven(action_id="x", redriven=3, refused=[])
        self.assertIn("a: 3 moved, 0 stay;", shown)
        self.assertEqual(status, 0)

    def test_redrive_says_whether_there_are_more(self) -> None:
        for has_more, said in (
            (True, "1 stay; there are more\n"),
            (None, "1 stay; there may be more\n"),
            (False, "1 stay\n"),
        ):
            shown, _ = self.redriven(action_id=None, redriven=0, has_more=has_more)
            self.assertIn(f"a: 2 would be moved, {said}", shown)

    def test_messages_that_are_not_dead_letters_are_named(self) -> None:
        api: Any = Api({})
        moved = operate_dead_letters.redrive(
            api, arguments("redrive", "a", "--reason", "b", "--message", "m", "--message", "o")
        )
        self.assertEqual(moved["missing"], ["o"])
        shown, status = self.redriven(action_id="x", redriven=3, refused=[], missing=["o"])
        self.assertIn("✗ o is not a dead letter of a: scripts/ops dead lists them\n", shown)
        self.assertEqual(status, 1)

    def redriven_all(self, total: int, pages: list[tuple[int, int]], *line: str, has_queue: bool = True) -> Any:
        """What a redrive of all returns, its requests and its pauses. A page says how many are found and moved."""
        queue = {"name": "a", "dead_letters": total, "has_queue": has_queue}
        api: Any = mock.Mock()
        api.get.return_value.expect.return_value = {"items": [queue]}
        answers = [
            {"message_ids": ["m"] * found, "redriven": moved, "discarded": 0, "refused": [], "action_id": str(number)}
            for number, (found, moved) in enumerate(pages)
        ]
        api.post.return_value.expect.side_effect = answers
        asked, pauses = arguments("redrive", "a", "--reason", "it is back", "--all", *line), list[float]()
        with contextlib.redirect_stdout(io.StringIO()):
            moved = operate_dead_letters.redrive(api, asked, pauses.append)
        return moved, [call.args[1:] for call in api.post.call_args_list], pauses

    def test_redrive_of_all_moves_what_the_queue_had_at_first_at_the_rate(self) -> None:
        moved, asked, pauses = self.redriven_all(250, [(100, 100), (100, 100), (100, 100)], "--per-second", "50")
        self.assertEqual((moved["redriven"], moved["requests"], moved["action_id"]), (300, 3, "2"))
        self.assertEqual(asked, [({"reason": "it is back", "dry_run": False, "per_second": 50}, None)] * 3)
        self.assertEqual(pauses, [2, 2], "the next hundred wait until those before are delivered")
        self.assertEqual(self.redriven_all(101, [(100, 100), (1, 1)])[2], [10], "ten in a second by default")

    def test_redrive_of_all_ends_when_nothing_moves_or_all_was_searched(self) -> None:
        for total, pages in (
            (5000, [(100, 100), (100, 0)]),
            (900, [(100, 100), (7, 7)]),
            (0, [(0, 0)]),
        ):
            moved, asked, _ = self.redriven_all(total, pages)
            self.assertEqual((len(asked), moved["redriven"]), (len(pages), sum(one for _, one in pages)))

    def test_redrive_of_a_reason_ends_with_less_than_a_page(self) -> None:
        # Those that fail again at once have the reason again.
        _, asked, _ = self.redriven_all(5000, [(100, 100), (7, 7), (7, 7)], "--reason-code", "not-found")
        self.assertEqual([body["reason_code"] for body, _ in asked], ["not-found"] * 2)

    def test_redrive_of_all_to_a_topic_does_not_wait(self) -> None:
        self.assertEqual(self.redriven_all(150, [(100, 100), (50, 50)], has_queue=False)[2], [])

    def test_dry_run_of_all_is_one_request(self) -> None:
        _, asked, _ = self.redriven_all(5000, [(100, 0)], "--dry-run")
        self.assertEqual(asked, [({"reason": "it is back", "dry_run": True}, None)])

    def test_redrive_of_all_refuses_what_is_of_one_request(self) -> None:
        for line in (["--message", "m"], ["--max", "5"], ["--key", "k"]):
            with self.assertRaisesRegex(ScriptError, "^--all takes neither"):
                self.redriven_all(1, [], *line)

    def test_redrive_of_all_names_its_last_action_and_what_stays(self) -> None:
        shown, status = self.redriven(action_id="x", redriven=300, requests=3)
        self.assertIn("a: 300 moved, 1 stay; 3 actions, at last action x, in the audit\n", shown)
        self.assertEqual(status, 1)

    def test_patch_that_is_none_is_refused_in_one_line(self) -> None:
        for text, said in (("{", "it is not JSON: .+"), ("null", "it is null, which is not a JSON Patch")):
            line = refusal("redrive", "a", "--reason", "it is back", "--patch", text)
            self.assertRegex(line, rf"^scripts/ops redrive: argument --patch: {said} \(scripts/ops redrive --help\)\n$")


if __name__ == "__main__":
    unittest.main()
