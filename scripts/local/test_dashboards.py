"""The dashboards for Grafana have the form of its schema: its own library reads them without losing a member."""

import json
import unittest
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

import exporter

plugins.register_default_plugins()


def lost(board: dict[str, Any]) -> list[str]:
    """What Grafana's library does not write again after it read a dashboard: its schema does not have it."""
    written = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    return list(_differences(board, written, ""))


def _differences(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        # The library adds defaults.
        for name in ours:
            yield from _differences(ours[name], theirs.get(name), f"{path}/{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(our, their, f"{path}/{index}")
    elif ours != theirs:
        yield path


class Schema(unittest.TestCase):
    def test_every_dashboard_has_members_of_the_schema_only(self) -> None:
        paths = sorted(exporter.BOARDS.glob("*.json"))
        self.assertGreater(len(paths), 3)
        for path in paths:
            board = json.loads(path.read_text())
            with self.subTest(path.name):
                self.assertEqual(lost(board), [])

    def test_member_that_the_schema_does_not_have_is_found(self) -> None:
        board = json.loads((exporter.BOARDS / "business.json").read_text())
        panel = board["panels"][0]
        changes: list[tuple[str, dict[str, Any]]] = [
            ("/titel", {"titel": "Orders"}),
            ("/panels/0/legend", {"panels": [{**panel, "legend": "list"}]}),
            ("/panels/0/targets/0/query", {"panels": [{**panel, "targets": [{**panel["targets"][0], "query": "up"}]}]}),
        ]
        for path, change in changes:
            with self.subTest(path):
                self.assertEqual(lost({**board, **change}), [path])


if __name__ == "__main__":
    unittest.main()
