"""Runs functions in containers as `sam local` does, each with its sample event and the credentials of its own role.

`sam local invoke` runs each chosen function once, against the running stack; `sam local start-api` serves the routes,
behind the authorizer. What passes is said in samples.py.
"""

import argparse
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import api_client
import aws
import catalog
import config
import engine
import progress
import sam_files
import sam_routes
import sample_data
import samples
from config import ScriptError
from sam_routes import RouteRow
from sample_data import StackData

# Has a function process the event in a file, and returns its response.
Invoke = Callable[[str, Path], bytes]

# The longest function timeout, and the start of a container.
INVOKE_DEADLINE_S = 360
# The exit status of a check that this machine cannot run.
SKIPPED = 77


class Row(NamedTuple):
    """The result of one function."""

    name: str
    seconds: float
    result: str
    passed: bool


def environment() -> dict[str, str]:
    """Environment of the SAM CLI. It needs no credentials: the engine's front gives each function its own."""
    more = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": config.REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    return config.clean_env(**engine.client_environment(), **more)


def invoke(name: str, event: Path) -> bytes:
    """The response of `sam local invoke`; the log of the function goes to a file."""
    argv = [str(sam_files.program()), "local", "invoke", catalog.logical_id(name), "-e", str(event)]
    log = config.LOGS / "sam" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        ended = subprocess.run(
            argv,
            env=environment(),
            cwd=config.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=INVOKE_DEADLINE_S,
            check=False,
        )
    if ended.returncode != 0 or not ended.stdout.strip():
        raise ScriptError(f"no response (status {ended.returncode}); see {log}")
    return ended.stdout


