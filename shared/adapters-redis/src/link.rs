//! A connection to Redis that never fails its caller: short timeouts, errors are logged and counted, and a pause follows each.

use crate::token::TokenSigner;
use adapters::tls;
use edge::telemetry::metrics;
use futures_util::future::LocalBoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, Value,
};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);
const COMMAND_TIMEOUT: Duration = Duration::from_millis(100);
/// How long no command is sent after an error, so that an unreachable Redis costs one attempt in that time instead of one a request.
const PAUSE: Duration = Duration::from_secs(2);

/// Where Redis is, and how to log in.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    info: ConnectionInfo,
    /// Signs the password of each connection; `None` for the password of the URL, if it has one.
    tokens: Option<TokenSigner>,
}

/// Connects at the first command, and again after an error.
#[derive(Debug)]
pub(crate) struct RedisLink {
    server: Server,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    paused_until: Option<Instant>,
}

impl RedisLink {
    pub(crate) fn new(server: Server) -> Self {
        Self { server, state: Mutex::default() }
    }

    /// A connection to the server of a URL, with its password if it has one.
    pub(crate) fn to(url: &str) -> Result<Rc<Self>, RedisError> {
        Ok(Rc::new(Self::new(Server::new(url, None)?)))
    }

    /// The response to a command; `None` if Redis does not respond, and during the pause that follows. A command whose response is lost may
    /// be executed twice.
    pub(crate) async fn execute<T: FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        self.response(Request::Command(command)).await
    }

    /// Executes these commands in one round trip. `false` if one of them fails, in the cases of [`Self::execute`].
    pub(crate) async fn execute_all(&self, commands: &redis::Pipeline) -> bool {
        self.response::<()>(Request::Pipeline(commands)).await.is_some()
    }

    async fn response<T: FromRedisValue>(&self, request: Request<'_>) -> Option<T> {
        let response = self.try_execute(request).await;
        match response.and_then(|value| Ok(value.map(redis::from_redis_value).transpose()?)) {
            Ok(response) => response,
            Err(cause) => {
                self.pause(&cause).await;
                None
            }
        }
    }

    async fn pause(&self, cause: &RedisError) {
        metrics::count("CacheErrors", 1);
        tracing::warn!(failure.internal = %cause, "Redis does not respond");
        self.state.lock().await.paused_until = Some(Instant::now() + PAUSE);
    }

    /// `None` during a pause. Boxed, so that the client of Redis is compiled here and not in each function's crate.
    fn try_execute<'a>(&'a self, request: Request<'a>) -> LocalBoxFuture<'a, Result<Option<Value>, RedisError>> {
        Box::pin(async move {
            let Some((mut connection, reused)) = self.connection().await? else { return Ok(None) };
            match request.send(&mut connection).await {
                Err(error) if reused && (error.is_io_error() || error.is_connection_dropped()) => {
                    // The other side often closes a connection while the environment is frozen between two invocations.
                    self.state.lock().await.connection = None;
                    let Some((mut connection, _)) = self.connection().await? else { return Ok(None) };
                    request.send(&mut connection).await.map(Some)
                }
                response => response.map(Some),
            }
        })
    }

    /// A connection, and whether it is an existing one; `None` during a pause.
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
        let connection = self.server.connect().await?;
        state.connection = Some(connection.clone());
        Ok(Some((connection, false)))
    }
}

/// What is sent in one round trip.
#[derive(Clone, Copy)]
enum Request<'a> {
    Command(&'a redis::Cmd),
    Pipeline(&'a redis::Pipeline),
}

impl Request<'_> {
    async fn send(self, connection: &mut MultiplexedConnection) -> Result<Value, RedisError> {
        match self {
            Self::Command(command) => command.query_async(connection).await,
            Self::Pipeline(commands) => commands.query_async(connection).await,
        }
    }
}

impl Server {
    /// The server of a URL. With `tokens`, the URL names a user, who logs in with an IAM token.
    pub(crate) fn new(url: &str, tokens: Option<TokenSigner>) -> Result<Self, RedisError> {
        let info = url.into_connection_info()?;
        if tokens.is_some() && (!url.starts_with("rediss://") || info.redis_settings().username().is_none()) {
            return Err(RedisError::from((ErrorKind::InvalidClientConfig, "IAM tokens need TLS and a user")));
        }
        if url.starts_with("rediss://") {
            tls::install_provider();
        }
        Ok(Self { info, tokens })
    }

    /// How the next connection logs in.
    fn login(&self) -> Result<ConnectionInfo, RedisError> {
        let settings = self.info.redis_settings();
        let (Some(tokens), Some(user)) = (&self.tokens, settings.username()) else { return Ok(self.info.clone()) };
        let failed = |_| RedisError::from((ErrorKind::InvalidClientConfig, "an IAM token cannot be signed"));
        let settings = settings.clone().set_password(tokens.token(user).map_err(failed)?);
        Ok(self.info.clone().set_redis_settings(settings))
    }

    pub(crate) async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(COMMAND_TIMEOUT));
        Client::open(self.login()?)?.get_multiplexed_async_connection_with_config(&limits).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn unreachable_redis_gets_no_command_during_the_pause() {
        let link = RedisLink::new(Server::new("redis://127.0.0.1:1", None).unwrap());
        let ping = redis::cmd("PING");
        assert_eq!(link.execute::<String>(&ping).await, None);
        assert!(link.state.lock().await.paused_until.is_some());
        // No command is sent: `try_execute` would fail otherwise.
        assert!(matches!(link.try_execute(Request::Command(&ping)).await, Ok(None)));
    }

    #[tokio::test]
    async fn rediss_url_uses_tls() {
        use tokio::io::AsyncReadExt;
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("rediss://localhost:{}", server.local_addr().unwrap().port());
        let link = RedisLink::new(Server::new(&url, None).unwrap());
        let greeting = async {
            let mut first = [0_u8; 1];
            server.accept().await.unwrap().0.read_exact(&mut first).await.unwrap();
            first
        };
        let ping = redis::cmd("PING");
        let (response, greeting) = tokio::join!(link.execute::<String>(&ping), greeting);
        assert_eq!((response, greeting), (None, [22]), "22 begins a TLS handshake");
    }

    fn signer() -> Option<TokenSigner> {
        let credentials = adapters::config::Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
        };
        Some(TokenSigner::new(credentials, "eu-west-1".to_owned(), "cache".to_owned()))
    }

    #[test]
    fn connection_with_iam_logs_in_as_the_user_of_the_url_with_a_token() {
        let server = Server::new("rediss://functions@cache.example.com:6379", signer()).unwrap();
        let login = server.login().unwrap();
        assert_eq!(login.redis_settings().username(), Some("functions"));
        let password = login.redis_settings().password().unwrap();
        assert!(password.starts_with("cache/?Action=connect&User=functions&X-Amz-"), "{password}");
        let plain = Server::new("rediss://functions:static@cache.example.com:6379", None).unwrap();
        assert_eq!(plain.login().unwrap().redis_settings().password(), Some("static"));
    }

    #[test]
    fn token_is_sent_only_over_tls_and_for_a_user() {
        assert!(Server::new("redis://functions@cache.example.com:6379", signer()).is_err());
        assert!(Server::new("rediss://cache.example.com:6379", signer()).is_err());
    }
}
