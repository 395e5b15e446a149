//! `GET /openapi.json`: the HTTP API as an OpenAPI 3.1 document.
//!
//! The document is generated from the catalog and the Rust types by `cargo xtask codegen`, and is part of the binary.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;

const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// Returns the document.
pub async fn handle(_call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    Ok(Reply::text("application/json", DOCUMENT).cache_control("public, max-age=300"))
}
