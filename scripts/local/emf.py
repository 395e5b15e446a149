"""Metrics in CloudWatch's embedded metric format (EMF), as Prometheus has them.

docs/observability.md has the names. A count, one number in its line, is a counter; a value, a list, is a gauge;
`Latency` is a histogram. Labels are the dimensions.
"""

import json
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

import catalog

HISTOGRAMS = {"Latency"}
# Upper bounds in milliseconds. The limits of the service levels are among them: 500, and 30 000 of the canary.
BUCKETS_MS = (5, 10, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000)
# A new counter is 0 for this long, which is two scrapes: Prometheus does not see the first event of one that begins
# with it.
FIRST_ZERO_S = 10
# A gauge that its function emits no longer is absent, as it is in CloudWatch. Schedules emit one every minute, or every
# five minutes.
GAUGE_S = 330

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]


def prometheus_name(metric: str, namespace: str | None = None) -> str:
    """`OutboxLag` is `quayside_outbox_lag`; the namespace of CloudWatch is that of our code if none is given."""
    return (namespace or catalog.prefix()).replace("/", "_").lower() + snake(metric)


def snake(name: str) -> str:
    """`OutboxLag` is `_outbox_lag`."""
    return re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), name)


class Histogram:
    """Observations by bucket. The last bucket has no bound."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS_MS) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.buckets[bisect_left(BUCKETS_MS, value)] += 1
        self.sum += value

    def cumulated(self) -> list[tuple[str, float]]:
        total, found = 0, []
        for bound, count in zip([*map(str, BUCKETS_MS), "+Inf"], self.buckets, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class Metrics(Collector):
    """The sums and last values of all metrics lines."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counters: dict[Key, float] = {}
        self._gauges: dict[Key, tuple[float, float]] = {}
        self._histograms: dict[Key, Histogram] = {}
        self._born: dict[Key, float] = {}

    def add(self, message: str, *, is_history: bool = False) -> None:
        """Adds a log line, if it is a metrics line. History has been counted before anyone scrapes."""
        if '"_aws"' not in message:
            return
        try:
            line: dict[str, Any] = json.loads(message[message.index("{") :])
        except ValueError:
            return
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            labels = tuple((name, str(line.get(name, ""))) for name in directive["Dimensions"][0])
            for definition in directive["Metrics"]:
                key = (definition["Name"], labels)
                self._born.setdefault(key, 0 if is_history else self._clock())
                self._add(key, line.get(definition["Name"]), line["_aws"]["Timestamp"] / 1000)

    def _add(self, key: Key, value: object, at: float) -> None:
        if isinstance(value, int | float):
            self._counters[key] = self._counters.get(key, 0) + value
        elif isinstance(value, list) and key[0] in HISTOGRAMS:
            histogram = self._histograms.setdefault(key, Histogram())
            for one in value:
                histogram.observe(float(one))
        elif isinstance(value, list) and value:
            self._gauges[key] = (float(value[-1]), at)

    def collect(self) -> Iterable[Metric]:
        now = self._clock()

        def is_new(key: Key) -> bool:
            return now - self._born[key] < FIRST_ZERO_S

        families: dict[str, Metric] = {}
        for key, count in sorted(self._counters.items()):
            metric, labels = key
            counter = families.setdefault(
                metric, CounterMetricFamily(prometheus_name(metric), metric, labels=_names(labels))
            )
            counter.add_metric(_values(labels), 0 if is_new(key) else count)  # type: ignore[attr-defined]
        for (metric, labels), (value, at) in sorted(self._gauges.items()):
            if now - at < GAUGE_S:
                gauge = families.setdefault(
                    metric, GaugeMetricFamily(prometheus_name(metric), metric, labels=_names(labels))
                )
                gauge.add_metric(_values(labels), value)  # type: ignore[attr-defined]
        for key, histogram in sorted(self._histograms.items()):
            metric, labels = key
            shown = Histogram() if is_new(key) else histogram
            family = families.setdefault(
                metric, HistogramMetricFamily(prometheus_name(metric), metric, labels=_names(labels))
            )
            family.add_metric(_values(labels), shown.cumulated(), shown.sum)  # type: ignore[attr-defined]
        return families.values()


def _names(labels: Labels) -> list[str]:
    return [name for name, _ in labels]


def _values(labels: Labels) -> list[str]:
    return [value for _, value in labels]
