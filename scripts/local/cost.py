"""Prints what an order costs: counted on the running stack, priced from prices.json, and compared with budgets.

    scripts/cost                    counts and prints
    scripts/cost --check            also fails if a count exceeds its budget (cost_budgets.json)
    scripts/cost --write FILE       also replaces the generated part of this document

The counts at one order a second are of orders that are sent so. At a hundred, the batches are those of orders that are
sent as fast as this machine takes them, at a rate that the output names. A slower rate makes smaller batches, so the
figure is an upper bound.
"""

import argparse
import datetime
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import api_client
import cost_budgets
import cost_count
import cost_model
import cost_month
import progress
from config import ScriptError
from cost_model import Flow

BEGIN, END = "<!-- scripts/cost writes from here -->", "<!-- to here -->"


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; numbers are right-aligned."""
    header = list(header)
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *[[str(cell) for cell in row] for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def money(value: float) -> str:
    return f"{value:,.2f}"


def count(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def by_function(slow: Flow, fast: Flow) -> str:
    def row(name: str) -> list[object]:
        used = slow.usage
        return [
            f"`{name}`",
            count(slow.records(name)),
            count(slow.invocations(name)),
            count(fast.invocations(name)),
            count(slow.per_order(used.cpu_ms[name])),
            count(slow.per_order(used.lines[name])),
            count(slow.per_order(used.log_bytes[name])),
            count(slow.per_order(sum(call.requests for key, call in used.calls.items() if key[0] == name))),
        ]

    names = sorted(set(slow.usage.functions) & set(fast.usage.functions))
    header = ["function", "records", "invocations, 1/s", "100/s", "CPU ms", "lines", "log bytes", "API calls"]
    return table(header, map(row, names))


def by_line(flows: Mapping[str, Flow]) -> str:
    """Quantities and prices by line, with the floor and the distance to it."""
    quantities = {name: flow.quantities() for name, flow in flows.items()}
    dollars = {name: cost_model.per_million(of) for name, of in quantities.items()}
    floor, labels = cost_model.floor(), cost_model.prices()["variable"]

    def row(name: str) -> list[object]:
        used = [f"{quantities[rate][name]:.3g}" for rate in ("1", "100")]
        priced = [money(dollars[way][name]) for way in flows]
        return [
            labels[name]["what"].split(";")[0],
            *used,
            *priced,
            money(floor[name]),
            money(dollars["1"][name] - floor[name]),
        ]

    totals = ["**total**", "", "", *(money(cost_model.total(of)) for of in dollars.values())]
    distance = cost_model.total(dollars["1"]) - cost_model.total(floor)
    rows = [row(name) for name in floor] + [[*totals, money(cost_model.total(floor)), money(distance)]]
    header = [
        "line",
        "an order, 1/s",
        "100/s",
        "$, 1/s",
        "$, 100/s",
        "$, usual, 1/s",
        "$, usual, 100/s",
        "$, floor",
        "distance, 1/s",
    ]
    return table(header, rows)


def by_month() -> str:
    environments = {name: cost_month.fixed(name) for name in cost_month.ENVIRONMENTS}
    lines = list(next(iter(environments.values())))
    rows: list[list[object]] = [[line, *(money(of[line]) for of in environments.values())] for line in lines]
    rows.append(["**total**", *(money(sum(of.values())) for of in environments.values())])
    return table(["$ a month", *environments], rows)


def report(flows: Mapping[str, Flow]) -> str:
    slow, fast = flows["1"], flows["100"]
    achieved = fast.usage.orders / fast.usage.seconds
    outside = cost_model.outside()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    shares = [f"{cost_model.total(cost_model.per_million(flow.quantities())):.2f}" for flow in flows.values()]
    return f"""\
Counted on {today}: {slow.usage.orders} orders at one a second, and {fast.usage.orders} as fast as this machine took
them, {achieved:.0f} a second. Prices of {cost_model.prices()["as_of"]}, us-east-1.

A million orders cost **${shares[0]}** at one a second and **${shares[1]}** at a hundred; in the usual way
${shares[2]} and ${shares[3]}. Mail is ${money(outside["mail"])} more, and card fees are ${money(outside["card"])}.

### By line, for a million orders

{by_line(flows)}
### By function, for one order

{by_function(slow, fast)}
### Fixed, by month

{by_month()}"""


def write(path: Path, text: str) -> None:
    """Replaces what is between the two marks."""
    before, rest = path.read_text().split(BEGIN, 1)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END, 1)[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=20, help="orders at one a second; five times as many at once")
    parser.add_argument("--check", action="store_true", help="fail if a count exceeds its budget")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the generated part of this document")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the quantities as JSON")
    arguments = parser.parse_args()
    api_client.stack_env()
    with progress.step("Prepare a shop, and start every function"):
        shop = cost_count.OrderFixture()
        shop.warm_up()
    with progress.step(f"Count {arguments.orders} orders at one a second"):
        one = shop.send_one_per_second(arguments.orders)
    with progress.step(f"Count {5 * arguments.orders} orders at once"):
        many = shop.send_all(5 * arguments.orders)
    flows = cost_model.flows(one, many)
    text = report(flows)
    print(text)
    if arguments.write:
        write(arguments.write, text)
    if arguments.json:
        arguments.json.write_text(
            json.dumps({name: flow.quantities() for name, flow in flows.items()}, indent=2) + "\n"
        )
    if arguments.check:
        exceeded = cost_budgets.exceeded(one)
        if exceeded:
            raise ScriptError("an order uses more than its budget: " + "; ".join(exceeded))
        progress.done("every count is within its budget")


if __name__ == "__main__":
    progress.run(main)
