//! `GET /ready`: which dependencies answer. 503 when the service cannot work without what is down; a dependency that it can do without is
//! only named.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::Probe;
use serde::Serialize;

/// Which dependencies are up.
#[derive(Debug, Serialize)]
pub struct Readiness {
    /// `ready`, `degraded` when it works with something missing, or `not_ready`.
    pub status: &'static str,
    /// Each dependency: `up` or `down`.
    pub dependencies: Vec<Dependency>,
}

/// One dependency.
#[derive(Debug, Serialize)]
pub struct Dependency {
    /// Its name.
    pub name: &'static str,
    /// `up` or `down`.
    pub state: &'static str,
}

/// Asks the database and the cache.
pub async fn handle(
    database: &impl Probe,
    cache: &impl Probe,
    _call: Call<NoBody>,
) -> Result<Reply<Readiness>, Failure> {
    let (database, cache) = (ask(database).await, ask(cache).await);
    let works = [&database, &cache].iter().all(|answer| answer.works);
    let whole = [&database, &cache].iter().all(|answer| answer.dependency.state == "up");
    let status = match (works, whole) {
        (true, true) => "ready",
        (true, false) => "degraded",
        (false, _) => "not_ready",
    };
    let reply = Reply::ok(Readiness { status, dependencies: vec![database.dependency, cache.dependency] });
    Ok(if works { reply } else { reply.unhealthy() })
}

/// What a dependency said, and whether the service works with that.
struct Answer {
    dependency: Dependency,
    works: bool,
}

async fn ask(probe: &impl Probe) -> Answer {
    let name = probe.dependency();
    match probe.check().await {
        Ok(()) => Answer { dependency: Dependency { name, state: "up" }, works: true },
        Err(cause) => {
            tracing::warn!(part = name, cause = %cause, "a dependency does not answer");
            Answer { dependency: Dependency { name, state: "down" }, works: !probe.is_essential() }
        }
    }
}
