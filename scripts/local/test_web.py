"""What the web pages know by themselves is what the domain decides."""

import json
import re
import unittest

import config
import web


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


if __name__ == "__main__":
    unittest.main()
