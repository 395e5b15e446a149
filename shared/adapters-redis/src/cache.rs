//! A cache on Redis.

use crate::link::RedisLink;
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
    link: Rc<RedisLink>,
}

impl RedisProbe {
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self::of(RedisLink::to(url)?))
    }

    pub(crate) fn of(link: Rc<RedisLink>) -> Self {
        Self { link }
    }
}

impl ports::Probe for RedisProbe {
    fn dependency(&self) -> &'static str {
        "cache"
    }

    fn is_essential(&self) -> bool {
        false
    }

    /// Over the connection of the process. After an error it fails without a request for as long as no function sends one.
    async fn check(&self) -> Result<(), Failure> {
        match self.link.execute::<String>(&redis::cmd("PING")).await {
            Some(_) => Ok(()),
            None => Err(Failure::unavailable("cache", "Redis does not respond")),
        }
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
    async fn probe_checks_again_over_the_same_connection() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let probe = RedisProbe::new(&format!("redis://127.0.0.1:{}", server.local_addr().unwrap().port())).unwrap();
        let checks = async { (probe.check().await, probe.check().await) };
        // Responds to each command of the first connection, and to no other.
        let responses = async {
            let (mut connection, mut received) = (server.accept().await.unwrap().0, [0_u8; 4096]);
            while let Ok(count @ 1..) = connection.read(&mut received).await {
                let commands = received[..count].iter().filter(|byte| **byte == b'*').count();
                connection.write_all("+PONG\r\n".repeat(commands).as_bytes()).await.unwrap();
            }
            std::future::pending().await
        };
        let checked = tokio::select! { checked = checks => checked, () = responses => panic!("it never ends") };
        assert_eq!(checked, (Ok(()), Ok(())));
    }

    #[tokio::test]
    async fn probe_of_an_unreachable_cache_fails_and_is_not_essential() {
        let probe = RedisProbe::new("redis://127.0.0.1:1").unwrap();
        assert!(probe.check().await.is_err());
        assert!(!probe.is_essential());
    }
}
