"""Prometheus of the local cloud: it scrapes the exporter and evaluates the rules of the alarms."""

from collections.abc import Sequence
from pathlib import Path

import config


def prepare() -> None:
    data = config.DATA / "prometheus"
    data.mkdir(parents=True, exist_ok=True)
    config.write_private(data / "scrape-token", config.secret("scrape_token"))
    exporter = {
        "job_name": "quayside",
        "authorization": {"credentials_file": str(data / "scrape-token")},
        "static_configs": [{"targets": [f"127.0.0.1:{config.port('metrics')}"]}],
    }
    content = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "15s"},
        "rule_files": [str(Path(__file__).resolve().parent / "alerts.yml")],
        "scrape_configs": [exporter],
    }
    # JSON is YAML.
    config.write_json(data / "prometheus.json", content)


def command() -> Sequence[object]:
    data = config.DATA / "prometheus"
    storage = [f"--storage.tsdb.path={data / 'series'}", "--storage.tsdb.retention.time=1d"]
    listen = f"--web.listen-address=127.0.0.1:{config.port('prometheus')}"
    return ["prometheus", f"--config.file={data / 'prometheus.json'}", *storage, listen]
