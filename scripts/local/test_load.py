"""Profiles of load: their rates, their thresholds, and which of them are required."""

import contextlib
import io
import unittest
from typing import Any

import catalog
import load


def metrics(duration_met: bool, failures_met: bool) -> dict[str, Any]:
    return {
        "http_reqs": {"values": {"count": 100, "rate": 5.0}},
        "http_req_duration": {"values": {"avg": 90.0}, "thresholds": {"avg<200": {"ok": duration_met}}},
        "http_req_failed": {"values": {"rate": 0.0}, "thresholds": {"rate<=0.001": {"ok": failures_met}}},
    }


class Profiles(unittest.TestCase):
    def test_rate_counts_requests_and_not_iterations(self) -> None:
        for profile, requests in load.REQUESTS.items():
            scenario = load.scenario(profile, load.SIZES["rate"])
            self.assertEqual(scenario["rate"] * requests, 10_000, profile)
            self.assertGreater(scenario["maxVUs"], scenario["rate"])

    def test_users_grow_to_ten_thousand(self) -> None:
        scenario = load.scenario("browse", load.SIZES["users"])
        self.assertEqual([stage["target"] for stage in scenario["stages"]], [10_000, 10_000])
        self.assertEqual(sum(int(stage["duration"].rstrip("s")) for stage in scenario["stages"]), 600)

    def test_thresholds_are_the_service_level_of_the_journey(self) -> None:
        for profile in load.REQUESTS:
            level = load.thresholds(catalog.journey(load.JOURNEYS[profile]))
            self.assertEqual(level["http_req_duration"], ["avg<200", "p(95)<500"])
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


if __name__ == "__main__":
    unittest.main()
