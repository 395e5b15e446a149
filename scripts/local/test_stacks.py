"""The parent of some nested stacks. `scripts/test local` runs these tests."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import catalog
import cloudformation
import config
import stacks

URL = "http://127.0.0.1:1/bucket/catalogue.template"
# As an earlier deployment left it: with other parameters than today's template.
CATALOGUE = {"Type": cloudformation.STACK, "Properties": {"TemplateURL": URL, "Parameters": {"Stage": "earlier"}}}


class PartialTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        patched = mock.patch.object(stacks, "PARTIAL", Path(directory.name) / "template.json")
        patched.start()
        self.addCleanup(patched.stop)

    def write(self, chosen: list[str], parent: dict[str, Any] | None) -> dict[str, Any]:
        written: dict[str, Any] = json.loads(stacks.write_partial(chosen, parent, lambda url: url.encode()).read_text())
        return written

    def test_chosen_stacks_are_those_of_the_clone(self) -> None:
        resources = self.write(["shared", "orders"], None)["Resources"]
        urls = {name: resource["Properties"]["TemplateURL"] for name, resource in resources.items()}
        directory = config.ROOT / "stacks"
        expected = {"SharedStack": f"{directory}/shared.yaml", "OrdersStack": f"{directory}/orders.yaml"}
        self.assertEqual(urls, expected)

    def test_other_deployed_stacks_stay_as_they_are(self) -> None:
        resources = self.write(["orders"], {"Resources": {"CatalogueStack": CATALOGUE}})["Resources"]
        self.assertEqual(set(resources), {"CatalogueStack", "OrdersStack"})
        properties = resources["CatalogueStack"]["Properties"]
        self.assertEqual(properties["Parameters"], {"Stage": "earlier"})
        self.assertEqual(Path(properties["TemplateURL"]).read_text(), URL)

    def test_outputs_of_missing_stacks_are_left_out(self) -> None:
        outputs = self.write(["shared", "orders"], None)["Outputs"]
        self.assertIn("ApiId", outputs)
        self.assertNotIn("ProductsTable", outputs)

    def test_every_stack_of_the_catalog_can_be_chosen(self) -> None:
        resources = self.write(catalog.stacks(), None)["Resources"]
        self.assertEqual(set(resources), set(cloudformation.parse(stacks.TEMPLATE.read_text())["Resources"]))


class NamesTest(unittest.TestCase):
    def test_deployed_stacks_have_the_names_of_the_catalog(self) -> None:
        self.assertEqual(stacks.deployed({"Resources": {"CatalogueStack": CATALOGUE}}), {"catalogue"})
        self.assertEqual(stacks.deployed(None), set())

    def test_unknown_context_is_refused_with_the_known_ones(self) -> None:
        with self.assertRaisesRegex(config.ScriptError, "there is no stack 'redis': choose from shared, .*orders"):
            stacks.check_names(["orders", "redis"])
