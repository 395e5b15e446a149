"""Runs the Flink job over the topics of the running stack and prints the figures of windows until Ctrl-C.

The job starts from the beginning of the topics each time: its state is not kept.
"""

import shutil
import signal
import time
from datetime import datetime

import config
import flink_job
import kafka_client
import process
import progress
import services
from config import ScriptError

NAME = "watch"
# Short, so that a person sees figures soon.
CHECKPOINT_S = 5
SOURCES = {"orders": "order-events", "payments": "payment-events", "stock": "inventory-events"}


def _line(row: dict[str, object]) -> str:
    start = datetime.fromisoformat(str(row["window_start"])).strftime("%Y-%m-%d %H:%M")
    what = f"{row['dimension']} {row['item']}".strip()
    late = f", {row['late']} late" if row["late"] else ""
    return f"{start}  {row['currency']}  {what:48} {row['events']:6} {row['amount']:12} {row['units']:6} units{late}"


def main() -> None:
    if not process.pid_of(services.KAFKA.name):
        raise ScriptError("the local cloud is not up: run scripts/up")
    missing = set(SOURCES.values()) - kafka_client.topics()
    if missing:
        raise ScriptError(
            f"Kafka has no topic {', '.join(sorted(missing))}: scripts/up without --only creates all topics"
        )
    directory = flink_job.DIRECTORY / NAME
    shutil.rmtree(directory, ignore_errors=True)
    topics = {**SOURCES, "results": f"flink-{int(time.time())}"}
    run = flink_job.Run(topics["results"], topics, directory / "archive", directory / "checkpoints", CHECKPOINT_S)
    flink_job.compile_sources()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    child = flink_job.start(run, NAME)
    progress.heading("Windows of five minutes: events, minor units, units sold")
    progress.note(f"archive in Parquet: {run.archive.relative_to(config.ROOT)}")
    seen: dict[tuple[object, ...], object] = {}
    try:
        while True:
            flink_job.check(child, NAME)
            for row in kafka_client.read(run.topics["results"]):
                key = (row["window_start"], row["currency"], row["dimension"], row["item"])
                if int(row["records"]) > int(str(seen.get(key, 0))):
                    seen[key] = row["records"]
                    progress.note(_line(row))
            time.sleep(1)
    except KeyboardInterrupt:
        progress.done(f"stopped; {len(seen)} figures")
    finally:
        child.terminate()
        child.wait()
        kafka_client.delete_topics([run.topics["results"]])


if __name__ == "__main__":
    progress.run(main)
