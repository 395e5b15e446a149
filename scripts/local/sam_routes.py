"""Calls the routes of `sam local start-api` with the requests of the sample events."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
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
# Each function that was called keeps its container, and its connections to PostgreSQL, until its server ends.
ROUTES_PER_SERVER = 30
# The SAM CLI watches each warm function with inotify instances, of which a user may have 128.
OPTIONS: dict[str, list[str]] = {"start-api": ["--no-watch"], "start-lambda": []}
BAD_GATEWAY = 502


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
    address = ["--host", "127.0.0.1", "--port", str(port)]
    argv = [str(sam_files.program()), "local", command, *address, *OPTIONS[command]]
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


def groups(functions: Iterable[str]) -> list[list[str]]:
    """The functions in their order, in groups that one server serves."""
    ordered = samples.in_order(functions)
    return [ordered[at : at + ROUTES_PER_SERVER] for at in range(0, len(ordered), ROUTES_PER_SERVER)]


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
    started = time.monotonic()
    try:
        event = data.event(name)
        token = _token(url, name, event, data, tokens_by_role)
        started = time.monotonic()
        status, result = _started_status(url, request_of(event, token))
        seconds = time.monotonic() - started
        passed = samples.is_processed(event["routeKey"], status)
        if not catalog.is_public(name):
            refused = _status(url, request_of(event, "wrong"))
            result += f", {refused} with a wrong token"
            passed = passed and refused == 401
    except ScriptError as error:
        seconds, result, passed = time.monotonic() - started, str(error), False
    return RouteRow(name, catalog.routes()[name], seconds, result, passed)


def _token(url: str, name: str, event: Any, data: StackData, tokens_by_role: dict[str, str]) -> str | None:
    """The token of the sample's role: of the account that only this function has, if the customer's own is meant."""
    role = (event["requestContext"].get("authorizer") or {}).get("lambda", {}).get("role")
    if role == "customer" and name in data.owners:
        return ApiClient(url, timeout_s=120).login(*data.owners[name]).token
    return tokens_by_role[role] if role else None


def _started_status(url: str, request: Request) -> tuple[int, str]:
    """The status of a request, also in words. One whose container did not start is sent once more.

    The Lambda emulator in a container may start the function before its own Runtime API listens; the function ends.
    """
    status = _status(url, request)
    if status != BAD_GATEWAY:
        return status, str(status)
    again = _status(url, request)
    return again, f"{status}, then {again}"


class _UnfollowedRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect to the caller: it is the response of the route."""

    def redirect_request(self, *_: object) -> None:
        return None


def _status(url: str, request: Request) -> int:
    body = request.body.encode() if request.body is not None else None
    sent = urllib.request.Request(url + request.path, data=body, method=request.method, headers=request.headers)
    try:
        with urllib.request.build_opener(_UnfollowedRedirects).open(sent, timeout=120) as response:
            return int(response.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
    except OSError as error:
        raise ScriptError(f"{request.method} {request.path}: {error}") from None
