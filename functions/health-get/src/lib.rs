//! `GET /health`: answers while the process lives, and asks nobody.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use serde::Serialize;

/// That it lives.
#[derive(Debug, Serialize)]
pub struct Health {
    /// Always `ok`.
    pub status: &'static str,
}

/// Lives.
pub async fn handle(_call: Call<NoBody>) -> Result<Reply<Health>, Failure> {
    Ok(Reply::ok(Health { status: "ok" }))
}
