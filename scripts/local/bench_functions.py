"""Measures every function with its sample event against the running stack: scripts/bench functions.

The packages are those of `scripts/build --release`, for this machine's processor. Each function gets the environment of
the deployed one, and its events are samples with this stack's ids (sample_data.py): each has event ids, keys and an
address of its own, so that none is a repetition. What exists once, such as an account to delete, is gone after the
first call, and the table has both responses. PostgreSQL and Redis are real, AWS and the payment gateway are the stack's
emulators: times include theirs, CPU times do not. The functions run with the emulator's root keys.
"""

import argparse
import dataclasses
import json
import os
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import api_client
import aws
import catalog
import config
import progress
import sample_data
import samples
from config import ScriptError

DRIVER = config.ROOT / "target/debug/benchmark"
PAGE = config.ROOT / "docs/benchmark.md"
HEADING = "## Every function"
# Called once, because each call changes a key or a password of the running stack.
ONCE = ("database-secret-rotate", "key-rotate")
# Each event gets a new customer, because a customer may have only a few unpaid orders.
NEW_CUSTOMER = ("order-place",)
# The address of a client in the samples.
ADDRESS = "203.0.113.7"
# High enough that the rate limiter rejects no call.
QUOTA = 1_000_000
# Number of functions listed for each figure.
WORST = 3
# Why a function is among the worst: what it does that others do not.
REASONS = {
    "asyncapi-get": "its response is the whole description of the events",
    "canary-order": "it places an order through the public API and waits for the responses",
    "credit-note-issue": "it draws a PDF; its package has the fonts of invoices",
    "database-migrate": "it connects as the owner and compares all migrations",
    "docs-get": "its response is the documentation page",
    "event-archive": "it reads a batch of Kafka records and writes objects to S3",
    "event-forward": "it connects to Kafka, with TLS and SCRAM, and waits for all replicas",
    "invoice-issue": "it draws a PDF; its package has the fonts of invoices",
    "openapi-get": "its response is the whole description of the API",
    "product-list": "it reads the list from PostgreSQL and each product from DynamoDB",
    "ledger-reconcile": "it compares all transactions of the gateway of the last days with the ledger",
    "outbox-sweep": "it looks through all contexts for events to publish and rows to delete",
    "password-change": "it verifies one password and hashes another with Argon2id (19 MiB)",
    "password-reset-confirm": "it hashes a password with Argon2id (19 MiB)",
    "payment-reconcile": "it asks the gateway about each stuck payment",
    "product-export-run": "it works through the exports that are due",
    "product-import-run": "it works through the imports that are due",
    "queue-list": "it asks for the attributes of every queue and of its dead-letter queue",
    "record-partition": "it makes the partitions of the next days",
    "record-write": "it writes a batch in a transaction of several round trips",
    "stock-allocate": "it moves the units of each line in one database function, under locks",
    "topics-create": "it connects to Kafka, with TLS and SCRAM, and creates what is missing",
    "totp-begin": "it verifies a password with Argon2id (19 MiB)",
    "totp-remove": "it verifies a password with Argon2id (19 MiB)",
    "user-erase": "it verifies a password with Argon2id (19 MiB)",
    "user-invite": "it hashes a password with Argon2id (19 MiB)",
    "user-login": "it verifies a password with Argon2id (19 MiB)",
    "user-register": "it hashes a password with Argon2id (19 MiB) and estimates its strength",
    "user-update": "it verifies a password with Argon2id (19 MiB) if the address changes",
}


class Figures(NamedTuple):
    """What was measured of one function, in milliseconds and MiB; None is what was not measured."""

    function: str
    response: str
    passed: bool
    init: float | None = None
    first_call: float | None = None
    warm: float | None = None
    warm_p99: float | None = None
    cpu: float | None = None
    memory: float | None = None
    zip: float | None = None


# The figures by which functions are compared, and their columns.
COLUMNS = {
    "init": "init ms",
    "first_call": "first call ms",
    "warm": "warm p50 ms",
    "warm_p99": "warm p99 ms",
    "cpu": "CPU ms",
    "memory": "peak MiB",
    "zip": "zip MiB",
}


