//! How Redis is spoken to: it is never in the way. Short time limits, no errors, and a pause after trouble.

use crate::tls;
use edge::telemetry::metrics;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

const CONNECT: Duration = Duration::from_millis(200);
const OPERATION: Duration = Duration::from_millis(100);
/// How long a Redis that did not answer is not asked again: it costs one failed attempt in that time, and not one a request.
const PAUSE: Duration = Duration::from_secs(2);

/// A connection that is made when it is first used, and made again when it broke.
#[derive(Debug)]
pub(crate) struct RedisLink {
    client: Client,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    paused_until: Option<Instant>,
}

impl RedisLink {
    pub(crate) fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self { client: open(url)?, state: Mutex::default() })
    }

    /// The answer to a command, which may be done twice where the first answer got lost; `None` where Redis does not answer, and for a
    /// while after that.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
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

    /// `None` while Redis is left alone.
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

    /// A connection, and whether it was there before; none while Redis is left alone.
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
        let connection = connect(&self.client).await?;
        state.connection = Some(connection.clone());
        Ok(Some((connection, false)))
    }
}

/// A client for a `redis://` or, over TLS, a `rediss://` URL.
pub(crate) fn open(url: &str) -> Result<Client, RedisError> {
    if url.starts_with("rediss://") {
        tls::install_provider();
    }
    Client::open(url)
}

/// A new connection, under our time limits.
pub(crate) async fn connect(client: &Client) -> Result<MultiplexedConnection, RedisError> {
    let limits =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(OPERATION));
    client.get_multiplexed_async_connection_with_config(&limits).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_redis_that_is_not_there_is_left_alone_for_a_while() {
        let link = RedisLink::new("redis://127.0.0.1:1").unwrap();
        let ping = redis::cmd("PING");
        assert_eq!(link.ask::<String>(&ping).await, None);
        assert!(link.state.lock().await.paused_until.is_some());
        // Nothing is asked now: `try_ask` would fail if it were.
        assert!(matches!(link.try_ask::<String>(&ping).await, Ok(None)));
    }

    #[tokio::test]
    async fn a_redis_over_tls_is_spoken_to_over_tls() {
        use tokio::io::AsyncReadExt;
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = RedisLink::new(&format!("rediss://localhost:{}", server.local_addr().unwrap().port())).unwrap();
        let greeting = async {
            let mut first = [0_u8; 1];
            server.accept().await.unwrap().0.read_exact(&mut first).await.unwrap();
            first
        };
        let ping = redis::cmd("PING");
        let (answer, greeting) = tokio::join!(link.ask::<String>(&ping), greeting);
        assert_eq!((answer, greeting), (None, [22]), "22 begins a TLS handshake");
    }
}
