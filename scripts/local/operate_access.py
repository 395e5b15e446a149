"""Which API scripts/ops works on, logging in to it, and what scripts/ops says when that API refuses.

`operate.py` has the other commands.
"""

import argparse
import getpass
import json
import os
import re
import shlex
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import api_client
from api_client import ApiClient, UnexpectedStatusError
from config import ScriptError

ADDRESS = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(/[^?#\s]*)?", re.ASCII | re.IGNORECASE)
TOKEN = re.compile(r"[!-~]+")
HINT = "is OPS_API_URL right?"


def admin() -> ApiClient:
    """A client with the rights of an admin."""
    url, token = os.environ.get("OPS_API_URL"), os.environ.get("OPS_TOKEN")
    if url and token:
        return _remote(url, token)
    if url or token:
        given, missing = ("OPS_API_URL", "OPS_TOKEN") if url else ("OPS_TOKEN", "OPS_API_URL")
        raise ScriptError(f"{missing} is missing: {given} is set, and another stack than the local one needs both")
    env = api_client.stack_env()
    return ApiClient(env["API_URL"]).login(env["ADMIN_EMAIL"], env["ADMIN_PASSWORD"])


def deployment() -> ApiClient:
    """A client without rights of the deployment that the environment names."""
    url = os.environ.get("OPS_API_URL")
    if not url:
        raise ScriptError("OPS_API_URL is missing: it names the deployment; the local stack needs no login")
    return ApiClient(_address(url), hint=HINT)


def login(api: ApiClient, arguments: argparse.Namespace) -> dict[str, str | None]:
    """The access token of an account. Password and code are typed, so that no history and no process list has them."""
    client = api.login(arguments.email, _typed("Password"), lambda: _typed("Code of the second factor"))
    return {"OPS_TOKEN": client.token}


def print_login(found: dict[str, str | None]) -> None:
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value or '')}")


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    what = "print the command that sets OPS_TOKEN, after asking for the password and the code of the second factor"
    added = command("login", what, login, print_login)
    added.set_defaults(connect=deployment)
    added.add_argument("--email", required=True, help="of the admin's account")


def _typed(what: str) -> str:
    """What is typed on the terminal, where it is not shown."""
    try:
        text = getpass.getpass(f"{what}: ")
    except EOFError:
        text = ""
    if not text:
        raise ScriptError(f"{what}: nothing was typed")
    return text


def _address(url: str) -> str:
    if not ADDRESS.fullmatch(url):
        raise ScriptError(f"OPS_API_URL is {url!r}, not an address such as https://api.example")
    return url.rstrip("/")


def _remote(url: str, token: str) -> ApiClient:
    address = _address(url)
    if not TOKEN.fullmatch(token):
        raise ScriptError("OPS_TOKEN has a line break, a space or another character that no token has")
    return ApiClient(address, token, hint=HINT)


def explained(refused: UnexpectedStatusError, *, has_token: bool = True) -> str:
    """A problem of the API in words, with the fields that are wrong; another response as it is."""
    problem = _problem(refused.response.raw)
    if problem is None:
        return str(refused)
    detail = str(problem["detail"])
    fields = [f"{one['pointer']} {one['detail']}" for one in problem.get("errors", [])]
    trace = [f"trace_id {problem['trace_id']}"] if "trace_id" in problem else []
    is_unauthenticated = refused.response.status == HTTPStatus.UNAUTHORIZED
    is_expired = has_token and is_unauthenticated and os.environ.get("OPS_TOKEN")
    advice = ["OPS_TOKEN is valid for an hour: scripts/ops login prints a new one"] if is_expired else []
    return "\n    ".join([detail, *(field for field in fields if field != detail), *trace, *advice])


def _problem(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) and "detail" in body else None
