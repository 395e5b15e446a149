//! `GET /ready`: readiness, with the state of each dependency.
//!
//! Returns 503 if an essential dependency is down. Another one that is down makes the service `degraded`.

use api::{DependencyView, ReadinessView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::Probe;

/// Checks the database and the cache.
pub async fn handle(
    database: &impl Probe,
    cache: &impl Probe,
    _call: Call<NoBody>,
) -> Result<Reply<ReadinessView>, Failure> {
    let view = ReadinessView::new(vec![check(database).await, check(cache).await]);
    let is_ready = view.is_ready();
    let reply = Reply::ok(view);
    Ok(if is_ready { reply } else { reply.unhealthy() })
}

async fn check(probe: &impl Probe) -> DependencyView {
    let name = probe.dependency();
    let result = probe.check().await;
    if let Err(failure) = &result {
        tracing::warn!(dependency = name, failure.code, failure.detail, failure.internal, "dependency is down");
    }
    DependencyView::new(name, probe.is_essential(), result.is_ok())
}
