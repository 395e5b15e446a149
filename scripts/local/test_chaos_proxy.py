"""The slow connections of scripts/chaos. `scripts/test local` runs these tests."""

import contextlib
import socket
import socketserver
import threading
import unittest
from collections.abc import Iterator

import chaos_proxy
import process
from chaos_proxy import Pace, SlowProxy

DEADLINE_S = 20


class Echo(socketserver.BaseRequestHandler):
    request: socket.socket

    def handle(self) -> None:
        while data := self.request.recv(1024):
            self.request.sendall(data)


class SlowConnections(unittest.TestCase):
    def setUp(self) -> None:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
        server.daemon_threads = True
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.port = server.server_address[1]

    @contextlib.contextmanager
    def client(self, proxy: SlowProxy) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", proxy.port), DEADLINE_S) as client:
            yield client

    @staticmethod
    def exchange(client: socket.socket, text: bytes) -> bytes:
        client.sendall(text)
        return client.recv(1024)

    def test_what_passes_arrives_unchanged_and_is_counted_in_both_directions(self) -> None:
        with chaos_proxy.slow(self.port, 1, Pace(0.01, share=0)) as proxy, self.client(proxy) as client:
            self.assertEqual([self.exchange(client, text) for text in (b"one", b"two")], [b"one", b"two"])
            self.assertEqual((proxy.delayed, proxy.cut), (4, 0))

    def test_connection_that_is_cut_ends_for_the_client_and_counts_once(self) -> None:
        with chaos_proxy.slow(self.port, 1, Pace(0.01, share=1, chunks=1)) as proxy, self.client(proxy) as client:
            self.assertEqual(self.exchange(client, b"lost"), b"")
            self.assertEqual((proxy.delayed, proxy.cut), (0, 1))

    def test_as_many_chunks_pass_before_a_cut_as_the_seed_says(self) -> None:
        def passed(seed: float) -> int:
            with chaos_proxy.slow(self.port, seed, Pace(0, share=1, chunks=9)) as proxy:
                with self.client(proxy) as client, contextlib.suppress(OSError):
                    while self.exchange(client, b"x"):
                        pass
                return proxy.delayed

        self.assertEqual([passed(seed) for seed in range(5)], [passed(seed) for seed in range(5)])
        self.assertGreater(len({passed(seed) for seed in range(5)}), 1)

    def test_end_cuts_what_is_open(self) -> None:
        with chaos_proxy.slow(self.port, 1, Pace(0, share=0)) as proxy, self.client(proxy) as client:
            self.exchange(client, b"open")
            proxy.end()
            self.assertEqual(client.recv(1024), b"")

    def test_service_that_is_down_ends_the_connection(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            with chaos_proxy.slow(unused.getsockname()[1], 1) as proxy, self.client(proxy) as client:
                self.assertEqual(client.recv(1024), b"")
                self.assertTrue(process.wait_until(lambda: not proxy.pairs, DEADLINE_S))


if __name__ == "__main__":
    unittest.main()
