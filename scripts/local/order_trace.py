"""Draws the trace of one order as a waterfall: every function that worked on it, what caused it, and for how long.

Each sampled hop is a span in the metrics line of its invocation (member `spans`). The trace id comes from the order's
events, the spans from the log groups of the functions. The script fails if a span has no cause in the trace, because
then a hop has lost the context. Times are wall-clock times of the local cloud.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import aws
import chaos_observer
import progress
from config import ScriptError

WIDTH = 48
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Span(NamedTuple):
    """One hop: `parent` is the span that caused it, None at the start of a trace."""

    id: str
    parent: str | None
    function: str
    name: str
    started_ms: int
    duration_ms: int
    failed: bool


def trace_ids(order: str) -> list[str]:
    """Traces of an order, oldest first. A later command, such as a cancellation, has a trace of its own."""
    events = chaos_observer.rows(
        chaos_observer.outboxes("created_at, event ->> 'traceparent' as traceparent", f"event::text like '%{order}%'")
        + " order by created_at"
    )
    found = [event["traceparent"].split("-")[1] for event in events if event["traceparent"]]
    if not found:
        raise ScriptError(f"there are no events of order {order}: is the id right, and the stack up?")
    return list(dict.fromkeys(found))


def spans_of(lines: Iterable[str], trace: str) -> list[Span]:
    """The spans of a trace in log lines, each once, by start."""
    found = {}
    for line in lines:
        if trace not in line or '"spans"' not in line:
            continue
        try:
            entry: dict[str, Any] = json.loads(line[line.index("{") :])
        except ValueError:
            continue
        for span in entry.get("spans", []):
            if span["trace_id"] == trace:
                found[span["span_id"]] = Span(
                    span["span_id"],
                    span.get("parent_id"),
                    entry["function_name"],
                    span["name"],
                    span["started_at"],
                    span["duration_ms"],
                    span.get("failed", False),
                )
    return sorted(found.values(), key=lambda span: span.started_ms)


def orphans(spans: Iterable[Span]) -> list[Span]:
    """Spans whose cause is not in the trace. The first span may have one, at the client."""
    spans = list(spans)
    known = {span.id for span in spans}
    return [span for span in spans[1:] if span.parent not in known]


def tree(spans: list[Span]) -> Iterator[tuple[int, Span]]:
    """Spans with their depth, each under its cause."""
    lost = {span.id for span in orphans(spans)} | {span.id for span in spans[:1]}

    def below(parent: str, depth: int) -> Iterator[tuple[int, Span]]:
        for span in spans:
            if span.parent == parent and span.id not in lost:
                yield depth, span
                yield from below(span.id, depth + 1)

    for span in spans:
        if span.id in lost:
            yield 0, span
            yield from below(span.id, 1)


def drawing(spans: list[Span]) -> str:
    """The waterfall: start, bar, function and what it handled."""
    begin = spans[0].started_ms
    whole = max(span.started_ms + span.duration_ms for span in spans) - begin or 1
    text = ""
    for depth, span in tree(spans):
        start = (span.started_ms - begin) * WIDTH // whole
        length = max(1, round(span.duration_ms * WIDTH / whole))
        bar = (" " * start + ("█" * length))[:WIDTH].ljust(WIDTH)
        failed = "  FAILED" if span.failed else ""
        text += (
            f"{span.started_ms - begin:>7} ms │{bar}│ {span.duration_ms:>5} ms  "
            f"{'  ' * depth}{span.function}  {span.name}{failed}\n"
        )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/trace", description=__doc__.splitlines()[0])
    parser.add_argument("order", help="id of the order")
    parser.add_argument("--json", action="store_true", help="print the spans of the first trace as JSON")
    arguments = parser.parse_args()
    if not UUID.fullmatch(arguments.order):
        raise ScriptError(f"{arguments.order} is not an order id: it looks like 01936d6e-0000-7000-8000-000000000000")
    lost = []
    for number, trace in enumerate(trace_ids(arguments.order)):
        spans = spans_of(aws.log_lines(trace), trace)
        if not spans:
            raise ScriptError(f"no function logged trace {trace}: was it sampled, and is its log still kept?")
        lost += orphans(spans)
        if arguments.json:
            print(json.dumps([span._asdict() for span in spans]))
            break
        if number:
            print()
        progress.heading(f"trace {trace}: {len(spans)} spans, {len({span.function for span in spans})} functions")
        print(drawing(spans), end="")
    if lost:
        raise ScriptError(f"without a cause in its trace: {', '.join(f'{span.function} {span.name}' for span in lost)}")


if __name__ == "__main__":
    progress.run(main)
