//! A file to rows.

use crate::{Column, ColumnKind, Row, Value, failed};
use bytes::Bytes;
use kernel::{Date, Failure, Timestamp, Uuid};
use parquet::{
    file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
    record::Field,
};

/// The rows of a file that [`write`](crate::write) made with these columns. `Internal` if it has others.
pub fn read(columns: &[Column], file: Vec<u8>) -> Result<Vec<Row>, Failure> {
    let reader = SerializedFileReader::new(Bytes::from(file)).map_err(failed)?;
    let rows = reader.get_row_iter(None).map_err(failed)?;
    rows.map(|row| row_of(columns, &row.map_err(failed)?)).collect()
}

fn row_of(columns: &[Column], row: &parquet::record::Row) -> Result<Row, Failure> {
    let found: Vec<(&String, &Field)> = row.get_column_iter().collect();
    if found.len() != columns.len() {
        return Err(failed(format!("a file with {} columns instead of {}", found.len(), columns.len())));
    }
    let value = |(column, (name, field)): (&Column, &(&String, &Field))| match column.name == name.as_str() {
        true => value_of(*column, field),
        false => Err(failed(format!("the column {name} instead of {}", column.name))),
    };
    columns.iter().zip(&found).map(value).collect()
}

fn value_of(column: Column, field: &Field) -> Result<Value, Failure> {
    let value = match (column.kind, field) {
        (_, Field::Null) if column.is_optional => Some(Value::Null),
        (ColumnKind::Text, Field::Str(text)) => Some(Value::Text(text.clone())),
        (ColumnKind::Integer, Field::Long(number)) => Some(Value::Integer(*number)),
        (ColumnKind::Boolean, Field::Bool(is_true)) => Some(Value::Boolean(*is_true)),
        (ColumnKind::Number, Field::Double(number)) => Some(Value::Number(*number)),
        (ColumnKind::Time, Field::TimestampMicros(micros)) => {
            Timestamp::from_microsecond(*micros).ok().map(Value::Time)
        }
        (ColumnKind::Date, Field::Date(days)) => date_of(*days).map(Value::Date),
        (ColumnKind::Uuid, Field::Bytes(bytes)) => Uuid::from_slice(bytes.data()).ok().map(Value::Uuid),
        _ => None,
    };
    value.ok_or_else(|| failed(format!("a value of the column {} is not of its kind", column.name)))
}

/// The date so many days after 1970-01-01.
fn date_of(days: i32) -> Option<Date> {
    let second = i64::from(days).checked_mul(86_400)?;
    let at = Timestamp::from_second(second).ok()?;
    Some(at.to_zoned(kernel::TimeZone::UTC).date())
}
