"""The parts of the local cloud: how each one starts, when it is ready, how it stops."""

import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import config
import process
import progress
from config import ScriptError

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Part:
    name: str
    title: str
    ports: tuple[str, ...]
    command: Callable[[], list]
    ready: Callable[[], bool]
    environment: Callable[[], dict] = config.clean_env
    # Makes what has to lie on disk before the first start.
    prepare: Callable[[], None] = lambda: None
    # Done once the part answers, before it counts as ready.
    settle: Callable[[], None] = lambda: None
    user: Callable[[], str | None] = lambda: None
    # Files whose change calls for a restart.
    sources: tuple[Path, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    deadline_s: int = 60
    hint: str = "read its log"


# ---- readiness ------------------------------------------------------------------------------------------------


def http_ok(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _exchange(port, request, size):
    """Sends bytes to a local port; the first `size` bytes of the answer, or nothing."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request)
            return connection.recv(size)
    except OSError:
        return b""


def _kafka_ready():
    # ApiVersions, version 0, correlation 7: answered once the broker serves requests.
    body = struct.pack(">hhih", 18, 0, 7, 2) + b"up"
    answer = _exchange(config.port("kafka"), struct.pack(">i", len(body)) + body, 10)
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (7, 0)


# ---- PostgreSQL -----------------------------------------------------------------------------------------------


def _postgres_user():
    """The account PostgreSQL runs as when we are root; None when we are not."""
    if not config.as_root():
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise ScriptError("PostgreSQL will not run as root and there is no user postgres: run scripts/setup") from None


def _postgres_prepare():
    data, user = config.postgres_data(), _postgres_user()
    if (data / "PG_VERSION").exists():
        # After a kill the server may still lie there as a zombie, which PostgreSQL takes for a living one.
        lock = data / "postmaster.pid"
        if lock.exists() and not process.runs(int(lock.read_text().split()[0])):
            lock.unlink()
        return
    # What an interrupted initdb leaves is of no use, and initdb refuses a directory that is not empty.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    password = data.parent / f"{data.name}.password"
    config.write_private(password, config.secret("owner_password") + "\n")
    if user:
        shutil.chown(data, user, user)
        shutil.chown(password, user, user)
    try:
        made = subprocess.run(
            [config.postgres_bin() / "initdb", "-D", data, "-U", config.DATABASE_OWNER, f"--pwfile={password}",
             "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            env=config.clean_env(), cwd="/", capture_output=True, text=True, check=False,
            **({"user": user, "group": user, "extra_groups": []} if user else {}),
        )
    finally:
        password.unlink()
    if made.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        reason = (made.stderr.strip() or "no reason given").splitlines()[-1]
        raise ScriptError(f"PostgreSQL could not make its data directory {data}: {reason}")


def _postgres_command():
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": config.port("postgres"),
        "unix_socket_directories": "",
        "max_connections": 300,
        # Killed processes lose nothing without it, only a power cut would; and then the data is disposable.
        "fsync": "off",
        "timezone": "UTC",
        "log_min_duration_statement": "500ms",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [config.postgres_bin() / "postgres", "-D", config.postgres_data(), *options]


def psql(database, statement):
    """Runs a statement as the owner of the database; what it prints."""
    return subprocess.run(
        [config.postgres_bin() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
         "-p", str(config.port("postgres")), "-U", config.DATABASE_OWNER, "-d", database, "-c", statement],
        env=config.clean_env(PGPASSWORD=config.secret("owner_password"), PGCONNECT_TIMEOUT=2), cwd="/",
        capture_output=True, text=True, check=False,
    )


def _postgres_settle():
    found = psql("postgres", f"select 1 from pg_database where datname = '{config.DATABASE}'")
    if found.returncode == 0 and not found.stdout.strip():
        found = psql("postgres", f"create database {config.DATABASE}")
    if found.returncode != 0:
        raise ScriptError(f"PostgreSQL runs but refuses us: {found.stderr.strip()} (scripts/down, then scripts/up)")


def _postgres_ready():
    return subprocess.run(
        [config.postgres_bin() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(config.port("postgres"))],
        env=config.clean_env(), check=False,
    ).returncode == 0


# ---- Redis ----------------------------------------------------------------------------------------------------


def _redis_command():
    # A save point, so that a polite stop keeps the data for the next start.
    return ["redis-server", "--bind", "127.0.0.1", "--port", config.port("redis"), "--dir", config.DATA / "redis",
            "--save", "3600 1", "--appendonly", "no", "--daemonize", "no"]


# ---- Kafka ----------------------------------------------------------------------------------------------------


def _java(heap, *rest):
    # A short-lived cluster starts faster with the plain collector and the first compiler alone.
    return ["java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp",
            f"{config.tools()['kafka']}/lib/*", *rest]


def _kafka_prepare():
    data = config.DATA / "kafka"
    data.mkdir(parents=True, exist_ok=True)
    broker, controller = config.port("kafka"), config.port("kafka_controller")
    (data / "server.properties").write_text(f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data / 'logs'}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
""")
    if (data / "logs" / "meta.properties").exists():
        return
    cluster = uuid.uuid4().hex[:22]
    code, log = process.run("kafka-format", _java("256m", "kafka.tools.StorageTool", "format", "-t", cluster, "-c",
                                                  data / "server.properties"), config.clean_env())
    if code != 0:
        raise ScriptError(f"Kafka could not format its storage: {process.last_line(log)} (its output is in {log})")


# ---- the emulated cloud ---------------------------------------------------------------------------------------


def _aws_environment():
    scratch = config.DATA / "aws"
    scratch.mkdir(parents=True, exist_ok=True)
    # Functions inherit this environment. AUTH checks every call against the caller's policies, so that a
    # missing permission fails here and not in production.
    return config.clean_env(**config.aws_env(), AUTH="true", GATEWAY_PORT=config.port("aws"), BIND_HOST="127.0.0.1",
                            MINISTACK_HOST="localhost", MINISTACK_REGION=config.REGION, TMPDIR=scratch,
                            SMTP_HOST=f"127.0.0.1:{config.port('smtp')}")


def _python(script, *arguments):
    return [config.tools()["tools"] / "bin" / "python", HERE / script, *arguments]


def _mailbox_ready():
    return _exchange(config.port("smtp"), b"", 3) == b"220" and http_ok(config.mailbox_url())


# ---- the Kafka trigger ----------------------------------------------------------------------------------------


def trigger_binary():
    """What `scripts/build` made of scripts/kafka-trigger; which profile directory is told by where it lies."""
    found = [p for p in (config.ROOT / "target").glob("*/kafka-trigger") if p.is_file()]
    if not found:
        raise ScriptError("target/*/kafka-trigger is missing: run scripts/build")
    return max(found, key=lambda p: p.stat().st_mtime)


def _trigger_environment():
    return config.clean_env(**config.aws_env(), KAFKA_BROKERS=config.kafka_brokers(),
                            FUNCTION_PREFIX=f"quayside-{config.STAGE}-")


# ---------------------------------------------------------------------------------------------------------------

POSTGRES = Part(
    name="postgres", title="PostgreSQL", ports=("postgres",), command=_postgres_command, ready=_postgres_ready,
    prepare=_postgres_prepare, settle=_postgres_settle, user=_postgres_user,
    # "Fast" shutdown: it does not wait for clients to hang up.
    stop_signal=signal.SIGINT,
)
REDIS = Part(
    name="redis", title="Redis", ports=("redis",), command=_redis_command,
    ready=lambda: _exchange(config.port("redis"), b"PING\r\n", 5) == b"+PONG",
    prepare=lambda: (config.DATA / "redis").mkdir(parents=True, exist_ok=True),
)
KAFKA = Part(
    name="kafka", title="Apache Kafka", ports=("kafka", "kafka_controller"), ready=_kafka_ready, prepare=_kafka_prepare,
    command=lambda: _java("512m", "kafka.Kafka", config.DATA / "kafka" / "server.properties"), deadline_s=120,
    hint="it needs Java 17 (scripts/setup) and half a gigabyte of memory",
)
AWS = Part(
    name="aws", title="AWS emulator", ports=("aws",), command=lambda: [config.tools()["emulator"] / "bin" / "ministack"],
    ready=lambda: http_ok(f"{config.endpoint()}/_ministack/health"), environment=_aws_environment,
)
GATEWAY = Part(
    name="gateway", title="payment gateway (localstripe behind our front)", ports=("gateway",),
    # Its payments, keys and webhooks outlive a kill, as Stripe's do.
    command=lambda: _python("gateway.py", "--port", config.port("gateway"), "--state", config.DATA / "gateway"),
    ready=lambda: http_ok(f"{config.gateway_url()}/_local/faults"), sources=tuple(sorted(HERE.glob("gateway*.py"))),
    environment=lambda: config.clean_env(GATEWAY_FAULTS=os.environ.get("GATEWAY_FAULTS", "none")),
)
MAILBOX = Part(
    name="mailbox", title="mailbox", ports=("smtp", "mailbox"), ready=_mailbox_ready, sources=(HERE / "mailbox_server.py",),
    command=lambda: _python("mailbox_server.py", "--smtp-port", config.port("smtp"), "--http-port", config.port("mailbox")),
)
# Needs the deployed functions, so it starts after them.
TRIGGER = Part(
    name="kafka-trigger", title="Kafka trigger", ports=(), command=lambda: [trigger_binary()], ready=lambda: True,
    environment=_trigger_environment, hint="it needs the deployed functions and Kafka",
)

BASE = (POSTGRES, REDIS, KAFKA, AWS, GATEWAY, MAILBOX)
ALL = {part.name: part for part in (*BASE, TRIGGER)}


def named(name):
    if name not in ALL:
        raise ScriptError(f"there is no part {name!r}: choose one of {', '.join(ALL)}")
    return ALL[name]


def _configuration(part):
    """A fingerprint of all that the process was started with."""
    digest = hashlib.sha256(json.dumps([[str(a) for a in part.command()], part.environment()], sort_keys=True).encode())
    for source in part.sources:
        digest.update(source.read_bytes())
    if part is TRIGGER:
        stat = trigger_binary().stat()
        digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def begin(part, fresh=False):
    """Starts the part unless it runs as it should. True if it was started now; `await_ready` does the waiting."""
    if process.alive(part.name):
        if not fresh or process.record(part.name).get("configuration") == _configuration(part):
            return False
        stop(part)
    for name in part.ports:
        if not config.is_free(config.port(name)):
            # A whole `up` tells everybody of a new port; a single part has to come back where it was.
            if not fresh:
                raise ScriptError(f"{part.title} cannot have its port {config.port(name)} back: another program took it; "
                              f"stop that, or run scripts/down and scripts/up")
            config.renew_port(name)
    config.make_dirs()
    part.prepare()
    process.spawn(part.name, part.command(), part.environment(), cwd="/", user=part.user())
    process.remember(part.name, configuration=_configuration(part))
    return True


def await_ready(part):
    log = config.LOGS / f"{part.name}.log"
    deadline = time.monotonic() + part.deadline_s
    while True:
        if not process.alive(part.name):
            _complain(part, log, "ended while it was starting")
        if part.ready():
            break
        if time.monotonic() > deadline:
            _complain(part, log, f"did not answer within {part.deadline_s} s")
        time.sleep(0.05)
    part.settle()


def _complain(part, log, what):
    for line in process.tail(log, 12):
        progress.note(f"| {line}")
    raise ScriptError(f"{part.title} {what}: {part.hint}; its log is {log}, `scripts/service restart {part.name}` tries again")


def start(part):
    begun = begin(part)
    await_ready(part)
    return begun


def stop(part, kill=False):
    return process.stop(part.name, signal.SIGKILL if kill else part.stop_signal)