def events(name: str, data: sample_data.StackData) -> Iterator[Any]:
    """Sample events of a function, each as if another client sent it."""
    number, token = int(data.tag, 16), access_token(data) if name == "authorizer" else None
    while True:
        number = (number + 1) % 0x10000
        event = varied(name, dataclasses.replace(data, tag=f"{number:04x}").event(name), number)
        if token:
            event["headers"]["authorization"] = f"Bearer {token}"
        yield event


def access_token(data: sample_data.StackData) -> str:
    email, password = data.accounts["customer"]
    public = api_client.ApiClient(api_client.stack_env()["API_URL"])
    tokens = public.post("/users/login", {"email": email, "password": password}).expect(200)
    return str(tokens["access_token"])


def varied(name: str, event: Any, number: int) -> Any:
    """The event from a distinct network and, where needed, of a distinct customer."""
    http = event.get("requestContext", {}).get("http")
    if http:
        http["sourceIp"] = f"2001:db8:{number:x}::1"
    if name in NEW_CUSTOMER:
        event["requestContext"]["authorizer"]["lambda"]["sub"] = f"0192f0c1-0000-7000-8003-{number:012x}"
    return event


def environment(name: str) -> dict[str, str]:
    """The environment of a function, which refuses no client for its number of requests."""
    variables = aws.variables(name)
    if "RATE_LIMITS" in variables:
        variables["RATE_LIMITS"] = re.sub(r":[0-9,]+", f":{QUOTA},{QUOTA}", variables["RATE_LIMITS"])
    return {
        **variables,
        **{key: value for key, value in config.aws_env().items() if key.startswith("AWS_")},
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": config.physical_name(name),
    }


