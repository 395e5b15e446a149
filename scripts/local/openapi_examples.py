"""Validates every example of an OpenAPI document against its schema: openapi_examples.py docs/openapi.json.

It runs in the environment `contract`, which has the validator of OpenAPI's schema dialect.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS31Validator, oas31_format_checker

Json = dict[str, Any]

# Their members are names of the API, not keywords.
NAMED = {"properties", "patternProperties", "schemas", "examples", "headers", "responses", "paths"}


def examples(node: Any, place: str = "") -> Iterator[tuple[str, Json, Any]]:
    """The place of each example, its schema, and the example."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from examples(item, f"{place}/{index}")
    if not isinstance(node, dict):
        return
    schema = node.get("schema", node)
    if "example" in node:
        yield f"{place}/example", schema, node["example"]
    shown = node.get("examples", [])
    if isinstance(shown, list):
        yield from ((f"{place}/examples/{index}", schema, value) for index, value in enumerate(shown))
    else:
        yield from ((f"{place}/examples/{name}", schema, example["value"]) for name, example in shown.items())
    for key, value in node.items():
        children = value.items() if key in NAMED and isinstance(value, dict) else [("", value)]
        if key not in {"example", "examples", "default", "const", "enum"}:
            for name, child in children:
                yield from examples(child, f"{place}/{key}/{name}".rstrip("/"))


def wrong_examples(document: Json) -> list[str]:
    found = []
    for place, schema, example in examples(document):
        # References lead to the components of the document.
        whole = {**schema, "components": document["components"]}
        validator = OAS31Validator(whole, format_checker=oas31_format_checker)
        found += [f"{place}: {error.json_path}: {error.message}" for error in validator.iter_errors(example)]
    return found


def main() -> int:
    [file] = sys.argv[1:]
    document = json.loads(Path(file).read_text())
    wrong = wrong_examples(document)
    print(*wrong or [f"{file}: {len(list(examples(document)))} examples are valid"], sep="\n")
    return len(wrong) > 0


if __name__ == "__main__":
    raise SystemExit(main())
