"""Durable state of the local payment gateway: one SQLite file, written before a response is sent.

A row is an object of localstripe or a record: the response to an idempotency key, a webhook delivery, the webhook
endpoint. All changes of one request are one transaction, so a charge is never stored without the response to its key.
Nothing is synced to disk: a killed process loses nothing, a power cut may.
"""

import asyncio
import io
import pickle
import sqlite3
from pathlib import Path
from typing import Any

from localstripe.resources import Balance, Store, StripeObject, store

OBJECT, RESPONSE, DELIVERY, ENDPOINT = "object", "response", "delivery", "endpoint"
CLASSES = {each.object: each for each in (*StripeObject.__subclasses__(), Balance)}


class State:
    """localstripe's `store` and the records, by kind and name. Without a directory they live in memory only."""

    def __init__(self, directory: str | None = None) -> None:
        self.records: dict[str, dict[str, Any]] = {RESPONSE: {}, DELIVERY: {}, ENDPOINT: {}}
        # Held from the first change to the commit, so that nobody commits another's unfinished changes.
        self.lock = asyncio.Lock()
        # A set in the order of insertion.
        self.changed: dict[tuple[str, str], None] = {}
        self.file: sqlite3.Connection | None = None
        if directory is not None:
            self.file = _open(Path(directory))
            self._load(self.file)
            self._track_changes()

    def put(self, kind: str, name: str, value: Any) -> None:
        self.records[kind][name] = value
        self._mark(kind, name)

    def remove(self, kind: str, name: str) -> None:
        self.records[kind].pop(name, None)
        self._mark(kind, name)

    def clear(self) -> None:
        """Deletes everything except the webhook endpoint, which is configuration."""
        store.clear()
        self.records[RESPONSE].clear()
        self.records[DELIVERY].clear()
        self.changed = {key: None for key in self.changed if key[0] == ENDPOINT}
        if self.file is not None:
            with self.file:
                self.file.execute("DELETE FROM state WHERE kind <> ?", (ENDPOINT,))

    def commit(self) -> None:
        """Writes all changes in one transaction."""
        if not self.changed or self.file is None:
            return
        written, deleted = [], []
        for kind, name in self.changed:
            value = self._value(kind, name)
            if value is None:
                deleted.append((kind, name))
            else:
                written.append((kind, name, _dump(value)))
        with self.file:
            # An upsert keeps the row's position: localstripe lists objects in the order of their creation.
            self.file.executemany(
                "INSERT INTO state VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value",
                written,
            )
            self.file.executemany("DELETE FROM state WHERE kind = ? AND name = ?", deleted)
        self.changed.clear()

    def _value(self, kind: str, name: str) -> Any:
        if kind != OBJECT:
            return self.records[kind].get(name)
        return vars(store[name]) if name in store else None

    def _mark(self, kind: str, name: str) -> None:
        if self.file is not None:
            self.changed[kind, name] = None

    def _track_changes(self) -> None:
        """Marks every object as changed that is created, deleted, or has an attribute set.

        Changes inside lists of a customer or a subscription are not tracked.
        """
        set_item, delete_item = Store.__setitem__, Store.__delitem__

        def tracked_set(objects: Any, name: str, value: Any) -> None:
            set_item(objects, name, value)
            self._mark(OBJECT, name)

        def tracked_delete(objects: Any, name: str) -> None:
            delete_item(objects, name)
            self._mark(OBJECT, name)

        def tracked_set_attribute(item: Any, attribute: str, value: Any) -> None:
            object.__setattr__(item, attribute, value)
            if "id" in vars(item):
                self._mark(OBJECT, f"{item.object}:{item.id}")

        Store.__setitem__, Store.__delitem__ = tracked_set, tracked_delete
        StripeObject.__setattr__ = tracked_set_attribute

    def _load(self, file: sqlite3.Connection) -> None:
        rows = file.execute("SELECT kind, name, value FROM state ORDER BY rowid").fetchall()
        # All objects exist before any is filled, because they refer to each other.
        for kind, name, _ in rows:
            if kind == OBJECT:
                store[name] = object.__new__(CLASSES[name.partition(":")[0]])
        for kind, name, value in rows:
            if kind == OBJECT:
                vars(store[name]).update(_parse(value))
            else:
                self.records[kind][name] = _parse(value)


def _open(directory: Path) -> sqlite3.Connection:
    directory.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(directory / "gateway.sqlite", timeout=10)
    # Exclusive: a second process over the same state waits for the end of the first, then fails.
    for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = OFF"):
        file.execute(f"PRAGMA {setting}")
    with file:
        file.execute("CREATE TABLE IF NOT EXISTS state (kind TEXT, name TEXT, value BLOB, PRIMARY KEY (kind, name))")
    return file


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> str | None:
        """References to other objects of the store are written as names."""
        if not isinstance(value, StripeObject) or "id" not in vars(value):
            return None
        name = f"{value.object}:{value.id}"
        return name if store.get(name) is value else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: Any) -> Any:
        return store.get(name)


def _dump(value: Any) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


def _parse(value: bytes) -> Any:
    return _Unpickler(io.BytesIO(value)).load()
