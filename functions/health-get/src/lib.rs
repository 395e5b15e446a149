//! `GET /health`: liveness. Returns 200 while the process runs and checks no dependency.

use api::HealthView;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;

/// Reports the process as live.
pub async fn handle(_call: Call<NoBody>) -> Result<Reply<HealthView>, Failure> {
    Ok(Reply::ok(HealthView::OK))
}
