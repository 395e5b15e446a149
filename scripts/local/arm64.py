"""Runs arm64 release binaries under qemu: each one processes its sample event against the running stack.

The binaries are those that `scripts/build --release --arm64` packages for AWS. Each one gets the environment variables
of the deployed function, a Lambda Runtime API of its own, and `events/<function>/ok.json` with this stack's ids
(sample_data.py). What passes is said in samples.py. They run with the emulator's root keys: permissions are not checked
here. Times include processor emulation and say nothing about AWS.
"""

import argparse
import json
import os
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import aws
import config
import progress
import sample_data
import samples
from config import ScriptError

QEMU = "qemu-aarch64-static"
# Where Debian's libc6-arm64-cross puts the loader and the C library.
SYSROOT = "/usr/aarch64-linux-gnu"
DEADLINE_S = 60


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a connection that the killed process left behind is expected."""


class RuntimeApi:
    """The Lambda Runtime API for one process and one event."""

    def __init__(self, event: bytes) -> None:
        self.event = event
        self.asked: float | None = None
        self.responded = 0.0
        self.outcome: bytes | None = None
        self.error: str | None = None
        self.over = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if api.asked is not None:
                    # The second request for work: there is none, the process is stopped meanwhile.
                    api.over.wait(DEADLINE_S)
                    return
                api.asked = time.monotonic()
                self.send_response(200)
                for name, value in {
                    "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000001",
                    "Lambda-Runtime-Deadline-Ms": str(int((time.time() + DEADLINE_S) * 1000)),
                    "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{config.REGION}:000000000000:function:a",
                    "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
                    "Content-Type": "application/json",
                    "Content-Length": str(len(api.event)),
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(api.event)

            def do_POST(self) -> None:
                body = self._body()
                api.responded = time.monotonic()
                if self.path.endswith("/response"):
                    api.outcome = body
                else:
                    api.error = body.decode(errors="replace")
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.over.set()

            def _body(self) -> bytes:
                if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_: object) -> None:
                """Nothing: the table says it all."""

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Row(NamedTuple):
    """The result of one function."""

    name: str
    init_ms: float | None
    call_ms: float | None
    result: str
    passed: bool


def run(name: str, directory: Path, event: Any) -> Row:
    """Starts one function and has it process its sample event."""
    api = RuntimeApi(json.dumps(event).encode())
    env = {
        **aws.variables(name),
        **{key: value for key, value in config.aws_env().items() if key.startswith("AWS_")},
        "PATH": os.environ["PATH"],
        "QEMU_LD_PREFIX": SYSROOT,
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": f"quayside-{config.STAGE}-{name}",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "arm64",
        "AWS_LAMBDA_LOG_STREAM_NAME": "arm64",
    }
    dead_letters = env.get("DEAD_LETTER_QUEUE_URL")
    before = aws.message_count(dead_letters) if dead_letters else 0
    log = config.LOGS / "arm64" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as out:
        child = subprocess.Popen(
            [QEMU, directory / name / "bootstrap"], env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        while not api.over.wait(0.05) and child.poll() is None and time.monotonic() - started < DEADLINE_S:
            pass
    finally:
        child.kill()
        child.wait()
        api.close()
    if api.asked is None:
        return Row(name, None, None, f"did not ask for work; see {log}", False)
    init = (api.asked - started) * 1000
    if api.outcome is None:
        return Row(name, init, None, f"{(api.error or 'no response')[:120]}; see {log}", False)
    dead_lettered = aws.message_count(dead_letters) - before if dead_letters else 0
    result, passed = samples.evaluate(event, api.outcome, dead_lettered)
    return Row(name, init, (api.responded - api.asked) * 1000, result, passed)


def table(rows: list[Row]) -> str:
    text = "| function | to the first request for work, ms | call, ms | result |\n|---|--:|--:|---|\n"
    for name, init, call, result, good in rows:
        cells = [
            name,
            *(f"{one:.0f}" if one is not None else "" for one in (init, call)),
            result if good else f"**{result}**",
        ]
        text += f"| {' | '.join(cells)} |\n"
    return text


def check_tools() -> None:
    if not shutil.which(QEMU) or not Path(SYSROOT).exists():
        raise ScriptError("qemu or the arm64 C library is missing: run scripts/setup --arm64")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/arm64", description=__doc__.splitlines()[0])
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="these alone; every packaged one unless given")
    parser.add_argument("--packages", default="target/lambda-arm64", metavar="DIRECTORY", help="where the packages are")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to a file as well")
    arguments = parser.parse_args()
    check_tools()
    directory = config.ROOT / arguments.packages
    packaged = {path.parent.name for path in directory.glob("*/bootstrap")}
    missing = sorted(set(arguments.functions) - packaged)
    if missing or not packaged:
        named = "".join(f" --function {name}" for name in missing)
        raise ScriptError(
            f"{directory} lacks packages: run scripts/build --release --arm64 --output {arguments.packages}{named}"
        )
    order = samples.in_order(set(arguments.functions) or packaged)
    progress.heading("arm64 binaries under qemu")
    with progress.step("Place the orders that the samples name"):
        data = sample_data.create()
    rows = []
    for name in order:
        rows.append(run(name, directory, data.event(name)))
        progress.note(f"{name}: {rows[-1].result}")
    print(table(rows))
    if arguments.write:
        arguments.write.write_text(table(rows))
    failed = [row.name for row in rows if not row.passed]
    if failed:
        raise ScriptError(f"{len(failed)} of {len(rows)} functions failed: {', '.join(failed)}")
    progress.done(f"{len(rows)} arm64 functions responded")


if __name__ == "__main__":
    progress.run(main)
