//! Reading records whose days are in the archive.

use domain::record::{Record, RecordId};
use kernel::Failure;
use ports::{ArchivedPart, RecordArchive, RecordPage, RecordQuery};

/// Finds a record in its archive file.
pub async fn archived_record(
    archive: &impl RecordArchive,
    part: &ArchivedPart,
    id: RecordId,
) -> Result<Option<Record>, Failure> {
    Ok(archive.read(&part.key).await?.into_iter().find(|record| record.id == id))
}

/// Adds records of the archive to a page that the database could not fill: of the files that the page names, in their order, until it is
/// full. Returns the record after which the next page begins, `None` at the end.
pub async fn complete_page(
    archive: &impl RecordArchive,
    query: &RecordQuery,
    page: &mut RecordPage,
) -> Result<Option<RecordId>, Failure> {
    let limit = usize::try_from(query.limit).map_err(Failure::internal)?;
    let end = RecordId::least(query.to);
    let to = query.after.map_or(end, |after| end.min(after.uuid()));
    let from = RecordId::least(query.from);
    let mut next = None;
    for part in &page.archived {
        if page.records.len() >= limit {
            break;
        }
        let is_wanted =
            |record: &Record| record.source == query.source && record.id.uuid() >= from && record.id.uuid() < to;
        let mut records: Vec<Record> = archive.read(&part.key).await?.into_iter().filter(is_wanted).collect();
        records.sort_by_key(|record| std::cmp::Reverse(record.id));
        page.records.extend(records);
        // What is before this file is not read yet.
        next = Some(part.first);
    }
    if page.records.len() >= limit {
        page.records.truncate(limit);
        next = page.records.last().map(|record| record.id);
    } else if page.archived.len() < usize::try_from(ports::MAX_ARCHIVED_PARTS).map_err(Failure::internal)? {
        next = None;
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::record::SourceName;
    use futures_util::FutureExt as _;
    use kernel::Timestamp;
    use serde_json::Map;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Files(BTreeMap<String, Vec<Record>>);

    impl RecordArchive for Files {
        async fn put(&self, _: &str, _: &[Record]) -> Result<u64, Failure> {
            Err(Failure::internal("nothing is stored here"))
        }

        async fn read(&self, key: &str) -> Result<Vec<Record>, Failure> {
            self.0.get(key).cloned().ok_or_else(|| Failure::not_found("file"))
        }
    }

    fn record(second: i64) -> Record {
        let at = Timestamp::from_second(1_795_250_880 + second).unwrap();
        Record {
            id: RecordId::new(at, 1),
            source: SourceName::parse(if second % 2 == 0 { "even" } else { "odd" }).unwrap(),
            schema_version: 1,
            received_at: at,
            payload: Map::new(),
        }
    }

    /// An archive of files with ten records each, and what the database says of them, newest first.
    fn archive(files: i64) -> (Files, Vec<ArchivedPart>) {
        let (mut archive, mut parts) = (Files::default(), Vec::new());
        for number in (0..files).rev() {
            let records: Vec<Record> = (number * 10..number * 10 + 10).map(record).collect();
            parts.push(ArchivedPart {
                day: records[0].id.day(),
                part: u32::try_from(number).unwrap() + 1,
                key: format!("file-{number}"),
                first: records[0].id,
                last: records[9].id,
                records: 10,
                bytes: 1,
            });
            archive.0.insert(format!("file-{number}"), records);
        }
        (archive, parts)
    }

    fn read((archive, archived): (Files, Vec<ArchivedPart>), limit: u32) -> (Vec<RecordId>, Option<RecordId>) {
        let query = RecordQuery {
            source: SourceName::parse("even").unwrap(),
            from: record(3).received_at,
            to: record(100).received_at,
            after: None,
            limit,
        };
        let mut page = RecordPage { writers: Vec::new(), records: vec![record(90)], archived };
        let next = complete_page(&archive, &query, &mut page).now_or_never().unwrap().unwrap();
        (page.records.iter().map(|record| record.id).collect(), next)
    }

    #[test]
    fn page_is_filled_from_the_newest_files_and_says_where_the_next_one_begins() {
        let ids = |seconds: &[i64]| seconds.iter().map(|second| record(*second).id).collect::<Vec<_>>();
        assert_eq!(read(archive(2), 3), (ids(&[90, 18, 16]), Some(record(16).id)));
        assert_eq!(read(archive(2), 100), (ids(&[90, 18, 16, 14, 12, 10, 8, 6, 4]), None));
        let (read, next) = read(archive(4), 100);
        assert_eq!((read.len(), next), (19, Some(record(0).id)), "there may be older files");
    }

    #[test]
    fn record_of_the_archive_is_found_in_its_file() {
        let (archive, parts) = archive(1);
        let read = |id| archived_record(&archive, &parts[0], id).now_or_never().unwrap().unwrap();
        assert_eq!(read(record(4).id), Some(record(4)));
        assert_eq!(read(RecordId::new(record(4).received_at, u128::MAX)), None);
    }
}
