"""Generated orders through both paths of the windows, functions and Flink; every figure must be the same in both.

    scripts/flink compare               five minutes of orders
    scripts/flink compare --minutes 60 --orders 4000 --kill --checkpoint 60

The functions get the events as messages of their queue, the Flink job as records of topics of its own, some twice, out
of order and late, some late by a year and some from the future. The archive that the job writes must answer the
questions of docs/questions as the generated orders do, also when it has every row twice, as after a job that was turned
off and on again. The table of the comparison is in target/flink.md. With --kill the job is killed between two
checkpoints, and another one goes on from the first of them.
"""

import argparse
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.table import Table

import api_client
import archive_questions
import flink_job
import flink_report
import function_windows
import kafka_client
import progress
import stream_events
from config import ScriptError
from flink_report import Compared
from stream_events import GeneratedOrders, Json, Key

Figures = dict[Key, tuple[int, int, int]]

PARTITIONS = 4
SOURCES = {"order-events": "orders", "payment-events": "payments", "inventory-events": "stock"}
# Neither is an event: the job skips both.
POISON = ("this is not JSON", '{"id": "without-time"}')
DEADLINE_S = 300


@dataclass
class Job:
    """The Flink job of this run, which may be killed and started again."""

    run: flink_job.Run
    offsets: kafka_client.Offsets
    child: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def name(self) -> str:
        return f"compare-{self.starts}"

    def start(self) -> None:
        self.starts += 1
        self.child = flink_job.start(self.run, self.name)

    def kill(self) -> None:
        if self.child:
            self.child.kill()
            self.child.wait()

    def until(self, what: str, look: Callable[[], bool]) -> None:
        """Waits until `look` is true, and no longer than the job runs."""

        def checked() -> bool:
            if self.child:
                flink_job.check(self.child, self.name)
            return look()

        deadline = DEADLINE_S + 3 * self.run.checkpoint_s
        api_client.eventually(what, checked, deadline_s=deadline, every_s=0.3)

    def progress(self, source: str) -> tuple[int, int]:
        """Records of a topic that a checkpoint covers, and all."""
        topic = self.run.topics[source]
        return self.offsets.committed(topic), self.offsets.end(topic)


def records(topics: dict[str, str], events: list[Json]) -> Iterator[tuple[str, str | None, str]]:
    """The events as `event-forward` writes them, to the topics of this run."""
    for event in events:
        name = topics[SOURCES[stream_events.topic(event)]]
        yield name, event["subject"], json.dumps(stream_events.exported(event))


def through_flink(job: Job, events: list[Json], kill: bool) -> None:
    """Writes the events to Kafka in three parts, and waits until a checkpoint covers all."""
    topics, third = job.run.topics, len(events) // 3
    kafka_client.produce([(topics["orders"], None, text) for text in POISON])
    kafka_client.produce(records(topics, events[:third]))
    job.start()
    if kill:
        job.until("a checkpoint with records", lambda: all(job.progress(each)[0] > 0 for each in SOURCES.values()))
        kafka_client.produce(records(topics, events[third : 2 * third]))
        job.kill()
        job.run = flink_job.resumed(job.run)
        job.start()
    else:
        kafka_client.produce(records(topics, events[third : 2 * third]))
    kafka_client.produce(records(topics, events[2 * third :]))
    job.until("a checkpoint of all records", lambda: all(len({*job.progress(each)}) == 1 for each in SOURCES.values()))


def rows_of_flink(topic: str) -> dict[Key, Json]:
    """The newest row of each figure, as a reader of the topic has it."""
    found: dict[Key, Json] = {}
    for row in kafka_client.read(topic):
        start = int(datetime.fromisoformat(row["window_start"]).timestamp())
        key = (start, row["currency"], row["dimension"], row["item"])
        if key not in found or row["records"] >= found[key]["records"]:
            found[key] = row
    return found


def figures_of(rows: dict[Key, Json]) -> Figures:
    return {key: (row["events"], row["amount"], row["units"]) for key, row in rows.items()}


def settled(job: Job) -> dict[Key, Json]:
    """The rows once the archive has them, too: it reads them after they were committed."""
    rows: dict[Key, Json] = {}

    def look() -> bool:
        nonlocal rows
        rows = rows_of_flink(job.run.topics["results"])
        return archive_questions.has(job.run.archive, figures_of(rows))

    job.until("the archive of the windows", look)
    return rows


def check_late(rows: dict[Key, Json]) -> None:
    """All windows but those of the future were complete before the run: every record of them must count as late."""
    now = time.time()
    wrong = sum(row["late"] != (row["records"] if key[0] < now else 0) for key, row in rows.items())
    if wrong:
        raise ScriptError(f"{wrong} figures have late records in windows that are open, or others in complete ones")


def compare(what: str, expected: Figures, found: Figures) -> list[str]:
    differences = list(stream_events.differences(expected, found))
    for line in differences[:5]:
        progress.note(f"{what}: {line}")
    return differences


