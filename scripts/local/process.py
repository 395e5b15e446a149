"""Processes that outlive the script that starts them: start, know again, wait for, stop with all their children."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import config


def _stat(pid):
    """Parent, process group, start time and state of a process, or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold blanks; what follows the last parenthesis does not.
    fields = text.rsplit(")", 1)[1].split()
    return {"state": fields[0], "parent": int(fields[1]), "group": int(fields[2]), "started": int(fields[19])}


def _all():
    """Every process that is not a zombie."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            stat = _stat(entry)
            if stat and stat["state"] not in "ZX":
                found[int(entry)] = stat
    return found


def runs(pid):
    """Whether there is such a process; a zombie is none."""
    stat = _stat(pid)
    return bool(stat) and stat["state"] not in "ZX"


def spawn(name, argv, env, cwd=None, user=None):
    """Starts a part in a session of its own with its output in its log, and remembers it."""
    log = config.LOGS / f"{name}.log"
    with open(log, "ab") as out:
        child = subprocess.Popen(
            [str(a) for a in argv], env=env, cwd=str(cwd or config.ROOT), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
            **({"user": user, "group": user, "extra_groups": []} if user else {}),
        )
    stat = _stat(child.pid)
    record = {"pid": child.pid, "started": stat["started"] if stat else 0}
    (config.RUN / f"{name}.json").write_text(json.dumps(record))
    return child


def record(name):
    return config.read_json(config.RUN / f"{name}.json")


def remember(name, **more):
    (config.RUN / f"{name}.json").write_text(json.dumps({**record(name), **more}))


def alive(name):
    """The process id of the part when it runs. A process that merely got the same id since does not count."""
    known = record(name)
    if known and runs(known["pid"]) and _stat(known["pid"])["started"] == known["started"]:
        return known["pid"]
    return None


def _family(pid):
    """The process, its descendants and its group: what has to go with it."""
    table = _all()
    family = {pid} if pid in table else set()
    family |= {p for p, stat in table.items() if stat["group"] == pid}
    while True:
        more = {p for p, stat in table.items() if stat["parent"] in family} - family
        if not more:
            return family
        family |= more


def _signal(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def _wait_gone(pids, deadline_s):
    deadline = time.monotonic() + deadline_s
    while True:
        left = pids & set(_all())
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(0.02)


def stop(name, polite=signal.SIGTERM, grace_s=10):
    """Asks the part to end, then makes it and everything it started end. True if it ran."""
    pid = alive(name)
    if pid:
        family = _family(pid)
        if polite != signal.SIGKILL:
            _signal({pid}, polite)
            _wait_gone({pid}, grace_s)
        family |= _family(pid)
        _signal(family & set(_all()), signal.SIGTERM if polite != signal.SIGKILL else signal.SIGKILL)
        left = _wait_gone(family, 2)
        _signal(left, signal.SIGKILL)
        _wait_gone(left, 5)
    (config.RUN / f"{name}.json").unlink(missing_ok=True)
    return bool(pid)


def stragglers():
    """Processes that carry this clone's marker although no part knows them any more."""
    marker = f"{config.MARKER}={config.ROOT}".encode()
    found = set()
    for pid in _all():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if marker in environment.split(b"\0") and pid != os.getpid():
            found.add(pid)
    return found


def stop_stragglers():
    left = stragglers()
    _signal(left, signal.SIGTERM)
    left = _wait_gone(left, 2)
    _signal(left, signal.SIGKILL)
    return _wait_gone(left, 5)


def tail(path, lines=20):
    """The last lines of a log."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def last_line(path):
    return next((line.strip() for line in reversed(tail(path, 5)) if line.strip()), "")


def run(name, argv, env, cwd=None):
    """Runs a command to its end with its output in a log. The exit code and the log's path."""
    log = config.LOGS / f"{name}.log"
    with open(log, "wb") as out:
        code = subprocess.run(
            [str(a) for a in argv], env=env, cwd=str(cwd or config.ROOT), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, check=False,
        ).returncode
    return code, log


def wait_until(condition, deadline_s, every_s=0.05):
    """Waits for a condition to hold; its last value. False when the deadline passes first."""
    deadline = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value or time.monotonic() >= deadline:
            return value
        time.sleep(every_s)
