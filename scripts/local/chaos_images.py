"""Images of products that are uploaded while scripts/chaos kills and disturbs. Every fourth one is to be refused."""

import json
import random
import struct
import zlib
from collections.abc import Callable

import chaos_imports
from chaos_load import Load
from chaos_worker import Json, Worker
from config import ScriptError

PNG, JPEG = "image/png", "image/jpeg"
EVERY = 4
WIDTH, HEIGHT = 48, 32


def png(rng: random.Random) -> bytes:
    """An image of its own in every call."""
    rows = b"".join(b"\0" + rng.randbytes(3 * WIDTH) for _ in range(HEIGHT))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in (*chunks, (b"IEND", b"")))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


# Uploads that are quarantined, by the reason: what they are announced as, and what is made of an image.
REFUSED: tuple[tuple[str, str, Callable[[bytes], bytes]], ...] = (
    ("unsupported_type", PNG, lambda _: b"<svg/>"),
    ("other_type", JPEG, lambda image: image),
    ("unreadable", PNG, lambda image: image[: len(image) // 2]),
    ("trailing_data", PNG, lambda image: image + b"<script>"),
)


def upload_of(rng: random.Random, number: int) -> tuple[str | None, str, bytes]:
    """Why it is to be refused, its media type, and its content."""
    image = png(rng)
    if number % EVERY != EVERY - 1:
        return None, PNG, image
    reason, media_type, change = REFUSED[number // EVERY % len(REFUSED)]
    return reason, media_type, change(image)


class Images(Worker):
    """Uploads one image after another, and enough for each kind of refusal.

    `made` has the ids of each image and its product, and why it is to be refused.
    """

    # Four for each of the eight products of a run. A product has ten at most.
    what, pause_s, most = "an image", 2, 32

    def __init__(self, load: Load, seed: int, products: list[str]) -> None:
        super().__init__(load)
        self.rng, self.products = random.Random(f"{seed} images"), products

    def is_enough(self, number: int) -> bool:
        return number >= EVERY * len(REFUSED)

    def make(self, number: int) -> Json | None:
        """Announces an image and uploads it. None if no attempt to announce it had a definite response."""
        reason, media_type, content = upload_of(self.rng, number)
        product = self.products[number % len(self.products)]
        wanted = {"content_type": media_type, "size": len(content)}
        # Of this run: a key that another run with the seed used is refused, because the product is another.
        key = f"image-{product}-{number}"
        added = self.load.send(self.load.staff, "POST", f"/products/{product}/images", wanted, key)
        if not added.is_definite:
            # It may have been announced, and stays pending, because it is never uploaded.
            return None
        if added.status != 201:
            raise ScriptError(f"an image was not added: {added.status} {added.raw[:200]!r}")
        view = json.loads(added.raw)
        chaos_imports.put({"url": view["upload_url"], "headers": view["headers"]}, content)
        return {"id": view["id"], "product": product, "refused": reason}
