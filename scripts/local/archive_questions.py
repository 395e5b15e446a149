"""The questions of docs/questions, asked of a Parquet archive with DuckDB, and their answers from the generated orders.

It needs the Python environment of scripts/setup --flink.
"""

import math
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

import config
from stream_events import CANARY, GeneratedOrders, Key, Order

QUESTIONS = config.ROOT / "docs" / "questions"
TABLES = ("orders", "order_lines", "payments", "stock", "windows")

Rows = list[tuple[Any, ...]]


def connect(archive: Path) -> duckdb.DuckDBPyConnection:
    """A database with the tables of the archive."""
    connection = duckdb.connect()
    for table in TABLES:
        files = f"{archive}/{table}/dt=*/part-*"
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)")
    return connection


def repeat_rows(archive: Path) -> None:
    """Adds a copy of each file, as a later job writes what the topics still have."""
    for file in list(archive.glob("*/dt=*/part-*")):
        shutil.copyfile(file, file.with_name(f"{file.name}-again"))


def figures(connection: duckdb.DuckDBPyConnection) -> dict[Key, tuple[int, int, int]]:
    """The newest version of each figure of the windows."""
    rows = connection.execute(
        "SELECT epoch(window_start)::BIGINT, currency, dimension, item, "
        "max_by(events, records), max_by(amount, records), max_by(units, records) FROM windows GROUP BY ALL"
    ).fetchall()
    return {row[:4]: row[4:] for row in rows}


def has(archive: Path, expected: dict[Key, tuple[int, int, int]]) -> bool:
    """Whether the archive of the windows has these figures; not before it has a file of each table."""
    try:
        return figures(connect(archive)) == expected
    except duckdb.IOException:
        return False


def ask(connection: duckdb.DuckDBPyConnection, question: str) -> Rows:
    rows: Rows = connection.execute((QUESTIONS / f"{question}.sql").read_text()).fetchall()
    return rows


def questions() -> list[str]:
    return sorted(path.stem for path in QUESTIONS.glob("*.sql"))


# ---- the answers ------------------------------------------------------------------------------------------------


def _sold(generated: GeneratedOrders) -> Iterator[tuple[Order, datetime]]:
    """Confirmed orders, without the canary's, and when they were confirmed."""
    for order in generated.orders:
        if order.confirmed and order.user_id != CANARY:
            yield order, order.confirmed


def _tenths(value: float) -> float:
    """A number of tenths, rounded half up as SQL does, and not half to even as `round` does.

    Half a tenth of hours or percent is no number of the machine: the program and SQL would round it to other sides.
    """
    return math.floor(value + 0.5) / 10


def _revenue_by_week_and_country(generated: GeneratedOrders) -> Rows:
    weeks: dict[tuple[datetime, str, str], list[int]] = defaultdict(list)
    for order, confirmed in _sold(generated):
        # DuckDB has timestamps without zone.
        day = confirmed.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        week = day - timedelta(days=confirmed.weekday())
        weeks[week, order.country, order.currency].append(order.total)
    return sorted((*key, len(totals), sum(totals)) for key, totals in weeks.items())


def _repeat_customers(generated: GeneratedOrders) -> Rows:
    customers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for order, _ in _sold(generated):
        customers[order.currency, order.user_id].append(order.total)
    groups: dict[tuple[str, bool], list[list[int]]] = defaultdict(list)
    for (currency, _), totals in customers.items():
        groups[currency, len(totals) > 1].append(totals)
    return sorted(
        (*key, len(group), sum(len(totals) for totals in group), sum(sum(totals) for totals in group))
        for key, group in groups.items()
    )


def _time_to_delivery(generated: GeneratedOrders) -> Rows:
    waits: dict[str, list[int]] = defaultdict(list)
    for order, _ in _sold(generated):
        if order.delivered:
            waits[order.country].append(int(order.delivered.timestamp()) - int(order.placed.timestamp()))
    return sorted(
        (country, len(times), _tenths(sum(times) / len(times) / 360), _tenths(max(times) / 360))
        for country, times in waits.items()
    )


def _refund_rate_by_product(generated: GeneratedOrders) -> Rows:
    sold: Counter[str] = Counter()
    refunded: Counter[str] = Counter()
    for order, _ in _sold(generated):
        for product, _, _ in order.lines:
            sold[product] += 1
            refunded[product] += order.is_refunded
    return sorted((product, n, refunded[product], _tenths(1000 * refunded[product] / n)) for product, n in sold.items())


def _stock_outs(generated: GeneratedOrders) -> Rows:
    refused: dict[str, list[int]] = defaultdict(list)
    for order in generated.orders:
        for product, units, _ in order.lines if order.is_refused else ():
            refused[product].append(units)
    products = refused.keys() | generated.sold_out.keys()
    return sorted((each, generated.sold_out[each], len(refused[each]), sum(refused[each])) for each in products)


def answer(generated: GeneratedOrders, question: str) -> Rows:
    """What a question must return for the generated orders."""
    answers = {
        "refund-rate-by-product": _refund_rate_by_product,
        "repeat-customers": _repeat_customers,
        "revenue-by-week-and-country": _revenue_by_week_and_country,
        "stock-outs": _stock_outs,
        "time-to-delivery": _time_to_delivery,
    }
    return answers[question](generated)
