"""Tests of the front of the container engine: what it changes, and that it passes on everything else."""

import json
import socket
import tempfile
import threading
import unittest
from contextlib import closing as close_at_end
from pathlib import Path
from typing import Any

import engine_front


def container(**more: Any) -> dict[str, Any]:
    """A request of `sam local` to create a container, as far as the front reads it."""
    return {
        "Image": "image",
        "Entrypoint": ["/var/rapid/aws-lambda-rie", "--log-level", "error"],
        "Env": ["AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=defaultkey", "TEXT=a=b"],
        "ExposedPorts": {"8080/tcp": {}},
        "HostConfig": {"Memory": 1, "PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5123"}]}},
        "Labels": {"sam.cli.function.name": "OrderPlaceFunction"},
        **more,
    }


def environment(name: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": f"key of {name}"}


class AdaptedTest(unittest.TestCase):
    def test_a_function_listens_where_sam_local_looks_for_it(self) -> None:
        changed = engine_front.adapted(container(), environment, 6001)
        self.assertEqual(
            changed["Entrypoint"][3:],
            [
                "--runtime-interface-emulator-address",
                "127.0.0.1:5123",
                "--runtime-api-address",
                "127.0.0.1:6001",
            ],
        )
        self.assertEqual(changed["HostConfig"], {"Memory": 1, "NetworkMode": "host"})
        self.assertNotIn("ExposedPorts", changed)

    def test_a_function_gets_the_credentials_of_its_role(self) -> None:
        changed = engine_front.adapted(container(), environment, 6001)
        expected = {"AWS_REGION=us-east-1", "TEXT=a=b", "AWS_ACCESS_KEY_ID=key of order-place"}
        self.assertEqual(set(changed["Env"]), expected)

    def test_a_function_of_a_nested_stack_is_recognised(self) -> None:
        labels = {"sam.cli.function.name": "Orders/OrderPlaceFunction"}
        self.assertNotEqual(engine_front.adapted(container(Labels=labels), environment, 1), container(Labels=labels))

    def test_another_container_is_not_changed(self) -> None:
        for labels in (None, {}, {"sam.cli.function.name": "SomethingElse"}):
            self.assertEqual(engine_front.adapted(container(Labels=labels), environment, 1), container(Labels=labels))


class HeadTest(unittest.TestCase):
    def test_a_request_ends_its_connection(self) -> None:
        head = engine_front.closing(b"GET /info HTTP/1.1\r\nHost: docker\r\nConnection: keep-alive")
        self.assertEqual(head, b"GET /info HTTP/1.1\r\nHost: docker\r\nConnection: close")

    def test_an_upgraded_connection_stays(self) -> None:
        head = b"POST /containers/1/attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp"
        self.assertEqual(engine_front.closing(head), head)

    def test_the_length_follows_the_changed_body(self) -> None:
        head = engine_front.closing(b"POST / HTTP/1.1\r\ncontent-length: 3", 12)
        self.assertEqual(engine_front.content_length(head), 12)


class FrontTest(unittest.TestCase):
    """The front between a client and an engine that records what it gets."""

    def setUp(self) -> None:
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.received = b""
        self.engine = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.engine.close)
        self.engine.bind(str(directory / "engine"))
        self.engine.listen()
        threading.Thread(target=self._answer, daemon=True).start()
        self.front = engine_front.Front(directory / "front", directory / "engine", environment)
        self.addCleanup(self.front.server_close)
        serving = threading.Thread(target=self.front.serve_forever, args=(0.01,))
        serving.start()
        self.addCleanup(serving.join)
        self.addCleanup(self.front.shutdown)

    def _answer(self) -> None:
        connection, _ = self.engine.accept()
        with connection:
            head, rest = engine_front.read_head(connection)
            while len(rest) < engine_front.content_length(head):
                rest += connection.recv(65_536)
            self.received = head + b"\r\n\r\n" + rest
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def _send(self, request: bytes) -> bytes:
        answer = b""
        with close_at_end(socket.socket(socket.AF_UNIX)) as client:
            client.connect(str(self.front.server_address))
            client.sendall(request)
            while more := client.recv(65_536):
                answer += more
        return answer

    def _create(self, body: bytes) -> bytes:
        return self._send(
            b"POST /v1.41/containers/create?name=x HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )

    def test_a_request_and_its_response_pass_unchanged(self) -> None:
        answer = self._send(b"POST /v1.41/build HTTP/1.1\r\nContent-Length: 5\r\n\r\n\x00\x01abc")
        self.assertTrue(answer.endswith(b"\r\n\r\nok"))
        self.assertTrue(self.received.endswith(b"\r\n\r\n\x00\x01abc"))

    def test_the_engine_gets_the_changed_container(self) -> None:
        answer = self._create(json.dumps(container()).encode())
        self.assertTrue(answer.endswith(b"ok"))
        head, _, body = self.received.partition(b"\r\n\r\n")
        self.assertEqual(engine_front.content_length(head), len(body))
        self.assertEqual(json.loads(body)["HostConfig"]["NetworkMode"], "host")

    def test_a_failed_change_is_an_error_of_the_engine(self) -> None:
        answer = self._create(json.dumps(container(HostConfig={})).encode())
        self.assertIn(b"500 Internal Server Error", answer)
        self.assertIn(b"PortBindings", answer)
        self.assertEqual(self.received, b"")