def drive(plan: dict[str, Any]) -> dict[str, Any]:
    """Runs `benchmark drive` with a plan and returns its result."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=config.RUN) as file:
        json.dump(plan, file)
        file.flush()
        done = subprocess.run([DRIVER, "drive", file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ScriptError(done.stderr.strip().removeprefix("bench: ")[:200])
    driven: dict[str, Any] = json.loads(done.stdout)
    return driven


def measure(name: str, package: Path, data: sample_data.StackData, starts: int, calls: int) -> Figures:
    """The figures of one function."""
    if name in ONCE:
        starts, calls = 1, 0
    of = events(name, data)
    first, warm = ([next(of) for _ in range(count)] for count in (starts, calls))
    plan = {
        "binary": str(package / "bootstrap"),
        "memory_mb": catalog.row(name)["memory_mb"],
        "environment": environment(name),
        "first": first,
        "warm": warm,
    }
    try:
        driven = drive(plan)
    except ScriptError as error:
        return Figures(name, str(error), passed=False)
    results = [samples.evaluate(first[0], json.dumps(driven[which]).encode(), 0) for which in ("first", "last")]
    (response, passed), (then, _) = results
    zipped = package / "bootstrap.zip"
    return Figures(
        name,
        response if then == response else f"{response}, then {then}",
        passed,
        init=percentile(driven["init"], 50),
        first_call=percentile(driven["first_call"], 50),
        warm=percentile(driven["warm_call"], 50),
        warm_p99=percentile(driven["warm_call"], 99),
        cpu=percentile(driven["warm_cpu"], 50),
        memory=driven["peak_kib"] / 1024,
        zip=zipped.stat().st_size / 2**20 if zipped.exists() else None,
    )


def percentile(microseconds: list[int], percent: int) -> float | None:
    """The least value in milliseconds that at least so many per cent of the values do not exceed."""
    if not microseconds:
        return None
    ordered = sorted(microseconds)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] / 1000


def table(rows: list[Figures]) -> str:
    """All figures, and their median."""
    lines = [
        f"| function | {' | '.join(COLUMNS.values())} | response |",
        f"|---|{'--:|' * len(COLUMNS)}---|",
    ]
    for row in rows:
        response = row.response if row.passed else f"**{row.response}**"
        figures = " | ".join(cell(getattr(row, column)) for column in COLUMNS)
        lines.append(f"| {row.function} | {figures} | {response} |")
    medians = (statistics.median(values(rows, column)) if values(rows, column) else None for column in COLUMNS)
    lines.append(f"| **median** | {' | '.join(cell(median) for median in medians)} | |")
    return "\n".join(lines) + "\n"


def cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def values(rows: list[Figures], column: str) -> list[float]:
    return [value for row in rows if (value := getattr(row, column)) is not None]


def worst(rows: list[Figures]) -> str:
    """The functions with the largest figures, with their reasons."""
    lines = ["| figure | the largest | reason |", "|---|---|---|"]
    for column, title in COLUMNS.items():
        measured = [row for row in rows if getattr(row, column) is not None]
        for row in sorted(measured, key=lambda row: getattr(row, column), reverse=True)[:WORST]:
            reason = REASONS.get(row.function, "**no reason is recorded in scripts/local/bench_functions.py**")
            lines.append(f"| {title} | {row.function}, {cell(getattr(row, column))} | {reason} |")
    return "\n".join(lines) + "\n"


def section(rows: list[Figures], arguments: argparse.Namespace) -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    date = subprocess.run(["date", "-u", "+%Y-%m-%d"], capture_output=True, text=True, check=True)
    return (
        f"{HEADING}\n\nWritten by `scripts/bench functions --write`: the packages in `{arguments.packages}`, each\n"
        "with its sample event against the running stack. PostgreSQL and Redis are real; AWS and the gateway are\n"
        f"emulated: times include theirs, CPU times do not.\n\n{worst(rows)}\n{table(rows)}\n"
        f"- init, first call: medians of {arguments.starts} processes; warm and CPU: {arguments.calls} calls of one\n"
        "  of them, each with another event\n"
        "- peak: VmHWM; zip: the package as it is deployed\n"
        "- `image-resize` and scheduled functions find little to do: the stack has done it\n"
        "- response: to the first event, and to the last one if it differs: what exists once is gone by then\n"
        f"- {os.cpu_count()} cores; commit {commit.stdout.strip()}; {date.stdout.strip()}\n"
    )


def with_section(page: str, text: str) -> str:
    """A page with this section in place of the one that it may have, or as the second one."""
    parts = re.split(r"(?m)^(?=## )", page)
    others = [part for part in parts if not part.startswith(HEADING)]
    return "".join([others[0], f"{text}\n", *others[1:]])


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench functions", description=__doc__.splitlines()[0])
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="these alone; every packaged one unless given")
    parser.add_argument("--packages", default="target/lambda", metavar="DIRECTORY", help="where the packages are")
    parser.add_argument("--starts", type=int, default=5, help="processes of each function")
    parser.add_argument("--calls", type=int, default=50, help="warm calls of each function")
    parser.add_argument("--write", action="store_true", help="write the tables to docs/benchmark.md")
    arguments = parser.parse_args()
    if arguments.starts < 1:
        raise ScriptError("--starts must be 1 or more")
    directory = config.ROOT / arguments.packages
    packaged = {path.parent.name for path in directory.glob("*/bootstrap")}
    missing = sorted(set(arguments.functions) - packaged)
    if missing or not packaged:
        named = "".join(f" --function {name}" for name in missing)
        build = f"scripts/build --release --output {arguments.packages}{named}"
        raise ScriptError(f"{directory} lacks packages: run {build}")
    progress.heading("Every function against the running stack")
    with progress.step("Place the orders that the samples name"):
        data = sample_data.create()
    rows = []
    for name in samples.in_order(set(arguments.functions) or packaged):
        rows.append(measure(name, directory / name, data, arguments.starts, arguments.calls))
        progress.note(f"{name}: {rows[-1].response}")
    print(worst(rows))
    print(table(rows))
    if arguments.write:
        PAGE.write_text(with_section(PAGE.read_text(), section(rows, arguments)))
    failed = [row.function for row in rows if not row.passed]
    if failed:
        raise ScriptError(f"{len(failed)} of {len(rows)} functions failed: {', '.join(failed)}")
    progress.done(f"{len(rows)} functions responded")


if __name__ == "__main__":
    progress.run(main)
