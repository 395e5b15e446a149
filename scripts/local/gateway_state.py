"""What the local payment gateway keeps across a restart or a kill: one SQLite file, written before an answer leaves.

A row is one object of localstripe or one note of ours: the answer to an idempotency key, a webhook's delivery, where webhooks
go. All that one request changed is one transaction, so no charge is kept without the answer to its key. Nothing waits
for the disk itself: the death of the process loses nothing, a power cut may.
"""

import asyncio
import io
import pickle
import sqlite3
from pathlib import Path

from localstripe.resources import Balance, Store, StripeObject, store

OBJECT, ANSWER, DELIVERY, ENDPOINT = "object", "answer", "delivery", "endpoint"
KINDS = {kind.object: kind for kind in (*StripeObject.__subclasses__(), Balance)}


class State:
    """localstripe's `store` and our `notes`, by kind and name; kept in a directory, or nowhere."""

    def __init__(self, directory=None):
        self.notes = {ANSWER: {}, DELIVERY: {}, ENDPOINT: {}}
        # Held by whoever changes and commits: another's half-done work is never committed with one's own.
        self.turn = asyncio.Lock()
        self.changed = {}
        self.file = None
        if directory is not None:
            self.file = _open(Path(directory))
            self._load()
            self._watch()

    def put(self, kind, name, value):
        self.notes[kind][name] = value
        self._mark(kind, name)

    def drop(self, kind, name):
        self.notes[kind].pop(name, None)
        self._mark(kind, name)

    def forget(self):
        """All but where webhooks go, which is set up and not data."""
        store.clear()
        self.notes[ANSWER].clear()
        self.notes[DELIVERY].clear()
        self.changed = {key: None for key in self.changed if key[0] == ENDPOINT}
        if self.file is not None:
            with self.file:
                self.file.execute("DELETE FROM kept WHERE kind <> ?", (ENDPOINT,))

    def commit(self):
        """Writes what changed, all of it or nothing."""
        if not self.changed:
            return
        kept, gone = [], []
        for kind, name in self.changed:
            value = self._value(kind, name)
            if value is None:
                gone.append((kind, name))
            else:
                kept.append((kind, name, _dump(value)))
        with self.file:
            # A row that is written again keeps its place: localstripe's lists are in the order of making.
            self.file.executemany(
                "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value", kept)
            self.file.executemany("DELETE FROM kept WHERE kind = ? AND name = ?", gone)
        self.changed.clear()

    def _value(self, kind, name):
        if kind != OBJECT:
            return self.notes[kind].get(name)
        return vars(store[name]) if name in store else None

    def _mark(self, kind, name):
        if self.file is not None:
            self.changed[kind, name] = None

    def _watch(self):
        """Every object that is made, deleted or has an attribute set is marked as changed.

        What localstripe changes without that, inside lists of a customer or a subscription, is not noticed."""
        make, delete = Store.__setitem__, Store.__delitem__

        def made(objects, name, value):
            make(objects, name, value)
            self._mark(OBJECT, name)

        def deleted(objects, name):
            delete(objects, name)
            self._mark(OBJECT, name)

        def set_attribute(item, attribute, value):
            object.__setattr__(item, attribute, value)
            if "id" in vars(item):
                self._mark(OBJECT, f"{item.object}:{item.id}")

        Store.__setitem__, Store.__delitem__, StripeObject.__setattr__ = made, deleted, set_attribute

    def _load(self):
        rows = self.file.execute("SELECT kind, name, value FROM kept ORDER BY rowid").fetchall()
        # All of them first, because they refer to each other.
        for kind, name, _ in rows:
            if kind == OBJECT:
                store[name] = object.__new__(KINDS[name.partition(":")[0]])
        for kind, name, value in rows:
            if kind == OBJECT:
                vars(store[name]).update(_load(value))
            else:
                self.notes[kind][name] = _load(value)


def _open(directory):
    directory.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(directory / "gateway.sqlite", timeout=10)
    # Exclusive: of two processes over the same state the second waits for the end of the first, then refuses to start.
    for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = OFF"):
        file.execute(f"PRAGMA {setting}")
    with file:
        file.execute("CREATE TABLE IF NOT EXISTS kept (kind TEXT, name TEXT, value BLOB, PRIMARY KEY (kind, name))")
    return file


class _Writer(pickle.Pickler):
    def persistent_id(self, value):
        """Other objects of the store are written by their name."""
        if not isinstance(value, StripeObject) or "id" not in vars(value):
            return None
        name = f"{value.object}:{value.id}"
        return name if store.get(name) is value else None


class _Reader(pickle.Unpickler):
    def persistent_load(self, name):
        return store.get(name)


def _dump(value):
    buffer = io.BytesIO()
    _Writer(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


def _load(value):
    return _Reader(io.BytesIO(value)).load()
