"""Examples that do not follow their schema are found. Run by scripts/test lint, which installs the validator."""

import unittest
from typing import Any

from openapi_examples import wrong_examples

Json = dict[str, Any]


def _document(schema: Json, media_type: Json) -> Json:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}, **media_type}}
    order = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}, **schema}}
    return {
        "openapi": "3.1.0",
        "paths": {"/orders": {"post": {"requestBody": {"content": content}}}},
        "components": {"schemas": {"Order": order}},
    }


VALID: Json = {"id": "0192f0c1-0000-7000-8000-000000000001"}


class ExampleTests(unittest.TestCase):
    def test_valid_examples_are_accepted(self) -> None:
        self.assertEqual(wrong_examples(_document({}, {"example": VALID})), [])
        self.assertEqual(wrong_examples(_document({}, {"examples": {"short": {"value": VALID}}})), [])

    def test_example_of_a_request_that_differs_from_its_schema_is_found(self) -> None:
        place = "/paths//orders/post/requestBody/content/application/json"
        forms: dict[str, Json] = {"example": {"example": {}}, "examples/short": {"examples": {"short": {"value": {}}}}}
        for name, media_type in forms.items():
            with self.subTest(name):
                [wrong] = wrong_examples(_document({}, media_type))
                self.assertEqual(wrong, f"{place}/{name}: $: 'id' is a required property")

    def test_example_of_the_components_is_checked_where_it_is_used(self) -> None:
        document = _document({}, {"examples": {"short": {"$ref": "#/components/examples/short"}}})
        document["components"]["examples"] = {"short": {"value": {}}, "unused": {"value": {}}}
        [wrong] = wrong_examples(document)
        self.assertIn("/examples/short: $: 'id' is a required property", wrong)

    def test_format_of_an_example_is_checked(self) -> None:
        [wrong] = wrong_examples(_document({}, {"example": {"id": "first"}}))
        self.assertIn("is not a 'uuid'", wrong)

    def test_example_of_a_schema_is_checked(self) -> None:
        [wrong] = wrong_examples(_document({"quantity": {"type": "integer", "examples": [1, "one"]}}, {}))
        self.assertIn("/components/schemas/Order/properties/quantity/examples/1", wrong)

    def test_member_with_the_name_of_a_keyword_is_no_example(self) -> None:
        self.assertEqual(wrong_examples(_document({"example": {"type": "integer"}}, {})), [])


if __name__ == "__main__":
    unittest.main()
