//! The shared cache: Redis. It is never in the way: short time limits, no errors, and a pause after trouble.

use crate::tls;
use edge::telemetry::metrics;
use kernel::Failure;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

const CONNECT: Duration = Duration::from_millis(200);
const OPERATION: Duration = Duration::from_millis(100);
/// How long a cache that did not answer is not asked again: it costs one failed attempt in that time, and not one a request.
const PAUSE: Duration = Duration::from_secs(2);

/// A cache on Redis.
#[derive(Debug)]
pub struct RedisCache {
    client: Client,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    paused_until: Option<Instant>,
}

impl RedisCache {
    /// The cache at this URL. It connects when it is first used.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self { client: open(url)?, state: Mutex::default() })
    }

    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        match self.try_ask(command).await {
            Ok(answer) => answer,
            Err(cause) => {
                metrics::count("CacheErrors", 1);
                tracing::warn!(cache.error = %cause, "the cache does not answer");
                self.state.lock().await.paused_until = Some(Instant::now() + PAUSE);
                None
            }
        }
    }

    /// `None` while the cache is left alone.
    async fn try_ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<Option<T>, RedisError> {
        let Some((mut connection, reused)) = self.connection().await? else { return Ok(None) };
        match command.query_async(&mut connection).await {
            Err(error) if reused && (error.is_io_error() || error.is_connection_dropped()) => {
                // A connection that slept through the freeze between two invocations is often dead: one new one is worth a try.
                self.state.lock().await.connection = None;
                let Some((mut connection, _)) = self.connection().await? else { return Ok(None) };
                command.query_async(&mut connection).await.map(Some)
            }
            answer => answer.map(Some),
        }
    }

    /// A connection, and whether it was there before; none while the cache is left alone.
    async fn connection(&self) -> Result<Option<(MultiplexedConnection, bool)>, RedisError> {
        let mut state = self.state.lock().await;
        if let Some(until) = state.paused_until {
            if Instant::now() < until {
                return Ok(None);
            }
            *state = State::default();
        }
        if let Some(connection) = &state.connection {
            return Ok(Some((connection.clone(), true)));
        }
        let connection = self.client.get_multiplexed_async_connection_with_config(&limits()).await?;
        state.connection = Some(connection.clone());
        Ok(Some((connection, false)))
    }
}

/// A client for a `redis://` or, over TLS, a `rediss://` URL.
fn open(url: &str) -> Result<Client, RedisError> {
    if url.starts_with("rediss://") {
        tls::install_provider();
    }
    Client::open(url)
}

fn limits() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(OPERATION))
}

impl ports::Cache for RedisCache {
    async fn get(&self, key: &str) -> Option<String> {
        let found = self.ask::<Option<String>>(redis::cmd("GET").arg(key)).await.flatten();
        metrics::count(if found.is_some() { "CacheHits" } else { "CacheMisses" }, 1);
        found
    }

    async fn put(&self, key: &str, value: &str, ttl_s: u32) {
        // Redis refuses a life of no seconds; such a value need not be kept.
        if ttl_s > 0 {
            self.ask::<()>(redis::cmd("SET").arg(key).arg(value).arg("EX").arg(ttl_s)).await;
        }
    }

    async fn forget(&self, key: &str) {
        self.ask::<()>(redis::cmd("DEL").arg(key)).await;
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
        Ok(Self { client: open(url)? })
    }
}

impl ports::Probe for RedisProbe {
    fn part(&self) -> &'static str {
        "cache"
    }

    fn is_essential(&self) -> bool {
        false
    }

    async fn ask(&self) -> Result<(), Failure> {
        let unavailable = |cause| Failure::unavailable("cache", cause);
        let connection = self.client.get_multiplexed_async_connection_with_config(&limits()).await;
        redis::cmd("PING").query_async::<()>(&mut connection.map_err(unavailable)?).await.map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::{Cache, Probe};

    #[tokio::test]
    async fn a_cache_that_is_not_there_has_nothing_and_is_left_alone_for_a_while() {
        let cache = RedisCache::new("redis://127.0.0.1:1").unwrap();
        assert_eq!(cache.get("k").await, None);
        assert!(cache.state.lock().await.paused_until.is_some());
        // Nothing is asked now: `try_ask` would fail if it were.
        assert!(matches!(cache.try_ask::<()>(&redis::cmd("PING")).await, Ok(None)));
        cache.put("k", "v", 60).await;
        cache.forget("k").await;
    }

    #[tokio::test]
    async fn a_cache_over_tls_is_spoken_to_over_tls() {
        use tokio::io::AsyncReadExt;
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cache = RedisCache::new(&format!("rediss://localhost:{}", server.local_addr().unwrap().port())).unwrap();
        let greeting = async {
            let mut first = [0_u8; 1];
            server.accept().await.unwrap().0.read_exact(&mut first).await.unwrap();
            first
        };
        let (found, greeting) = tokio::join!(cache.get("k"), greeting);
        assert_eq!((found, greeting), (None, [22]), "22 begins a TLS handshake");
    }

    #[tokio::test]
    async fn the_probe_of_a_cache_that_is_not_there_fails_and_is_not_essential() {
        let probe = RedisProbe::new("redis://127.0.0.1:1").unwrap();
        assert!(probe.ask().await.is_err());
        assert!(!probe.is_essential());
    }
}
