//! Rules of [`Documents`].

use super::{Fixture, Reader, fresh};
use futures_util::future::join_all;
use kernel::Failure;
use ports::Documents;

/// One test a rule of [`Documents`], each over the `Fixture<impl Documents + Reader>` that the expression gives when it is awaited.
/// The reader follows links, as somebody without credentials would.
#[macro_export]
macro_rules! contract_documents {
    ($under:expr) => {
        $crate::each_rule! { documents, $under;
            stored_document_exists_and_its_link_returns_it
            document_is_never_overwritten
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

async fn behind_link<D: Documents + Reader>(documents: &D, key: &str) -> Vec<u8> {
    let link = documents.link(key, 60).await.expect("a link");
    documents.read(&link).await.expect("a document")
}

pub async fn stored_document_exists_and_its_link_returns_it<D: Documents + Reader>(under: &Fixture<D>) {
    let key = a_key();
    assert_eq!(under.port().exists(&key).await, Ok(false));
    put(under.port(), &key, b"%PDF \x00\xff").await.expect("kept");
    assert_eq!(under.port().exists(&key).await, Ok(true));
    assert_eq!(behind_link(under.port(), &key).await, b"%PDF \x00\xff");
}

pub async fn document_is_never_overwritten<D: Documents + Reader>(under: &Fixture<D>) {
    let key = a_key();
    put(under.port(), &key, b"first").await.expect("kept");
    put(under.port(), &key, b"second").await.expect("that it is there already is no failure");
    assert_eq!(behind_link(under.port(), &key).await, b"first");
}

pub async fn concurrent_puts_store_one_document<D: Documents + Reader>(under: &Fixture<D>) {
    let key = a_key();
    let versions: Vec<Vec<u8>> = (0..8).map(|n| format!("version {n}").into_bytes()).collect();
    let put = join_all(under.concurrent(8).zip(&versions).map(|(documents, bytes)| put(documents, &key, bytes))).await;
    assert!(put.iter().any(Result::is_ok), "{put:?}");
    let kept = behind_link(under.port(), &key).await;
    assert!(versions.contains(&kept));
    assert_eq!(behind_link(under.port(), &key).await, kept);
}