def invoke_at(url: str) -> Invoke:
    """Invocations through `sam local start-lambda`."""

    def send(name: str, event: Path) -> bytes:
        address = f"{url}/2015-03-31/functions/{catalog.logical_id(name)}/invocations"
        request = urllib.request.Request(address, data=event.read_bytes(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=INVOKE_DEADLINE_S) as response:
                return bytes(response.read())
        except OSError as error:
            raise ScriptError(f"{error}; see {config.LOGS / 'sam-start-lambda.log'}") from None

    return send


def run(name: str, data: StackData, send: Invoke) -> Row:
    """Has one function process its sample event."""
    started = time.monotonic()
    try:
        event = data.event(name)
        file = sam_files.DIRECTORY / "events" / f"{name}.json"
        # It may hold the webhook's signature, or the account's password.
        config.write_private(file, json.dumps(event, indent=2) + "\n")
        dead_letters = aws.variables(name).get("DEAD_LETTER_QUEUE_URL")
        before = aws.message_count(dead_letters) if dead_letters else 0
        started = time.monotonic()
        outcome, lost = invoked(name, file, send)
        seconds = time.monotonic() - started
        dead_lettered = aws.message_count(dead_letters) - before if dead_letters else 0
    except ScriptError as error:
        return Row(name, time.monotonic() - started, str(error), False)
    result, passed = samples.evaluate(event, outcome, dead_lettered)
    return Row(name, seconds, f"{lost}{result}", passed)


def invoked(name: str, file: Path, send: Invoke) -> tuple[bytes, str]:
    """The response, and what came before it. A function without a response is invoked once more.

    The Lambda emulator in a container may start the function before its own Runtime API listens; the function ends.
    """
    try:
        return send(name, file), ""
    except ScriptError as error:
        progress.note(f"{name}: {error}; once more")
        return send(name, file), "no response, then "


def choose(names: list[str], number: int, seed: int) -> list[str]:
    """A sample of the functions, the same for the same seed."""
    return random.Random(seed).sample(sorted(names), min(number, len(names)))


def prepare() -> StackData:
    with progress.step("Place the orders that the samples name"):
        return sample_data.create()


def run_functions(chosen: list[str], data: StackData, warm: bool) -> list[Row]:
    rows = []

    def each(send: Invoke) -> None:
        for name in samples.in_order(chosen):
            rows.append(run(name, data, send))
            progress.note(f"{name}: {rows[-1].result} ({progress.duration(rows[-1].seconds)})")

    if warm:
        with sam_routes.server("start-lambda", environment()) as url:
            each(invoke_at(url))
    else:
        each(invoke)
    return rows


def run_routes(chosen: list[str], data: StackData) -> list[RouteRow]:
    rows = []
    for group in sam_routes.groups(chosen):
        with sam_routes.server("start-api", environment()) as url:
            tokens = sam_routes.tokens(url, data)
            for name in group:
                rows.append(sam_routes.call(url, name, data, tokens))
                progress.note(f"{rows[-1].route}: {rows[-1].result} ({progress.duration(rows[-1].seconds)})")
    return rows


def table(rows: list[Row], routes: list[RouteRow], command: str) -> str:
    def result(row: Row | RouteRow) -> str:
        return row.result if row.passed else f"**{row.result}**"

    text = f"| function | `sam local {command}` | s |\n|---|---|--:|\n"
    text += "".join(f"| {row.name} | {result(row)} | {row.seconds:.1f} |\n" for row in rows)
    text += "\n| route | `sam local start-api` | s |\n|---|---|--:|\n"
    return text + "".join(f"| {row.route} | {result(row)} | {row.seconds:.1f} |\n" for row in routes)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/sam-local", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="FUNCTION", help="these alone, and their routes")
    parser.add_argument("--functions", type=int, default=3, metavar="N", help="how many functions and routes; 3")
    parser.add_argument("--seed", type=int, default=7, metavar="S", help="chooses them; 7")
    parser.add_argument("--all", action="store_true", help="every function and every route")
    parser.add_argument("--warm", action="store_true", help="sam local start-lambda instead of sam local invoke")
    parser.add_argument("--serve", action="store_true", help="start the engine, for sam local by hand")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to a file as well")
    return parser.parse_args()


def check(arguments: argparse.Namespace) -> None:
    every, routes = catalog.functions(), list(catalog.routes())
    if arguments.names:
        every, routes = arguments.names, [name for name in arguments.names if name in routes]
    elif not arguments.all:
        every = choose(every, arguments.functions, arguments.seed)
        routes = choose(routes, arguments.functions, arguments.seed)
    rows = run_functions(every, prepare(), arguments.warm)
    # Other orders, accounts and keys: the functions have changed, deleted or used the first.
    route_rows = run_routes(routes, prepare()) if routes else []
    text = table(rows, route_rows, "start-lambda" if arguments.warm else "invoke")
    print(text)
    if arguments.write:
        arguments.write.write_text(text)
    failed = [row.name for row in rows if not row.passed] + [row.route for row in route_rows if not row.passed]
    if failed:
        raise ScriptError(
            f"{len(failed)} of {len(rows)} functions and {len(route_rows)} routes failed: {', '.join(failed)}"
        )
    progress.done(f"{len(rows)} functions and {len(route_rows)} routes responded in containers")


def main() -> int:
    arguments = read_arguments()
    started = False
    try:
        sam_files.check_names(arguments.names)
        api_client.stack_env()
        progress.heading("Functions in containers (sam local)")
        with progress.step("Start the container engine"):
            started = engine.start()
        sam_files.write()
        if arguments.serve:
            started = False
            progress.note(f"set -a; . {sam_files.SHELL.relative_to(config.ROOT)}; set +a")
            progress.note("sam local invoke OrderGetFunction -e events/order-get/ok.json")
            progress.note("The engine runs until scripts/down.")
        else:
            check(arguments)
    except engine.UnavailableError as reason:
        print(f"skipped: {reason}")
        if arguments.write:
            arguments.write.write_text(f"Skipped: {reason}.\n")
        return SKIPPED
    except ScriptError as error:
        progress.fail(str(error))
        return 1
    finally:
        if started:
            engine.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
