"""Imports of products while scripts/chaos kills. Each line of a file makes one product, but for two invalid ones."""

import http.client
import json
import time
import urllib.request

import chaos_load
from chaos_load import Load
from chaos_worker import Json, Worker
from config import ScriptError

# Products of a file. One line is no JSON, and one has the SKU of the first.
PRODUCTS, INVALID_LINES = 25, 2
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


class Imports(Worker):
    """Uploads one file after another, and at least one. `made` has the id and the SKUs of each import."""

    what, pause_s, most = "an import", 20, 4

    def __init__(self, load: Load, tag: str) -> None:
        super().__init__(load)
        self.tag = tag

    def is_enough(self, _number: int) -> bool:
        return bool(self.made)

    def make(self, number: int) -> Json | None:
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
