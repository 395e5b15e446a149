//! `GET /asyncapi.json`: the events as an AsyncAPI 3 document.
//!
//! The document is generated from the catalog and the Rust types by `cargo xtask codegen`, and is part of the binary.

use edge::http::{Call, Document, NoBody, Reply};
use kernel::Failure;

static DOCUMENT: Document = Document::new("application/json", include_str!("../../../docs/asyncapi.json"));

pub async fn handle(_call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    Ok(DOCUMENT.reply().cache_control("public, max-age=300"))
}
