//! The functions of records.

use super::*;

/// Whoever may use sources. The handlers ask the source which of them.
const SOURCE_USERS: Auth = Roles(&[STAFF, ADMIN, SERVICE]);

functions! {
    /// Writes accepted records from the topic to the database, in bulk.
    RECORD_WRITE = Function::new("record-write", Records)
        .triggered(Kafka(&[&RECORD_TOPIC])).uses(&[Uses::Postgres]).timeout(60)
        .batched(2000, 2).memory(1024).concurrency(8);
    /// Accepts records.
    RECORD_CREATE = Function::new("record-create", Records).http(Post, "/api/v1/data", SOURCE_USERS).idempotent()
        .uses(&[Uses::Postgres, Uses::KafkaTopic(&RECORD_TOPIC), Uses::RecordBacklog]).timeout(15).memory(512);
    /// Returns a record.
    RECORD_GET = Function::new("record-get", Records).http(Get, "/api/v1/data/{id}", SOURCE_USERS)
        .uses(&[Uses::PostgresRead, Uses::Redis, Uses::Bucket(&RECORD_ARCHIVE, &[GetObject, ListBucket])]).timeout(20).memory(512);
    /// Lists the records of a source.
    RECORD_LIST = Function::new("record-list", Records).http(Get, "/api/v1/data", SOURCE_USERS)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&RECORD_ARCHIVE, &[GetObject, ListBucket])]).timeout(20).memory(512);
    /// Lists how many records a source has of each hour.
    RECORD_ROLLUP_LIST = Function::new("record-rollup-list", Records)
        .http(Get, "/api/v1/data/sources/{name}/rollups", SOURCE_USERS).uses(&[Uses::PostgresRead]);
    /// Creates a source of records.
    SOURCE_CREATE = Function::new("source-create", Records).http(Post, "/api/v1/data/sources", STAFF_OR_ADMIN)
        .honours_key().uses(&[Uses::Postgres]);
    /// Lists the sources of records.
    SOURCE_LIST = Function::new("source-list", Records).http(Get, "/api/v1/data/sources", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);
    /// Returns a source of records.
    SOURCE_GET = Function::new("source-get", Records).http(Get, "/api/v1/data/sources/{name}", SOURCE_USERS)
        .uses(&[Uses::PostgresRead]);
    /// Registers the next version of the schema of a source.
    SOURCE_SCHEMA_ADD = Function::new("source-schema-add", Records)
        .http(Post, "/api/v1/data/sources/{name}/schemas", STAFF_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Closes a source of records.
    SOURCE_CLOSE = Function::new("source-close", Records)
        .http(Delete, "/api/v1/data/sources/{name}", STAFF_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Makes the partitions of the next days, and moves days past their retention to the archive.
    RECORD_PARTITION = Function::new("record-partition", Records).triggered(Schedule { minutes: 60 })
        .uses(&[Uses::Postgres, Uses::Bucket(&RECORD_ARCHIVE, &[PutObject])]).timeout(600).memory(1024).concurrency(1);
}
