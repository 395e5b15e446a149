//! `GET /health`: liveness. Returns 200 while the process runs and checks no dependency.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Health {
    /// Always `ok`.
    pub status: &'static str,
}

/// Reports the process as live.
pub async fn handle(_call: Call<NoBody>) -> Result<Reply<Health>, Failure> {
    Ok(Reply::ok(Health { status: "ok" }))
}
