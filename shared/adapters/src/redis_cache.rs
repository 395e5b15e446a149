//! The shared cache on Redis.

use crate::redis_link::{self, RedisLink};
use edge::telemetry::metrics;
use kernel::Failure;
use redis::{Client, RedisError};

/// A cache on Redis.
#[derive(Debug)]
pub struct RedisCache {
    link: RedisLink,
}

impl RedisCache {
    /// The cache at this URL. It connects when it is first used.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self { link: RedisLink::new(url)? })
    }
}

impl ports::Cache for RedisCache {
    async fn get(&self, key: &str) -> Option<String> {
        let found = self.link.ask::<Option<String>>(redis::cmd("GET").arg(key)).await.flatten();
        metrics::count(if found.is_some() { "CacheHits" } else { "CacheMisses" }, 1);
        found
    }

    async fn put(&self, key: &str, value: &str, ttl_s: u32) {
        // Redis refuses a life of no seconds; such a value need not be kept.
        if ttl_s > 0 {
            self.link.ask::<()>(redis::cmd("SET").arg(key).arg(value).arg("EX").arg(ttl_s)).await;
        }
    }

    async fn invalidate(&self, key: &str) {
        self.link.ask::<()>(redis::cmd("DEL").arg(key)).await;
    }
}

/// Whether Redis answers. The service works without it.
#[derive(Debug)]
pub struct RedisProbe {
    client: Client,
}

impl RedisProbe {
    /// The cache at this URL.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self { client: redis_link::open(url)? })
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
        let mut connection = redis_link::connect(&self.client).await.map_err(unavailable)?;
        redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::{Cache, Probe};

    #[tokio::test]
    async fn a_cache_that_is_not_there_has_nothing_and_is_in_nobodys_way() {
        let cache = RedisCache::new("redis://127.0.0.1:1").unwrap();
        assert_eq!(cache.get("k").await, None);
        cache.put("k", "v", 60).await;
        cache.invalidate("k").await;
    }

    #[tokio::test]
    async fn the_probe_of_a_cache_that_is_not_there_fails_and_is_not_essential() {
        let probe = RedisProbe::new("redis://127.0.0.1:1").unwrap();
        assert!(probe.check().await.is_err());
        assert!(!probe.is_essential());
    }
}
