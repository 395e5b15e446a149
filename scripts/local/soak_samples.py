"""Measures everything that can grow on the local cloud: tables, queues, processes, files, keys and connections."""

import socket
from collections import Counter
from pathlib import Path

import aws
import chaos_observer
import config
import process
import services
from config import ScriptError

MEBIBYTE = 1 << 20
# By kind of resource and name.
Sample = dict[tuple[str, str], float]


def sample() -> Sample:
    return {**_tables(), **_connections(), **_queues(), **_processes(), **_files(), **_keys()}


def _tables() -> Sample:
    names = [
        (row["schema"], row["name"])
        for row in chaos_observer.rows(
            "select schemaname as schema, relname as name from pg_stat_user_tables order by schemaname, relname"
        )
    ]
    counted = " union all ".join(
        f"select '{schema}.{name}' as name, (select count(*) from {schema}.{name}) as n" for schema, name in names
    )
    found: Sample = {("rows", row["name"]): row["n"] for row in chaos_observer.rows(counted)}
    size = chaos_observer.rows(f"select pg_database_size('{config.DATABASE}') as n")[0]["n"]
    return {**found, ("disk", "PostgreSQL"): size / MEBIBYTE}


def _connections() -> Sample:
    held = chaos_observer.rows(
        "select usename as name, count(*) as n from pg_stat_activity where backend_type = 'client backend' group by 1"
    )
    return {("connections", row["name"]): row["n"] for row in held if row["name"] != config.DATABASE_OWNER}


def _queues() -> Sample:
    return {("waiting", name): aws.message_count(url) for name, url in aws.queues().items()}


def _processes() -> Sample:
    """The processes of this clone. Those of a function count together: their mean, and how many they are."""
    memory: Counter[str] = Counter()
    files: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    number: Counter[str] = Counter()
    names = {process.pid_of(name): name for name in services.ALL}
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            name = names.get(int(directory.name)) or _function(directory)
            if not name:
                continue
            status = dict(line.split(":", 1) for line in (directory / "status").read_text().splitlines())
            memory[name] += int(status["VmRSS"].split()[0]) * 1024
            threads[name] += int(status["Threads"])
            files[name] += len(list((directory / "fd").iterdir()))
            number[name] += 1
        except OSError:
            # It ended meanwhile.
            continue
    found: Sample = {}
    for name, count in number.items():
        found[("memory", name)] = memory[name] / count / MEBIBYTE
        found[("open files", name)] = files[name] / count
        found[("threads", name)] = threads[name] / count
        found[("processes", name)] = count
    return found


def _function(directory: Path) -> str | None:
    environment = (directory / "environ").read_bytes().split(b"\0")
    if f"{config.MARKER}={config.ROOT}".encode() not in environment:
        return None
    names = [item.partition(b"=")[2] for item in environment if item.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")]
    return config.catalog_name(names[0].decode()) if names else None


def _files() -> Sample:
    """Bytes below .local, by its directories. PostgreSQL's data are counted by the server."""
    found: Counter[str] = Counter()
    for directory in (config.LOGS, config.DATA):
        for path in directory.rglob("*"):
            try:
                if path.is_file():
                    found["/".join(path.relative_to(config.LOCAL).parts[:2])] += path.stat().st_size
            except OSError:
                # A server removed it.
                continue
    return {("disk", f".local/{name}"): size / MEBIBYTE for name, size in found.items()}


def _keys() -> Sample:
    with socket.create_connection(("127.0.0.1", config.port("redis")), timeout=5) as connection:
        connection.sendall(b"DBSIZE\r\n")
        answer = connection.recv(64).decode().strip()
    if not answer.startswith(":"):
        raise ScriptError(f"Redis does not tell the number of its keys: {answer or 'no answer'}")
    return {("keys", "Redis"): int(answer[1:])}
