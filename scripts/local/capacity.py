"""Prints how many orders a second each stage of an order can take, from its measured time and its concurrency.

    scripts/capacity                    counts orders on the running stack, then prints the table
    scripts/capacity --write            and stores what was measured in capacity.json, which the tests read
    scripts/capacity --stored           computes the table from the stored measurement and today's catalog
    scripts/capacity --stored --write   and writes docs/capacity.md, as --write does, too

A record takes the function's CPU time at its share of a processor, and waits for the database, the gateway or an API.
A queue's consumer handles several messages of a batch concurrently: their waits overlap, their CPU times do not. CPU
times are those of development builds, divided by the factor that scripts/bench measures for release builds.
prices.json has what is assumed for waits. A second table has what schedules do (capacity_schedules.py).
"""

import argparse
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import api_client
import capacity_schedules
import catalog
import config
import cost
import cost_count
import cost_model
import progress
from capacity_model import MILLISECONDS, TARGET, Use, cpu_ms, record_ms
from cost_count import Usage

MEASURED = Path(__file__).with_name("capacity.json")
PAGE = config.ROOT / "docs" / "capacity.md"
INTRODUCTION = f"""# Capacity

Written by `scripts/capacity --write`; a test compares it. How many orders a second each stage of an order can
take, at a target of {TARGET:,}: records that an order makes for the function, the time of a record (CPU time at
the function's share of a processor, and waits for the database, the gateway or an API), and the concurrency that
the catalog gives it. An order waits for the stages in bold; the others follow. CPU times were counted on the
local cloud with development builds and divided by the factor of release builds; waits are assumptions of
`scripts/local/prices.json`. Nothing here has run on AWS.
"""
# Orders wait for these; the others only follow.
SAGA = ("order-place", "stock-reserve", "payment-charge", "order-advance", "stock-allocate", "payment-webhook")


@dataclass(frozen=True)
class Stage:
    """A function on an order's way, with what the catalog allows it."""

    function: str
    use: Use
    # Milliseconds from a record's start to its end, without others of its batch.
    record_ms: float
    orders_per_s: float
    concurrency: int
    connections: int

    @property
    def headroom(self) -> float:
        return self.orders_per_s / TARGET


def used(usage: Usage) -> dict[str, Use]:
    """What an order uses of each function, on average over the counted orders."""
    flow = cost_model.Flow(usage, 1)
    assumed = cost_model.prices()["assumptions"]
    found = {}
    for name in usage.functions:
        records = flow.records(name) or flow.per_order(usage.invocations[name])
        if not records:
            continue
        calls = sum(call.requests for (caller, _, _), call in usage.calls.items() if caller == name)
        waits = flow.per_order(calls) / records * assumed["wait_ms"]["call"]
        waits += assumed["wait_ms"]["database"] * catalog.row(name)["uses_database"]
        waits += assumed["wait_ms"]["gateway"] * (name == "payment-charge")
        cpu = flow.per_order(usage.cpu_ms[name]) / records * assumed["release_cpu"]
        found[name] = Use(round(records, 2), round(cpu, 3), round(waits, 1))
    return found


def stages(uses: dict[str, Use]) -> list[Stage]:
    """The stages with the catalog of today, the narrowest first."""
    return sorted((stage(name, use) for name, use in uses.items()), key=lambda each: each.orders_per_s)


def stage(function: str, use: Use) -> Stage:
    row = catalog.row(function)
    cpu = cpu_ms(function, use)
    mapping = next(iter(row["mappings"]), None)
    concurrency = int(row["concurrency"])
    if mapping is None:
        batch_ms, batch = cpu + use.wait_ms, 1
    elif mapping["source"] == "queue":
        batch = min(mapping["batch"], mapping["concurrent"])
        batch_ms = batch * cpu + use.wait_ms
    else:
        # A shard or a partition has one invocation at a time; its batch is one statement or one call.
        batch, concurrency = mapping["batch"], _parts(function, mapping["source"])
        batch_ms = batch * cpu + use.wait_ms
    orders = concurrency * batch / batch_ms * MILLISECONDS / use.records
    return Stage(function, use, record_ms(function, use), orders, concurrency, concurrency * bool(row["uses_database"]))


