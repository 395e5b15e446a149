//! Rows to a file.

use crate::{Column, ColumnKind, Row, Value, failed};
use kernel::{Date, Failure};
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, Int32Type, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::Type,
};
use std::sync::Arc;

/// Rows of a group: readers skip groups by the least and the greatest value of each column.
const GROUP_ROWS: usize = 50_000;

/// Name of the root of the schema, which no reader shows.
const ROOT: &str = "row";

/// Bytes of a UUID.
const UUID_BYTES: i32 = 16;

/// The file with these rows. `Internal` if a row has not one value for each column, or one of another kind.
pub fn write(columns: &[Column], rows: &[Row]) -> Result<Vec<u8>, Failure> {
    check(columns, rows)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema(columns)?), Arc::new(properties)).map_err(failed)?;
    for rows in rows.chunks(GROUP_ROWS) {
        let mut group = file.next_row_group().map_err(failed)?;
        for (index, column) in columns.iter().enumerate() {
            let mut writer = group.next_column().map_err(failed)?.ok_or_else(|| failed("a column is missing"))?;
            write_column(&mut writer, *column, rows.iter().filter_map(|row| row.get(index)))?;
            writer.close().map_err(failed)?;
        }
        group.close().map_err(failed)?;
    }
    file.into_inner().map_err(failed)
}

fn check(columns: &[Column], rows: &[Row]) -> Result<(), Failure> {
    for row in rows {
        if row.len() != columns.len() {
            return Err(failed(format!("a row has {} values for {} columns", row.len(), columns.len())));
        }
        for (column, value) in columns.iter().zip(row) {
            if value.kind().map_or(!column.is_optional, |kind| kind != column.kind) {
                return Err(failed(format!("a value of the column {} is not of its kind", column.name)));
            }
        }
    }
    Ok(())
}

fn schema(columns: &[Column]) -> Result<Type, Failure> {
    let fields = columns.iter().map(|column| field(*column).map(Arc::new)).collect::<Result<_, _>>()?;
    Type::group_type_builder(ROOT).with_fields(fields).build().map_err(failed)
}

fn field(column: Column) -> Result<Type, Failure> {
    let (physical, logical) = match column.kind {
        ColumnKind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnKind::Integer => (PhysicalType::INT64, None),
        ColumnKind::Boolean => (PhysicalType::BOOLEAN, None),
        ColumnKind::Number => (PhysicalType::DOUBLE, None),
        ColumnKind::Time => (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        ColumnKind::Date => (PhysicalType::INT32, Some(LogicalType::Date)),
        ColumnKind::Uuid => (PhysicalType::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid)),
    };
    let repetition = if column.is_optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let builder = Type::primitive_type_builder(column.name, physical).with_repetition(repetition);
    let length = if column.kind == ColumnKind::Uuid { UUID_BYTES } else { -1 };
    builder.with_logical_type(logical).with_length(length).build().map_err(failed)
}

/// Days from 1970-01-01.
pub(crate) fn days_since_epoch(date: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    date.since(epoch).map_or(0, |span| span.get_days())
}

fn write_column<'a>(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column,
    values: impl Iterator<Item = &'a Value>,
) -> Result<(), Failure> {
    let values: Vec<&Value> = values.collect();
    match column.kind {
        ColumnKind::Text => put::<ByteArrayType>(writer, column, &values, |value| match value {
            Value::Text(text) => Some(ByteArray::from(text.as_str())),
            _ => None,
        }),
        ColumnKind::Integer => put::<Int64Type>(writer, column, &values, |value| match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        }),
        ColumnKind::Boolean => put::<BoolType>(writer, column, &values, |value| match value {
            Value::Boolean(is_true) => Some(*is_true),
            _ => None,
        }),
        ColumnKind::Number => put::<DoubleType>(writer, column, &values, |value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        }),
        ColumnKind::Time => put::<Int64Type>(writer, column, &values, |value| match value {
            Value::Time(at) => Some(at.as_microsecond()),
            _ => None,
        }),
        ColumnKind::Date => put::<Int32Type>(writer, column, &values, |value| match value {
            Value::Date(date) => Some(days_since_epoch(*date)),
            _ => None,
        }),
        ColumnKind::Uuid => {
            put::<parquet::data_type::FixedLenByteArrayType>(writer, column, &values, |value| match value {
                Value::Uuid(id) => Some(FixedLenByteArray::from(id.as_bytes().to_vec())),
                _ => None,
            })
        }
    }
}

/// Writes those values that `of` gives, and where they are missing.
fn put<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column,
    values: &[&Value],
    of: impl Fn(&Value) -> Option<T::T>,
) -> Result<(), Failure> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(**value != Value::Null)).collect();
    let present: Vec<T::T> = values.iter().filter_map(|value| of(value)).collect();
    let levels = column.is_optional.then_some(levels.as_slice());
    writer.typed::<T>().write_batch(&present, levels, None).map(drop).map_err(failed)
}
