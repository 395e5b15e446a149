"""Fabricated changes to a small contract: which of them break clients? Run by scripts/test lint."""

import contextlib
import copy
import io
import json
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import compatibility
from config import ScriptError

Json = dict[str, Any]
Change = Callable[[Json], object]

SCHEMAS: Json = {
    "Order": {
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "string"},
            "state": {"$ref": "#/components/schemas/State"},
            "note": {"type": ["string", "null"]},
        },
    },
    "NewOrder": {
        "type": "object",
        "additionalProperties": False,
        "required": ["product"],
        "properties": {
            "product": {"type": "string", "maxLength": 20},
            "speed": {"type": "string", "enum": ["standard", "express"]},
            "gift": {"type": "boolean"},
        },
    },
    "State": {"type": "string", "enum": ["open", "closed"]},
}


def _json(schema: str) -> Json:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


LIMIT: Json = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}
API: Json = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "paths": {
        "/orders": {
            "get": {"parameters": [LIMIT], "responses": {"200": {"description": "Found.", **_json("Order")}}},
            "post": {
                "x-roles": ["customer", "staff"],
                "requestBody": {"required": True, **_json("NewOrder")},
                "responses": {"201": {"description": "Created.", **_json("Order")}},
            },
        }
    },
    "components": {"schemas": SCHEMAS},
}

ENVELOPE: Json = {
    "type": "object",
    "required": ["id", "type", "data"],
    "properties": {"id": {"type": "string"}, "type": {"type": "string"}, "source": {"type": "string"}},
}
OF_THIS_TYPE: Json = {
    "type": "object",
    "properties": {"data": {"$ref": "#/components/schemas/Order"}, "type": {"const": "OrderPlaced.v1"}},
}
EVENTS: Json = {
    "asyncapi": "3.0.0",
    "info": {"title": "Events", "version": "1"},
    "channels": {"bus": {"messages": {"OrderPlaced.v1": {"$ref": "#/components/messages/OrderPlaced.v1"}}}},
    "components": {
        "messages": {
            "OrderPlaced.v1": {"payload": {"allOf": [{"$ref": "#/components/schemas/Envelope"}, OF_THIS_TYPE]}}
        },
        "schemas": {"Envelope": ENVELOPE, "Order": SCHEMAS["Order"], "State": SCHEMAS["State"]},
    },
}


def _schema(name: str, change: Change) -> Change:
    return lambda document: change(document["components"]["schemas"][name])


