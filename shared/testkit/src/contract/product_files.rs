//! Contract of [`ProductFiles`].

use super::{Fixture, fresh};
use domain::product_export::PART_BYTES;
use ports::ProductFiles;

/// Generates one test per rule of [`ProductFiles`]. The expression is a future of a `Fixture<impl ProductFiles>`.
#[macro_export]
macro_rules! contract_product_files {
    ($fixture:expr) => {
        $crate::each_rule! { product_files, $fixture;
            part_of_an_object_is_read
            object_that_was_replaced_is_not_read_any_more
            missing_object_has_no_state_and_no_content
            object_of_parts_is_there_once_it_is_completed
        }
    };
}

fn a_key() -> String {
    format!("imports/{}", fresh())
}

async fn read(files: &impl ProductFiles, key: &str, etag: Option<&str>, from: u64, length: u64) -> Option<Vec<u8>> {
    files.read(key, etag, from, length).await.expect("the store responds")
}

async fn put(files: &impl ProductFiles, key: &str, text: &[u8]) -> String {
    files.put(key, text.to_vec()).await.expect("stored");
    let state = files.state(key).await.expect("the store responds").expect("an object");
    assert_eq!(state.size, text.len() as u64);
    state.etag
}

pub async fn part_of_an_object_is_read(fixture: &Fixture<impl ProductFiles>) {
    let (files, key) = (fixture.port(), a_key());
    let etag = put(files, &key, b"0123456789").await;
    for (from, length, expected) in [(0, 4, &b"0123"[..]), (4, 3, b"456"), (8, 100, b"89")] {
        assert_eq!(read(files, &key, Some(&etag), from, length).await.as_deref(), Some(expected));
        assert_eq!(read(files, &key, None, from, length).await.as_deref(), Some(expected));
    }
}

pub async fn object_that_was_replaced_is_not_read_any_more(fixture: &Fixture<impl ProductFiles>) {
    let (files, key) = (fixture.port(), a_key());
    let first = put(files, &key, b"first").await;
    let second = put(files, &key, b"other").await;
    assert_eq!(read(files, &key, Some(&first), 0, 9).await, None);
    assert_eq!(read(files, &key, Some(&second), 0, 9).await.as_deref(), Some(&b"other"[..]));
}

pub async fn missing_object_has_no_state_and_no_content(fixture: &Fixture<impl ProductFiles>) {
    let (files, key) = (fixture.port(), a_key());
    assert_eq!(files.state(&key).await, Ok(None));
    assert_eq!(read(files, &key, None, 0, 9).await, None);
}

pub async fn object_of_parts_is_there_once_it_is_completed(fixture: &Fixture<impl ProductFiles>) {
    let (files, key) = (fixture.port(), a_key());
    let upload = files.begin(&key).await.expect("begun");
    let part = |byte: u8| vec![byte; PART_BYTES];
    files.put_part(&key, &upload, 1, part(b'x')).await.expect("stored");
    let first = files.put_part(&key, &upload, 1, part(b'a')).await.expect("replaced");
    let second = files.put_part(&key, &upload, 2, b"end".to_vec()).await.expect("stored");
    assert_eq!(files.state(&key).await, Ok(None));
    for _ in 0..2 {
        assert_eq!(files.complete(&key, &upload, &[first.clone(), second.clone()]).await, Ok(()));
    }
    let end = read(files, &key, None, PART_BYTES as u64 - 1, 9).await;
    assert_eq!(end.as_deref(), Some(&b"aend"[..]));
}
