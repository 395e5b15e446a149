"""Serves the metrics of all functions to Prometheus, and a page with the dashboards. For development and tests only.

GET /metrics    the metrics lines of the functions' logs, the messages of the queues, and the events of the trail that
                alarms look for, as Prometheus' exposition; the scrape token is its bearer token
GET /           the dashboards: those of Grafana, drawn from Prometheus
GET /boards     their panels as JSON

On AWS the lines go to CloudWatch, which makes metrics of them and has those of the queues, so that no endpoint is
needed there.
"""

import argparse
import asyncio
import contextlib
import hmac
import json
import logging
import os
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import catalog
import config
import emulator_records
from emf import Metrics, prometheus_name
from trail import TrailMetrics

PAGE = Path(__file__).with_name("dashboards.html")
BOARDS = catalog.CATALOG.with_name("dashboards") / "grafana"
POLL_S = 1


def boards() -> list[dict[str, Any]]:
    """Title and panels of each dashboard that has panels from Prometheus."""
    found = []
    # The service levels first.
    for path in sorted(BOARDS.glob("*.json"), reverse=True):
        board = json.loads(path.read_text())
        panels = [_panel(panel) for panel in board["panels"] if panel["datasource"]["type"] == "prometheus"]
        if panels:
            found.append({"title": board["title"], "panels": panels})
    return found


def _panel(panel: dict[str, Any]) -> dict[str, Any]:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return {
        "title": panel["title"],
        "series": [{"query": target["expr"], "label": target["legendFormat"]} for target in panel["targets"]],
        "limits": [step["value"] for step in steps if step["value"] is not None],
    }


# By physical name of a queue: `visible` and `oldest_s`, as emulator_queues.py measures them.
Queues = Mapping[str, Mapping[str, float]]
QUEUE_METRICS = {"ApproximateNumberOfMessagesVisible": "visible", "ApproximateAgeOfOldestMessage": "oldest_s"}


def queues_of(endpoint: str) -> Queues:
    """The queues of the emulator; none while it does not respond."""
    try:
        with urllib.request.urlopen(f"{endpoint}/_local/queues", timeout=2) as response:
            found: Queues = json.load(response)
    except (OSError, ValueError) as error:
        logging.warning("the queues are not measured: %s", error)
        return {}
    return found


class QueueMetrics(Collector):
    """The metrics of SQS on which alarms are, by queue."""

    def __init__(self, measure: Callable[[], Queues]) -> None:
        self._measure = measure
        self._measured: Queues = {}

    def look(self) -> None:
        self._measured = self._measure()

    def collect(self) -> Iterable[Metric]:
        for metric, member in QUEUE_METRICS.items():
            family = GaugeMetricFamily(prometheus_name(metric, "AWS/SQS"), metric, labels=["queue_name"])
            for name, measured in sorted(self._measured.items()):
                family.add_metric([config.catalog_name(name)], measured[member])
            yield family


class Exporter:
    """Follows the records of log lines and of the trail, and looks at the queues."""

    def __init__(
        self,
        records: Path,
        token: str,
        prometheus: str,
        measure: Callable[[], Queues],
        metrics: Metrics | None = None,
    ) -> None:
        self._lines, self._trail = records / emulator_records.LINES, records / emulator_records.TRAIL
        self._token, self._prometheus = token, prometheus
        self._metrics, self._position = metrics or Metrics(), 0
        self._events, self._trail_position = TrailMetrics(), 0
        self._queues = QueueMetrics(measure)
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in (self._metrics, self._events, self._queues):
            self._registry.register(collector)

    def read(self, *, is_history: bool = False) -> None:
        """Adds what was recorded since the last call."""
        records, self._position = emulator_records.read(self._lines, self._position)
        for record in records:
            self._metrics.add(record["message"], is_history=is_history)
        events, self._trail_position = emulator_records.read(self._trail, self._trail_position)
        for event in events:
            self._events.add(event)

    def look(self) -> None:
        """Measures the queues, which takes a request."""
        self._queues.look()

    def exposition(self) -> bytes:
        """All metrics, with what was recorded so far and the queues as they were measured last."""
        self.read()
        return generate_latest(self._registry)

    async def follow(self, _app: web.Application) -> AsyncIterator[None]:
        self.read(is_history=True)

        async def poll() -> None:
            while True:
                await asyncio.sleep(POLL_S)
                self.read()

        task = asyncio.create_task(poll())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def expose(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return web.Response(
                status=401, headers={"WWW-Authenticate": "Bearer"}, text="the scrape token is required\n"
            )
        await asyncio.to_thread(self.look)
        return web.Response(body=self.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def show(self, _request: web.Request) -> web.Response:
        return web.Response(text=PAGE.read_text(), content_type="text/html")

    async def list_boards(self, _request: web.Request) -> web.Response:
        return web.json_response({"prometheus": self._prometheus, "boards": boards()})

    def app(self) -> web.Application:
        app = web.Application()
        app.cleanup_ctx.append(self.follow)
        app.router.add_get("/metrics", self.expose)
        app.router.add_get("/boards", self.list_boards)
        app.router.add_get("/", self.show)
        return app


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--prometheus", required=True, metavar="URL")
    parser.add_argument("--records", type=Path, required=True, metavar="DIRECTORY")
    parser.add_argument("--aws", required=True, metavar="URL", help="the AWS emulator")
    arguments = parser.parse_args()
    measure = partial(queues_of, arguments.aws)
    exporter = Exporter(arguments.records, os.environ["SCRAPE_TOKEN"], arguments.prometheus, measure)
    web.run_app(exporter.app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
