"""What the web pages know by themselves is what the domain decides."""

import json
import re
import unittest

import config
import web

# Problems that no page meets, because it sends what the API can read, or because only other clients call the route.
NOT_MET = {
    "backlog-full",
    "duplicate-charge",
    "duplicate-member",
    "event-malformed",
    "idempotency-key-invalid",
    "idempotency-key-missing",
    "idempotency-key-reused",
    "if-match-invalid",
    "if-match-missing",
    "line-too-long",
    "malformed-body",
    "malformed-json",
    "malformed-request",
    "method-not-allowed",
    "push-not-configured",
    "refund-exceeds-charge",
    "route-not-found",
    "signature-invalid",
    "sku-repeated",
    "unstorable-value",
    "unsupported-media-type",
}


class Knowledge(unittest.TestCase):
    def test_required_parts_of_addresses_are_those_of_the_domain(self) -> None:
        domain = (config.ROOT / "shared/domain/src/address/parts.rs").read_text()
        pages = json.loads((web.SOURCES / "src/data/address-parts.json").read_text())
        tables = {"NO_CITY": "without_city", "REGION": "with_region", "POSTAL_CODE": "with_postal_code"}
        for table, member in tables.items():
            found = re.search(rf"const {table}: &\[&str\] = &\[(.*?)\];", domain, re.DOTALL)
            assert found
            self.assertEqual(re.findall('"([A-Z]{2})"', found[1]), pages[member], table)

    def test_languages_of_the_pages_are_those_of_messages(self) -> None:
        document = json.loads(web.DOCUMENT.read_text())
        pages = (web.SOURCES / "src/core/i18n/language.ts").read_text()
        known = re.findall(r'(\w+): "', pages[pages.index("LANGUAGES") : pages.index("as const")])
        self.assertEqual(sorted(known), sorted(document["components"]["schemas"]["Locale"]["enum"]))

    def test_every_problem_that_a_page_meets_has_a_text(self) -> None:
        problems = (config.ROOT / "shared/api/src/problems.rs").read_text()
        met = set(re.findall(r'problem\(\s*"([a-z-]+)"', problems)) - NOT_MET
        self.assertGreater(len(met), 40)
        for language in ("en", "de"):
            texts = (web.SOURCES / f"src/core/i18n/{language}.ts").read_text()
            _, _, after = texts.partition("\n  problems: {\n")
            table, _, _ = after.partition("\n  }")
            known = set(re.findall(r'^    "?([a-z-]+)"?: "', table, re.MULTILINE))
            self.assertEqual(known - {"offline"}, met, language)

    def test_what_is_translated_of_fields_is_what_the_api_says(self) -> None:
        said = "\n".join(path.read_text() for path in sorted((config.ROOT / "shared").glob("*/src/**/*.rs")))
        table = (web.SOURCES / "src/core/i18n/de-fields.ts").read_text()
        texts = re.findall(r'^  "(.+?)":\s', table, re.MULTILINE)
        self.assertGreater(len(texts), 10)
        for text in texts:
            pattern = re.escape(text).replace(r"\#", r"(\d+|\{[^}]*\})")
            self.assertTrue(re.search(f'"{pattern}"', said), text)


if __name__ == "__main__":
    unittest.main()
