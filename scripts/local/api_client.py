"""A client of the HTTP API: JSON over the standard library, as any customer's program would call it."""

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import config
from config import ScriptError

PREFIX = "/api/v1"
# The most that a page of a list has.
PAGE = 100
# A client logs in again so long before its access token expires.
RENEWAL_S = 60

T = TypeVar("T")
# E-mail address, password, and code of the second factor.
StaffLogin = tuple[str, str, str]


@dataclass(frozen=True)
class Response:
    request: str
    status: int
    headers: Message
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    def expect(self, status: int) -> Any:
        """The body, if the response has this status."""
        if self.status != status:
            raise UnexpectedStatusError(self, status)
        try:
            return self.body
        except ValueError:
            raise ScriptError(f"{self.request} returned something else than JSON") from None


class UnexpectedStatusError(ScriptError):
    def __init__(self, response: Response, expected: int) -> None:
        self.response = response
        body = response.raw.decode(errors="replace")[:400]
        text = f"{response.request} returned {response.status} instead of {expected}"
        super().__init__(f"{text}: {body}" if body else text)


@dataclass(frozen=True)
class Renewal:
    """How a client gets its next access token, and from when on by the monotonic clock."""

    log_in: Callable[[], "ApiClient"]
    due_at: float


class ApiClient:
    """Calls the API, with an access token after `login`."""

    def __init__(
        self, base: str, token: str | None = None, timeout_s: float = 40, hint: str = "is the stack up? (scripts/up)"
    ) -> None:
        """`hint` is what the user is asked if there is no response."""
        self.base, self.token, self.timeout_s, self.hint = base, token, timeout_s, hint
        self.renewal: Renewal | None = None

    def call(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Response:
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.renewal and time.monotonic() >= self.renewal.due_at:
            renewed = self.renewal.log_in()
            self.token, self.renewal = renewed.token, renewed.renewal
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        return self.send(method, path, json.dumps(body).encode() if body is not None else None, sent)

    def send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Response:
        """Sends exactly this body and these headers."""
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=headers)
        name = f"{method} {path}"
        try:
            with self._open(request) as response:
                return Response(name, response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise ScriptError(f"{name}: {getattr(error, 'reason', error)}; {self.hint}") from None
        except (ValueError, OverflowError):
            # The message may contain the token.
            raise ScriptError(f"{name}: the address or a header has characters that HTTP does not allow") from None

    def _open(self, request: urllib.request.Request) -> Any:
        try:
            return urllib.request.urlopen(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as response:
            return response

    def get(self, path: str) -> Response:
        return self.call("GET", PREFIX + path)

    def post(self, path: str, body: object, idempotency_key: str | None = None) -> Response:
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self.call("POST", PREFIX + path, body, headers)

    def put(self, path: str, body: object, idempotency_key: str | None = None) -> Response:
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self.call("PUT", PREFIX + path, body, headers)

    def patch(self, path: str, body: object, if_match: str) -> Response:
        return self.call("PATCH", PREFIX + path, body, {"If-Match": if_match})

    def delete(self, path: str) -> Response:
        return self.call("DELETE", PREFIX + path)

    def login(self, email: str, password: str, code: str | Callable[[], str] = "") -> "ApiClient":
        """A client that logs in again before its token expires, unless that takes a code.

        `code` is what the device of the second factor shows, if the account has one, or what asks for it.
        """
        response = self.post("/users/login", {"email": email, "password": password})
        further = _members(response) if response.status == HTTPStatus.UNAUTHORIZED else {}
        # Neither token is shown.
        if "enrolment_token" in further:
            raise ScriptError(f"{email} needs a second factor: log in to the console once, which sets it up")
        if "mfa_token" in further:
            shown = code() if callable(code) else code
            if not shown:
                raise ScriptError(f"{email} has a second factor: set STAFF_CODE to what its device shows now")
            response = self.post("/users/login/mfa", {"mfa_token": further["mfa_token"], "code": shown})
        granted = response.expect(200)
        client = ApiClient(self.base, granted["access_token"], self.timeout_s, self.hint)
        if "mfa_token" not in further:
            due_at = time.monotonic() + granted["expires_in"] - RENEWAL_S
            client.renewal = Renewal(partial(self.login, email, password), due_at)
        return client


def staff_login(known: Mapping[str, str]) -> StaffLogin:
    """What staff logs in with at a deployment. Only an account with a second factor needs a code."""
    return known.get("STAFF_EMAIL", ""), known.get("STAFF_PASSWORD", ""), known.get("STAFF_CODE", "")


def _members(response: Response) -> dict[str, Any]:
    try:
        body = response.body
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def pages(api: ApiClient, path: str) -> Iterator[dict[str, Any]]:
    """The items of all pages of a list."""
    cursor, joint = "", "&" if "?" in path else "?"
    while True:
        body = api.get(f"{path}{joint}limit={PAGE}{cursor}").expect(200)
        yield from body["items"]
        if not body["next_cursor"]:
            return
        cursor = f"&cursor={escaped(body['next_cursor'])}"


def escaped(text: str) -> str:
    """Text as a segment of a path, or as a value in a query."""
    return urllib.parse.quote(text, safe="", errors="surrogateescape")


def new_key() -> str:
    """A new idempotency key."""
    return str(uuid.uuid4())


def stack_env() -> dict[str, str]:
    """Values of the running stack, from `.local/stack.env`."""
    if not config.STACK_ENV.exists():
        raise ScriptError("the stack is not up: run scripts/up")
    lines = config.STACK_ENV.read_text().splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def eventually(what: str, look: Callable[[], T], deadline_s: float = 60, every_s: float = 0.2) -> T:
    """Calls `look` until it returns something true, and returns that. A `ScriptError` counts as not yet."""
    deadline, last = time.monotonic() + deadline_s, "nothing"
    while True:
        try:
            found = look()
            if found:
                return found
        except ScriptError as error:
            last = str(error)
        if time.monotonic() > deadline:
            raise ScriptError(f"{what}: not within {deadline_s} s; last seen: {last}")
        time.sleep(every_s)


def fetch(url: str) -> tuple[bytes, str | None]:
    """Content and media type of a URL, requested without credentials."""
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return response.read(), response.headers.get("Content-Type")
    except OSError as error:
        raise ScriptError(f"{url.partition('?')[0]} cannot be fetched: {error}") from None


def fetch_json(url: str) -> Any:
    return json.loads(fetch(url)[0])


def put_json(url: str, body: object) -> None:
    """Sends JSON to a local helper service, such as the payment gateway's fault injection."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, method="PUT", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            response.read()
    except urllib.error.HTTPError as error:
        raise ScriptError(f"PUT {url} returned {error.code}: {error.read().decode(errors='replace')[:300]}") from None
    except OSError as error:
        raise ScriptError(f"PUT {url}: {error}") from None
