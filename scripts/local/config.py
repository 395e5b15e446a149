"""Paths, ports, secrets and addresses of the local cloud. Everything lies under `.local/` of this clone.

Only the standard library: `scripts/bench` imports this module with the system's Python.
"""

import fcntl
import hashlib
import json
import os
import random
import secrets
import shutil
import socket
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import catalog

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
LOGS = LOCAL / "logs"
RUN = LOCAL / "run"
DATA = LOCAL / "data"
STACK_ENV = LOCAL / "stack.env"
STACK_STATE = LOCAL / "stack.json"

REGION = "us-east-1"
STAGE = "local"
STACK_NAME = f"{catalog.prefix()}-{STAGE}"
DATABASE = "quayside"
# Owns the database, like the master user of an RDS instance. database-migrate connects as this role.
DATABASE_OWNER = catalog.variable("database-migrate", "DATABASE_USER")
EMAIL_FROM = "orders@quayside.example"

# Every process of the local cloud has this variable in its environment, and functions inherit it from the emulator.
# Processes that still have it after `down` are leftovers.
MARKER = "QUAYSIDE_LOCAL"

# Below the ephemeral range, so that the kernel does not give a stopped service's port to an outgoing connection.
PORT_RANGE = range(20_000, 30_000)


class ScriptError(Exception):
    """A failure to show to the user: one line that says what failed and what to do."""


def make_dirs() -> None:
    for directory in (LOCAL, LOGS, RUN, DATA):
        directory.mkdir(parents=True, exist_ok=True)


@contextmanager
def lock() -> Iterator[None]:
    """Serializes `up`, `down` and `service` in a clone."""
    make_dirs()
    with (LOCAL / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def tools() -> dict[str, Path]:
    """Directories of the tools that `scripts/setup` installed, by name."""
    listing = LOCAL / "tools"
    if not listing.exists():
        raise ScriptError("the tools are not installed: run scripts/setup")
    return {name: Path(path) for name, path in (line.split("=", 1) for line in listing.read_text().split())}


def postgres_bin() -> Path:
    """Programs of the newest installed PostgreSQL, version 15 or later."""
    versions = (path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit())
    supported = [path for path in versions if int(path.parent.name) >= 15]
    if not supported:
        raise ScriptError("PostgreSQL 15 or later is not installed: run scripts/setup")
    return max(supported, key=lambda path: int(path.parent.name))


def is_root() -> bool:
    return os.geteuid() == 0


def postgres_data() -> Path:
    """PostgreSQL refuses to run as root, and its own user cannot enter root's directories."""
    if not is_root():
        return DATA / "postgres"
    key = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    return Path(f"/var/tmp/quayside-postgres-{key}")  # noqa: S108 named after the clone, mode 0700


def drop_data() -> None:
    shutil.rmtree(DATA, ignore_errors=True)
    shutil.rmtree(postgres_data(), ignore_errors=True)


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    path.chmod(0o600)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if there is no file."""
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


# ---- physical names -------------------------------------------------------------------------------------------


def physical_name(name: str) -> str:
    """`quayside-local-<name>`: the name of a function or queue in this stage."""
    return f"{STACK_NAME}-{name}"


def catalog_name(physical: str) -> str:
    """The inverse of `physical_name`."""
    return physical.removeprefix(f"{STACK_NAME}-")


# ---- ports ----------------------------------------------------------------------------------------------------


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def port(name: str) -> int:
    """The port of that name. It stays the same until `renew_port`."""
    number: int | None = read_json(LOCAL / "ports.json").get(name)
    return renew_port(name) if number is None else number


def renew_port(name: str) -> int:
    """Chooses another port, because a program outside the local cloud took the current one."""
    ports = read_json(LOCAL / "ports.json")
    taken = {number for other, number in ports.items() if other != name}
    candidates = random.sample(PORT_RANGE, len(PORT_RANGE))
    chosen = next(port for port in candidates if port not in taken and is_free(port))
    ports[name] = chosen
    write_json(LOCAL / "ports.json", ports)
    return chosen


# ---- secrets --------------------------------------------------------------------------------------------------


def _token(length: int) -> str:
    # Letters and digits only: `sam deploy --parameter-overrides` drops quotes and blanks.
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


# Secrets of a certain form. All others are 24 letters and digits.
SECRETS: dict[str, Callable[[], str]] = {
    "aws_access_key_id": lambda: "AKIA" + _token(16).upper(),
    "aws_secret_access_key": lambda: _token(40),
    "gateway_secret_key": lambda: "sk_test_" + _token(24),
    "gateway_webhook_secret": lambda: "whsec_" + _token(32),
    # The password policy requires several character classes.
    "staff_password": lambda: f"Staff-{_token(18)}-7",
    "admin_password": lambda: f"Admin-{_token(18)}-7",
}


def secret(name: str) -> str:
    """A random secret of this clone, created at its first use."""
    path = LOCAL / "secrets.json"
    known = read_json(path)
    if name not in known:
        known[name] = SECRETS.get(name, lambda: _token(24))()
        write_private(path, json.dumps(known, indent=2) + "\n")
    return str(known[name])


# ---- addresses ------------------------------------------------------------------------------------------------


def endpoint() -> str:
    """URL of the AWS emulator."""
    return f"http://127.0.0.1:{port('aws')}"


def api_url() -> str:
    """Base URL of the deployed API."""
    # With the API's id in the path, because names under .localhost do not resolve everywhere.
    return f"{endpoint()}/_aws/execute-api/{read_json(STACK_STATE)['api_id']}"


def web_url() -> str:
    """The shop; the console is `console/` below it."""
    return f"http://127.0.0.1:{port('web')}/"


def database_url() -> str:
    return f"postgres://{DATABASE_OWNER}:{secret('owner_password')}@127.0.0.1:{port('postgres')}/{DATABASE}"


def redis_url() -> str:
    return f"redis://127.0.0.1:{port('redis')}/0"


def kafka_brokers() -> str:
    return f"127.0.0.1:{port('kafka')}"


def gateway_url() -> str:
    return f"http://127.0.0.1:{port('gateway')}"


def mailbox_url() -> str:
    return f"http://127.0.0.1:{port('mailbox')}/"


def prometheus_url() -> str:
    return f"http://127.0.0.1:{port('prometheus')}/"


def dashboards_url() -> str:
    """The page with the dashboards; `metrics` below it is the exposition for Prometheus."""
    return f"http://127.0.0.1:{port('metrics')}/"


def aws_env() -> dict[str, str]:
    """Environment of an AWS client for the emulator, with the keys of the emulator's root account."""
    return {
        "AWS_ENDPOINT_URL": endpoint(),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": secret("aws_access_key_id"),
        "AWS_SECRET_ACCESS_KEY": secret("aws_secret_access_key"),
    }


def clean_env(**more: object) -> dict[str, str]:
    """An environment with nothing of the caller's except PATH, so that credentials of a real account stay out."""
    home = LOCAL / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        MARKER: str(ROOT),
        **{key: str(value) for key, value in more.items()},
    }
