"""The invariants of scripts/chaos about products: imports and images. No I/O."""

from collections import Counter
from typing import Any

from chaos_rows import Row

Json = dict[str, Any]

# Prefixes of the keys of an image's objects, and how many there are of each in the end: three sizes in two formats.
READY, QUARANTINED = {"images": 6}, {"quarantine": 1}


def imports(observed: Json) -> Row:
    """Each valid line of an import made one product, which is announced once, listed and has stock."""
    violations, wanted = [] if observed["imports"] else ["no file was imported"], 0
    for each in observed["imports"]:
        wanted += len(each["skus"])
        ended = (each["status"], each["created"], each["rejected"])
        if ended != ("completed_with_errors", len(each["skus"]), each["invalid_lines"]):
            violations.append(
                f"import {each['id']} ended as {ended} ({each['failure']}), with {len(each['skus'])} products"
            )
    made = observed["imported"]
    right = [(sku, made[sku]) for each in observed["imports"] for sku in each["skus"]]
    once = [sku for sku, found in right if found == {"announced": 1, "listed": 1, "stocked": 1}]
    violations += [f"{sku}: {found}" for sku, found in right if sku not in once]
    return Row("products in imported files:", wanted, [("made once", len(once))], violations)


def images(observed: Json) -> Row:
    """Each uploaded image is shown with all its variants, or quarantined with the reason; its upload is gone."""
    made = observed["images"]
    violations, stages = [] if made else ["no image was uploaded"], Counter[str]()
    for each in made:
        wanted = ("refused", each["refused"], QUARANTINED) if each["refused"] else ("ready", None, READY)
        found = (each["status"], each["reason"], each["objects"])
        stages[each["status"]] += 1
        if found != wanted:
            violations.append(f"image {each['id']} of product {each['product']} is {found} instead of {wanted}")
    right = [("ready", stages["ready"]), ("quarantined", stages["refused"])]
    return Row("uploaded images:", len(made), right, violations)
