"""Which API scripts/ops works on, and what it says when that API refuses."""

import json
import os
import re
from typing import Any

import api_client
from api_client import ApiClient, UnexpectedStatusError
from config import ScriptError

ADDRESS = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(/[^?#\s]*)?", re.ASCII | re.IGNORECASE)
TOKEN = re.compile(r"[!-~]+")


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


def _remote(url: str, token: str) -> ApiClient:
    if not ADDRESS.fullmatch(url):
        raise ScriptError(f"OPS_API_URL is {url!r}, not an address such as https://api.example")
    if not TOKEN.fullmatch(token):
        raise ScriptError("OPS_TOKEN has a line break, a space or another character that no token has")
    return ApiClient(url.rstrip("/"), token, hint="is OPS_API_URL right?")


def explained(refused: UnexpectedStatusError) -> str:
    """A problem of the API in words, with the fields that are wrong; another response as it is."""
    problem = _problem(refused.response.raw)
    if problem is None:
        return str(refused)
    detail = str(problem["detail"])
    fields = [f"{one['pointer']} {one['detail']}" for one in problem.get("errors", [])]
    trace = [f"trace_id {problem['trace_id']}"] if "trace_id" in problem else []
    return "\n    ".join([detail, *(field for field in fields if field != detail), *trace])


def _problem(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) and "detail" in body else None
