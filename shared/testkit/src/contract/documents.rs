//! Contract of [`Documents`].

use super::{Fixture, Reader, fresh};
use futures_util::future::join_all;
use kernel::Failure;
use ports::Documents;

/// Generates one test per rule of [`Documents`]. The expression is a future of a `Fixture<impl Documents + Reader>`.
/// The reader follows links without credentials.
#[macro_export]
macro_rules! contract_documents {
    ($fixture:expr) => {
        $crate::each_rule! { documents, $fixture;
            stored_document_exists_and_its_link_returns_it
            document_is_never_overwritten
            keys_with_a_prefix_are_listed_in_order
            concurrent_puts_store_one_document
        }
    };
}

fn a_key() -> String {
    format!("contract/{}.pdf", fresh())
}

async fn put(documents: &impl Documents, key: &str, bytes: &[u8]) -> Result<(), Failure> {
    documents.put_once(key, "application/pdf", bytes.to_vec()).await
}

async fn read_by_link<D: Documents + Reader>(documents: &D, key: &str) -> Vec<u8> {
    let link = documents.link(key, 60).await.expect("a link");
    documents.read(&link).await.expect("a document")
}

pub async fn stored_document_exists_and_its_link_returns_it<D: Documents + Reader>(fixture: &Fixture<D>) {
    let key = a_key();
    assert_eq!(fixture.port().exists(&key).await, Ok(false));
    put(fixture.port(), &key, b"%PDF \x00\xff").await.expect("stored");
    assert_eq!(fixture.port().exists(&key).await, Ok(true));
    assert_eq!(read_by_link(fixture.port(), &key).await, b"%PDF \x00\xff");
}

pub async fn document_is_never_overwritten<D: Documents + Reader>(fixture: &Fixture<D>) {
    let key = a_key();
    put(fixture.port(), &key, b"first").await.expect("stored");
    put(fixture.port(), &key, b"second").await.expect("putting an existing document succeeds");
    assert_eq!(read_by_link(fixture.port(), &key).await, b"first");
}

pub async fn keys_with_a_prefix_are_listed_in_order<D: Documents + Reader>(fixture: &Fixture<D>) {
    let prefix = format!("contract/{}", fresh());
    let keys = ["a", "b"].map(|name| format!("{prefix}/{name}.pdf"));
    for key in keys.iter().rev() {
        put(fixture.port(), key, b"document").await.expect("stored");
    }
    assert_eq!(fixture.port().keys(&format!("{prefix}/")).await, Ok(keys.to_vec()));
    assert_eq!(fixture.port().keys(&format!("{prefix}/c")).await, Ok(vec![]));
}

pub async fn concurrent_puts_store_one_document<D: Documents + Reader>(fixture: &Fixture<D>) {
    let key = a_key();
    let versions: Vec<Vec<u8>> = (0..8).map(|n| format!("version {n}").into_bytes()).collect();
    let put =
        join_all(fixture.concurrent(8).zip(&versions).map(|(documents, bytes)| put(documents, &key, bytes))).await;
    assert!(put.iter().any(Result::is_ok), "{put:?}");
    let stored = read_by_link(fixture.port(), &key).await;
    assert!(versions.contains(&stored));
    assert_eq!(read_by_link(fixture.port(), &key).await, stored);
}
