//! Parquet files of rows with named columns: what archives of records, orders and windows are written as.
//!
//! A file is small enough for memory. Engines such as DuckDB and Athena read it: times are instants in UTC, ids have the logical type UUID.
//! Columns are compressed with Snappy, which every reader has.

mod read;
mod write;

#[cfg(test)]
mod tests;

pub use read::read;
pub use write::write;

use kernel::{Date, Failure, Timestamp, Uuid};

/// A column of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnKind,
    /// Whether a row may have [`Value::Null`] there.
    pub is_optional: bool,
}

impl Column {
    /// A column that has a value in every row.
    pub const fn new(name: &'static str, kind: ColumnKind) -> Self {
        Self { name, kind, is_optional: false }
    }

    /// A column without a value in some rows.
    pub const fn optional(name: &'static str, kind: ColumnKind) -> Self {
        Self { name, kind, is_optional: true }
    }
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Text,
    Integer,
    Boolean,
    /// A binary floating-point number, for what is measured. Amounts of money are integers in minor units.
    Number,
    /// An instant, to the microsecond.
    Time,
    Date,
    Uuid,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Text(String),
    Integer(i64),
    Boolean(bool),
    Number(f64),
    Time(Timestamp),
    Date(Date),
    Uuid(Uuid),
}

impl Value {
    /// The kind of the columns that may have it; `None` for null.
    const fn kind(&self) -> Option<ColumnKind> {
        match self {
            Self::Null => None,
            Self::Text(_) => Some(ColumnKind::Text),
            Self::Integer(_) => Some(ColumnKind::Integer),
            Self::Boolean(_) => Some(ColumnKind::Boolean),
            Self::Number(_) => Some(ColumnKind::Number),
            Self::Time(_) => Some(ColumnKind::Time),
            Self::Date(_) => Some(ColumnKind::Date),
            Self::Uuid(_) => Some(ColumnKind::Uuid),
        }
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! values {
    ($($from:ty => $variant:ident;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

values! {
    String => Text;
    &str => Text;
    i64 => Integer;
    u32 => Integer;
    bool => Boolean;
    f64 => Number;
    Timestamp => Time;
    Date => Date;
    Uuid => Uuid;
}

/// The values of a row, in the order of the columns.
pub type Row = Vec<Value>;

fn failed(cause: impl std::fmt::Display) -> Failure {
    Failure::internal(format!("parquet: {cause}"))
}
