"""The windows of the deployed functions: events into the queue's function, figures out of the tables."""

import json
import threading
import uuid
from collections.abc import Iterator

import api_client
import aws
import catalog
import config
import postgres_server
import samples
from config import ScriptError
from stream_events import Json, Key

Figures = dict[Key, tuple[int, int, int]]

# Messages in one invocation, as Lambda sends them at most.
BATCH = 100
DEADLINE_S = 90
# What the tables have of each dimension: events, minor units, units sold.
HELD = {
    "total": (True, True, True),
    "product": (False, False, True),
    "area": (True, True, False),
    "payment": (True, True, False),
    "cancellation": (True, False, False),
}
FIGURES = """
    SELECT window_start, currency, 'total' AS dimension, '' AS item, orders AS events, revenue AS amount, units
    FROM analytics.windows WHERE orders > 0
    UNION ALL SELECT window_start, currency, 'payment', outcome, events, amount, 0
    FROM analytics.windows, LATERAL (VALUES
        ('paid', paid, paid_amount), ('declined', declined, declined_amount), ('refunded', refunded, refunded_amount)
    ) AS payments (outcome, events, amount) WHERE events > 0
    UNION ALL SELECT window_start, currency, 'product', product_id::text, 0, 0, units FROM analytics.window_products
    UNION ALL SELECT window_start, currency, 'area', region, orders, revenue, 0 FROM analytics.window_regions
    UNION ALL SELECT window_start, currency, 'cancellation', reason, orders, 0, 0 FROM analytics.window_cancellations
"""


def held(figures: Figures) -> Figures:
    """The figures without what the tables do not have."""
    found = {}
    for key, (events, amount, units) in figures.items():
        has_events, has_amount, has_units = HELD[key[2]]
        found[key] = (events * has_events, amount * has_amount, units * has_units)
    return found


def read() -> Figures:
    """Every figure of the tables."""
    columns = "extract(epoch FROM window_start)::bigint, currency, dimension, item, events, amount, units"
    rows = f"SELECT coalesce(json_agg(json_build_array({columns})), '[]') FROM ({FIGURES}) AS figures"
    ended = postgres_server.psql(config.DATABASE, rows)
    if ended.returncode != 0:
        raise ScriptError(
            f"the tables of analytics cannot be read: {ended.stderr.strip()}; is the stack up? (scripts/up)"
        )
    return {tuple(row[:4]): tuple(row[4:]) for row in json.loads(ended.stdout)}


def figures(period: Figures) -> Figures:
    """The figures of the windows of a period, without those that hold no event."""
    windows = {start for start, *_ in period}
    return {key: values for key, values in read().items() if key[0] in windows}


def messages(events: list[Json]) -> Iterator[Json]:
    """Invocations of analytics-feed, with the events that it consumes as the bus puts them into its queue."""
    consumed = set(catalog.row("analytics-feed")["consumes"])
    sample = samples.event("analytics-feed")["Records"][0]
    bodies = [json.dumps(_envelope(event)) for event in events if event["type"] in consumed]
    for begin in range(0, len(bodies), BATCH):
        yield {
            "Records": [
                {**sample, "messageId": str(uuid.uuid4()), "body": body} for body in bodies[begin : begin + BATCH]
            ]
        }


def _envelope(event: Json) -> Json:
    return {
        "version": "0",
        "id": event["id"],
        "detail-type": event["type"],
        "source": event["source"],
        "account": "123456789012",
        "time": event["time"],
        "region": config.REGION,
        "resources": [],
        "detail": event,
    }


def _dead_letters() -> str:
    return aws.queues()["analytics-feed-dlq"]


class Feeding:
    """Invokes the function with all events, in a thread."""

    def __init__(self, events: list[Json]) -> None:
        self.events = events
        self.failed: list[str] = []
        self.dead_letters = aws.message_count(_dead_letters())
        self.thread = threading.Thread(target=self._feed, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def _feed(self) -> None:
        try:
            for message in messages(self.events):
                response = aws.invoke("analytics-feed", message)
                self.failed += [item["itemIdentifier"] for item in response["batchItemFailures"]]
        except ScriptError as error:
            self.failed.append(str(error))

    def finish(self, expected: Figures, before: Figures) -> Figures:
        """The figures once they are those that are expected, or at the deadline."""
        wanted = held(expected)
        self.thread.join()
        if self.failed:
            raise ScriptError(f"analytics-feed failed: {self.failed[:3]}")
        refused = aws.message_count(_dead_letters()) - self.dead_letters
        if refused:
            raise ScriptError(f"analytics-feed refused {refused} events: read its dead-letter queue")
        found: Figures = {}

        def look() -> bool:
            nonlocal found
            found = added(before, figures(expected))
            return found == wanted

        try:
            api_client.eventually("the windows of the functions", look, deadline_s=DEADLINE_S, every_s=0.5)
        except ScriptError:
            # The caller says which figures differ.
            return found
        return found


def added(before: Figures, after: Figures) -> Figures:
    """What a run has added to figures that other runs with this period have left."""
    grown = {}
    for key, values in after.items():
        events, amount, units = before.get(key, (0, 0, 0))
        more = (values[0] - events, values[1] - amount, values[2] - units)
        if more != (0, 0, 0):
            grown[key] = more
    return grown
