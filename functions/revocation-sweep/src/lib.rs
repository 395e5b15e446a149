//! Revokes the access tokens of ended sessions again: every minute, those of the last hour, the newest first.
//!
//! What ends a session commits first and revokes then, so that a crash or a pause of Redis in between would leave the access tokens valid until they
//! expire, and a Redis that was replaced knows no revocation. Runs may overlap, and a run ends when Redis does not respond. Service clients that were
//! deleted are among the sessions.

use edge::schedule::Tick;
use kernel::Failure;
use ports::{Revocations, SessionStore};
use serde::Serialize;
use std::time::Duration;

/// Sessions of a run. Where more have ended in an hour, those that are left out were in an earlier run.
const MOST: u32 = 5_000;
/// Sessions that are revoked together. The deadline is checked after each such chunk.
const CHUNK: usize = 500;
/// Stop this long before the deadline.
const TIME_RESERVE: Duration = Duration::from_secs(10);

/// Counts of one run.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Sessions whose access tokens were revoked again.
    pub revoked: usize,
}

/// Revokes once more what has ended.
pub async fn handle(
    sessions: &impl SessionStore,
    revocations: &impl Revocations,
    tick: Tick,
) -> Result<Summary, Failure> {
    let ended = sessions.ended_sessions(tick.now, MOST).await?;
    let mut summary = Summary::default();
    for chunk in ended.chunks(CHUNK) {
        if tick.has_less_than(TIME_RESERVE) || !revocations.revoke(chunk).await {
            break;
        }
        summary.revoked += chunk.len();
    }
    Ok(summary)
}
