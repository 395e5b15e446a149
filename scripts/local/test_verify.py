"""The verification of a deployment fails when the deployment does."""

import contextlib
import io
import threading
import unittest
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import verify
from api_client import ApiClient
from config import ScriptError


def quietly(run: Callable[[], int]) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return run()


class Broken(BaseHTTPRequestHandler):
    """Responds to every request with 500 and something that is no problem document."""

    def respond(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b'{"message": "Internal Server Error"}'
        self.send_response(500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815 names of the base class

    def log_message(self, *_: object) -> None:
        pass


class BrokenDeployment(unittest.TestCase):
    def setUp(self) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def test_every_journey_of_a_broken_deployment_fails(self) -> None:
        run = verify.Verification(self.url, "a@example.com", None, 0.1)
        self.assertEqual(quietly(lambda: run.run(("staff@example.com", "secret", ""))), 8)

    def test_journeys_without_staff_need_a_product(self) -> None:
        run = verify.Verification(self.url, "a@example.com", "some-product", 0.1)
        self.assertEqual(quietly(lambda: run.run(None)), 7)

    def test_response_that_is_no_problem_document_is_not_taken_for_one(self) -> None:
        response = ApiClient(self.url).get("/orders")
        with self.assertRaisesRegex(ScriptError, "media type"):
            verify.problem(response, 500)


if __name__ == "__main__":
    unittest.main()
