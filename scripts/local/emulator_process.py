"""An AWS emulator on a free port, with a directory that is removed: that of the stack is not touched."""

import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import config


@dataclass(frozen=True)
class Emulator:
    """A process that was started; it may not respond yet."""

    url: str
    directory: Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def emulator(environment: Mapping[str, str]) -> Iterator[Emulator]:
    """Runs an emulator. In the values of the environment, `{directory}` and `{url}` stand for its own."""
    with tempfile.TemporaryDirectory() as name:
        port = _free_port()
        running = Emulator(f"http://127.0.0.1:{port}", Path(name))
        env = config.clean_env(
            GATEWAY_PORT=port,
            BIND_HOST="127.0.0.1",
            TMPDIR=name,
            MINISTACK_HOST="localhost",
            **{key: value.format(directory=name, url=running.url) for key, value in environment.items()},
        )
        python = config.tools()["emulator"] / "bin" / "python"
        with (running.directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [python, Path(__file__).with_name("emulator.py")], env=env, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            yield running
        finally:
            process.terminate()
            process.wait()
