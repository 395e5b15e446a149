"""Processes that outlive the script that starts them: start, find again, wait for, and stop with all descendants."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import config


@dataclass(frozen=True)
class Stat:
    """What `/proc/<pid>/stat` says of a process. `started` is in clock ticks since boot."""

    state: str
    parent: int
    group: int
    started: int

    @property
    def is_running(self) -> bool:
        return self.state not in "ZX"


def _stat(pid: int) -> Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command name, in parentheses, may contain blanks.
    fields = text.rsplit(")", 1)[1].split()
    return Stat(state=fields[0], parent=int(fields[1]), group=int(fields[2]), started=int(fields[19]))


def _running() -> dict[int, Stat]:
    """All processes except zombies."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    stats = {pid: stat for pid in pids if (stat := _stat(pid))}
    return {pid: stat for pid, stat in stats.items() if stat.is_running}


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    stat = _stat(pid)
    return stat is not None and stat.is_running


def _as_user(user: str | None) -> dict[str, Any]:
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def spawn(name: str, argv: Sequence[object], env: Mapping[str, str], user: str | None = None) -> None:
    """Starts a service in its own session, appends its output to its log, and records its process id."""
    with (config.LOGS / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            [str(word) for word in argv],
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **_as_user(user),
        )
    stat = _stat(child.pid)
    config.write_json(_record_path(name), {"pid": child.pid, "started": stat.started if stat else 0})


def run_as(
    user: str | None, argv: Sequence[object], env: Mapping[str, str], text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end as another user, with this text as its input, and captures its output."""
    words = [str(word) for word in argv]
    return subprocess.run(
        words, env=env, cwd="/", input=text, capture_output=True, text=True, check=False, **_as_user(user)
    )


def _record_path(name: str) -> Path:
    return config.RUN / f"{name}.json"


def record(name: str) -> dict[str, Any]:
    """What was recorded when the service was started; empty if it was not."""
    return config.read_json(_record_path(name))


def add_to_record(name: str, **more: object) -> None:
    config.write_json(_record_path(name), {**record(name), **more})


def pid_of(name: str) -> int | None:
    """The service's process id, if it runs. A later process with the same id does not count."""
    known = record(name)
    if not known:
        return None
    pid = int(known["pid"])
    stat = _stat(pid)
    return pid if stat and stat.is_running and stat.started == known["started"] else None


def _with_descendants(pid: int) -> set[int]:
    """The process, its process group, and all their descendants."""
    running = _running()
    found = {pid} if pid in running else set()
    found |= {other for other, stat in running.items() if stat.group == pid}
    while True:
        children = {other for other, stat in running.items() if stat.parent in found} - found
        if not children:
            return found
        found |= children


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait_for_exit(pids: set[int], deadline_s: float) -> set[int]:
    """Waits until the processes have ended. Returns those that have not."""
    deadline = time.monotonic() + deadline_s
    while True:
        left = pids & set(_running())
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(0.02)


def pause(name: str) -> set[int]:
    """Suspends a service and everything that it started. Returns the processes, for `resume`."""
    pid = pid_of(name)
    family = _with_descendants(pid) if pid else set()
    _signal(family, signal.SIGSTOP)
    return family


def resume(pids: set[int]) -> None:
    _signal(pids, signal.SIGCONT)


def stop(name: str, first: signal.Signals = signal.SIGTERM, grace_s: float = 10) -> bool:
    """Stops a service and everything that it started, with SIGKILL if need be. Returns whether it was running."""
    pid = pid_of(name)
    if pid:
        family = _with_descendants(pid)
        if first != signal.SIGKILL:
            _signal({pid}, first)
            _wait_for_exit({pid}, grace_s)
        family |= _with_descendants(pid)
        _signal(family & set(_running()), signal.SIGTERM if first != signal.SIGKILL else signal.SIGKILL)
        left = _wait_for_exit(family, 2)
        _signal(left, signal.SIGKILL)
        _wait_for_exit(left, 5)
    _record_path(name).unlink(missing_ok=True)
    return pid is not None


def _leftovers() -> set[int]:
    """Processes with this clone's marker that belong to no service any more."""
    marker = f"{config.MARKER}={config.ROOT}".encode()
    found = set()
    for pid in _running():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if marker in environment.split(b"\0") and pid != os.getpid():
            found.add(pid)
    return found


def stop_leftovers() -> set[int]:
    """Ends leftover processes. Returns those that do not end."""
    left = _leftovers()
    _signal(left, signal.SIGTERM)
    left = _wait_for_exit(left, 2)
    _signal(left, signal.SIGKILL)
    return _wait_for_exit(left, 5)


def tail(path: Path, lines: int = 20) -> list[str]:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def last_line(path: Path) -> str:
    return next((line.strip() for line in reversed(tail(path, 5)) if line.strip()), "")


def run(name: str, argv: Sequence[object], env: Mapping[str, str]) -> tuple[int, Path]:
    """Runs a command to its end with its output in a log. Returns its exit code and the log's path."""
    path = config.LOGS / f"{name}.log"
    with path.open("wb") as log:
        ended = subprocess.run(
            [str(word) for word in argv],
            env=env,
            cwd=config.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return ended.returncode, path


def wait_until(condition: Callable[[], bool], deadline_s: float, every_s: float = 0.05) -> bool:
    """Waits until a condition holds. Returns False if the deadline passes first."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every_s)
    return True
