"""Metrics lines become Prometheus' exposition; only a scraper with the token reads it."""

import asyncio
import json
import re
import tempfile
import unittest
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, generate_latest

import catalog
import config
import emf
import emulator_records
import exporter
import trail

TOKEN = "secret"
ORDER = 'function_name="order-place",service="orders"'


def line(function: str = "order-place", at: float = 1000, **members: Any) -> str:
    metrics = [{"Name": name, "Unit": "Count"} for name in members]
    directive = {"Namespace": "quayside", "Dimensions": [["service", "function_name"]], "Metrics": metrics}
    header = {"Timestamp": int(at * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({**members, "_aws": header, "service": "orders", "function_name": function})


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Exposition(unittest.TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.metrics = emf.Metrics(self.clock)
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self.metrics)

    def samples(self) -> dict[str, str]:
        """Samples by name and labels, with the labels sorted."""
        found = {}
        for text in generate_latest(self.registry).decode().splitlines():
            if not text.startswith("#"):
                name, labels, value = re.fullmatch(r"(\w+){(.*)} (\S+)", text).groups()  # type: ignore[union-attr]
                found[f"{name}{{{','.join(sorted(labels.split(',')))}}}"] = value
        return found

    def test_count_is_a_counter_that_adds_up(self) -> None:
        self.metrics.add(line(RefundsFailed=2))
        self.metrics.add(line(RefundsFailed=3))
        self.clock.now += emf.FIRST_ZERO_S
        self.assertEqual(self.samples(), {f"quayside_refunds_failed_total{{{ORDER}}}": "5.0"})

    def test_new_counter_is_zero_first_so_that_its_first_event_is_an_increase(self) -> None:
        self.metrics.add(line(RefundsFailed=1))
        self.assertEqual(list(self.samples().values()), ["0.0"])
        self.clock.now += emf.FIRST_ZERO_S
        self.assertEqual(list(self.samples().values()), ["1.0"])

    def test_counter_of_the_past_is_no_increase(self) -> None:
        self.metrics.add(line(RefundsFailed=1), is_history=True)
        self.assertEqual(list(self.samples().values()), ["1.0"])

    def test_value_is_a_gauge_until_it_is_old(self) -> None:
        self.metrics.add(line(OutboxLag=[7, 9]))
        self.assertEqual(self.samples(), {f"quayside_outbox_lag{{{ORDER}}}": "9.0"})
        self.clock.now += emf.GAUGE_S
        self.assertEqual(self.samples(), {}, "a function that fell silent has no value")

    def test_limit_of_every_service_level_is_a_bound(self) -> None:
        for name in catalog.section("journeys"):
            self.assertIn(catalog.journey(name)["within_ms"], emf.BUCKETS_MS, name)

    def test_latency_is_a_histogram_with_the_bounds_of_the_service_levels(self) -> None:
        self.metrics.add(line(Latency=[5, 200, 201, 20_000]), is_history=True)
        samples = self.samples()
        function, service = ORDER.split(",")
        of = {
            bound: samples[f'quayside_latency_bucket{{{function},le="{bound}",{service}}}']
            for bound in ("5", "200", "500", "10000", "+Inf")
        }
        self.assertEqual(of, {"5": "1.0", "200": "2.0", "500": "3.0", "10000": "3.0", "+Inf": "4.0"})
        self.assertEqual(samples[f"quayside_latency_sum{{{ORDER}}}"], "20406.0")
        self.assertEqual(samples[f"quayside_latency_count{{{ORDER}}}"], "4.0")

    def test_functions_have_series_of_their_own(self) -> None:
        self.metrics.add(line(Invocations=1), is_history=True)
        self.metrics.add(line(function="order-get", Invocations=1), is_history=True)
        self.assertEqual(len(self.samples()), 2)

    def test_other_lines_are_ignored(self) -> None:
        for other in ("START RequestId: 1", '{"message": "placed"}', '{"_aws": ', "{}"):
            self.metrics.add(other)
        self.assertEqual(self.samples(), {})

    def test_every_series_of_a_rule_has_a_name_that_the_exporter_gives(self) -> None:
        rules = Path(__file__).with_name("alerts.yml").read_text()
        named = set(re.findall(r"quayside_\w+|aws_\w+", rules))
        literals = set()
        root = exporter.BOARDS.parents[2]
        for source in [*root.glob("shared/*/src/**/*.rs"), *root.glob("functions/*/src/*.rs")]:
            literals |= set(re.findall(r'"([A-Z]\w+)"', source.read_text()))
        endings = ("", "_total", "_bucket", "_sum", "_count")
        given = {emf.prometheus_name(metric) + ending for metric in literals for ending in endings}
        given |= {emf.prometheus_name(metric, "AWS/SQS") for metric in exporter.QUEUE_METRICS}
        registry = CollectorRegistry(auto_describe=False)
        registry.register(trail.TrailMetrics())
        given |= {sample.name for family in registry.collect() for sample in family.samples}
        self.assertEqual(named - given, set())


class Server(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.records = Path(directory.name)
        self.queues: dict[str, dict[str, float]] = {}

    def log(self, *messages: str) -> None:
        with (self.records / emulator_records.LINES).open("a") as file:
            file.writelines(json.dumps({"function": "f", "message": message}) + "\n" for message in messages)

    def get(self, path: str, token: str | None = TOKEN) -> tuple[int, str]:
        async def ask() -> tuple[int, str]:
            app = exporter.Exporter(self.records, TOKEN, "http://prometheus/", lambda: self.queues).app()
            async with TestClient(TestServer(app)) as client:
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                response = await client.get(path, headers=headers)
                return response.status, await response.text()

        return asyncio.run(ask())

    def test_scrape_reads_what_was_logged(self) -> None:
        self.log(line(Invocations=4), "END RequestId: 1")
        status, text = self.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("quayside_invocations_total", text)
        self.assertIn("} 4.0", text)

    def test_scrape_has_the_queues_by_the_name_of_the_catalog(self) -> None:
        self.queues = {config.physical_name("stock-reserve"): {"visible": 3, "oldest_s": 901.5}}
        text = self.get("/metrics")[1]
        self.assertIn('aws_sqs_approximate_number_of_messages_visible{queue_name="stock-reserve"} 3.0', text)
        self.assertIn('aws_sqs_approximate_age_of_oldest_message{queue_name="stock-reserve"} 901.5', text)

    def test_scrape_counts_the_events_of_the_trail_that_alarms_look_for(self) -> None:
        events = [{"eventName": name} for name in ("RotationFailed", "RotationSucceeded", "RotationFailed")]
        (self.records / emulator_records.TRAIL).write_text("".join(json.dumps(event) + "\n" for event in events))
        text = self.get("/metrics")[1]
        self.assertIn("quayside_trail_secret_rotation_failed_total 2.0", text)
        self.assertIn("quayside_trail_root_used_total 0.0", text)

    def test_scrape_without_the_token_is_refused(self) -> None:
        self.assertEqual([self.get("/metrics", token)[0] for token in (None, "", "other", "sécret")], [401] * 4)

    def test_log_that_begins_again_adds_to_the_counters(self) -> None:
        served = exporter.Exporter(self.records, TOKEN, "", dict)
        self.log(line(Invocations=4), line(Invocations=4))
        served.read(is_history=True)
        (self.records / emulator_records.LINES).unlink()
        self.log(line(Invocations=1))
        served.read()
        self.assertIn("} 9.0", generate_latest(served._registry).decode())

    def test_page_has_the_panels_of_grafana_with_their_limits(self) -> None:
        content = json.loads(self.get("/boards")[1])
        panels = {panel["title"]: panel for board in content["boards"] for panel in board["panels"]}
        self.assertEqual(panels["outbox-lag"]["limits"], [120_000])
        self.assertIn("quayside_outbox_lag", panels["outbox-lag"]["series"][0]["query"])
        self.assertIn("fetch", self.get("/")[1])


if __name__ == "__main__":
    unittest.main()
