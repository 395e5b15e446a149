"""A customer's or a clerk's view of the API: plain HTTP and JSON, as curl would do it."""

import json
import time
import urllib.error
import urllib.request
import uuid

import config
from config import ScriptError

PREFIX = "/api/v1"


class Answer:
    def __init__(self, what, status, headers, body):
        self.what, self.status, self.headers, self.raw = what, status, headers, body

    @property
    def body(self):
        return json.loads(self.raw) if self.raw else None

    def expect(self, status):
        """The body, if the status is this one."""
        if self.status != status:
            raise ScriptError(f"{self.what} answered {self.status} where {status} was due: {self.raw.decode(errors='replace')[:400]}")
        return self.body


class Client:
    """Speaks to the API, with an access token once logged in."""

    def __init__(self, base, token=None, timeout_s=40):
        self.base, self.token, self.timeout_s = base, token, timeout_s

    def call(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=headers)
        what = f"{method} {path}"
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as got:
                return Answer(what, got.status, got.headers, got.read())
        except urllib.error.HTTPError as error:
            return Answer(what, error.code, error.headers, error.read())
        except OSError as error:
            raise ScriptError(f"{what}: {error}; is the stack up? (scripts/up)") from None

    def get(self, path):
        return self.call("GET", PREFIX + path)

    def post(self, path, body, key=None):
        return self.call("POST", PREFIX + path, body, **({"Idempotency_Key": key} if key else {}))

    def login(self, email, password):
        tokens = self.post("/users/login", {"email": email, "password": password}).expect(200)
        return Client(self.base, tokens["access_token"])


def new_key():
    return str(uuid.uuid4())


def stack_env():
    """The running stack's values, as any other program would read them."""
    if not config.STACK_ENV.exists():
        raise ScriptError("the stack is not up: run scripts/up")
    return dict(line.split("=", 1) for line in config.STACK_ENV.read_text().splitlines())


def eventually(what, look, deadline_s=60, every_s=0.2):
    """What `look` returns once that is true. A ScriptError raised by it counts as not yet."""
    deadline, last = time.monotonic() + deadline_s, "nothing"
    while True:
        try:
            found = look()
            if found:
                return found
        except ScriptError as trouble:
            last = str(trouble)
        if time.monotonic() > deadline:
            raise ScriptError(f"{what}: not within {deadline_s} s; last seen: {last}")
        time.sleep(every_s)


def fetch(url):
    """Bytes and type of what lies under a URL, without credentials."""
    try:
        with urllib.request.urlopen(url, timeout=20) as got:
            return got.read(), got.headers.get("Content-Type")
    except OSError as error:
        raise ScriptError(f"{url.split('?')[0]} cannot be fetched: {error}") from None
