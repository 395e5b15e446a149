"""Serves the metrics of all functions to Prometheus, and a page with the dashboards. For development and tests only.

GET /metrics    the metrics lines of the functions' logs as Prometheus' exposition; the scrape token is its bearer token
GET /           the dashboards: those of Grafana, drawn from Prometheus
GET /boards     their panels as JSON

On AWS the lines go to CloudWatch, which makes metrics of them, so that no endpoint is needed there.
"""

import argparse
import asyncio
import contextlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

import catalog
import emulator_records
from emf import Metrics

PAGE = Path(__file__).with_name("dashboards.html")
BOARDS = catalog.CATALOG.with_name("dashboards") / "grafana"
POLL_S = 1


def boards() -> list[dict[str, Any]]:
    """Title and panels of each dashboard that has panels from Prometheus."""
    found = []
    for path in sorted(BOARDS.glob("*.json")):
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


class Exporter:
    """Follows the record of log lines."""

    def __init__(self, records: Path, token: str, prometheus: str) -> None:
        self._lines = records / emulator_records.LINES
        self._token, self._prometheus = token, prometheus
        self._metrics, self._position = Metrics(), 0
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self._metrics)

    def read(self, *, is_history: bool = False) -> None:
        """Adds what was logged since the last call."""
        records, self._position = emulator_records.read(self._lines, self._position)
        for record in records:
            self._metrics.add(record["message"], is_history=is_history)

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
        self.read()
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

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
    arguments = parser.parse_args()
    exporter = Exporter(arguments.records, os.environ["SCRAPE_TOKEN"], arguments.prometheus)
    web.run_app(exporter.app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
