"""Calls the routes of `sam local start-api` with the requests of the sample events."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import catalog
import config
import process
import sam_files
import samples
from api_client import ApiClient
from config import ScriptError
from sample_data import StackData

START_DEADLINE_S = 90


class RouteRow(NamedTuple):
    """The result of one route."""

    name: str
    route: str
    seconds: float
    result: str
    passed: bool


@contextmanager
def server(command: str, env: dict[str, str]) -> Iterator[str]:
    """`sam local start-api` or `start-lambda` while it runs; gives its URL."""
    port_name = f"sam-{command}"
    port = config.port(port_name)
    if not config.is_free(port):
        port = config.renew_port(port_name)
    log = config.LOGS / f"sam-{command}.log"
    argv = [str(sam_files.program()), "local", command, "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as out:
        child = subprocess.Popen(argv, env=env, cwd=config.ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        if not process.wait_until(lambda: _listens(port) or child.poll() is not None, START_DEADLINE_S, 0.2):
            raise ScriptError(f"sam local {command} does not listen after {START_DEADLINE_S} s (log: {log})")
        if child.poll() is not None:
            raise ScriptError(f"sam local {command} ended: {process.last_line(log)} (log: {log})")
        yield f"http://127.0.0.1:{port}"
    finally:
        # It removes its containers.
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(30)
        child.kill()
        child.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: str | None


def request_of(event: Any, token: str | None) -> Request:
    """The HTTP request that API Gateway turned into an event, with this token."""
    query, http = event["rawQueryString"], event["requestContext"]["http"]
    headers = {name: value for name, value in event["headers"].items() if name not in {"host", "authorization"}}
    if token:
        headers["authorization"] = f"Bearer {token}"
    return Request(http["method"], event["rawPath"] + (f"?{query}" if query else ""), headers, event.get("body"))


def tokens(url: str, data: StackData) -> dict[str, str]:
    """An access token for each role, from the served login: the running stack may still sign with a replaced key."""
    return {role: str(ApiClient(url, timeout_s=120).login(*account).token) for role, account in data.accounts.items()}


def call(url: str, name: str, data: StackData, tokens_by_role: dict[str, str]) -> RouteRow:
    """Calls one route with its sample. One with an authorizer must refuse a wrong token as well."""
    event = data.event(name)
    role = (event["requestContext"].get("authorizer") or {}).get("lambda", {}).get("role")
    started = time.monotonic()
    status = _status(url, request_of(event, tokens_by_role[role] if role else None))
    seconds = time.monotonic() - started
    result, passed = str(status), samples.is_processed(event["routeKey"], status)
    if not catalog.is_public(name):
        refused = _status(url, request_of(event, "wrong"))
        result += f", {refused} with a wrong token"
        passed = passed and refused == 401
    return RouteRow(name, catalog.routes()[name], seconds, result, passed)


def _status(url: str, request: Request) -> int:
    client = ApiClient(url, timeout_s=120)
    body = request.body.encode() if request.body is not None else None
    return client.send(request.method, request.path, body, request.headers).status
