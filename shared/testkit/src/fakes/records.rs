//! In-memory fake of records.

use super::{Dependency, Records, sources::IntakeState};
use domain::{
    id::ClientId,
    record::{Position, Record, RecordId, Rollup, SourceName, payload_text, roll_up},
};
use kernel::{Date, Failure, Timestamp};
use ports::{
    ArchivedPart, MAX_ARCHIVED_PARTS, RecordArchive, RecordDays, RecordLookup, RecordPage, RecordQuery, RecordStore,
    RecordWriter, Rollups, Written,
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct RecordStoreState {
    records: BTreeMap<RecordId, Record>,
    rollups: BTreeMap<(SourceName, Timestamp), Rollup>,
    positions: BTreeMap<i32, i64>,
    pub(super) intake: IntakeState,
    /// Sources with their writers.
    sources: BTreeMap<SourceName, Vec<ClientId>>,
    days: BTreeMap<Date, Day>,
    /// The files of the archive that were added.
    parts: BTreeMap<Date, Vec<ArchivedPart>>,
    /// What is in them.
    files: BTreeMap<String, Vec<Record>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Day {
    Open,
    Closed,
    Archived,
}

impl RecordStoreState {
    /// Adds a source that these clients may write and read.
    pub(super) fn register(&mut self, source: &SourceName, writers: Vec<ClientId>) {
        self.sources.insert(source.clone(), writers);
    }

    pub(super) fn positions(&self) -> Vec<Position> {
        let position =
            |(partition, next_offset): (&i32, &i64)| Position { partition: *partition, next_offset: *next_offset };
        self.positions.iter().map(position).collect()
    }

    fn writers(&self, source: &SourceName) -> Result<Vec<ClientId>, Failure> {
        self.sources.get(source).cloned().ok_or_else(|| Failure::not_found("source"))
    }

    /// The files with records of a range, newest first.
    fn parts(&self, from: RecordBound, to: RecordBound) -> Vec<ArchivedPart> {
        let archived = self.parts.iter().filter(|(day, _)| self.days.get(day) == Some(&Day::Archived));
        let parts = archived.flat_map(|(_, parts)| parts);
        let mut parts: Vec<ArchivedPart> =
            parts.filter(|part| part.last.uuid() >= from && part.first.uuid() < to).cloned().collect();
        parts.sort_by_key(|part| std::cmp::Reverse((part.day, part.part)));
        parts.truncate(usize::try_from(MAX_ARCHIVED_PARTS).unwrap_or(usize::MAX));
        parts
    }
}

type RecordBound = kernel::Uuid;

impl Records {
    /// All records, by id.
    pub fn all(&self) -> Vec<Record> {
        self.0.inspect(|state| state.record_store.records.values().cloned().collect())
    }

    /// Adds a source that these clients may write and read.
    pub fn register(&self, source: &SourceName, writers: &[ClientId]) {
        self.0.arrange(|state| state.record_store.register(source, writers.to_vec()));
    }
}

impl RecordWriter for Records {
    async fn write(&self, records: &[Record], positions: &[Position]) -> Result<Written, Failure> {
        let step = self.0.step(Dependency::Database, "records.write", |state| {
            let store = &mut state.record_store;
            let is_closed = |day: Date| store.days.get(&day).is_some_and(|state| *state != Day::Open);
            if records.iter().any(|record| is_closed(record.id.day())) {
                return Err(Failure::field("/recorded_at", "is of a day that is archived"));
            }
            for record in records {
                store.days.insert(record.id.day(), Day::Open);
            }
            let mut new = BTreeMap::new();
            for record in records.iter().filter(|record| !store.records.contains_key(&record.id)) {
                new.entry(record.id).or_insert_with(|| record.clone());
            }
            let mut sizes = Vec::new();
            for record in new.values() {
                sizes.push((&record.source, record.id, payload_text(&record.payload)?.len()));
            }
            for rollup in roll_up(sizes) {
                let key = (rollup.source.clone(), rollup.hour);
                let sum = store.rollups.entry(key).or_insert(Rollup { records: 0, bytes: 0, ..rollup.clone() });
                sum.records += rollup.records;
                sum.bytes += rollup.bytes;
            }
            for position in positions {
                let next = store.positions.entry(position.partition).or_default();
                *next = position.next_offset.max(*next);
            }
            let count = new.len() as u64;
            store.records.extend(new);
            Ok(Written { new: count, known: records.len() as u64 - count })
        });
        step.await
    }

    async fn positions(&self) -> Result<Vec<Position>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.record_store.positions())).await
    }
}

