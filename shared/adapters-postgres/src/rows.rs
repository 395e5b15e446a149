//! Reading rows. What does not read as what it must be is a defect, and told as one.

use domain::Money;
use edge::telemetry::metrics;
use kernel::Failure;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use tokio_postgres::{
    Row,
    types::{FromSql, Json},
};

/// Counts rows that a sweep came past because they cannot be read.
const UNREADABLE: &str = "RowsUndecodable";

/// The rows that can be read. Those that cannot are said loudly and left out, so that one of them does not keep all behind it from
/// being looked after.
pub(super) fn readable<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Failure>) -> Vec<T> {
    let read = |row| {
        read(row)
            .inspect_err(|failure| {
                metrics::count(UNREADABLE, 1);
                tracing::error!(error.message = %failure, "a row cannot be read");
            })
            .ok()
    };
    rows.iter().filter_map(read).collect()
}

/// The value of a column.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &'static str) -> Result<T, Failure> {
    row.try_get(column).map_err(|error| unreadable(column, error))
}

/// The value of a text column, through the parser of its type.
pub(super) fn parsed<T, E: Display>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Failure> {
    parse(get(row, column)?).map_err(|error| unreadable(column, error))
}

/// The value of a text column, if it has one, through the parser of its type.
pub(super) fn parsed_if<T, E: Display>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Failure> {
    get::<Option<&str>>(row, column)?.map(parse).transpose().map_err(|error| unreadable(column, error))
}

/// The value of a text column that is one of a few words.
pub(super) fn word<T>(row: &Row, column: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    parsed(row, column, |text| parse(text).ok_or_else(|| format!("holds no word of ours: {text:?}")))
}

/// The value of a jsonb column.
pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, Failure> {
    get::<Json<T>>(row, column).map(|Json(value)| value)
}

/// An amount and its currency, from two columns.
pub(super) fn money(row: &Row, amount: &'static str, currency: &'static str) -> Result<Money, Failure> {
    Money::new(get(row, amount)?, get(row, currency)?).map_err(|error| unreadable(amount, error))
}

/// A column that counts, which the domain holds unsigned.
pub(super) fn count(row: &Row, column: &'static str) -> Result<u64, Failure> {
    u64::try_from(get::<i64>(row, column)?).map_err(|error| unreadable(column, error))
}

/// A count of the domain, as the database holds it.
pub(super) fn counted(count: u64) -> Result<i64, Failure> {
    i64::try_from(count).map_err(Failure::internal)
}

/// The one row of a statement that always has one.
pub(super) fn only(rows: &[Row]) -> Result<&Row, Failure> {
    match rows {
        [row] => Ok(row),
        rows => Err(Failure::internal(format!("a statement that answers one row answered {}", rows.len()))),
    }
}

fn unreadable(column: &str, error: impl Display) -> Failure {
    Failure::internal(format!("database: column {column}: {error}"))
}
