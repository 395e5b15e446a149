//! Where the database is, who we are there, and how long we wait for it.

use kernel::Failure;
use std::{fmt, future::Future, net::IpAddr, pin::Pin, time::Duration};

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS, with the server's certificate checked against Mozilla's roots. RDS Proxy's certificate is from there.
    Require,
    /// In clear: for a database on this machine.
    Off,
}

impl Tls {
    /// Reads `DATABASE_TLS` (`require` or `off`). When it is not set, only a database on this machine is spoken to in clear.
    pub fn choose(setting: Option<&str>, host: &str) -> Result<Self, Failure> {
        match setting {
            Some("require") => Ok(Self::Require),
            Some("off") => Ok(Self::Off),
            Some(other) => {
                Err(Failure::internal(format!("DATABASE_TLS is {other:?}, and may be \"require\" or \"off\"")))
            }
            None if is_here(host) => Ok(Self::Off),
            None => Ok(Self::Require),
        }
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.starts_with('/') || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A password that is on its way: an RDS IAM token is signed anew for every connection.
pub type PasswordFuture = Pin<Box<dyn Future<Output = Result<String, Failure>> + Send>>;

/// How we prove who we are.
pub enum PasswordSource {
    /// The server trusts us.
    Trust,
    /// A password that stays the same.
    Password(String),
    /// A password for one connection, asked for when it is made.
    Issued(Box<dyn Fn() -> PasswordFuture + Send + Sync>),
}

impl PasswordSource {
    /// A password that `issue` makes for every connection.
    pub fn issued<F, P>(issue: F) -> Self
    where
        F: Fn() -> P + Send + Sync + 'static,
        P: Future<Output = Result<String, Failure>> + Send + 'static,
    {
        Self::Issued(Box::new(move || Box::pin(issue())))
    }

    pub(crate) async fn password(&self) -> Result<Option<String>, Failure> {
        match self {
            Self::Trust => Ok(None),
            Self::Password(password) => Ok(Some(password.clone())),
            Self::Issued(issue) => issue().await.map(Some),
        }
    }
}

impl fmt::Debug for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordSource(…)")
    }
}

/// Where the database is, and how long we wait for it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Host name, address, or directory of a Unix socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name of the database.
    pub name: String,
    /// Role to log in as: a context's name, or the owner's for migrations.
    pub user: String,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// The longest that one try to connect may take, password included.
    pub connect_timeout: Duration,
    /// The longest that one statement may take. The caller's time limit must be above it.
    pub statement_timeout: Duration,
    /// Options of the server for this connection, as in `PGOPTIONS`. Only tests have any: the proxy takes none.
    pub options: Option<String>,
}

impl Settings {
    /// A database, with the time limits that fit a function of ten seconds: two tries to connect and one statement.
    pub fn new(host: &str, port: u16, name: &str, user: &str, tls: Tls) -> Self {
        Self {
            host: host.to_owned(),
            port,
            name: name.to_owned(),
            user: user.to_owned(),
            tls,
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(4),
            options: None,
        }
    }

    pub(super) fn config(&self, password: Option<&str>) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .dbname(&self.name)
            .user(&self.user)
            .application_name("quayside")
            .connect_timeout(self.connect_timeout)
            .tcp_user_timeout(self.statement_timeout)
            .keepalives_idle(Duration::from_secs(30))
            .ssl_mode(match self.tls {
                Tls::Require => tokio_postgres::config::SslMode::Require,
                Tls::Off => tokio_postgres::config::SslMode::Disable,
            });
        if let Some(password) = password {
            config.password(password);
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_on_this_machine_is_spoken_to_in_clear_without_being_told() {
        for here in ["localhost", "127.0.0.1", "::1", "/var/run/postgresql"] {
            assert_eq!(Tls::choose(None, here), Ok(Tls::Off), "{here}");
        }
        for away in ["db.example.com", "10.0.0.7", "localhost.example.com"] {
            assert_eq!(Tls::choose(None, away), Ok(Tls::Require), "{away}");
        }
        assert_eq!(Tls::choose(Some("require"), "localhost"), Ok(Tls::Require));
        assert!(Tls::choose(Some("maybe"), "localhost").is_err());
    }

    #[test]
    fn a_secret_is_not_told_when_it_is_printed() {
        assert!(!format!("{:?}", PasswordSource::Password("hunter2".to_owned())).contains("hunter2"));
    }
}
