//! The functions of records.

use super::*;

functions! {
    /// Writes accepted records from the topic to the database, in bulk.
    RECORD_WRITE = Function::new("record-write", Records)
        .triggered(Kafka(&[&RECORD_TOPIC])).uses(&[Uses::Postgres]).timeout(60)
        .gathering(2000, 2).memory(1024).concurrency(8);
}
