"""The container engine of `sam local`: a Docker daemon of this clone, with its data and sockets under `.local/data`.

It needs root and kernel features that not every machine offers; `UnavailableError` says what is missing. The daemon has
no network of its own: functions use the host's (see engine_front.py).
"""

import contextlib
import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import config
import process
from config import ScriptError

HERE = Path(__file__).resolve().parent
HOME = config.DATA / "docker"
SOCKET = HOME / "engine.sock"
# What clients connect to.
FRONT = HOME / "front.sock"
DAEMON, FRONT_PROCESS = "docker", "docker-front"
# The name under which `sam local` looks for the base image of `provided.al2023` functions.
IMAGE = "public.ecr.aws/lambda/provided:al2023-x86_64"
# overlay2 starts a container in half a second; vfs copies the whole image, and works on every file system.
STORAGE_DRIVERS = ("overlay2", "vfs")
START_DEADLINE_S = 30
# The limit of the kernel is 107; the daemon appends a directory to HOME.
MAX_SOCKET_PATH = 70


class UnavailableError(ScriptError):
    """The reason why no engine starts on this machine."""


def is_running() -> bool:
    return process.pid_of(DAEMON) is not None and process.pid_of(FRONT_PROCESS) is not None


def start() -> bool:
    """Starts the engine with its image of functions, and the front, unless they run. Returns whether it did."""
    if is_running():
        return False
    stop()
    check_machine()
    _start_daemon()
    try:
        _load_image()
        _spawn(FRONT_PROCESS, [sys.executable, HERE / "engine_front.py", "--socket", FRONT, "--engine", SOCKET])
        if not process.wait_until(lambda: _responds(FRONT), START_DEADLINE_S):
            raise ScriptError(f"the front of the engine does not respond: read {config.LOGS / FRONT_PROCESS}.log")
    except ScriptError:
        stop()
        raise
    return True


def stop() -> None:
    """Stops the engine, with its containers. Images stay until `scripts/down` deletes the data."""
    if process.pid_of(DAEMON):
        left = docker("ps", "--all", "--quiet").stdout.split()
        if left:
            docker("rm", "--force", *left)
    process.stop(FRONT_PROCESS)
    process.stop(DAEMON)
    # The daemon keeps the host's network namespace mounted.
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        target = line.split(" ")[1]
        if target.startswith(f"{HOME}/"):
            subprocess.run(["umount", "--lazy", target], check=False, capture_output=True)


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the Docker client against the engine."""
    env = config.clean_env(DOCKER_HOST=f"unix://{SOCKET}")
    return subprocess.run(["docker", *arguments], env=env, capture_output=True, text=True, check=False)


def check_machine() -> None:
    """Raises `UnavailableError` if this machine cannot run the engine."""
    if not config.is_root():
        raise UnavailableError("a Docker daemon needs root")
    missing = [program for program in ("dockerd", "docker") if not shutil.which(program)]
    if missing:
        raise UnavailableError(f"{' and '.join(missing)} not installed: run scripts/setup --containers")
    if platform.machine() != "x86_64":
        raise UnavailableError(f"the image of functions is for x86_64, this machine is {platform.machine()}")
    if not _image_file().exists():
        raise UnavailableError("the image of functions is not built: run scripts/setup --containers")
    if len(str(HOME)) > MAX_SOCKET_PATH:
        raise UnavailableError(f"the path of this clone is too long for the sockets in {HOME}")


def _image_file() -> Path:
    return config.tools().get("lambda-image", Path("/nonexistent")) / "image.tar"


def _start_daemon() -> None:
    reasons = []
    for driver in STORAGE_DRIVERS:
        HOME.mkdir(parents=True, exist_ok=True)
        log = config.LOGS / f"{DAEMON}.log"
        log.unlink(missing_ok=True)
        state = ["--data-root", HOME / "data", "--exec-root", HOME / "exec", "--pidfile", HOME / "engine.pid"]
        # No bridge and no packet filter rules: neither is needed with the host's network, and both need kernel modules.
        network = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-masq=false"]
        _spawn(DAEMON, ["dockerd", "--host", f"unix://{SOCKET}", *state, *network, f"--storage-driver={driver}"])
        process.wait_until(lambda: _responds(SOCKET) or process.pid_of(DAEMON) is None, START_DEADLINE_S)
        if process.pid_of(DAEMON) and _responds(SOCKET):
            return
        reasons.append(f"with {driver}: {process.last_line(log) or 'no output'}")
        stop()
        shutil.rmtree(HOME, ignore_errors=True)
    raise UnavailableError(f"dockerd does not start ({'; '.join(reasons)})")


def _spawn(name: str, argv: list[object]) -> None:
    config.make_dirs()
    process.spawn(name, argv, config.clean_env())


def _responds(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(path))
        client.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        return b" 200 " in client.recv(64)
    return False


def _load_image() -> None:
    if docker("image", "inspect", IMAGE).returncode == 0:
        return
    loaded = docker("import", "--change", "WORKDIR /var/task", str(_image_file()), IMAGE)
    if loaded.returncode != 0:
        raise UnavailableError(f"the image of functions cannot be loaded: {loaded.stderr.strip()}")
    # Not every machine that runs a daemon may run containers.
    tried = docker("run", "--rm", "--network=host", "--memory=128m", IMAGE, "/bin/true")
    if tried.returncode != 0:
        docker("image", "rm", IMAGE)
        raise UnavailableError(f"a container does not run: {tried.stderr.strip()}"[:400])


def client_environment() -> dict[str, str]:
    """Environment of a client of the engine, such as `sam local`."""
    return {"DOCKER_HOST": f"unix://{FRONT}", "DOCKER_CONFIG": os.fspath(HOME / "config")}
