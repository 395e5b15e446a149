"""The services of the local cloud: how each one starts, when it is ready, and how it stops."""

import hashlib
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import config
import emulator_records
import kafka_broker
import postgres_server
import process
import progress
import prometheus_server
import web
from config import ScriptError

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Service:
    name: str
    title: str
    ports: tuple[str, ...]
    command: Callable[[], Sequence[object]]
    ready: Callable[[], bool]
    environment: Callable[[], dict[str, str]] = config.clean_env
    # Creates what has to be on disk before the start.
    prepare: Callable[[], None] = lambda: None
    # Runs once the service responds, before it counts as ready.
    initialize: Callable[[], None] = lambda: None
    user: Callable[[], str | None] = lambda: None
    # Files whose change requires a restart.
    sources: tuple[Path, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    deadline_s: int = 60
    hint: str = "read its log"


# ---- readiness ------------------------------------------------------------------------------------------------


def _http_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _exchange(port: int, request: bytes, size: int) -> bytes:
    """Sends bytes to a local port. Returns the first `size` bytes of the response, or nothing."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request)
            return connection.recv(size)
    except OSError:
        return b""


# ---- Redis ----------------------------------------------------------------------------------------------------


def _redis_command() -> Sequence[object]:
    address = ["--bind", "127.0.0.1", "--port", config.port("redis"), "--dir", config.DATA / "redis"]
    # A save point, so that an orderly stop keeps the data for the next start.
    return ["redis-server", *address, "--save", "3600 1", "--appendonly", "no", "--daemonize", "no"]


# ---- the AWS emulator -----------------------------------------------------------------------------------------


def _aws_environment() -> dict[str, str]:
    scratch = config.DATA / "aws"
    scratch.mkdir(parents=True, exist_ok=True)
    # Functions inherit this environment. AUTH turns IAM enforcement on, so that a missing permission fails here and
    # not in production.
    return config.clean_env(
        **config.aws_env(),
        AUTH="true",
        GATEWAY_PORT=config.port("aws"),
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="localhost",
        MINISTACK_REGION=config.REGION,
        TMPDIR=scratch,
        SMTP_HOST=f"127.0.0.1:{config.port('smtp')}",
        **{emulator_records.VARIABLE: config.LOGS},
    )


def _python(script: str, *arguments: object) -> Sequence[object]:
    return [config.tools()["tools"] / "bin" / "python", HERE / script, *arguments]


def _mailbox_ready() -> bool:
    return _exchange(config.port("smtp"), b"", 3) == b"220" and _http_ok(config.mailbox_url())


# ---- the Kafka trigger ----------------------------------------------------------------------------------------


def _trigger_binary() -> Path:
    """What `scripts/build` built from scripts/kafka-trigger, in whichever profile was built last."""
    found = [path for path in (config.ROOT / "target").glob("*/kafka-trigger") if path.is_file()]
    if not found:
        raise ScriptError("target/*/kafka-trigger is missing: run scripts/build")
    return max(found, key=lambda path: path.stat().st_mtime)


def _trigger_environment() -> dict[str, str]:
    return config.clean_env(**config.aws_env(), **kafka_broker.client_env(), FUNCTION_PREFIX=config.physical_name(""))


# ---------------------------------------------------------------------------------------------------------------

POSTGRES = Service(
    name="postgres",
    title="PostgreSQL",
    ports=("postgres",),
    command=postgres_server.command,
    ready=postgres_server.ready,
    prepare=postgres_server.prepare,
    initialize=postgres_server.initialize,
    user=postgres_server.account,
    # “Fast” shutdown: it does not wait for clients to disconnect.
    stop_signal=signal.SIGINT,
)
REDIS = Service(
    name="redis",
    title="Redis",
    ports=("redis",),
    command=_redis_command,
    ready=lambda: _exchange(config.port("redis"), b"PING\r\n", 5) == b"+PONG",
    prepare=lambda: (config.DATA / "redis").mkdir(parents=True, exist_ok=True),
)
KAFKA = Service(
    name="kafka",
    title="Apache Kafka",
    ports=("kafka", "kafka_controller"),
    command=kafka_broker.command,
    ready=kafka_broker.is_ready,
    prepare=kafka_broker.prepare,
    sources=(HERE / "kafka_broker.py",),
    deadline_s=120,
    hint="it needs Java 17 (scripts/setup) and half a gigabyte of memory",
)
AWS = Service(
    name="aws",
    title="AWS emulator",
    ports=("aws",),
    # A crash in native code leaves the stacks of all threads in the log.
    command=lambda: [config.tools()["emulator"] / "bin" / "python", "-X", "faulthandler", HERE / "emulator.py"],
    ready=lambda: _http_ok(f"{config.endpoint()}/_ministack/health"),
    environment=_aws_environment,
    sources=tuple(sorted(HERE.glob("emulator*.py"))),
)
GATEWAY = Service(
    name="gateway",
    title="payment gateway (localstripe)",
    ports=("gateway",),
    # Payments, idempotency keys and webhooks survive a kill, as they do at Stripe.
    command=lambda: _python("gateway.py", "--port", config.port("gateway"), "--state", config.DATA / "gateway"),
    ready=lambda: _http_ok(f"{config.gateway_url()}/_local/faults"),
    environment=lambda: config.clean_env(GATEWAY_FAULTS=os.environ.get("GATEWAY_FAULTS", "none")),
    sources=tuple(sorted(HERE.glob("gateway*.py"))),
)
MAILBOX = Service(
    name="mailbox",
    title="mailbox",
    ports=("smtp", "mailbox"),
    command=lambda: _python(
        "mailbox_server.py", "--smtp-port", config.port("smtp"), "--http-port", config.port("mailbox")
    ),
    ready=_mailbox_ready,
    sources=(HERE / "mailbox_server.py",),
)
# Needs the deployed functions, so it starts after the deployment.
TRIGGER = Service(
    name="kafka-trigger",
    title="Kafka trigger",
    ports=(),
    command=lambda: [_trigger_binary()],
    ready=lambda: True,
    environment=_trigger_environment,
    hint="it needs Kafka and the deployed functions",
)
# Needs the deployed API and the built pages.
WEB = Service(
    name="web",
    title="web pages",
    ports=("web",),
    command=lambda: _python(
        "web_front.py", "--port", config.port("web"), "--root", web.BUILT, "--api", config.api_url()
    ),
    ready=lambda: _http_ok(config.web_url()),
    sources=(HERE / "web_front.py", web.HEADERS),
)
EXPORTER = Service(
    name="exporter",
    title="metrics and dashboards",
    ports=("metrics",),
    command=lambda: _python(
        "exporter.py",
        "--port",
        config.port("metrics"),
        "--prometheus",
        config.prometheus_url(),
        "--records",
        config.LOGS,
        "--aws",
        config.endpoint(),
    ),
    ready=lambda: _http_ok(config.dashboards_url()),
    environment=lambda: config.clean_env(SCRAPE_TOKEN=config.secret("scrape_token")),
    sources=tuple(HERE / name for name in ("exporter.py", "emf.py", "emulator_records.py", "trail.py")),
)
PROMETHEUS = Service(
    name="prometheus",
    title="Prometheus",
    ports=("prometheus",),
    command=prometheus_server.command,
    ready=lambda: _http_ok(f"{config.prometheus_url()}-/ready"),
    prepare=prometheus_server.prepare,
    sources=(HERE / "alerts.yml",),
)

BASE = (POSTGRES, REDIS, KAFKA, AWS, GATEWAY, MAILBOX)
# What scripts/observe starts.
OBSERVERS = (EXPORTER, PROMETHEUS)
ALL = {service.name: service for service in (*BASE, TRIGGER, WEB, *OBSERVERS)}


def named(name: str) -> Service:
    if name not in ALL:
        raise ScriptError(f"there is no service {name!r}: choose one of {', '.join(ALL)}")
    return ALL[name]


def _fingerprint(service: Service) -> str:
    """A hash of everything that the service's process depends on."""
    started_with = [[str(word) for word in service.command()], service.environment()]
    digest = hashlib.sha256(json.dumps(started_with, sort_keys=True).encode())
    for source in service.sources:
        digest.update(source.read_bytes())
    if service is TRIGGER:
        stat = _trigger_binary().stat()
        digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def begin_start(service: Service) -> bool:
    """Starts the service on its ports unless it runs, and returns whether it did. `await_ready` does the waiting."""
    if process.pid_of(service.name):
        return False
    for name in service.ports:
        if not config.is_free(config.port(name)):
            raise ScriptError(
                f"another program took {service.title}'s port {config.port(name)}; "
                "stop that program, or run scripts/down and scripts/up"
            )
    _spawn(service)
    return True


def begin_update(service: Service) -> bool:
    """Like `begin_start`, for a whole `up`: restarts a service whose configuration changed and replaces lost ports."""
    if process.pid_of(service.name):
        if process.record(service.name).get("fingerprint") == _fingerprint(service):
            return False
        stop(service)
    for name in service.ports:
        if not config.is_free(config.port(name)):
            config.renew_port(name)
    _spawn(service)
    return True


def _spawn(service: Service) -> None:
    config.make_dirs()
    service.prepare()
    process.spawn(service.name, service.command(), service.environment(), user=service.user())
    process.add_to_record(service.name, fingerprint=_fingerprint(service))


def await_ready(service: Service) -> None:
    deadline = time.monotonic() + service.deadline_s
    while True:
        if not process.pid_of(service.name):
            _fail(service, "ended during its start")
        if service.ready():
            break
        if time.monotonic() > deadline:
            _fail(service, f"was not ready within {service.deadline_s} s")
        time.sleep(0.05)
    service.initialize()


def _fail(service: Service, what: str) -> NoReturn:
    log = config.LOGS / f"{service.name}.log"
    print_tail(service)
    retry = f"scripts/service restart {service.name}"
    raise ScriptError(f"{service.title} {what}: {service.hint} (log: {log}); try again with {retry}")


def print_tail(service: Service) -> None:
    """Prints the last lines of the service's log."""
    for line in process.tail(config.LOGS / f"{service.name}.log", 12):
        progress.note(f"| {line}")


def start(service: Service) -> None:
    begin_start(service)
    await_ready(service)


def stop(service: Service) -> bool:
    """Stops the service. Returns whether it was running."""
    return process.stop(service.name, service.stop_signal)


def kill(service: Service) -> bool:
    """Ends the service with SIGKILL. Returns whether it was running."""
    return process.stop(service.name, signal.SIGKILL)