impl RecordStore for Records {
    async fn get(&self, id: RecordId) -> Result<RecordLookup, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let store = &state.record_store;
            if let Some(record) = store.records.get(&id) {
                let writers = store.sources.get(&record.source).cloned().unwrap_or_default();
                return Ok(RecordLookup::Found { record: record.clone(), writers });
            }
            let is_archived = store.days.get(&id.day()) == Some(&Day::Archived);
            let mut parts = store.parts.get(&id.day()).filter(|_| is_archived).into_iter().flatten();
            let part = parts.find(|part| (part.first..=part.last).contains(&id)).cloned();
            Ok(part.map_or(RecordLookup::Missing, RecordLookup::Archived))
        });
        query.await
    }

    async fn list(&self, query: &RecordQuery) -> Result<RecordPage, Failure> {
        let read = self.0.query(Dependency::Database, |state| {
            let store = &state.record_store;
            let writers = store.writers(&query.source)?;
            let (from, end) = (RecordId::least(query.from), RecordId::least(query.to));
            let to = query.after.map_or(end, |after| end.min(after.uuid()));
            let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
            let of_source = store.records.values().rev().filter(|record| record.source == query.source);
            let in_range = of_source.filter(|record| record.id.uuid() >= from && record.id.uuid() < to);
            let records: Vec<Record> = in_range.take(limit).cloned().collect();
            let archived = if records.len() < limit { store.parts(from, to) } else { Vec::new() };
            Ok(RecordPage { writers, records, archived })
        });
        read.await
    }

    async fn rollups(
        &self,
        source: &SourceName,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Rollups, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let store = &state.record_store;
            let of_source = store.rollups.values().filter(|one| one.source == *source);
            let hours = of_source.filter(|one| (from..to).contains(&one.hour));
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            Ok(Rollups { writers: store.writers(source)?, hours: hours.take(limit).cloned().collect() })
        });
        query.await
    }
}

impl RecordDays for Records {
    async fn open(&self, day: Date) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "records.open", |state| {
            state.record_store.days.entry(day).or_insert(Day::Open);
            Ok(())
        });
        step.await
    }

    async fn stored(&self) -> Result<Vec<Date>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let days = state.record_store.days.iter().filter(|(_, state)| **state != Day::Archived);
            Ok(days.map(|(day, _)| *day).collect())
        });
        query.await
    }

    async fn close(&self, day: Date) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "records.close", |state| {
            if let Some(state @ Day::Open) = state.record_store.days.get_mut(&day) {
                *state = Day::Closed;
            }
            Ok(())
        });
        step.await
    }

    async fn last_part(&self, day: Date) -> Result<Option<ArchivedPart>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            Ok(state.record_store.parts.get(&day).and_then(|parts| parts.last().cloned()))
        });
        query.await
    }

    async fn page(&self, day: Date, after: Option<RecordId>, limit: u32) -> Result<Vec<Record>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let of_day = state.record_store.records.values().filter(|record| record.id.day() == day);
            let following = of_day.filter(|record| after.is_none_or(|after| record.id > after));
            Ok(following.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
        });
        query.await
    }

    async fn add_part(&self, part: &ArchivedPart) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "records.add_part", |state| {
            let parts = state.record_store.parts.entry(part.day).or_default();
            if parts.iter().all(|known| known.part != part.part) {
                parts.push(part.clone());
            }
            Ok(())
        });
        step.await
    }

    async fn retire(&self, day: Date) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "records.retire", |state| {
            let store = &mut state.record_store;
            if store.days.get(&day) != Some(&Day::Closed) {
                return Ok(());
            }
            let last = store.parts.get(&day).and_then(|parts| parts.last()).map(|part| part.last);
            if store.records.keys().any(|id| id.day() == day && last.is_none_or(|last| *id > last)) {
                return Err(Failure::internal("records are not in the archive"));
            }
            store.records.retain(|id, _| id.day() != day);
            store.days.insert(day, Day::Archived);
            Ok(())
        });
        step.await
    }
}

impl RecordArchive for Records {
    async fn put(&self, key: &str, records: &[Record]) -> Result<u64, Failure> {
        let step = self.0.step(Dependency::Archive, "records.put", |state| {
            state.record_store.files.insert(key.to_owned(), records.to_vec());
            Ok(records.len() as u64 * 100)
        });
        step.await
    }

    async fn read(&self, key: &str) -> Result<Vec<Record>, Failure> {
        let query = self.0.query(Dependency::Archive, |state| {
            state.record_store.files.get(key).cloned().ok_or_else(|| Failure::not_found("file of records"))
        });
        query.await
    }
}
