"""Prices what was counted: per million orders by line, in the usual way, the floor, and the month of an environment.

What is counted is taken as it is. Batches are computed where the local cloud differs from AWS: for consumers with a
batching window, and for streams and Kafka, whose pollers are other programs here. prices.json has the prices and what
is assumed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import catalog
from cost_count import Usage

PRICES = Path(__file__).with_name("prices.json")
MILLION = 1_000_000
GIB, GB = 1 << 30, 10**9
ARCHIVE, ISSUE, AUTHORIZER = "event-archive", "invoice-issue", "authorizer"
# One request, the events that decide an order (placed, reserved, paid, allocated, confirmed), the invoice's object.
FLOOR = {"http_request": 1.0, "bus_event": 5.0, "object_put": 1.0}

Quantities = dict[str, float]


@dataclass(frozen=True)
class Design:
    """How the flow is run: as it is built, or as it is usually built."""

    # Each message has an invocation of its own, each event an object of its own.
    is_batched: bool = True
    has_platform_lines: bool = False
    lines_per_invocation: float | None = None
    # Lookups over the API that an order needs besides those that were counted.
    lookups: float = 0
    # Every function has active tracing.
    has_xray: bool = False


OURS = Design()


def prices() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(PRICES.read_text())
    return content


def typical_design() -> Design:
    """Unbatched, verbose, one call a line."""
    typical = prices()["assumptions"]["usual"]
    return Design(False, True, typical["lines_per_invocation"], typical["lookups_per_item"], has_xray=True)


@dataclass(frozen=True)
class Flow:
    """Use per order at a rate of orders a second."""

    usage: Usage
    rate: float
    design: Design = OURS

    @property
    def _assumed(self) -> dict[str, Any]:
        assumptions: dict[str, Any] = prices()["assumptions"]
        return assumptions

    def per_order(self, count: float) -> float:
        return count / self.usage.orders

    def records(self, function: str) -> float:
        return self.per_order(self.usage.records[function])

    # ---- invocations ----------------------------------------------------------------------------------------------

    def invocations(self, function: str) -> float:
        mappings = catalog.row(function)["mappings"]
        if not mappings:
            return self.per_order(self.usage.invocations[function])
        if not self.design.is_batched:
            return self.records(function)
        mapping = mappings[0]
        window = max(mapping.get("window_s") or 0, self._assumed["poll_s"][mapping["source"]])
        if not window:
            return self.per_order(self.usage.invocations[function])
        pollers = self._assumed["pollers"][mapping["source"]] * len(mappings)
        return self._batches(self.records(function), window / pollers, mapping["batch"])

    def _batches(self, records: float, window: float, batch: int) -> float:
        """Batches of so many records an order, which are collected for so many seconds."""
        gathered = min(max(1.0, records * self.rate * window), float(batch))
        return records / gathered

    def archived_objects(self) -> float:
        """Each batch of the archive makes an object for each partition that it has records of."""
        if not self.design.is_batched:
            return self.records(ARCHIVE)
        invocations = self.invocations(ARCHIVE)
        if not invocations:
            return 0
        topics = catalog.section("kafka_topics").values()
        partitions = max(topic["partitions"] for topic in topics if topic["is_event_log"])
        return invocations * min(float(partitions), self.records(ARCHIVE) / invocations)

    # ---- resources ------------------------------------------------------------------------------------------------

    def calls(self, service: str, action: str, member: str = "requests", function: str | None = None) -> float:
        chosen = (
            getattr(call, member)
            for (caller, of, what), call in self.usage.calls.items()
            if (of, what) == (service, action) and function in {None, caller}
        )
        return self.per_order(sum(chosen))

    def requests(self) -> float:
        http = [name for name in self.usage.functions if catalog.trigger(name)["kind"] == "http"]
        return sum(self.invocations(name) for name in http) + self.design.lookups

    def queue_requests(self) -> float:
        """A send for each message; a receive and a delete for each batch. And what functions send themselves."""
        consumers = [name for name in self.usage.functions if catalog.row(name)["has_queue"]]
        own = self.calls("sqs", "SendMessage") + self.calls("sqs", "SendMessageBatch")
        visibility = self.calls("sqs", "ChangeMessageVisibility") + self.calls("sqs", "ChangeMessageVisibilityBatch")
        return own + visibility + sum(self.records(name) + 2 * self.invocations(name) for name in consumers)

    def publishes(self) -> float:
        """Publishes to topics by the bus: as many as the busiest consumer of a topic has messages."""
        by_topic: dict[str, float] = {}
        for name in self.usage.functions:
            if catalog.trigger(name)["kind"] == "fanout":
                topic = catalog.trigger(name)["topic"]
                by_topic[topic] = max(by_topic.get(topic, 0), self.records(name))
        return sum(by_topic.values())

    def gb_seconds(self, function: str) -> float:
        """CPU time at the function's share of a processor, and the time that it waits."""
        row, assumed = catalog.row(function), self._assumed
        memory = row["memory_mb"]
        counted = self.per_order(self.usage.invocations[function]) or 1
        cpu = self.per_order(self.usage.cpu_ms[function]) * max(1.0, assumed["vcpu_memory_mb"] / memory)
        wait = assumed["wait_ms"]
        own = (call for (caller, _, _), call in self.usage.calls.items() if caller == function)
        waited = self.per_order(sum(call.requests for call in own)) * wait["call"]
        waited += counted * wait["database"] * row["uses_database"]
        if "API_URL" in row["environment"]:
            waited += counted * wait["http"]
        if function == "payment-charge":
            waited += self.records(function) * wait["gateway"]
        # The counted batches may be other than those on AWS: what an invocation costs besides its records is small.
        return float((cpu + waited) / 1000 * memory / 1024)

    def log_bytes(self, function: str) -> float:
        assumed = self._assumed
        invocations, counted = self.invocations(function), self.usage.invocations[function] or 1
        lines = self.design.lines_per_invocation or self.usage.lines[function] / counted
        # Here every trace has spans; there a share has.
        share = float(catalog.section("sampling")["rate"])
        written = self.usage.log_bytes[function] - self.usage.span_bytes[function] * (1 - share)
        length = written / (self.usage.lines[function] or 1)
        if self.design.lines_per_invocation:
            length = assumed["usual"]["bytes_per_line"]
        overhead = assumed["line_overhead_bytes"]
        platform = sum(assumed["platform_line_bytes"]) + len(assumed["platform_line_bytes"]) * overhead
        return float(invocations * (lines * (length + overhead) + platform * self.design.has_platform_lines))

    def traces(self) -> float:
        """Requests begin traces in X-Ray; what follows from one belongs to it.

        Each function that begins some records one a second and a share of the others, which cannot be configured.
        """
        if not self.design.has_xray:
            return 0
        roots = self.requests() + self.per_order(self.usage.invocations[AUTHORIZER])
        others = self._assumed["xray_share"] * max(self.rate - 1, 0)
        return float(roots * min(1, (1 + others) / self.rate))

    def quantities(self) -> Quantities:
        functions = self.usage.functions
        archived = self.calls("s3", "PutObject", function=ARCHIVE)
        return {
            "http_request": self.requests(),
            "invocation": sum(self.invocations(name) for name in functions) + self.design.lookups,
            "gb_second": sum(self.gb_seconds(name) for name in functions),
            "bus_event": self.calls("events", "PutEvents", "entries"),
            "queue_request": self.queue_requests(),
            "topic_publish": self.publishes(),
            "stream_gb": self.calls("kinesis", "PutRecord", "kib") * 1024 / GB
            + self.calls("kinesis", "PutRecords", "kib") * 1024 / GB,
            "object_put": self.calls("s3", "PutObject") - archived + self.archived_objects(),
            "object_get": self.calls("s3", "GetObject"),
            "table_write": self._table_writes(),
            "table_read": self.calls("dynamodb", "GetItem") + self.calls("dynamodb", "Query"),
            "log_gb": sum(self.log_bytes(name) for name in functions) / GB,
            "trace": self.traces(),
            "secret_call": self.calls("secretsmanager", "GetSecretValue"),
        }

    def _table_writes(self) -> float:
        single = sum(self.calls("dynamodb", action, "kib") for action in ("PutItem", "UpdateItem", "DeleteItem"))
        return single + 2 * self.calls("dynamodb", "TransactWriteItems", "kib")


