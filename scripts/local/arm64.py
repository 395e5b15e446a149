"""Runs arm64 release packages under qemu: each one processes its sample event against the running stack.

The binaries are those that `scripts/build --release --arm64` packaged for AWS. Each one gets the environment variables
that the stack gave the function, its own Lambda Runtime API, and `events/<function>/ok.json`. A function passes when it
responds: an HTTP function with a status below 500 (the sample may name an order that does not exist in this stack), a
consumer without a failed record, any other without an error. Times include the processor emulation and say nothing
about AWS.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aws
import config
import progress
from config import ScriptError

QEMU = "qemu-aarch64-static"
# Where Debian's libc6-arm64-cross installs the loader and the C library.
SYSROOT = "/usr/aarch64-linux-gnu"
DEADLINE_S = 60
# These create what the others need: the schema, a signing key, a product with stock, an account.
FIRST = ("database-migrate", "key-rotate", "product-create", "stock-open", "user-register", "user-login", "order-place")


class RuntimeApi:
    """The Lambda Runtime API for one process and one event."""

    def __init__(self, event: bytes) -> None:
        self.event = event
        # Monotonic times of the first request for an event, and of the response.
        self.requested: float | None = None
        self.responded: float | None = None
        self.response: bytes | None = None
        self.error: str | None = None
        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def _handler_of(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if api.requested is not None:
                # There is no second event. The process is stopped meanwhile.
                api.over.wait(DEADLINE_S)
                return
            api.requested = time.monotonic()
            self.send_response(200)
            for name, value in {
                "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000001",
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + DEADLINE_S) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{config.REGION}:000000000000:function:arm64",
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
                api.response = body
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

        def log_message(self, *_arguments: object) -> None:
            """Requests are not logged. The table has the results."""

    return Handler


@dataclass(frozen=True)
class Result:
    """One row of the table. Times are in milliseconds, and None if the process did not get so far."""

    function: str
    init_ms: float | None
    call_ms: float | None
    text: str
    passed: bool

    def row(self) -> str:
        times = [f"{time_ms:.0f}" if time_ms is not None else "" for time_ms in (self.init_ms, self.call_ms)]
        return f"| {self.function} | {' | '.join(times)} | {self.text if self.passed else f'**{self.text}**'} |"


def judge(event: dict[str, Any], response: bytes) -> tuple[str, bool]:
    """Describes a response, and says whether it passes."""
    content = json.loads(response or b"null")
    if isinstance(content, dict) and "http" in event.get("requestContext", {}) and "statusCode" in content:
        return str(content["statusCode"]), content["statusCode"] < 500
    if isinstance(content, dict) and "batchItemFailures" in content:
        failed = len(content["batchItemFailures"])
        if failed:
            return f"{failed} of {len(event.get('Records', [])) or 'all'} records failed", False
        return "all records processed", True
    return "response", True


def environment(name: str, runtime_api: str) -> dict[str, str]:
    return {
        **aws.variables(name),
        **{key: value for key, value in config.aws_env().items() if key.startswith("AWS_")},
        "PATH": os.environ["PATH"],
        "QEMU_LD_PREFIX": SYSROOT,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": config.physical_name(name),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "arm64",
        "AWS_LAMBDA_LOG_STREAM_NAME": "arm64",
    }


def run(name: str, directory: Path) -> Result:
    """Runs one function with its sample event."""
    event = (config.ROOT / "events" / name / "ok.json").read_bytes()
    api = RuntimeApi(event)
    log = config.LOGS / "arm64" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as out:
        argv = [QEMU, str(directory / name / "bootstrap")]
        env = environment(name, api.address)
        child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        while not api.over.wait(0.05) and child.poll() is None and time.monotonic() - started < DEADLINE_S:
            pass
    finally:
        child.kill()
        child.wait()
        api.close()
    if api.requested is None:
        return Result(name, None, None, f"did not request an event (log: {log})", passed=False)
    init_ms = (api.requested - started) * 1000
    if api.response is None or api.responded is None:
        reason = (api.error or "no response")[:120]
        return Result(name, init_ms, None, f"{reason} (log: {log})", passed=False)
    text, passed = judge(json.loads(event), api.response)
    return Result(name, init_ms, (api.responded - api.requested) * 1000, text, passed)


def table(results: list[Result]) -> str:
    head = "| function | to the first request for an event, ms | call, ms | result |\n|---|--:|--:|---|\n"
    return head + "".join(f"{result.row()}\n" for result in results)


def run_packages(packages: str, functions: list[str]) -> list[Result]:
    if not shutil.which(QEMU) or not Path(SYSROOT).exists():
        raise ScriptError("qemu or the arm64 C library is missing: run scripts/setup --full")
    directory = config.ROOT / packages
    packaged = {path.parent.name for path in directory.glob("*/bootstrap")}
    missing = sorted(set(functions) - packaged)
    if missing or not packaged:
        options = "".join(f" --function {name}" for name in missing)
        build = f"scripts/build --release --arm64 --output {packages}{options}"
        raise ScriptError(f"{directory} lacks packages: run {build}")
    wanted = set(functions) or packaged
    progress.heading("arm64 packages under qemu")
    results = []
    for name in [name for name in FIRST if name in wanted] + sorted(wanted - set(FIRST)):
        results.append(run(name, directory))
        progress.note(f"{name} {results[-1].text}")
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/arm64", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="only these functions (default: all packages)")
    parser.add_argument("--packages", default="target/lambda-arm64", metavar="DIRECTORY", help="directory of packages")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the table to a file")
    arguments = parser.parse_args()
    try:
        results = run_packages(arguments.packages, arguments.functions)
    except ScriptError as error:
        progress.fail(str(error))
        return 1
    print(table(results))
    if arguments.write:
        arguments.write.write_text(table(results))
    failed = [result.function for result in results if not result.passed]
    if failed:
        progress.fail(f"{len(failed)} of {len(results)} functions failed: {', '.join(failed)}")
        return 1
    progress.done(f"all {len(results)} arm64 functions passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
