//! Files are read as they were written, and others are refused.

use super::*;

const COLUMNS: &[Column] = &[
    Column::new("id", ColumnKind::Uuid),
    Column::new("source", ColumnKind::Text),
    Column::new("count", ColumnKind::Integer),
    Column::new("is_paid", ColumnKind::Boolean),
    Column::new("at", ColumnKind::Time),
    Column::new("day", ColumnKind::Date),
    Column::optional("weight", ColumnKind::Number),
    Column::optional("note", ColumnKind::Text),
    Column::optional("parent", ColumnKind::Uuid),
];

fn row(number: i64) -> Row {
    let at = Timestamp::from_microsecond(1_795_250_880_123_456 + number).unwrap();
    let is_even = number % 2 == 0;
    vec![
        Uuid::from_u128(number.unsigned_abs().into()).into(),
        format!("source-{}", number % 7).into(),
        (number * -3).into(),
        is_even.into(),
        at.into(),
        Date::constant(1969, 12, 31).into(),
        is_even.then_some(0.5).into(),
        is_even.then(|| "ä ⚓".to_owned()).into(),
        is_even.then_some(Uuid::from_u128(7)).into(),
    ]
}

#[test]
fn rows_are_read_as_they_were_written() {
    // Up to more than a group.
    for count in [0, 1, 2, 50_003] {
        let rows: Vec<Row> = (0..count).map(row).collect();
        let file = write(COLUMNS, &rows).unwrap();
        assert!(read(COLUMNS, file).unwrap() == rows, "{count} rows");
    }
}

#[test]
fn dates_of_every_century_are_read_as_they_were_written() {
    let columns = [Column::new("day", ColumnKind::Date)];
    let dates = [Date::constant(1, 1, 1), Date::constant(1900, 3, 1), Date::constant(2400, 2, 29)];
    let rows: Vec<Row> = dates.map(|date| vec![date.into()]).into();
    assert_eq!(read(&columns, write(&columns, &rows).unwrap()), Ok(rows));
}

#[test]
fn row_of_another_shape_is_refused() {
    let column = [Column::new("count", ColumnKind::Integer)];
    for bad in [vec![], vec![Value::Null], vec![Value::Text("1".into())], vec![1_i64.into(), 2_i64.into()]] {
        assert!(write(&column, &[bad]).is_err());
    }
}

#[test]
fn file_with_other_columns_is_refused() {
    let file = write(&[Column::new("count", ColumnKind::Integer)], &[vec![1_i64.into()]]).unwrap();
    for other in [
        &[Column::new("sum", ColumnKind::Integer)][..],
        &[Column::new("count", ColumnKind::Text)],
        &[Column::new("count", ColumnKind::Integer), Column::new("sum", ColumnKind::Integer)],
    ] {
        assert!(read(other, file.clone()).is_err());
    }
    assert!(read(COLUMNS, b"no file".to_vec()).is_err());
}

#[test]
fn repeated_text_takes_little_room() {
    let columns = [Column::new("source", ColumnKind::Text)];
    let rows: Vec<Row> = (0..10_000).map(|number| vec![format!("greenhouse-{}", number % 5).into()]).collect();
    assert!(write(&columns, &rows).unwrap().len() < 10_000);
}
