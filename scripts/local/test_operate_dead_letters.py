"""What the operator's command line makes of dead letters: it lists, redrives and discards them."""

import contextlib
import io
import unittest
from typing import Any
from unittest import mock

import operate
from test_operate import Api, arguments, refusal

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
            operate.print_dead(listed)
        shown = printed.getvalue()
        for row in (r"a +moved-by-sqs +1\b", r"a +not-found +2\b", r"b +not-found +1\b"):
            self.assertRegex(shown, row)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            operate.print_dead([])
        self.assertIn("there are no dead letters", printed.getvalue())

    def test_forecast_says_why_a_message_would_not_be_handled(self) -> None:
        for changed, said in (
            ({"last_failure": None}, "would retry: no failure is recorded"),
            ({"outcome": "would_return", "detail": "It is no event."}, "would return: It is no event."),
            (
                {"outcome": "already_handled", "handled_at": "2026-11-21T12:00:00.5Z"},
                "already handled at 2026-11-21T12:00:00",
            ),
        ):
            self.assertEqual(operate.expected({**FORECAST, **changed}), said)

    def test_dead_letters_can_be_listed_and_redriven_by_reason(self) -> None:
        page: dict[str, Any] = {"items": [], "next_cursor": None}
        api: Any = Api({"/ops/dead-letters?queue=a&reason=not-found&limit=100": page})
        self.assertEqual(operate.dead(api, arguments("dead", "a", "--reason", "not-found")), [])
        operate.redrive(api, arguments("redrive", "a", "--reason", "it is back", "--reason-code", "not-found"))
        self.assertEqual(api.posted["/ops/queues/a/redrive"]["reason_code"], "not-found")

    def test_discard_sends_what_was_asked(self) -> None:
        api: Any = Api({})
        line = ["--reason", "no event", "--message", "m", "--reason-code", "unreadable", "--key", "k"]
        gone = operate.discard(api, arguments("discard", "a", *line))
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
                "/ops/queues": {"items": [{"name": "a", "dead_letters": 1}, {"name": "b", "dead_letters": 0}]},
                "/ops/dead-letters?queue=a&limit=100": {"items": [message], "next_cursor": "b=2"},
                "/ops/dead-letters?queue=a&limit=100&cursor=b%3D2": {"items": [message], "next_cursor": None},
            }
        )
        self.assertEqual(operate.dead(api, arguments("dead")), [{"queue": "a", **message}] * 2)

    def test_redrive_needs_a_reason_and_sends_what_was_asked(self) -> None:
        with self.assertRaises(SystemExit), mock.patch("sys.stderr"):
            arguments("redrive", "a")
        api: Any = Api({})
        line = ["--reason", "it is back", "--message", "m", "--dry-run", "--key", "k"]
        operate.redrive(api, arguments("redrive", "a", *line))
        asked = {"reason": "it is back", "dry_run": True, "message_ids": ["m"]}
        self.assertEqual((api.posted, api.key), ({"/ops/queues/a/redrive": asked}, "k"))

    def test_redrive_sends_a_patch_as_json(self) -> None:
        api: Any = Api({})
        patch = '[{"op": "remove", "path": "/data/reason"}]'
        operate.redrive(api, arguments("redrive", "a", "--reason", "it is back", "--patch", patch))
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
            operate.redrive(api, arguments("redrive", "a", "--reason", "it is back", f"--{option}", text))
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
            **members,
        }
        with (
            mock.patch("operate.admin"),
            mock.patch("sys.argv", ["ops", "redrive", "a", "--reason", "it is back"]),
            mock.patch("operate.redrive", return_value=moved),
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
        moved = operate.redrive(api, arguments("redrive", "a", "--reason", "b", "--message", "m", "--message", "o"))
        self.assertEqual(moved["missing"], ["o"])
        shown, status = self.redriven(action_id="x", redriven=3, refused=[], missing=["o"])
        self.assertIn("✗ o is not a dead letter of a: scripts/ops dead lists them\n", shown)
        self.assertEqual(status, 1)

    def test_patch_that_is_none_is_refused_in_one_line(self) -> None:
        for text, said in (("{", "it is not JSON: .+"), ("null", "it is null, which is not a JSON Patch")):
            line = refusal("redrive", "a", "--reason", "it is back", "--patch", text)
            self.assertRegex(line, rf"^scripts/ops redrive: argument --patch: {said} \(scripts/ops redrive --help\)\n$")


if __name__ == "__main__":
    unittest.main()