def report(rows: list[tuple[str, Figures, Figures]]) -> list[Compared]:
    """Prints the comparison."""
    table = Table("compared", "windows", "figures", "differences")
    compared = []
    for what, expected, found in rows:
        differences = len(compare(what, expected, found))
        compared.append(Compared(what, stream_events.windows(found), len(found), differences))
        table.add_row(what, *(str(count) for count in (compared[-1].windows, len(found), differences)))
    progress.table(table)
    return compared


def ask_questions(job: Job, generated: GeneratedOrders) -> int:
    """Compares the answers of the archive with those of the generated orders, once more when it has every row twice, as
    after a later job has read the topics again. Returns how many are wrong."""
    wrong = wrong_answers(job, generated, "")
    archive_questions.repeat_rows(job.run.archive)
    return wrong + wrong_answers(job, generated, " of every row twice")


def wrong_answers(job: Job, generated: GeneratedOrders, part: str) -> int:
    connection = archive_questions.connect(job.run.archive)
    wrong = 0
    for question in archive_questions.questions():
        found, expected = archive_questions.ask(connection, question), archive_questions.answer(generated, question)
        what = f"{question}{part}"
        progress.done(f"{what}: {len(found)} rows" if found == expected else f"{what}: WRONG")
        if found != expected:
            wrong += 1
            differing = [pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]]
            progress.note(f"{len(found)} rows instead of {len(expected)}; the first that differs: {differing[:1]}")
    return wrong


def main() -> int:
    arguments = read_arguments()
    stamp = str(arguments.run or int(time.time()))
    seed = f"{arguments.seed} {stamp}"
    progress.heading(f"Windows of both paths: seed {arguments.seed}, run {stamp}")
    generated = stream_events.Generator(seed).make(
        stream_events.yesterday_noon(datetime.now(UTC)), arguments.minutes, arguments.orders, arguments.history
    )
    events = stream_events.deliveries(generated, seed)
    progress.done(f"{len(generated.orders)} orders, {len(generated.events)} events, {len(events)} records")
    expected = {key: figure.values() for key, figure in generated.figures.items()}
    directory = flink_job.DIRECTORY / f"compare-{stamp}"
    topics = {name: f"compare-{stamp}-{name}" for name in (*SOURCES.values(), "results")}
    run = flink_job.Run(
        f"compare-{stamp}", topics, directory / "archive", directory / "checkpoints", arguments.checkpoint
    )
    job = Job(run, kafka_client.Offsets(run.group))
    before = function_windows.figures(expected)
    feeding = function_windows.Feeding(events)
    try:
        flink_job.compile_sources()
        kafka_client.create_topics(topics.values(), PARTITIONS)
        feeding.start()
        with progress.step("Flink reads everything" + (", is killed and goes on" if arguments.kill else "")):
            through_flink(job, events, arguments.kill)
            rows = settled(job)
            by_flink = figures_of(rows)
        with progress.step("The functions have counted everything"):
            by_functions = feeding.finish(expected, before)
        archived = archive_questions.figures(archive_questions.connect(run.archive))
        check_late(rows)
        compared = report([
            ("functions and Flink", by_functions, function_windows.held(by_flink)),
            ("generated orders and functions", function_windows.held(expected), by_functions),
            ("generated orders and Flink", expected, by_flink),
            ("generated orders and archive", expected, archived),
        ])  # fmt: skip
        wrong = ask_questions(job, generated)
        killed = ", with a job that is killed and goes on" if arguments.kill else ""
        ran = f"Seed {arguments.seed}: {len(generated.orders)} orders, {len(events)} records{killed}"
        flink_report.save(flink_report.markdown(compared, ran, wrong))
        differences = sum(each.differences for each in compared)
    finally:
        job.kill()
        job.offsets.close()
        kafka_client.delete_topics(topics.values())
    if differences or wrong:
        raise ScriptError(
            f"{differences} figures differ and {wrong} questions have another answer (files: {directory})"
        )
    shutil.rmtree(directory)
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/flink compare", description=__doc__)
    parser.add_argument("--minutes", type=int, default=5, help="length of the dense period (default 5)")
    parser.add_argument("--orders", type=int, default=400, help="orders in it (default 400)")
    parser.add_argument("--history", type=int, default=150, help="orders in the weeks before it (default 150)")
    parser.add_argument(
        "--checkpoint", type=float, default=2, metavar="S", help="seconds between checkpoints (default 2)"
    )
    parser.add_argument(
        "--kill", action="store_true", help="kill the job in the middle and go on from its last checkpoint"
    )
    parser.add_argument("--seed", default="7", help="seed of the orders (default 7)")
    parser.add_argument("--run", type=int, help="the number of a run to repeat; by default the time")
    return parser.parse_args()


if __name__ == "__main__":
    progress.run(main)
