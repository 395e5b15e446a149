"""The invariants of scripts/chaos about records. No I/O."""

import datetime
from collections import Counter
from typing import Any

from chaos_rows import Row

Json = dict[str, Any]

HOUR_S = 3_600


def records(observed: Json) -> Row:
    """Each accepted record is stored once, under its id, and nothing else is stored."""
    batches, stored = observed["records"]["batches"], observed["records"]["stored"]
    numbers = {record: batch["first"] + line for batch in batches for line, record in enumerate(batch["ids"])}
    found, times = {row["id"] for row in stored}, Counter(row["number"] for row in stored)
    violations = [] if batches else ["no records were sent"]
    violations += [
        f"request {batch['key']} got {len(set(batch['ids']))} ids for {batch['size']} records"
        for batch in batches
        if len(set(batch["ids"])) != batch["size"]
    ]
    violations += [
        f"lost: record {record}, number {number}, was accepted and is not stored"
        for record, number in numbers.items()
        if record not in found
    ]
    violations += [
        f"duplicate: number {number} is stored {count} times" for number, count in times.items() if count > 1
    ]
    for row in stored:
        if row["id"] not in numbers:
            violations.append(f"record {row['id']}, number {row['number']}, was never accepted")
        elif row["number"] != numbers[row["id"]]:
            violations.append(f"record {row['id']} has the number {row['number']} instead of {numbers[row['id']]}")
    accepted = sum(len(batch["ids"]) for batch in batches)
    return Row("records accepted:", accepted, [("stored", len(stored))], violations)


def rollups(observed: Json) -> Row:
    """The sums of each hour are those of the stored records, by the times in their ids."""
    stored = observed["records"]["stored"]
    counted, sizes = Counter[int](), Counter[int]()
    for row in stored:
        counted[hour_of(row["id"])] += 1
        sizes[hour_of(row["id"])] += row["bytes"]
    sums = {row["hour"]: (row["records"], row["bytes"]) for row in observed["records"]["rollups"]}
    violations = [
        f"{datetime.datetime.fromtimestamp(hour, datetime.UTC):%Y-%m-%d %H}h: {sums.get(hour, (0, 0))} records and "
        f"bytes in the sums, {(counted[hour], sizes[hour])} in the table"
        for hour in sorted(counted.keys() | sums.keys())
        if sums.get(hour) != (counted[hour], sizes[hour])
    ]
    right = [("in the sums of their hours", sum(number for number, _ in sums.values()))]
    return Row("records stored:", len(stored), right, violations)


def hour_of(record: str) -> int:
    """The start of the hour of a UUIDv7, in seconds: its first 48 bits are milliseconds."""
    return int(record.replace("-", "")[:12], 16) // 1000 // HOUR_S * HOUR_S


def repetitions(observed: Json) -> Row:
    """An accepted request that was sent again got the same response."""
    again = [(batch["key"], batch["again"]) for batch in observed["records"]["batches"] if batch["again"]]
    violations = [] if again else ["no request with records was sent again"]
    violations += [f"key {key}: {each['response']}" for key, each in again if not each["same"]]
    right = [("returned the same ids", sum(each["same"] for _, each in again))]
    return Row("accepted requests with records sent again:", len(again), right, violations)
