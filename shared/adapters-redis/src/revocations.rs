//! Revoked sessions in Redis, each for as long as an access token lives after its last revocation.

use crate::link::RedisLink;
use domain::{id::SessionId, session::ACCESS_TOKEN_SECONDS};
use edge::telemetry::metrics;
use redis::RedisError;
use std::rc::Rc;

/// Counts calls whose revocations were lost, and tokens that were accepted without a look at the revocations.
const UNAVAILABLE: &str = "RevocationsUnavailable";
/// Revocations of one round trip, whose response has as much time as that of one command.
const MOST_AT_ONCE: usize = 500;

#[derive(Debug)]
pub struct RedisRevocations {
    link: Rc<RedisLink>,
}

impl RedisRevocations {
    /// Connects at the first command.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self::of(RedisLink::to(url)?))
    }

    pub(crate) fn of(link: Rc<RedisLink>) -> Self {
        Self { link }
    }
}

fn key(session: SessionId) -> String {
    format!("revoked:{session}")
}

impl ports::Revocations for RedisRevocations {
    async fn revoke(&self, sessions: &[SessionId]) -> bool {
        for part in sessions.chunks(MOST_AT_ONCE) {
            let mut commands = redis::pipe();
            for session in part {
                commands.cmd("SET").arg(key(*session)).arg(1).arg("EX").arg(ACCESS_TOKEN_SECONDS);
            }
            if !self.link.execute_all(&commands).await {
                metrics::count(UNAVAILABLE, 1);
                return false;
            }
        }
        true
    }

    async fn is_revoked(&self, session: SessionId) -> bool {
        let found = self.link.execute::<bool>(redis::cmd("EXISTS").arg(key(session))).await;
        if found.is_none() {
            metrics::count(UNAVAILABLE, 1);
        }
        found.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::Revocations;

    #[tokio::test]
    async fn without_redis_no_session_is_revoked_and_no_call_fails() {
        let revocations = RedisRevocations::new("redis://127.0.0.1:1").unwrap();
        let session = SessionId(kernel::Uuid::from_u128(1));
        assert!(!revocations.revoke(&[session]).await);
        assert!(!revocations.is_revoked(session).await);
    }
}
