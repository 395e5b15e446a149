//! Contract of [`RecordArchive`].

use super::{Fixture, fresh, later, now};
use domain::record::{Record, RecordId, SourceName};
use futures_util::future::join_all;
use kernel::FailureKind;
use ports::RecordArchive;
use serde_json::{Map, Value, json};

/// Generates one test per rule of [`RecordArchive`]. The expression is a future of a `Fixture<impl RecordArchive>`.
#[macro_export]
macro_rules! contract_record_archive {
    ($fixture:expr) => {
        $crate::each_rule! { record_archive, $fixture;
            records_of_a_file_are_read_as_they_were_stored_and_in_their_order
            file_that_is_stored_again_replaces_the_first
            file_that_several_processes_store_at_once_is_whole
            file_that_is_not_stored_is_not_found
        }
    };
}

fn a_key() -> String {
    format!("records/day=2026-11-21/{}.parquet", fresh())
}

fn record(seconds: i64, payload: &Value) -> Record {
    Record {
        id: RecordId::new(later(seconds), fresh().as_u128()),
        source: SourceName::parse("greenhouse").expect("a name"),
        schema_version: 3,
        received_at: now(),
        payload: payload.as_object().cloned().expect("an object"),
    }
}

pub async fn records_of_a_file_are_read_as_they_were_stored_and_in_their_order(fixture: &Fixture<impl RecordArchive>) {
    let (key, text) = (a_key(), "ü 照明 ⚓ \" \\ \n".repeat(500));
    let payloads = [
        json!({ "temperature": -21.5, "most": u64::MAX, "least": i64::MIN, "at": [{ "a": null }, true] }),
        json!({}),
        json!({ "text": text, "": "" }),
    ];
    let mut records: Vec<Record> = (0..).zip(&payloads).map(|(n, payload)| record(n, payload)).collect();
    records.extend((10..500).map(|n| record(n, &json!({ "n": n }))));
    assert!(fixture.port().put(&key, &records).await.expect("stored") > 0);
    assert_eq!(fixture.port().read(&key).await, Ok(records));
}

pub async fn file_that_is_stored_again_replaces_the_first(fixture: &Fixture<impl RecordArchive>) {
    let (key, other) = (a_key(), a_key());
    let [first, second, beside] = [1, 2, 3].map(|n| [record(n, &json!({ "n": n }))]);
    for (key, records) in [(&key, &first), (&other, &beside), (&key, &second), (&key, &second)] {
        fixture.port().put(key, records).await.expect("stored");
    }
    assert_eq!(fixture.port().read(&key).await, Ok(second.to_vec()));
    assert_eq!(fixture.port().read(&other).await, Ok(beside.to_vec()));
}

pub async fn file_that_several_processes_store_at_once_is_whole(fixture: &Fixture<impl RecordArchive>) {
    let key = a_key();
    let files: Vec<Vec<Record>> =
        (0..4).map(|file| (0..100).map(|n| record(n, &json!({ "file": file }))).collect()).collect();
    let stored = join_all(fixture.concurrent(4).zip(&files).map(|(archive, file)| archive.put(&key, file))).await;
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    let read = fixture.port().read(&key).await.expect("a file");
    assert!(files.contains(&read), "records of several files");
}

pub async fn file_that_is_not_stored_is_not_found(fixture: &Fixture<impl RecordArchive>) {
    let failure = fixture.port().read(&a_key()).await.expect_err("there is none");
    assert_eq!(failure.kind, FailureKind::NotFound);
    let sparse = Record { payload: Map::new(), ..record(1, &json!({})) };
    fixture.port().put(&a_key(), &[sparse]).await.expect("stored");
    assert_eq!(fixture.port().read(&a_key()).await.expect_err("another one").kind, FailureKind::NotFound);
}
