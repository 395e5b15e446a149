"""Which events the benchmark of all functions makes, and what its tables say."""

import unittest
from unittest import mock

import bench_functions
import catalog
from bench_functions import Figures


class EventsTest(unittest.TestCase):
    def test_no_event_repeats_another(self) -> None:
        data = mock.Mock(tag="fffe")
        tags: list[str] = []

        def replaced(_: object, tag: str) -> mock.Mock:
            tags.append(tag)
            return mock.Mock(event=lambda _: {"requestContext": {"http": {"sourceIp": bench_functions.ADDRESS}}})

        with mock.patch("bench_functions.dataclasses.replace", replaced):
            of = bench_functions.events("user-register", data)
            sources = [next(of)["requestContext"]["http"]["sourceIp"] for _ in range(3)]
        self.assertEqual(tags, ["ffff", "0000", "0001"])
        self.assertEqual(sources, ["2001:db8:ffff::1", "2001:db8:0::1", "2001:db8:1::1"])

    def test_each_order_is_of_another_customer(self) -> None:
        sample = {"requestContext": {"authorizer": {"lambda": {"sub": "one"}}}}
        varied = bench_functions.varied("order-place", sample, 10)
        self.assertEqual(
            varied["requestContext"]["authorizer"]["lambda"]["sub"], "0192f0c1-0000-7000-8003-00000000000a"
        )

    def test_no_client_is_refused(self) -> None:
        limited = {"RATE_LIMITS": "public_read:1200,200000;write:600,100000"}
        with mock.patch("aws.variables", return_value=limited), mock.patch("config.aws_env", return_value={}):
            variables = bench_functions.environment("order-get")
        self.assertEqual(variables["RATE_LIMITS"], "public_read:1000000,1000000;write:1000000,1000000")


class TableTest(unittest.TestCase):
    ROWS = (
        Figures("order-get", "200", True, 1.0, 5.0, 0.3, 0.5, 0.3, 6.5, 2.7),
        Figures("user-login", "200, then 429", True, 2.0, 40.0, 30.0, 35.0, 29.0, 27.0, 3.0),
        Figures("key-rotate", "response", True, 1.5, 9.0, None, None, None, 8.0, None),
        Figures("order-place", "no response in time", False),
    )

    def test_percentile_is_a_value_that_was_measured(self) -> None:
        measured = [4_000, 1_000, 3_000, 2_000]
        self.assertEqual([bench_functions.percentile(measured, percent) for percent in (1, 50, 99)], [1.0, 2.0, 4.0])
        self.assertIsNone(bench_functions.percentile([], 50))

    def test_table_has_every_function_and_the_medians_of_what_was_measured(self) -> None:
        lines = bench_functions.table(list(self.ROWS)).splitlines()
        self.assertEqual(len(lines), 2 + len(self.ROWS) + 1)
        self.assertEqual(lines[4], "| key-rotate | 1.50 | 9.00 |  |  |  | 8.00 |  | response |")
        self.assertEqual(lines[5], "| order-place |  |  |  |  |  |  |  | **no response in time** |")
        self.assertEqual(lines[6], "| **median** | 1.50 | 9.00 | 15.15 | 17.75 | 14.65 | 8.00 | 2.85 | |")

    def test_the_worst_have_reasons_or_say_that_they_lack_one(self) -> None:
        worst = bench_functions.worst(list(self.ROWS))
        self.assertIn("| CPU ms | user-login, 29.00 | it verifies a password with Argon2id (19 MiB) |", worst)
        self.assertIn("| CPU ms | order-get, 0.30 | **no reason is recorded", worst)
        self.assertNotIn("order-place", worst)

    def test_reasons_are_about_functions_that_exist(self) -> None:
        self.assertLessEqual(set(bench_functions.REASONS), set(catalog.functions()))

    def test_section_replaces_the_one_before_and_no_other(self) -> None:
        page = "# Benchmark\n\ntext\n\n## Build\n\n## Orders\n"
        once = bench_functions.with_section(page, "## Every function\n\nfirst\n")
        self.assertEqual(once, "# Benchmark\n\ntext\n\n## Every function\n\nfirst\n\n## Build\n\n## Orders\n")
        twice = bench_functions.with_section(once, "## Every function\n\nsecond\n")
        self.assertEqual(twice, once.replace("first", "second"))


if __name__ == "__main__":
    unittest.main()
