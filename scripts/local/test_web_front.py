"""The front of pages and API: which file a path names, what is passed on, and the headers of pages."""

import contextlib
import http.client
import tempfile
import threading
import unittest
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import web_front


class Api(BaseHTTPRequestHandler):
    """Answers with what it received."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        text = f"{self.path} {self.headers.get('Origin')} {self.headers.get('Cookie')} {body.decode()}".encode()
        self.send_response(201)
        self.send_header("Set-Cookie", "one=1")
        self.send_header("Set-Cookie", "two=2")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextlib.contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


class WebFront(unittest.TestCase):
    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.root = directory / "web"
        (self.root / "assets").mkdir(parents=True)
        (self.root / "console").mkdir()
        for name in ("index.html", "console/index.html", "assets/main-1.js"):
            (self.root / name).write_text(name)
        (directory / "secret.txt").write_text("secret")
        api = stack.enter_context(running(ThreadingHTTPServer(("127.0.0.1", 0), Api)))
        self.api = f"http://127.0.0.1:{api}/_aws/execute-api/1"
        self.port = stack.enter_context(running(web_front.Front(0, self.root, self.api)))

    def request(self, method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.addCleanup(connection.close)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse()

    def test_addresses_of_pages_get_the_page_and_missing_files_are_404(self) -> None:
        for path, page in (
            ("/", "index.html"),
            ("/orders/1?placed=1", "index.html"),
            ("/console/orders", "console/index.html"),
        ):
            self.assertEqual(self.request("GET", path).read().decode(), page, path)
        self.assertEqual(self.request("GET", "/assets/gone.js").status, 404)

    def test_files_outside_of_the_pages_are_not_served(self) -> None:
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2f..%2fsecret.txt"):
            self.assertEqual(self.request("GET", path).status, 404, path)

    def test_pages_have_the_security_headers_and_are_not_kept_by_caches(self) -> None:
        page = self.request("GET", "/")
        policy = page.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'; script-src 'self'; style-src 'self';", policy)
        self.assertNotRegex(policy, "unsafe|{")
        self.assertEqual(page.headers["Cache-Control"], "no-cache")
        self.assertIn("immutable", self.request("GET", "/assets/main-1.js").headers["Cache-Control"])

    def test_requests_of_the_api_pass_with_body_cookies_and_the_origin_of_the_api(self) -> None:
        own = f"http://127.0.0.1:{self.port}"
        answer = self.request("POST", "/api/v1/orders?a=1", "text", Origin=own, Cookie="refresh_token=1")
        origin = self.api.removesuffix("/_aws/execute-api/1")
        expected = f"/_aws/execute-api/1/api/v1/orders?a=1 {origin} refresh_token=1 text"
        self.assertEqual((answer.status, answer.read().decode()), (201, expected))
        self.assertEqual(answer.headers.get_all("Set-Cookie"), ["one=1", "two=2"])
        # Pages read the time of the API from it.
        self.assertEqual(len(answer.headers.get_all("Date", [])), 1)

    def test_the_origin_of_another_page_stays_as_it_is(self) -> None:
        for origin in ("http://evil.example", "null"):
            self.assertIn(f" {origin} ", self.request("POST", "/api/v1/orders", Origin=origin).read().decode())

    def test_an_api_that_does_not_answer_is_502(self) -> None:
        with running(web_front.Front(0, self.root, "http://127.0.0.1:1/api")) as self.port:
            self.assertEqual(self.request("POST", "/api/v1/orders").status, 502)


if __name__ == "__main__":
    unittest.main()
