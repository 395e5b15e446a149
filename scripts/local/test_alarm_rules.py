"""The test of a rule that promtool gets for readings. `scripts/test local` runs these tests."""

import unittest

import alarm_rules
from alarm_rules import Reading
from config import ScriptError

SUSPENDED = "quayside_circuits_opened_total"
AGE = "aws_sqs_approximate_age_of_oldest_message"


class Alarms(unittest.TestCase):
    def test_row_is_the_series_and_the_times_of_its_rule(self) -> None:
        age = alarm_rules.alarm("queue-age-stock-reserve")
        self.assertEqual((age.metric, age.labels), (AGE, {"queue_name": "stock-reserve"}))
        self.assertEqual((age.is_count, age.threshold, age.period_s, age.hold_s), (False, 900, 60, 240))
        suspended = alarm_rules.alarm("gateway-suspended")
        self.assertEqual((suspended.metric, suspended.labels, suspended.is_count), (SUSPENDED, {}, True))

    def test_every_alarm_names_a_series_of_its_rule(self) -> None:
        rules = alarm_rules.RULES.read_text()
        for name in ("outbox-lag", "dead-letters-credit-note-issue", "secret-rotation-failed", "ledger-discrepancies"):
            rule = rules.partition(f"- alert: {name}\n")[2].partition("- alert:")[0]
            watched = alarm_rules.alarm(name)
            self.assertIn(watched.metric, rule)
            for label, value in watched.labels.items():
                self.assertIn(f'{label}="{value}"', rule)

    def test_unknown_alarm_is_refused(self) -> None:
        with self.assertRaises(ScriptError):
            alarm_rules.alarm("nothing")

    def test_series_of_other_queues_are_no_value(self) -> None:
        age = alarm_rules.alarm("queue-age-stock-reserve")
        text = f'{AGE}{{queue_name="stock-reserve"}} 7\n{AGE}{{queue_name="stock-release"}} 9\nother 3\n'
        self.assertEqual(age.value(alarm_rules.parse(text)), 7)
        self.assertEqual(age.value({}), 0)


class Tests(unittest.TestCase):
    def readings(self) -> list[Reading]:
        """A count that is not there at first, goes up, and then stays."""
        series = f'{SUSPENDED}{{function_name="payment-charge",service="payments"}}'
        values: list[dict[str, float]] = [{}, {series: 2}, {series: 2}, {series: 2}]
        return [Reading(str(n), samples, n == 1) for n, samples in enumerate(values)]

    def test_readings_become_constant_values_and_a_count_begins_with_zero(self) -> None:
        suspended = alarm_rules.alarm("gateway-suspended")
        steps = alarm_rules.steps_of(suspended)
        (test,) = alarm_rules.unit_test(suspended, self.readings())["tests"]
        (series,) = test["input_series"]
        self.assertEqual(series["values"].split(), ["0"] * steps + ["2"] * 3 * steps)

    def test_rule_is_asked_after_each_change_and_at_the_end_of_what_is_quiet(self) -> None:
        suspended = alarm_rules.alarm("gateway-suspended")
        steps = alarm_rules.steps_of(suspended)
        checks = [(at, fires) for at, fires, _ in alarm_rules.checks_of(suspended, self.readings())]
        after, settled = (3 * steps - 1, False), (3 * steps + 2, False)
        self.assertEqual(checks, [(steps - 1, False), (steps + 2, True), after, settled, (4 * steps - 1, False)])

    def test_value_that_is_missing_is_absent(self) -> None:
        age = alarm_rules.alarm("queue-age-stock-reserve")
        series = f'{AGE}{{queue_name="stock-reserve"}}'
        readings = [Reading("1", {series: 1.5}, False), Reading("2", {}, False)]
        (test,) = alarm_rules.unit_test(age, readings)["tests"]
        steps = alarm_rules.steps_of(age)
        self.assertEqual(test["input_series"][0]["values"].split(), ["1.5"] * steps + ["_"] * steps)


if __name__ == "__main__":
    unittest.main()
