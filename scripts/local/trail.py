"""Metrics of CloudTrail's events, as CloudWatch makes them of the alarms' filter patterns.

A pattern compares members with texts (`=`, `!=`), asks for members that do not exist (`NOT EXISTS`), and joins these
with `&&`, `||` and parentheses. What else CloudWatch knows, no alarm has.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

import catalog
import emf

TOKEN = re.compile(r'\s*(\$\.[\w.]+|"[^"]*"|&&|\|\||!=|=|NOT EXISTS|[(){}])')

Event = Mapping[str, Any]
Matcher = Callable[[Event], bool]


class PatternError(Exception):
    """A pattern with something that is not in this module's grammar."""


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.tokens, end = [], 0
        for found in TOKEN.finditer(pattern):
            if found.start() != end:
                break
            self.tokens.append(found[1])
            end = found.end()
        if pattern[end:].strip():
            raise PatternError(f"{pattern[end:]!r} is not understood in {pattern!r}")

    def take(self, *expected: str) -> str:
        token = self.tokens.pop(0) if self.tokens else ""
        if expected and token not in expected:
            raise PatternError(f"{token!r} instead of one of {expected}")
        return token

    def is_next(self, token: str) -> bool:
        return self.tokens[:1] == [token]

    def any_of(self) -> Matcher:
        parts = [self.all_of()]
        while self.is_next("||"):
            self.take()
            parts.append(self.all_of())
        return lambda event: any(part(event) for part in parts)

    def all_of(self) -> Matcher:
        parts = [self.one()]
        while self.is_next("&&"):
            self.take()
            parts.append(self.one())
        return lambda event: all(part(event) for part in parts)

    def one(self) -> Matcher:
        if self.is_next("("):
            self.take()
            inner = self.any_of()
            self.take(")")
            return inner
        path, operator = self.take(), self.take("=", "!=", "NOT EXISTS")
        if operator == "NOT EXISTS":
            return lambda event: member(event, path) is None
        text = self.take().strip('"')
        # A member that does not exist is compared with nothing, as in CloudWatch.
        if operator == "=":
            return lambda event: member(event, path) == text
        return lambda event: member(event, path) not in {None, text}


def member(event: Event, path: str) -> Any:
    """The member at a path such as `$.userIdentity.type`; None if there is none."""
    found: Any = event
    for name in path.removeprefix("$.").split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def matcher(pattern: str) -> Matcher:
    parser = _Parser(pattern)
    parser.take("{")
    matches = parser.any_of()
    parser.take("}")
    return matches


class TrailMetrics(Collector):
    """The counters of all alarms on events in CloudTrail. Each is there from the start."""

    def __init__(self) -> None:
        rows = [row for row in catalog.section("alarms").values() if row["pattern"]]
        self._matchers = {emf.prometheus_name(row["metric"], row["namespace"]): matcher(row["pattern"]) for row in rows}
        self._counts = dict.fromkeys(self._matchers, 0)

    def add(self, event: Event) -> None:
        for name, matches in self._matchers.items():
            self._counts[name] += matches(event)

    def collect(self) -> Iterable[Metric]:
        for name, count in self._counts.items():
            yield CounterMetricFamily(name, f"{name} of CloudTrail", value=count)
