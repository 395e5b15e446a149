"""Profiles of load: their rates, their thresholds, and which of them are required."""

import contextlib
import io
import unittest
from typing import Any

import catalog
import cloudformation
import config
import load
import load_limits
from config import ScriptError


def metrics(duration_met: bool, failures_met: bool) -> dict[str, Any]:
    return {
        "http_reqs": {"values": {"count": 100, "rate": 5.0}},
        "http_req_duration": {"values": {"avg": 90.0}, "thresholds": {"avg<200": {"ok": duration_met}}},
        "http_req_failed": {"values": {"rate": 0.0}, "thresholds": {"rate<=0.001": {"ok": failures_met}}},
    }


class Profiles(unittest.TestCase):
    def test_rate_counts_requests_and_not_iterations(self) -> None:
        for profile, functions in load.FUNCTIONS.items():
            scenario = load.scenario(profile, load.SIZES["rate"])
            self.assertEqual(scenario["rate"] * len(functions), 10_000, profile)
            self.assertGreater(scenario["maxVUs"], scenario["rate"])

    def test_users_grow_to_ten_thousand(self) -> None:
        scenario = load.scenario("browse", load.SIZES["users"])
        self.assertEqual([stage["target"] for stage in scenario["stages"]], [10_000, 10_000])
        self.assertEqual(sum(int(stage["duration"].rstrip("s")) for stage in scenario["stages"]), 600)

    def test_thresholds_are_the_service_level_of_the_journey(self) -> None:
        for profile, percentile in {"browse": 95, "order": 95, "ingest": 99}.items():
            level = load.thresholds(catalog.journey(load.JOURNEYS[profile]))
            self.assertEqual(level["http_req_duration"], ["avg<200", f"p({percentile})<500"], profile)
            self.assertEqual(level["http_req_failed"], ["rate<=0.001"])

    def test_durations_are_required_of_deployments_and_not_of_the_local_stack(self) -> None:
        for duration, failures, local, expected in (
            (True, True, False, True),
            (False, True, False, False),
            (False, True, True, True),
            (True, False, True, False),
        ):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                passed = load.report(metrics(duration, failures), local)
            self.assertEqual(passed, expected, (duration, failures, local))


class Limits(unittest.TestCase):
    def reasons(self, profile: str, size: str, rate_limits: str | None = None, registrations: int = 20) -> list[str]:
        asked = load.load_of(profile, load.SIZES[size])
        return load_limits.exceeded(asked, load_limits.quotas(rate_limits), registrations)

    def test_small_sizes_are_within_the_default_limits(self) -> None:
        for profile in load.FUNCTIONS:
            self.assertEqual(self.reasons(profile, "small"), [], profile)

    def test_visitors_of_one_address_are_beyond_its_limit(self) -> None:
        [minute, day] = self.reasons("browse", "users")
        self.assertIn("1200 requests a minute, each of 1 would send 120000", minute)
        self.assertIn("200000 requests a day, each of 1 would send 1200000", day)
        self.assertEqual(self.reasons("browse", "users", "public_read:120000,1200000"), [])

    def test_one_member_of_staff_is_beyond_the_limit_and_the_route_beyond_its_throttle(self) -> None:
        raised = "write:600000,3000000;read:600000,3000000"
        self.assertEqual(len(self.reasons("ingest", "rate")), 5)
        [throttle] = self.reasons("ingest", "rate", raised)
        self.assertIn("POST /api/v1/data: API Gateway admits 1000 requests a second", throttle)
        self.assertEqual(self.reasons("ingest", "users", raised), [])

    def test_customers_share_the_load_and_register_from_one_address(self) -> None:
        [hour, minute] = self.reasons("order", "users")
        self.assertIn("20 customers an hour, this is 500", hour)
        self.assertIn("public_write", minute)
        self.assertEqual(self.reasons("order", "users", "public_write:1000,10000", registrations=500), [])

    def test_limits_of_an_unknown_class_are_refused(self) -> None:
        for text in ("reads:1,2", "read:1", "read:0,1", "webhook:1,2", "read:1,2;"):
            with self.assertRaises(ScriptError, msg=text):
                load_limits.quotas(text)

    def test_registrations_are_those_of_the_template(self) -> None:
        parameters = cloudformation.load(config.ROOT / "template.yaml")["Parameters"]
        self.assertEqual(str(parameters["MaxRegistrationsPerSource"]["Default"]), str(load_limits.REGISTRATIONS))


if __name__ == "__main__":
    unittest.main()
