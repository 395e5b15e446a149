"""What the windows cost a month by either path, and from which rate on Flink costs less: the table of docs/streams.md.

stream_cost.py            print it
stream_cost.py --write    and replace the table in docs/streams.md

Computed from scripts/local/prices.json, the settings of the functions in the catalog, and the CPU time and waits of a
record in scripts/local/capacity.json. The database is left out, which the functions use and Flink does not.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import catalog
import config
import cost_model

DOCUMENT = config.ROOT / "docs" / "streams.md"
BEGIN, END = "<!-- stream_cost.py writes from here -->", "<!-- to here -->"
RATES = (0.1, 1, 10, 50, 100, 500)
# Of an order that is paid and confirmed: PaymentSucceeded and OrderConfirmed.
EVENTS = 2
# Kinesis counts each record as a kilobyte at least.
RECORD_BYTES = 1024
# Tables of the archive; each has an object and the two requests of its upload for each checkpoint.
TABLES, REQUESTS = 5, 3
STORAGE_GIB = 50
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Line:
    """Dollars a month of both paths at a rate of orders a second."""

    rate: float
    functions: float
    flink: float


def _hours() -> float:
    return float(cost_model.prices()["assumptions"]["hours_per_month"])


def _variable(name: str) -> float:
    row = cost_model.prices()["variable"][name]
    return float(row["usd"] / row["per"])


def _monthly(name: str) -> float:
    return float(cost_model.prices()["monthly"][name]["usd"])


def per_order(rate: float) -> dict[str, float]:
    """Dollars for the events of an order on their way through the functions, by line."""
    measured = json.loads(Path(__file__).with_name("capacity.json").read_text())["functions"]
    assumed = cost_model.prices()["assumptions"]
    invocations = seconds = requests = 0.0
    for name in ("analytics-feed", "window-aggregate"):
        row, use = catalog.row(name), measured[name]
        mapping = row["mappings"][0]
        pollers = assumed["pollers"][mapping["source"]]
        gathered = min(max(1.0, EVENTS * rate * mapping["window_s"] / pollers), float(mapping["batch"]))
        batches = EVENTS / gathered
        # A stream's batch is one statement; messages wait beside each other.
        waits = batches * use["wait_ms"] * max(1.0, gathered / (mapping["concurrent"] or gathered))
        cpu = EVENTS * use["cpu_ms"] * max(1.0, assumed["vcpu_memory_mb"] / row["memory_mb"])
        seconds += (cpu + waits) / 1000 * row["memory_mb"] / 1024
        invocations += batches
        if row["has_queue"]:
            requests += EVENTS + 2 * batches
    return {
        "queue": requests * _variable("queue_request"),
        "invocations": invocations * _variable("invocation"),
        "duration": seconds * _variable("gb_second"),
        "stream": EVENTS * RECORD_BYTES / cost_model.GB * _variable("stream_gb"),
    }


def functions(rate: float) -> float:
    orders = rate * _hours() * 3600
    return sum(per_order(rate).values()) * orders + _monthly("stream_hour") * _hours()


def flink(units: int = 1) -> float:
    """An application with so many KPUs, and one for orchestration."""
    kpus = (units + 1) * _monthly("flink_kpu_hour") * _hours()
    puts = TABLES * REQUESTS * _hours() * SECONDS_PER_MINUTE * _variable("object_put")
    return kpus + units * STORAGE_GIB * _monthly("flink_gib") + puts


def lines() -> list[Line]:
    return [Line(rate, functions(rate), flink()) for rate in RATES]


def break_even() -> float:
    """Orders a second from which one KPU costs less than the functions."""
    low, high = RATES[0], 10_000.0
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if functions(middle) > flink() else (middle, high)
    return high


def table() -> str:
    text = ["| orders a second | functions, $ a month | Flink, one KPU, $ a month |", "|--:|--:|--:|"]
    text += [f"| {line.rate:g} | {line.functions:,.2f} | {line.flink:,.2f} |" for line in lines()]
    parts = per_order(100)
    text += [
        "",
        f"Prices of {cost_model.prices()['as_of']}. One KPU costs less from **{break_even():.0f} orders a second** on. "
        f"At a hundred a second a million orders cost "
        + ", ".join(f"${value * cost_model.MILLION:.2f} for {name}" for name, value in parts.items())
        + f"; the stream is ${_monthly('stream_hour') * _hours():.2f} a month besides.",
    ]
    return "\n".join(text)


def written(document: str) -> str:
    """The document with the table of today."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the table in docs/streams.md")
    if parser.parse_args().write:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
    print(table())


if __name__ == "__main__":
    main()
