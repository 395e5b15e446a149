"""Imports of products while scripts/chaos kills. Each line of a file makes one product, but for two invalid ones."""

import http.client
import json
import threading
import time
import urllib.request
from typing import Any

import chaos_load
from chaos_load import Load
from config import ScriptError

Json = dict[str, Any]

# Products of a file. One line is no JSON, and one has the SKU of the first.
PRODUCTS, INVALID_LINES = 25, 2
MAX_IMPORTS, PAUSE_S = 4, 20
UPLOAD_ATTEMPTS, UPLOAD_TIMEOUT_S = 20, 10


def skus(tag: str, number: int) -> list[str]:
    return [f"CHAOS-{tag}-I{number}-{line}" for line in range(PRODUCTS)]


def file_of(wanted: list[str]) -> bytes:
    """A file with a product for each SKU, and two invalid lines in between."""
    lines = [
        json.dumps(
            {
                "sku": sku,
                "name": f"Lamp {sku}",
                "category": "chaos",
                "price": {"amount": 900, "currency": "USD"},
                "stock_quantity": 2,
            }
        )
        for sku in wanted
    ]
    return "\n".join([*lines[:5], "{", *lines[5:], lines[0]]).encode()


class Imports(threading.Thread):
    """Uploads one file after another until `stopping` is set, and at least one.

    `made` has the id and the SKUs of each import, `error` says what ended the thread early.
    """

    def __init__(self, load: Load, tag: str) -> None:
        super().__init__(daemon=True)
        self.load, self.tag = load, tag
        self.stopping = threading.Event()
        self.made: list[Json] = []
        self.error: str | None = None

    def run(self) -> None:
        try:
            for number in range(MAX_IMPORTS):
                made = self.upload(number)
                self.made += [made] if made else []
                if self.stopping.wait(PAUSE_S) and self.made:
                    return
        except Exception as error:
            # Reported by the run: an exception must not get lost in its thread.
            self.error = f"an import failed: {error!r}"

    def upload(self, number: int) -> Json | None:
        """Creates an import and uploads its file. None if no attempt had a definite response."""
        wanted = skus(self.tag, number)
        content = file_of(wanted)
        # An import whose response is lost is never uploaded, and expires.
        created = self.load.send(self.load.staff, "POST", "/products/imports", {"size": len(content)})
        if not created.is_definite:
            return None
        if created.status != 202:
            raise ScriptError(f"an import was not created: {created.status} {created.raw[:200]!r}")
        view = json.loads(created.raw)
        put(view["upload"], content)
        return {"id": view["id"], "skus": wanted}


def put(upload: Json, content: bytes) -> None:
    """Uploads a file. S3 is not killed, but may be slow while the machine is busy."""
    for attempt in range(UPLOAD_ATTEMPTS):
        request = urllib.request.Request(upload["url"], content, upload["headers"], method="PUT")
        try:
            urllib.request.urlopen(request, timeout=UPLOAD_TIMEOUT_S).close()
        except (http.client.HTTPException, OSError) as error:
            if attempt + 1 == UPLOAD_ATTEMPTS:
                raise ScriptError(f"an upload failed: {error}") from None
            time.sleep(chaos_load.MAX_WAIT_S)
        else:
            return
