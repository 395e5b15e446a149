//! `GET /openapi.json`: the HTTP API as an OpenAPI 3.1 document.
//!
//! The document is generated from the catalog and the Rust types by `cargo xtask codegen`, and is part of the binary.

use edge::http::{Call, Document, NoBody, Reply};
use kernel::Failure;

static DOCUMENT: Document = Document::new("application/json", include_str!("../../../docs/openapi.json"));

pub async fn handle(_call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    Ok(DOCUMENT.reply().cache_control("public, max-age=300"))
}
