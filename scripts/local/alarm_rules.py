"""What the rule of an alarm says about readings of the running stack, without waiting for its periods.

The rules are those of `alerts.yml`, which are generated from the rows of the alarms. Each reading lasts for longer than
the rule considers, as a constant series, and promtool evaluates the rule over all of them (`promtool test rules`).
"""

import json
import math
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

import catalog
import emf
from config import ScriptError

RULES = Path(__file__).with_name("alerts.yml")
STEP_S = 60
# Evaluations after a change in which a rule with no period of its own has seen it.
MARGIN = 2
# Prometheus looks this far back for a value.
LOOKBACK_S = 300

# By series, as `name{label="value"}`.
Samples = Mapping[str, float]


@dataclass(frozen=True)
class Alarm:
    """A row of the catalog, for one resource."""

    name: str
    # The name of its series in Prometheus, and its labels.
    metric: str
    labels: Mapping[str, str]
    is_count: bool
    threshold: float
    period_s: int
    hold_s: int

    def of(self, samples: Samples) -> dict[str, float]:
        """The series that the rule reads."""
        wanted = [f'{name}="{value}"' for name, value in self.labels.items()]
        return {
            series: value
            for series, value in samples.items()
            if series.partition("{")[0] == self.metric and all(label in series for label in wanted)
        }

    def value(self, samples: Samples) -> float:
        """What the alarm compares with its threshold: a count since the start, or the highest value. Without one 0."""
        values = self.of(samples).values()
        return sum(values) if self.is_count else max(values, default=0.0)


def alarm(name: str) -> Alarm:
    row = catalog.section("alarms").get(name)
    if row is None:
        raise ScriptError(f"there is no alarm {name}")
    is_count = row["statistic"] == "Sum"
    metric = emf.prometheus_name(row["metric"], row["namespace"]) + ("_total" if is_count else "")
    labels = {
        emf.snake(dimension).removeprefix("_"): value.get("literal") or value.get("physical")
        for dimension, value in row["dimensions"].items()
    }
    hold_s = (row["datapoints"] - 1) * row["period_s"]
    return Alarm(name, metric, labels, is_count, row["threshold"], row["period_s"], hold_s)


def parse(exposition: str) -> dict[str, float]:
    """The samples of an exposition."""
    found = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            labels = ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@dataclass(frozen=True)
class Reading:
    """What was read, and whether the rule has to fire over it; None where it may still do so."""

    when: str
    samples: Samples
    fires: bool | None


def play(watched: Alarm, readings: Sequence[Reading]) -> None:
    """Raises a `ScriptError` unless the alarm's rule fires over exactly those readings."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rules.test.json"
        path.write_text(json.dumps(unit_test(watched, readings)))
        ended = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        output = (ended.stdout + ended.stderr).strip()
        names = ", ".join(f"{at} m: {when}" for at, when in checks_in_words(watched, readings))
        raise ScriptError(f"the rule {watched.name} is not as expected ({names}):\n{output}")


def unit_test(watched: Alarm, readings: Sequence[Reading]) -> dict[str, Any]:
    """The test for promtool. JSON is YAML."""
    steps = steps_of(watched)
    names = sorted({series for reading in readings for series in watched.of(reading.samples)})
    series = [{"series": name, "values": " ".join(_values(watched, name, readings, steps))} for name in names]
    expression = f'count(ALERTS{{alertname="{watched.name}",alertstate="firing"}}) or vector(0)'
    checks = [
        {"expr": expression, "eval_time": f"{at}m", "exp_samples": [{"labels": "{}", "value": int(fires)}]}
        for at, fires, _ in checks_of(watched, readings)
    ]
    test = {"interval": f"{STEP_S}s", "input_series": series, "promql_expr_test": checks}
    return {"rule_files": [str(RULES)], "evaluation_interval": f"{STEP_S}s", "tests": [test]}


def steps_of(watched: Alarm) -> int:
    """How many samples a reading becomes: after as many, nothing of the reading before is considered."""
    return math.ceil((watched.period_s + watched.hold_s + LOOKBACK_S) / STEP_S) + MARGIN


def checks_of(watched: Alarm, readings: Sequence[Reading]) -> list[tuple[int, bool, str]]:
    """When the rule is evaluated, in minutes, whether it has to fire then, and what the reading is.

    At the end of a reading in which it is quiet; and soon after its begin, where a count that went up shows, unless the
    reading before fired.
    """
    steps, early = steps_of(watched), watched.hold_s // STEP_S + MARGIN
    found, was_quiet = [], False
    for number, reading in enumerate(readings):
        begin, end = number * steps, (number + 1) * steps - 1
        if reading.fires or was_quiet:
            found.append((begin + early, bool(reading.fires), reading.when))
        if not reading.fires:
            found.append((end, False, reading.when))
        was_quiet = not reading.fires
    return found


def checks_in_words(watched: Alarm, readings: Sequence[Reading]) -> list[tuple[int, str]]:
    return [(at, f"{when}, {'fires' if fires else 'quiet'}") for at, fires, when in checks_of(watched, readings)]


def _values(watched: Alarm, name: str, readings: Sequence[Reading], steps: int) -> list[str]:
    """The series over all readings. A count begins with 0, and what is missing later is absent."""
    values: list[str] = []
    for reading in readings:
        value = reading.samples.get(name)
        if value is None:
            value_text = "0" if watched.is_count and not any(one != "0" for one in values) else "_"
        else:
            value_text = str(int(value)) if value == int(value) else repr(value)
        values += [value_text] * steps
    return values
