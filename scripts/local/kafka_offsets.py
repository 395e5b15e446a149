"""How far the Kafka trigger of the local cloud has read, by function, topic and partition; on MSK: consumer groups."""

import json
from collections.abc import Collection, Mapping

import config
import services

FILE = config.DATA / "kafka-offsets.json"

Offsets = dict[str, int]


def read() -> Offsets:
    """The next offset of each mapping, such as `record-write/records/0`; none of a partition that was never read."""
    return dict(json.loads(FILE.read_text())) if FILE.exists() else {}


def back(now: Mapping[str, int], before: Mapping[str, int], functions: Collection[str]) -> Offsets:
    """The offsets, with those of the functions as they were. A partition that was not read then has none."""
    others = {mapping: offset for mapping, offset in now.items() if mapping.split("/")[0] not in functions}
    return others | {mapping: offset for mapping, offset in before.items() if mapping.split("/")[0] in functions}


def set_back(before: Mapping[str, int], functions: Collection[str]) -> None:
    """Makes the functions read again what they have read since. Nothing may read the topics meanwhile."""
    FILE.write_text(json.dumps(back(read(), before, functions), indent=2))


def pause() -> None:
    services.stop(services.TRIGGER)


def resume() -> None:
    services.start(services.TRIGGER)
