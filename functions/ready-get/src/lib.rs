//! `GET /ready`: readiness, with the state of each dependency.
//!
//! Returns 503 if an essential dependency is down. Another one that is down makes the service `degraded`.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::Probe;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Readiness {
    /// `ready`, `degraded` or `not_ready`.
    pub status: &'static str,
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug, Serialize)]
pub struct Dependency {
    pub name: &'static str,
    /// `up` or `down`.
    pub state: &'static str,
}

/// Checks the database and the cache.
pub async fn handle(
    database: &impl Probe,
    cache: &impl Probe,
    _call: Call<NoBody>,
) -> Result<Reply<Readiness>, Failure> {
    let checks = [check(database).await, check(cache).await];
    let is_ready = checks.iter().all(|check| check.is_ready);
    let is_complete = checks.iter().all(|check| check.dependency.state == "up");
    let status = match (is_ready, is_complete) {
        (true, true) => "ready",
        (true, false) => "degraded",
        (false, _) => "not_ready",
    };
    let dependencies = checks.into_iter().map(|check| check.dependency).collect();
    let reply = Reply::ok(Readiness { status, dependencies });
    Ok(if is_ready { reply } else { reply.unhealthy() })
}

struct Check {
    dependency: Dependency,
    /// Whether the service is ready with the dependency in this state.
    is_ready: bool,
}

async fn check(probe: &impl Probe) -> Check {
    let name = probe.dependency();
    match probe.check().await {
        Ok(()) => Check { dependency: Dependency { name, state: "up" }, is_ready: true },
        Err(cause) => {
            tracing::warn!(dependency = name, cause = %cause, "dependency is down");
            Check { dependency: Dependency { name, state: "down" }, is_ready: !probe.is_essential() }
        }
    }
}
