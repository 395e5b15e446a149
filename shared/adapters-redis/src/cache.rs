//! A cache on Redis.

use crate::link::{RedisLink, Server};
use edge::telemetry::metrics;
use kernel::Failure;
use redis::RedisError;
use std::rc::Rc;

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
    }

    #[tokio::test]
    async fn probe_of_an_unreachable_cache_fails_and_is_not_essential() {
        let probe = RedisProbe::new("redis://127.0.0.1:1").unwrap();
        assert!(probe.check().await.is_err());
        assert!(!probe.is_essential());
    }
}
