"""A slow connection between functions and a service: a proxy that delays what passes, and cuts some connections."""

import contextlib
import random
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

CHUNK = 65_536
CONNECT_S = 5


@dataclass(frozen=True)
class Pace:
    """The longest delay of a chunk, the share of connections that is cut, and after how many chunks at most."""

    delay_s: float = 0.2
    share: float = 0.2
    chunks: int = 40


@dataclass
class Fate:
    """After how many more chunks, of both directions, a connection is cut. None for one that is not."""

    left: int | None


class SlowProxy(socketserver.ThreadingTCPServer):
    """Listens on a free port and passes everything to a local port.

    `delayed` counts the chunks that passed, `cut` the connections that were cut. A chunk at which its connection is cut
    is lost: it may be a request, or the response to one that was executed.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, target: int, seed: float, pace: Pace) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.target, self.rng, self.pace = target, random.Random(seed), pace
        self.delayed, self.cut = 0, 0
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.pairs: set[tuple[socket.socket, socket.socket]] = set()

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    def fate(self) -> Fate:
        """Drawn in the order in which connections are opened."""
        with self.lock:
            is_cut = self.rng.random() < self.pace.share
            return Fate(self.rng.randint(1, self.pace.chunks) if is_cut else None)

    def passes(self, fate: Fate) -> bool:
        """Waits for the delay of a chunk. False if its connection is cut instead."""
        with self.lock:
            delay_s = self.rng.uniform(0, self.pace.delay_s)
        self.stopping.wait(delay_s)
        with self.lock:
            if fate.left is None:
                self.delayed += 1
                return True
            fate.left -= 1
            if fate.left > 0:
                self.delayed += 1
            else:
                # Both directions may come here.
                self.cut += fate.left == 0
            return fate.left > 0

    def copy(self, source: socket.socket, target: socket.socket, fate: Fate) -> None:
        with contextlib.suppress(OSError):
            while (data := source.recv(CHUNK)) and self.passes(fate):
                target.sendall(data)
        for end in (source, target):
            _end(end)

    def end(self) -> None:
        """Cuts what is still open."""
        self.stopping.set()
        self.shutdown()
        with self.lock:
            pairs = list(self.pairs)
        for end in (end for pair in pairs for end in pair):
            _end(end)
        self.server_close()


class _Connection(socketserver.BaseRequestHandler):
    server: SlowProxy
    request: socket.socket

    def handle(self) -> None:
        fate = self.server.fate()
        try:
            target = socket.create_connection(("127.0.0.1", self.server.target), CONNECT_S)
        except OSError:
            # The service is down, which its client sees as a connection that ends at once.
            return
        with target:
            target.settimeout(None)
            pair = (self.request, target)
            with self.server.lock:
                self.server.pairs.add(pair)
            back = threading.Thread(target=self.server.copy, args=(target, self.request, fate), daemon=True)
            back.start()
            self.server.copy(self.request, target, fate)
            back.join()
            with self.server.lock:
                self.server.pairs.discard(pair)


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def slow(target: int, seed: float, pace: Pace | None = None) -> Iterator[SlowProxy]:
    """A proxy in front of a local port, until the end of the context."""
    proxy = SlowProxy(target, seed, pace or Pace())
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.end()