class CompatibilityTests(unittest.TestCase):
    breaking: ClassVar[dict[str, Change]] = {
        "role removed": lambda api: api["paths"]["/orders"]["post"]["x-roles"].remove("customer"),
        "public route for roles": lambda api: api["paths"]["/orders"]["get"].update({"x-roles": ["customer", "staff"]}),
        "route removed": lambda api: api["paths"]["/orders"].pop("get"),
        "status of a success changed": lambda api: _rename(api["paths"]["/orders"]["post"]["responses"], "201", "200"),
        "parameter removed": lambda api: api["paths"]["/orders"]["get"]["parameters"].clear(),
        "parameter required": lambda api: api["paths"]["/orders"]["get"]["parameters"][0].update(required=True),
        "bound of a parameter lowered": lambda api: api["paths"]["/orders"]["get"]["parameters"][0]["schema"].update(
            maximum=50
        ),
        "member of a request required": _schema("NewOrder", lambda it: it["required"].append("gift")),
        "required member of a request added": _schema(
            "NewOrder", lambda it: (it["required"].append("to"), it["properties"].update(to={"type": "string"}))
        ),
        "member of a request removed": _schema("NewOrder", lambda it: it["properties"].pop("gift")),
        "member of a request shortened": _schema(
            "NewOrder", lambda it: it["properties"]["product"].update(maxLength=10)
        ),
        "type in a request changed": _schema("NewOrder", lambda it: it["properties"]["gift"].update(type="string")),
        "value of a request removed": _schema("NewOrder", lambda it: it["properties"]["speed"]["enum"].pop()),
        "member of a response removed": _schema(
            "Order", lambda it: (it["required"].pop(), it["properties"].pop("state"))
        ),
        "member of a response optional": _schema("Order", lambda it: it["required"].pop()),
        "member of a response nullable": _schema(
            "Order", lambda it: it["properties"]["id"].update(type=["string", "null"])
        ),
        "value of a response added": _schema("State", lambda it: it["enum"].append("lost")),
    }
    compatible: ClassVar[dict[str, Change]] = {
        "nothing": lambda _: None,
        "role added": lambda api: api["paths"]["/orders"]["post"]["x-roles"].append("service"),
        "route for roles is public": lambda api: api["paths"]["/orders"]["post"].pop("x-roles"),
        "route added": lambda api: api["paths"].update({"/carts": api["paths"]["/orders"]}),
        "optional parameter added": lambda api: api["paths"]["/orders"]["get"]["parameters"].append(
            {"name": "state", "in": "query", "schema": {"type": "string"}}
        ),
        "optional member of a request added": _schema(
            "NewOrder", lambda it: it["properties"].update(to={"type": "string"})
        ),
        "value of a request added": _schema("NewOrder", lambda it: it["properties"]["speed"]["enum"].append("slow")),
        "member of a response added": _schema("Order", lambda it: it["properties"].update(to={"type": "string"})),
        "text changed": _schema("Order", lambda it: it.update(description="An order.")),
    }
    breaking_events: ClassVar[dict[str, Change]] = {
        "event removed from a channel": lambda events: events["channels"]["bus"]["messages"].clear(),
        "member removed": _schema("Order", lambda it: (it["required"].pop(), it["properties"].pop("state"))),
        "member optional": _schema("Order", lambda it: it["required"].pop()),
        "member required": _schema("Order", lambda it: it["required"].append("note")),
        "required member added": _schema(
            "Order", lambda it: (it["required"].append("to"), it["properties"].update(to={"type": "string"}))
        ),
        "type of a member changed": _schema("Order", lambda it: it["properties"]["id"].update(type="integer")),
        "enumeration narrowed": _schema("State", lambda it: it["enum"].pop()),
        "enumeration widened": _schema("State", lambda it: it["enum"].append("lost")),
        "member of the envelope required": _schema("Envelope", lambda it: it["required"].append("source")),
    }
    compatible_events: ClassVar[dict[str, Change]] = {
        "nothing": lambda _: None,
        "event added": lambda events: events["channels"]["bus"]["messages"].update(
            {"OrderPlaced.v2": {"$ref": "#/components/messages/OrderPlaced.v1"}}
        ),
        "optional member added": _schema("Order", lambda it: it["properties"].update(to={"type": "string"})),
    }

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.baseline, self.docs = Path(directory.name) / "baseline", Path(directory.name) / "docs"
        for path in (self.baseline, self.docs):
            path.mkdir()
            self.write(path, API, EVENTS)

    def write(self, path: Path, api: Json, events: Json) -> None:
        (path / compatibility.OPENAPI).write_text(json.dumps(api))
        (path / compatibility.ASYNCAPI).write_text(json.dumps(events))

    def broken(self) -> list[str]:
        return list(compatibility.compare(self.baseline, self.docs))

    def test_change_that_breaks_clients_is_found(self) -> None:
        for name, change in self.breaking.items():
            with self.subTest(name):
                self.write(self.docs, _changed(API, change), EVENTS)
                self.assertEqual(self.broken(), [compatibility.OPENAPI])

    def test_additions_break_no_client(self) -> None:
        for name, change in self.compatible.items():
            with self.subTest(name):
                self.write(self.docs, _changed(API, change), EVENTS)
                self.assertEqual(self.broken(), [])

    def test_change_that_breaks_readers_of_events_is_found(self) -> None:
        for name, change in self.breaking_events.items():
            with self.subTest(name):
                self.write(self.docs, API, _changed(EVENTS, change))
                self.assertEqual(self.broken(), [compatibility.ASYNCAPI])

    def test_additions_break_no_reader_of_events(self) -> None:
        for name, change in self.compatible_events.items():
            with self.subTest(name):
                self.write(self.docs, API, _changed(EVENTS, change))
                self.assertEqual(self.broken(), [])

    def test_breaking_change_is_accepted_before_a_release_only(self) -> None:
        self.write(self.docs, _changed(API, self.breaking["route removed"]), EVENTS)
        with self.assertRaisesRegex(ScriptError, "new version"), contextlib.redirect_stdout(io.StringIO()):
            compatibility.accept(self.baseline, self.docs, released=True)
        compatibility.accept(self.baseline, self.docs, released=False)
        self.assertEqual(self.broken(), [])

    def test_document_that_cannot_be_read_is_an_error(self) -> None:
        (self.docs / compatibility.OPENAPI).write_text("{")
        with self.assertRaisesRegex(ScriptError, "cannot compare"):
            compatibility.compare(self.baseline, self.docs)


def _changed(document: Json, change: Change) -> Json:
    copied = copy.deepcopy(document)
    change(copied)
    return copied


def _rename(members: Json, old: str, new: str) -> None:
    members[new] = members.pop(old)


if __name__ == "__main__":
    unittest.main()