def _parts(function: str, source: str) -> int:
    """Partitions of the topics, or shards of the stream, that a function reads."""
    if source == "kafka":
        topics = catalog.section("kafka_topics")
        read = {mapping["name"] for mapping in catalog.row(function)["mappings"]}
        return sum(topic["partitions"] for name, topic in topics.items() if name in read)
    return int(cost_model.prices()["assumptions"]["pollers"][source])


def narrow(found: Iterable[Stage]) -> list[str]:
    """What is out of proportion: stages that take fewer orders than the target."""
    return [
        f"{each.function} takes {each.orders_per_s:.0f} orders a second at a concurrency of {each.concurrency}: "
        f"{math.ceil(TARGET / each.orders_per_s * each.concurrency)} is needed for {TARGET}"
        for each in found
        if each.orders_per_s < TARGET
    ]


def table(found: list[Stage]) -> str:
    header = [
        "stage",
        "records an order",
        "CPU ms",
        "wait ms",
        "ms a record",
        "concurrency",
        "orders/s",
        "of the target",
    ]

    def cells(each: Stage) -> list[str]:
        name = f"**{each.function}**" if each.function in SAGA else each.function
        return [
            name,
            f"{each.use.records:.2f}",
            f"{each.use.cpu_ms:.2f}",
            f"{each.use.wait_ms:.0f}",
            f"{each.record_ms:.0f}",
            str(each.concurrency),
            f"{each.orders_per_s:,.0f}",
            f"{each.headroom:.1f}",
        ]

    connections = sum(each.connections for each in found)
    total = f"At most {connections} connections to the database by these functions together.\n"
    return cost.table(header, map(cells, found)) + "\n" + total


def measure(orders: int) -> dict[str, Use]:
    with progress.step("Prepare a shop, and start every function"):
        shop = cost_count.OrderFixture()
        shop.warm_up()
    with progress.step(f"Count {orders} orders at one a second"):
        return used(shop.send_one_per_second(orders))


def stored() -> dict[str, Use]:
    content: dict[str, Any] = json.loads(MEASURED.read_text())
    return {name: Use(**use) for name, use in content["functions"].items()}


def store(uses: dict[str, Use]) -> None:
    note = "Written by scripts/capacity --write: records of an order, CPU ms (release) and wait ms of a record."
    content = {"//": note, "functions": {name: vars(use) for name, use in sorted(uses.items())}}
    MEASURED.write_text(json.dumps(content, indent=1) + "\n")


def page(uses: dict[str, Use]) -> str:
    """The content of docs/capacity.md."""
    return f"{INTRODUCTION}\n{table(stages(uses))}\n{capacity_schedules.table(capacity_schedules.work(uses))}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/capacity", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=30, help="orders that are counted (default 30)")
    parser.add_argument("--stored", action="store_true", help="use the stored measurement: no stack is needed")
    parser.add_argument("--write", action="store_true", help=f"store the measurement, and write {PAGE.name}")
    arguments = parser.parse_args()
    if not arguments.stored:
        api_client.stack_env()
    uses = stored() if arguments.stored else measure(arguments.orders)
    if arguments.write:
        if not arguments.stored:
            store(uses)
        PAGE.write_text(page(uses))
    found, scheduled = stages(uses), capacity_schedules.work(uses)
    print(table(found))
    print(capacity_schedules.table(scheduled))
    failed = [*narrow(found), *capacity_schedules.behind(scheduled)]
    for sentence in failed:
        progress.fail(sentence)
    return 1 if failed else 0


if __name__ == "__main__":
    progress.run(main)
