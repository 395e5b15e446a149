//! Decoding rows. A row that cannot be decoded is an internal error.

use domain::Money;
use edge::telemetry::metrics;
use kernel::{Failure, Timestamp, Uuid};
use serde::de::DeserializeOwned;
use std::fmt::Display;
use tokio_postgres::{
    Row,
    types::{FromSql, Json},
};

/// Counts rows that a sweep skipped because they cannot be decoded.
const UNDECODABLE: &str = "RowsUndecodable";

/// Where rows are from, for the log: the table with its schema, and the column of their id, a UUID or a text.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub table: &'static str,
    pub id: &'static str,
}

/// Decodes rows. Those that cannot be decoded are logged, counted and skipped, so that one of them does not block all that follow.
pub(super) fn decodable<T>(source: Source, rows: &[Row], read: impl Fn(&Row) -> Result<T, Failure>) -> Vec<T> {
    let read = |row| {
        read(row)
            .inspect_err(|failure| {
                metrics::count(UNDECODABLE, 1);
                log_undecodable(source.table, &id_of(row, source.id), failure);
            })
            .ok()
    };
    rows.iter().filter_map(read).collect()
}

/// Logs a row that is skipped. The failure names the column and the cause.
pub(super) fn log_undecodable(table: &str, id: &str, failure: &Failure) {
    tracing::error!(
        row.table = table,
        row.id = id,
        failure.code,
        failure.detail,
        failure.internal,
        "a row cannot be decoded"
    );
}

fn id_of(row: &Row, column: &'static str) -> String {
    get::<Uuid>(row, column).map(|id| id.to_string()).or_else(|_| get(row, column)).unwrap_or_default()
}

/// The first page of a list, after a position, that has a row that can be decoded; empty at the end of the list. A position is the time and
/// the id in the columns `position` of a row of `table`. `page` reads the rows after one. Pages without such a row are stepped over: an empty one is
/// taken for the end.
pub(super) async fn decodable_page<T>(
    table: &'static str,
    mut after: Option<(Timestamp, Uuid)>,
    position: (&'static str, &'static str),
    mut page: impl AsyncFnMut(Option<(Timestamp, Uuid)>) -> Result<Vec<Row>, Failure>,
    read: impl Fn(&Row) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    loop {
        let rows = page(after).await?;
        let Some(last) = rows.last() else { return Ok(vec![]) };
        let items = decodable(Source { table, id: position.1 }, &rows, &read);
        if !items.is_empty() {
            return Ok(items);
        }
        after = Some((get(last, position.0)?, get(last, position.1)?));
    }
}

/// The value of a column.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &'static str) -> Result<T, Failure> {
    row.try_get(column).map_err(|error| undecodable(column, error))
}

/// The value of a text column, parsed.
pub(super) fn parsed<T, E: Display>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Failure> {
    parse(get(row, column)?).map_err(|error| undecodable(column, error))
}

/// The value of a nullable text column, parsed.
pub(super) fn parsed_if<T, E: Display>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Failure> {
    get::<Option<&str>>(row, column)?.map(parse).transpose().map_err(|error| undecodable(column, error))
}

/// The value of a text column with a fixed set of words.
pub(super) fn word<T>(row: &Row, column: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    known(column, get(row, column)?, parse)
}

/// The value of a word that a column contains.
pub(super) fn known<T>(column: &str, word: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    parse(word).ok_or_else(|| undecodable(column, format!("contains the unknown word {word:?}")))
}

/// The value of a jsonb column.
pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, Failure> {
    get::<Json<T>>(row, column).map(|Json(value)| value)
}

/// The value of a nullable jsonb column.
pub(super) fn json_if<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<Option<T>, Failure> {
    get::<Option<Json<T>>>(row, column).map(|value| value.map(|Json(value)| value))
}

/// An amount and its currency, from two columns.
pub(super) fn money(row: &Row, amount: &'static str, currency: &'static str) -> Result<Money, Failure> {
    Money::new(get(row, amount)?, get(row, currency)?).map_err(|error| undecodable(amount, error))
}

/// The value of a `bigint` column that is never negative.
pub(super) fn count(row: &Row, column: &'static str) -> Result<u64, Failure> {
    u64::try_from(get::<i64>(row, column)?).map_err(|error| undecodable(column, error))
}

/// A count as `bigint`.
pub(super) fn bigint(count: u64) -> Result<i64, Failure> {
    i64::try_from(count).map_err(Failure::internal)
}

/// The row of a statement that always returns exactly one.
pub(super) fn only(rows: &[Row]) -> Result<&Row, Failure> {
    match rows {
        [row] => Ok(row),
        rows => Err(Failure::internal(format!("a statement that returns one row returned {}", rows.len()))),
    }
}

fn undecodable(column: &str, error: impl Display) -> Failure {
    Failure::internal(format!("database: column {column}: {error}"))
}
