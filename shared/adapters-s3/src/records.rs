//! The archive of records: Parquet files.

use adapters::aws;
use adapters_parquet::{Column, ColumnKind, Row, Value};
use aws_sdk_s3::{Client, error::SdkError, operation::get_object::GetObjectError, primitives::ByteStream};
use domain::record::{Record, RecordId, SourceName, payload_text};
use kernel::Failure;
use ports::RecordArchive;

const DEPENDENCY: &str = "archive of records";

/// The columns of a file. The time of a record is in its id as well; queries compare times.
const COLUMNS: &[Column] = &[
    Column::new("id", ColumnKind::Uuid),
    Column::new("source", ColumnKind::Text),
    Column::new("recorded_at", ColumnKind::Time),
    Column::new("received_at", ColumnKind::Time),
    Column::new("schema_version", ColumnKind::Integer),
    Column::new("payload", ColumnKind::Text),
];

/// Files of records in a bucket.
#[derive(Debug, Clone)]
pub struct S3Records {
    client: Client,
    bucket: String,
}

impl S3Records {
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }
}

impl RecordArchive for S3Records {
    async fn put(&self, key: &str, records: &[Record]) -> Result<u64, Failure> {
        let rows: Vec<Row> = records.iter().map(row).collect::<Result<_, _>>()?;
        let file = adapters_parquet::write(COLUMNS, &rows)?;
        let bytes = file.len() as u64;
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type("application/vnd.apache.parquet");
        put.body(ByteStream::from(file)).send().await.map_err(|error| aws::to_failure(DEPENDENCY, &error))?;
        Ok(bytes)
    }

    async fn read(&self, key: &str) -> Result<Vec<Record>, Failure> {
        let object = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if matches!(error.err(), GetObjectError::NoSuchKey(_)) => {
                return Err(Failure::not_found("file of records"));
            }
            Err(error) => return Err(aws::to_failure(DEPENDENCY, &error)),
        };
        let file = object.body.collect().await.map_err(|error| Failure::unavailable(DEPENDENCY, error))?;
        adapters_parquet::read(COLUMNS, file.to_vec())?.into_iter().map(record).collect()
    }
}

fn row(record: &Record) -> Result<Row, Failure> {
    Ok(vec![
        record.id.uuid().into(),
        record.source.as_str().into(),
        record.id.recorded_at().into(),
        record.received_at.into(),
        record.schema_version.into(),
        payload_text(&record.payload)?.into(),
    ])
}

fn record(row: Row) -> Result<Record, Failure> {
    let [
        Value::Uuid(id),
        Value::Text(source),
        _,
        Value::Time(received_at),
        Value::Integer(version),
        Value::Text(payload),
    ] = row.as_slice()
    else {
        return Err(Failure::internal("a row of the archive of records has another form"));
    };
    Ok(Record {
        id: RecordId::try_from(*id).map_err(Failure::internal)?,
        source: SourceName::parse(source).map_err(Failure::internal)?,
        schema_version: u32::try_from(*version).map_err(Failure::internal)?,
        received_at: *received_at,
        payload: serde_json::from_str(payload).map_err(Failure::internal)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;
    use serde_json::{Map, json};

    #[test]
    fn record_is_read_from_a_file_as_it_was() {
        let at: Timestamp = "2026-11-21T08:45:00.123Z".parse().unwrap();
        let archived = Record {
            id: RecordId::new(at, 7),
            source: SourceName::parse("greenhouse").unwrap(),
            schema_version: 3,
            received_at: "2026-11-21T08:45:01.123456Z".parse().unwrap(),
            payload: Map::from_iter([("temperature".to_owned(), json!(-21.5)), ("at".to_owned(), json!({ "a": [1] }))]),
        };
        let file = adapters_parquet::write(COLUMNS, &[row(&archived).unwrap()]).unwrap();
        let rows = adapters_parquet::read(COLUMNS, file).unwrap();
        assert_eq!(rows.into_iter().map(record).collect::<Result<Vec<_>, _>>(), Ok(vec![archived]));
    }
}
