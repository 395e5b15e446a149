"""The processes of functions, as children of the AWS emulator: which there are, and what each of them runs."""

from pathlib import Path

import config
import process
import services

PROC = Path("/proc")


def cpu_times() -> dict[int, int]:
    """Nanoseconds on the CPU of each process that runs a function, by process id."""
    emulator, found = process.pid_of(services.AWS.name), {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, rest = (entry / "stat").read_text().rsplit(")", 1)
            state, parent = rest.split()[:2]
            if name.endswith("(bootstrap") and int(parent) == emulator and state not in "ZX":
                found[int(entry.name)] = int((entry / "schedstat").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            continue
    return found


def function_of(pid: int) -> str:
    """Catalog name of the function that a process runs."""
    try:
        environment = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return "?"
    variable = b"AWS_LAMBDA_FUNCTION_NAME="
    names = (entry.removeprefix(variable).decode() for entry in environment if entry.startswith(variable))
    return config.catalog_name(next(names, "?"))


def code_of(pid: int) -> str:
    """SHA-256 of the package that a process runs, which is the name of its directory."""
    try:
        return (PROC / str(pid) / "cwd").readlink().name
    except OSError:
        return "?"
