//! A cache on Redis.

use crate::link::{RedisLink, Server};
use edge::telemetry::metrics;
use kernel::Failure;
use redis::RedisError;
use std::rc::Rc;
use std::time::Duration;

/// How often, and in which intervals, a process looks for a value that another one loads: over a tenth of a second.
const LOOKS: u32 = 6;
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub struct RedisCache {
    link: Rc<RedisLink>,
}

impl RedisCache {
    /// Connects at the first command.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self::of(RedisLink::to(url)?))
    }

    pub(crate) fn of(link: Rc<RedisLink>) -> Self {
        Self { link }
    }
}

impl ports::Cache for RedisCache {
    async fn get(&self, key: &str) -> Option<String> {
        let found = self.link.execute::<Option<String>>(redis::cmd("GET").arg(key)).await.flatten();
        metrics::count(if found.is_some() { "CacheHits" } else { "CacheMisses" }, 1);
        found
    }

    async fn put(&self, key: &str, value: &str, ttl_s: u32) {
        // Redis rejects an expiry of zero seconds, and such a value need not be stored.
        if ttl_s > 0 {
            self.link.execute::<()>(redis::cmd("SET").arg(key).arg(value).arg("EX").arg(ttl_s)).await;
        }
    }

    async fn invalidate(&self, key: &str) {
        self.link.execute::<()>(redis::cmd("DEL").arg(key)).await;
    }

    async fn try_load_lock(&self, key: &str, ttl_s: u32) -> bool {
        let mut command = redis::cmd("SET");
        command.arg(format!("lead:{key}")).arg(1).arg("NX").arg("EX").arg(ttl_s.max(1));
        let taken = self.link.execute::<Option<String>>(&command).await;
        taken.is_none_or(|granted| granted.is_some())
    }

    async fn wait(&self, key: &str) -> Option<String> {
        let mut turn = tokio::time::interval(LOOK_INTERVAL);
        for _ in 0..LOOKS {
            turn.tick().await;
            if let Some(found) = self.get(key).await {
                return Some(found);
            }
        }
        None
    }
}

/// The readiness check of Redis. Not essential: the platform works without Redis.
#[derive(Debug)]
pub struct RedisProbe {
    server: Server,
}

impl RedisProbe {
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self::of(Server::new(url, None)?))
    }

    pub(crate) fn of(server: Server) -> Self {
        Self { server }
    }
}

impl ports::Probe for RedisProbe {
    fn dependency(&self) -> &'static str {
        "cache"
    }

    fn is_essential(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<(), Failure> {
        let unavailable = |cause| Failure::unavailable("cache", cause);
        let mut connection = self.server.connect().await.map_err(unavailable)?;
        redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::{Cache, Probe};

    #[tokio::test]
    async fn unreachable_cache_is_empty_and_fails_no_command() {
        let cache = RedisCache::new("redis://127.0.0.1:1").unwrap();
        assert_eq!(cache.get("k").await, None);
        cache.put("k", "v", 60).await;
        cache.invalidate("k").await;
        assert!(
            cache.try_load_lock("k", 1).await && cache.try_load_lock("k", 1).await,
            "every process loads by itself"
        );
        assert_eq!(cache.wait("k").await, None);
    }

    #[tokio::test]
    async fn probe_of_an_unreachable_cache_fails_and_is_not_essential() {
        let probe = RedisProbe::new("redis://127.0.0.1:1").unwrap();
        assert!(probe.check().await.is_err());
        assert!(!probe.is_essential());
    }
}
