"""Serves the built pages of shared/web and passes what belongs to the API on to it, as CloudFront does on AWS.

Pages and API have one origin, so that the cookie of a session is the page's own. The security headers are those of
terraform/modules/edge/pages.json, which the distribution sends, too.
"""

import argparse
import gzip
import http.client
import json
import mimetypes
import posixpath
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HEADERS = Path(__file__).resolve().parents[2] / "terraform/modules/edge/pages.json"
# First parts of the API's paths; everything else is a page or a file.
API_PARTS = ("api", "docs", "openapi.json", "asyncapi.json", "problems", "health", "ready", "metrics", ".well-known")
MIN_COMPRESSED = 1_000
MAX_BODY = 10 * 1024 * 1024
# Headers that belong to one connection (RFC 9110, section 7.6.1).
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length"}
)
# Headers that this front states itself. A second Date would make both unreadable for a script.
OWN = frozenset({"date", "server"})
COMPRESSIBLE = frozenset({".html", ".js", ".css", ".svg", ".json"})


def security_headers(storage: str) -> dict[str, str]:
    """The headers of every page. `storage` is the origin of pictures and uploads."""
    configured = json.loads(HEADERS.read_text())
    policy = "; ".join(f"{name} {value}" for name, value in configured["content_security_policy"].items())
    policy = policy.replace("{media}", storage).replace("{uploads}", storage)
    return {"Content-Security-Policy": policy, **configured["headers"]}


def is_api(path: str) -> bool:
    return path.lstrip("/").split("/", 1)[0] in API_PARTS


def file_of(root: Path, path: str) -> Path | None:
    """The file for a path: the file itself, or the page whose address this is. None if a file is missing."""
    clean = posixpath.normpath(urllib.parse.unquote(path)).lstrip("/")
    found = (root / clean).resolve()
    if clean and found.is_file() and found.is_relative_to(root.resolve()):
        return found
    # Addresses of pages have no extension: the page's script decides what it shows.
    if "." in posixpath.basename(clean):
        return None
    return root / ("console/index.html" if clean.split("/", 1)[0] == "console" else "index.html")


class Front(ThreadingHTTPServer):
    daemon_threads = True
    # A browser opens several connections at once.
    request_queue_size = 128

    def __init__(self, port: int, root: Path, api: str) -> None:
        self.root = root
        self.api = urllib.parse.urlsplit(api)
        self.headers = security_headers(f"{self.api.scheme}://{self.api.netloc}")
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class names it so
        """Nothing: addresses and queries of customers are not written."""

    def do_GET(self) -> None:
        path = urllib.parse.urlsplit(self.path).path
        if is_api(path):
            self._forward()
        else:
            self._serve(path)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self._forward()

    def do_PUT(self) -> None:
        self._forward()

    def do_PATCH(self) -> None:
        self._forward()

    def do_DELETE(self) -> None:
        self._forward()

    def do_OPTIONS(self) -> None:
        self._forward()

    def _serve(self, path: str) -> None:
        file = file_of(self.server.root, path)
        if file is None or not file.is_file():
            self._answer(404, {"Content-Type": "text/plain; charset=utf-8"}, b"Not found\n")
            return
        body = file.read_bytes()
        media = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        # Names of assets change with their content.
        is_asset = file.parent.name == "assets"
        headers = {
            "Content-Type": f"{media}; charset=utf-8" if media.startswith(("text/", "application/j")) else media,
            "Cache-Control": "public, max-age=31536000, immutable" if is_asset else "no-cache",
            **self.server.headers,
        }
        if file.suffix in COMPRESSIBLE:
            headers["Vary"] = "Accept-Encoding"
            if self._takes_gzip():
                headers["Content-Encoding"] = "gzip"
                body = gzip.compress(body)
        self._answer(200, headers, body)

    def _forward(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self._answer(413, {"Content-Type": "text/plain; charset=utf-8"}, b"The body is too large\n")
            return
        body = self.rfile.read(length) if length else None
        api = self.server.api
        upstream = http.client.HTTPConnection(api.hostname or "", api.port, timeout=35)
        try:
            upstream.request(self.command, api.path + self.path, body, self._forwarded_headers())
            response = upstream.getresponse()
            content = response.read()
        except OSError:
            self._answer(502, {"Content-Type": "text/plain; charset=utf-8"}, b"The API does not answer\n")
            return
        finally:
            upstream.close()
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP | OWN]
        # As CloudFront does: functions do not compress.
        if len(content) > MIN_COMPRESSED and "json" in response.getheader("Content-Type", "") and self._takes_gzip():
            headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
            content = gzip.compress(content, 5)
        self._answer(response.status, headers, content)

    def _takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("Accept-Encoding", "")

    def _forwarded_headers(self) -> dict[str, str]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        # This front is the API's public address: its own origin is the API's. Others stay as they are.
        own = f"http://{self.headers.get('Host', '')}"
        if self.headers.get("Origin") == own:
            headers["Origin"] = f"{self.server.api.scheme}://{self.server.api.netloc}"
        return headers

    def _answer(self, status: int, headers: dict[str, str] | list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in {204, 304}:
            self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--root", type=Path, required=True, help="the built pages")
    parser.add_argument("--api", required=True, help="base URL of the API")
    arguments = parser.parse_args()
    with Front(arguments.port, arguments.root, arguments.api) as front:
        front.serve_forever()


if __name__ == "__main__":
    main()