def per_million(quantities: Mapping[str, float]) -> dict[str, float]:
    """US dollars for a million orders, by line."""
    table = prices()["variable"]
    return {name: quantities.get(name, 0) * MILLION / row["per"] * row["usd"] for name, row in table.items()}


def floor() -> dict[str, float]:
    """What the promises cost in any design of this kind."""
    return per_million(FLOOR)


def total(dollars: Mapping[str, float]) -> float:
    return sum(dollars.values())


def outside() -> dict[str, float]:
    """Mail and card fees of a million orders."""
    table = prices()["outside"]
    card = table["order_amount"]["usd"] * table["card_percent"]["usd"] / 100 + table["card_fixed"]["usd"]
    return {"mail": table["mail"]["usd"] * MILLION, "card": card * MILLION}


def batched(one: Usage, many: Usage) -> Usage:
    """The use of `many` orders, each as in `one`, in the batches of `many`.

    Messages, calls and CPU time of an order do not depend on the rate. They are those of `one`, because a busy machine
    publishes some events twice.
    """
    times = many.orders / one.orders
    found = Usage(many.orders, many.seconds)
    found.calls.update({key: call.times(times) for key, call in one.calls.items()})
    for name in one.functions:
        found.records[name] = round(one.records[name] * times)
        found.cpu_ms[name] = round(one.cpu_ms[name] * times)
        share = found.records[name] / many.records[name] if many.records[name] else 1.0
        for measure in ("invocations", "lines", "log_bytes", "span_bytes"):
            getattr(found, measure)[name] = round(getattr(many, measure)[name] * share)
    return found


def flows(one: Usage, many: Usage) -> dict[str, Flow]:
    """Both rates as built, and in the usual way."""
    slow, fast = Flow(one, 1), Flow(batched(one, many), 100)
    usual_slow, usual_fast = (replace(flow, design=typical_design()) for flow in (slow, fast))
    return {"1": slow, "100": fast, "usual 1": usual_slow, "usual 100": usual_fast}
