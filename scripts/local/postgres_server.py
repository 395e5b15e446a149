"""The PostgreSQL server of the local cloud."""

import pwd
import shutil
import subprocess
from collections.abc import Sequence

import config
import process
from config import ScriptError


def account() -> str | None:
    """The account that PostgreSQL runs as: `postgres` if the scripts run as root, else the current one."""
    if not config.is_root():
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise ScriptError("PostgreSQL cannot run as root and there is no user postgres: run scripts/setup") from None


def prepare() -> None:
    data, user, mark = config.postgres_data(), account(), config.DATA / "postgres-is-initialized"
    # As root, the directory outlives a removed clone: one that this clone did not make has another password.
    if (data / "PG_VERSION").exists() and mark.exists():
        # A killed server may remain as a zombie, which PostgreSQL takes for a running one.
        lock = data / "postmaster.pid"
        if lock.exists() and not process.is_running(int(lock.read_text().split()[0])):
            lock.unlink()
        return
    # initdb refuses a directory that an interrupted initdb left.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    password = data.parent / f"{data.name}.password"
    config.write_private(password, config.secret("owner_password") + "\n")
    if user:
        shutil.chown(data, user, user)
        shutil.chown(password, user, user)
    initdb = [config.postgres_bin() / "initdb", "-D", data, "-U", config.DATABASE_OWNER, f"--pwfile={password}"]
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    try:
        created = process.run_as(user, [*initdb, *options], config.clean_env())
    finally:
        password.unlink()
    if created.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        reason = (created.stderr.strip() or "no reason given").splitlines()[-1]
        raise ScriptError(f"PostgreSQL cannot create its data directory {data}: {reason}")
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def command() -> Sequence[object]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": config.port("postgres"),
        "unix_socket_directories": "",
        # The simulation over PostgreSQL opens a pool for each function.
        "max_connections": 1000,
        # A killed process loses nothing without fsync. Only a power cut would, and the data is disposable.
        "fsync": "off",
        "timezone": "UTC",
        "log_min_duration_statement": "500ms",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [config.postgres_bin() / "postgres", "-D", config.postgres_data(), *options]


def psql(database: str, statement: str) -> subprocess.CompletedProcess[str]:
    """Runs a statement as the database owner."""
    address = ["-h", "127.0.0.1", "-p", config.port("postgres"), "-U", config.DATABASE_OWNER, "-d", database]
    options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    env = config.clean_env(PGPASSWORD=config.secret("owner_password"), PGCONNECT_TIMEOUT=2)
    return process.run_as(None, [config.postgres_bin() / "psql", *options, *address, "-c", statement], env)


def initialize() -> None:
    result = psql("postgres", f"select 1 from pg_database where datname = '{config.DATABASE}'")
    if result.returncode == 0 and not result.stdout.strip():
        result = psql("postgres", f"create database {config.DATABASE}")
    if result.returncode != 0:
        reason = result.stderr.strip()
        raise ScriptError(f"PostgreSQL runs but rejects the owner: {reason} (scripts/down, then scripts/up)")


def ready() -> bool:
    argv = [config.postgres_bin() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", config.port("postgres")]
    return process.run_as(None, argv, config.clean_env()).returncode == 0
