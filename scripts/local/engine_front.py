"""A front of the container engine's API that runs the containers of `sam local` like the stack's functions.

`sam local` knows neither the network nor the credentials that a function of the local cloud has. Every request passes
unchanged to the engine except the creation of a function's container, which gets

- the host's network, because the stack's services listen on loopback only; the Lambda emulator in the container then
  listens on the port that `sam local` chose, and its Runtime API on another free one;
- the address of the AWS emulator, the function's deployed name, and credentials of the function's own role.

A connection carries one request: the front asks the engine to close it, and the client opens the next one.
"""

import argparse
import contextlib
import json
import re
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws
import catalog
import config

CREATE = re.compile(rb"POST (/v[0-9.]+)?/containers/create[? ]")
# Where the Lambda emulator listens unless it is configured otherwise.
EMULATOR_PORT = "8080/tcp"
FUNCTION_LABEL = "sam.cli.function.name"
MAX_HEAD = 65_536


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def function_environment(name: str) -> dict[str, str]:
    """What a function gets from Lambda and not from the template: its name, and the credentials of its role."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": config.physical_name(name),
        "AWS_ENDPOINT_URL": config.endpoint(),
        **aws.role_credentials(name),
    }


def adapted(
    body: dict[str, Any], environment: Callable[[str], dict[str, str]], runtime_api_port: int
) -> dict[str, Any]:
    """The request to create a container, changed if it is the container of one of the catalog's functions."""
    # With nested stacks the label is the path of the function: `Orders/OrderPlaceFunction`.
    logical = str((body.get("Labels") or {}).get(FUNCTION_LABEL, "")).rsplit("/", 1)[-1]
    name = catalog.function_of(logical)
    if name is None:
        return body
    host = {**body["HostConfig"]}
    port = host.pop("PortBindings")[EMULATOR_PORT][0]["HostPort"]
    addresses = {
        "--runtime-interface-emulator-address": f"127.0.0.1:{port}",
        "--runtime-api-address": f"127.0.0.1:{runtime_api_port}",
    }
    variables = dict(line.split("=", 1) for line in body.get("Env") or [])
    variables |= environment(name)
    return {
        **{key: value for key, value in body.items() if key != "ExposedPorts"},
        "Entrypoint": [*body["Entrypoint"], *(word for pair in addresses.items() for word in pair)],
        "Env": [f"{key}={value}" for key, value in variables.items()],
        "HostConfig": {**host, "NetworkMode": "host"},
        # Docker's networks are not used: `NetworkingConfig` would name one.
        "NetworkingConfig": None,
    }


def closing(head: bytes, length: int | None = None) -> bytes:
    """The head of a request, with `Connection: close` and perhaps another length of its body."""
    first, *lines = head.split(b"\r\n")
    # An upgraded connection (attach, exec) names this in `Connection` and ends with the stream.
    if not any(line.lower().startswith(b"upgrade:") for line in lines):
        lines = [line for line in lines if not line.lower().startswith(b"connection:")]
        lines.append(b"Connection: close")
    if length is not None:
        lines = [line for line in lines if not line.lower().startswith(b"content-length:")]
        lines.append(b"Content-Length: %d" % length)
    return b"\r\n".join([first, *lines])


def content_length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def refusal(message: str) -> bytes:
    """An error response in the engine's form."""
    text = json.dumps({"message": message}).encode()
    head = f"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
    return head.encode() + b"\r\nConnection: close\r\n\r\n" + text


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copies until the source ends, then tells the target."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request without its blank line, and what has arrived of the body."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < MAX_HEAD:
        more = connection.recv(65_536)
        if not more:
            break
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


class Front(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, engine: Path, environment: Callable[[str], dict[str, str]]) -> None:
        self.engine = engine
        self.environment = environment
        super().__init__(str(path), Handler)


class Handler(socketserver.BaseRequestHandler):
    server: Front
    request: socket.socket

    def handle(self) -> None:
        head, rest = read_head(self.request)
        if not head:
            return
        if CREATE.match(head):
            missing = content_length(head) - len(rest)
            while missing > 0 and (more := self.request.recv(missing)):
                rest += more
                missing -= len(more)
            try:
                rest = json.dumps(adapted(json.loads(rest), self.server.environment, free_port())).encode()
            except Exception as error:
                # `sam local` shows it; the front goes on.
                self.request.sendall(refusal(f"the container of the function cannot be adapted: {error}"))
                return
            head = closing(head, len(rest))
        else:
            head = closing(head)
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(str(self.server.engine))
            engine.sendall(head + b"\r\n\r\n" + rest)
            # A client that only reads does not end its side, so the response alone decides when the exchange is over.
            threading.Thread(target=copy, args=(self.request, engine), daemon=True).start()
            copy(engine, self.request)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--socket", type=Path, required=True, help="where the front listens")
    parser.add_argument("--engine", type=Path, required=True, help="socket of the engine")
    arguments = parser.parse_args()
    arguments.socket.unlink(missing_ok=True)
    with Front(arguments.socket, arguments.engine, function_environment) as front:
        front.serve_forever()


if __name__ == "__main__":
    main()
