//! `GET /ready`: which parts answer. 503 when the service cannot work without what is down; a part that it can do without is
//! only named.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::Probe;
use serde::Serialize;

/// Which parts are up.
#[derive(Debug, Serialize)]
pub struct Readiness {
    /// `ready`, `degraded` when it works with something missing, or `not_ready`.
    pub status: &'static str,
    /// Each part: `up` or `down`.
    pub parts: Vec<Part>,
}

/// One part.
#[derive(Debug, Serialize)]
pub struct Part {
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
    let whole = [&database, &cache].iter().all(|answer| answer.part.state == "up");
    let status = match (works, whole) {
        (true, true) => "ready",
        (true, false) => "degraded",
        (false, _) => "not_ready",
    };
    let reply = Reply::ok(Readiness { status, parts: vec![database.part, cache.part] });
    Ok(if works { reply } else { reply.unhealthy() })
}

/// What a part said, and whether the service works with that.
struct Answer {
    part: Part,
    works: bool,
}

async fn ask(probe: &impl Probe) -> Answer {
    let name = probe.part();
    match probe.ask().await {
        Ok(()) => Answer { part: Part { name, state: "up" }, works: true },
        Err(cause) => {
            tracing::warn!(part = name, cause = %cause, "a part does not answer");
            Answer { part: Part { name, state: "down" }, works: !probe.is_essential() }
        }
    }
}
