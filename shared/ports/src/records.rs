//! Ports of records.

use domain::{
    id::ClientId,
    record::{Position, Record, RecordId, Rollup, SourceName},
};
use kernel::{Date, Failure, Timestamp};

pub trait RecordWriter {
    /// Writes the records that are not there yet, adds them to the sums of their hours, and moves the positions forward: all of it or
    /// nothing. A record that is there already, or twice in the batch, changes nothing. A day without a partition gets one. `Invalid` if a
    /// record is of a day that is archived.
    async fn write(&self, records: &[Record], positions: &[Position]) -> Result<Written, Failure>;

    /// How far each partition of the topic is written, ordered by partition. One of which nothing is written is missing.
    async fn positions(&self) -> Result<Vec<Position>, Failure>;
}

/// Result of writing a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Records that were not there.
    pub new: u64,
    /// Records that were there already, or twice in the batch.
    pub known: u64,
}

pub trait RecordStore {
    /// A record by its id, in one round trip.
    async fn get(&self, id: RecordId) -> Result<RecordLookup, Failure>;

    /// The records of a source within a range, newest first, in one round trip; `NotFound` if there is no such source.
    async fn list(&self, query: &RecordQuery) -> Result<RecordPage, Failure>;

    /// The sums of a source from one hour to another, oldest first, at most `limit`; `NotFound` if there is no such source.
    async fn rollups(
        &self,
        source: &SourceName,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Rollups, Failure>;
}

/// Where a record is.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordLookup {
    Found {
        record: Record,
        /// The clients that may read it.
        writers: Vec<ClientId>,
    },
    /// Its day is archived, and this file would have it.
    Archived(ArchivedPart),
    /// There is no such record.
    Missing,
}

/// Selects records of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordQuery {
    pub source: SourceName,
    /// The earliest time of a record.
    pub from: Timestamp,
    /// The time before which a record is.
    pub to: Timestamp,
    /// Where the page before ended: the record after which this one begins.
    pub after: Option<RecordId>,
    pub limit: u32,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// The clients that may read the source.
    pub writers: Vec<ClientId>,
    /// Newest first; as many as asked for, unless the database has no more.
    pub records: Vec<Record>,
    /// The files of the archive with records of the range, newest first, at most [`MAX_ARCHIVED_PARTS`]. Every record in them is older
    /// than those of the page, because days are archived in order.
    pub archived: Vec<ArchivedPart>,
}

/// Maximum number of archive files that one page names. It bounds the work of a reader.
pub const MAX_ARCHIVED_PARTS: u32 = 4;

/// Sums of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollups {
    /// The clients that may read the source.
    pub writers: Vec<ClientId>,
    pub hours: Vec<Rollup>,
}

/// A file of the archive: the records of a range of ids of a day, of all sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedPart {
    pub day: Date,
    /// 1 for the first of the day.
    pub part: u32,
    pub key: String,
    pub first: RecordId,
    pub last: RecordId,
    pub records: u64,
    /// Size of the file.
    pub bytes: u64,
}

/// The days of records: partitions of the table.
pub trait RecordDays {
    /// Makes the partition of a day unless there is, or was, one.
    async fn open(&self, day: Date) -> Result<(), Failure>;

    /// The days with a partition, oldest first.
    async fn stored(&self) -> Result<Vec<Date>, Failure>;

    /// Makes a day read-only after the writes in progress have committed. Repeating it changes nothing.
    async fn close(&self, day: Date) -> Result<(), Failure>;

    /// The last file of the archive of a day, if it has one.
    async fn last_part(&self, day: Date) -> Result<Option<ArchivedPart>, Failure>;

    /// Records of a closed day after one of them, in the order of their ids.
    async fn page(&self, day: Date, after: Option<RecordId>, limit: u32) -> Result<Vec<Record>, Failure>;

    /// Says that a file of the archive is complete. Repeating it changes nothing.
    async fn add_part(&self, part: &ArchivedPart) -> Result<(), Failure>;

    /// Drops the partition of a closed day whose records are all in the files that were added: from then on readers find them there alone.
    /// `Internal` if a record is in no file. Repeating it changes nothing.
    async fn retire(&self, day: Date) -> Result<(), Failure>;
}

/// The files of the archive of records.
pub trait RecordArchive {
    /// Stores a file, and returns its size. Storing the same file again replaces it.
    async fn put(&self, key: &str, records: &[Record]) -> Result<u64, Failure>;

    /// The records of a file; `NotFound` if there is none.
    async fn read(&self, key: &str) -> Result<Vec<Record>, Failure>;
}
