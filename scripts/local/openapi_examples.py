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

# Keywords whose members are named by the API.
NAMED = {"properties", "patternProperties", "schemas", "headers", "responses", "paths"}
# Keywords whose values are data, even if they look like schemas.
VALUES = {"example", "examples", "default", "const", "enum"}


def examples(document: Json, node: Any, place: str = "") -> Iterator[tuple[str, Json, Any]]:
    """The place of each example below a node, its schema, and the example."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from examples(document, item, f"{place}/{index}")
    elif isinstance(node, dict):
        yield from ((f"{place}/{key}", *example) for key, *example in _own_examples(document, node))
        for key, value in node.items():
            if key in VALUES:
                continue
            children = value.items() if key in NAMED and isinstance(value, dict) else [("", value)]
            for name, child in children:
                yield from examples(document, child, f"{place}/{key}/{name}".rstrip("/"))


def _own_examples(document: Json, node: Json) -> Iterator[tuple[str, Json, Any]]:
    """The examples of a schema, or those beside one."""
    schema = node.get("schema", node)
    if "example" in node:
        yield "example", schema, node["example"]
    shown = node.get("examples", [])
    if isinstance(shown, list):
        yield from ((f"examples/{index}", schema, value) for index, value in enumerate(shown))
    elif "schema" in node:
        for name, example in shown.items():
            yield f"examples/{name}", schema, _named(document, example)["value"]


def _named(document: Json, example: Json) -> Json:
    """The example itself, or the one that it refers to."""
    name = example.get("$ref", "").removeprefix("#/components/examples/")
    return document["components"]["examples"][name] if name else example


def wrong_examples(document: Json) -> list[str]:
    found = []
    for place, schema, example in examples(document, document):
        # `$ref` resolves against the components of the document.
        whole = {**schema, "components": document["components"]}
        validator = OAS31Validator(whole, format_checker=oas31_format_checker)
        found += [f"{place}: {error.json_path}: {error.message}" for error in validator.iter_errors(example)]
    return found


def main() -> int:
    [file] = sys.argv[1:]
    document = json.loads(Path(file).read_text())
    wrong = wrong_examples(document)
    print(*wrong or [f"{file}: {len(list(examples(document, document)))} examples are valid"], sep="\n")
    return len(wrong) > 0


if __name__ == "__main__":
    raise SystemExit(main())
