"""Where the local cloud keeps its things: paths, ports and secrets, all under `.local/` of this clone."""

import fcntl
import hashlib
import json
import os
import random
import secrets
import shutil
import socket
import string
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
LOGS = LOCAL / "logs"
RUN = LOCAL / "run"
DATA = LOCAL / "data"
STACK_ENV = LOCAL / "stack.env"
STACK_STATE = LOCAL / "stack.json"

REGION = "us-east-1"
STAGE = "local"
STACK_NAME = f"quayside-{STAGE}"
DATABASE = "quayside"
# Owns the database; on AWS it is the master user of the instance. database-migrate connects as this.
DATABASE_OWNER = "quayside_owner"
EMAIL_FROM = "orders@quayside.example"

# Every process that we start carries this variable, and functions inherit it from the emulator: what still
# has it after `down` was left behind.
MARKER = "QUAYSIDE_LOCAL"

# Ports are picked below the range that the kernel hands to outgoing connections, so that a part that was
# stopped finds its port free when it starts again.
PORT_RANGE = range(20_000, 30_000)


class ScriptError(Exception):
    """What went wrong, in one line that says how to mend it."""


def make_dirs():
    for directory in (LOCAL, LOGS, RUN, DATA):
        directory.mkdir(parents=True, exist_ok=True)


@contextmanager
def lock():
    """One `up`, `down` or `part` at a time in a clone."""
    make_dirs()
    with open(LOCAL / "lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def tools():
    """Where `scripts/setup` put each tool."""
    listing = LOCAL / "tools"
    if not listing.exists():
        raise ScriptError("the tools are not installed: run scripts/setup")
    return {name: Path(path) for name, path in (line.split("=", 1) for line in listing.read_text().split())}


def postgres_bin():
    """The newest PostgreSQL from 15 on that Debian's packages left here."""
    found = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if p.parent.name.isdigit() and int(p.parent.name) >= 15]
    if not found:
        raise ScriptError("PostgreSQL 15 is not installed: run scripts/setup")
    return max(found, key=lambda p: int(p.parent.name))


def as_root():
    return os.geteuid() == 0


def postgres_data():
    """PostgreSQL refuses to run as root, and its own user may not pass through root's directories."""
    if not as_root():
        return DATA / "postgres"
    key = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    return Path(f"/var/tmp/quayside-postgres-{key}")


def drop_data():
    shutil.rmtree(DATA, ignore_errors=True)
    shutil.rmtree(postgres_data(), ignore_errors=True)


def write_private(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    path.chmod(0o600)


def read_json(path):
    return json.loads(path.read_text()) if path.exists() else {}


# ---- ports ----------------------------------------------------------------------------------------------------


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def port(name):
    """The port of that name, the same one until somebody else has taken it; see `renew_port`."""
    ports = read_json(LOCAL / "ports.json")
    if name not in ports:
        return renew_port(name)
    return ports[name]


def renew_port(name):
    ports = read_json(LOCAL / "ports.json")
    taken = {number for other, number in ports.items() if other != name}
    ports[name] = next(p for p in random.sample(PORT_RANGE, len(PORT_RANGE)) if p not in taken and is_free(p))
    (LOCAL / "ports.json").write_text(json.dumps(ports, indent=2) + "\n")
    return ports[name]


# ---- secrets --------------------------------------------------------------------------------------------------


def _token(length):
    # Letters and digits only: `sam deploy --parameter-overrides` drops quotes and blanks.
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def secret(name):
    """A random secret of this clone, made when first asked for."""
    path = LOCAL / "secrets.json"
    known = read_json(path)
    if name not in known:
        makers = {
            "aws_access_key_id": lambda: "AKIA" + _token(16).upper(),
            "aws_secret_access_key": lambda: _token(40),
            "gateway_secret_key": lambda: "sk_test_" + _token(24),
            "gateway_webhook_secret": lambda: "whsec_" + _token(32),
            # The password rule of the product wants more than one class of characters.
            "staff_password": lambda: "Staff-" + _token(18) + "-7",
            "admin_password": lambda: "Admin-" + _token(18) + "-7",
        }
        known[name] = makers.get(name, lambda: _token(24))()
        write_private(path, json.dumps(known, indent=2) + "\n")
    return known[name]


# ---- addresses ------------------------------------------------------------------------------------------------


def endpoint():
    return f"http://127.0.0.1:{port('aws')}"


def database_url():
    return f"postgres://{DATABASE_OWNER}:{secret('owner_password')}@127.0.0.1:{port('postgres')}/{DATABASE}"


def redis_url():
    return f"redis://127.0.0.1:{port('redis')}/0"


def kafka_brokers():
    return f"127.0.0.1:{port('kafka')}"


def gateway_url():
    return f"http://127.0.0.1:{port('gateway')}"


def mailbox_url():
    return f"http://127.0.0.1:{port('mailbox')}/"


def aws_env():
    """What a client of the emulated cloud needs; these keys are its root account's."""
    return {
        "AWS_ENDPOINT_URL": endpoint(),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": secret("aws_access_key_id"),
        "AWS_SECRET_ACCESS_KEY": secret("aws_secret_access_key"),
    }


def clean_env(**more):
    """An environment with nothing of the caller's in it but the path: profiles and keys of a real account stay out."""
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
