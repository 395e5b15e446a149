//! Connection settings: address, login, TLS and timeouts.

use kernel::Failure;
use std::{fmt, future::Future, net::IpAddr, pin::Pin, time::Duration};

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS, verified against Mozilla's root certificates, which RDS Proxy's certificate chains to.
    Require,
    /// Unencrypted, for a database on this host.
    Off,
}

impl Tls {
    /// Parses `DATABASE_TLS` (`require` or `off`). If it is not set, TLS is off for a database on this host and required for any other.
    pub fn from_setting(setting: Option<&str>, host: &str) -> Result<Self, Failure> {
        match setting {
            Some("require") => Ok(Self::Require),
            Some("off") => Ok(Self::Off),
            Some(other) => Err(Failure::internal(format!("DATABASE_TLS must be require or off, not {other:?}"))),
            None if is_this_host(host) => Ok(Self::Off),
            None => Ok(Self::Require),
        }
    }
}

fn is_this_host(host: &str) -> bool {
    host == "localhost" || host.starts_with('/') || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A password to be created, such as an RDS IAM token, which is signed for each connection.
pub type PasswordFuture = Pin<Box<dyn Future<Output = Result<String, Failure>> + Send>>;

/// How the role logs in.
pub enum PasswordSource {
    /// Without a password (`trust` authentication).
    Trust,
    Password(String),
    /// A password that is created for each connection.
    Issued(Box<dyn Fn() -> PasswordFuture + Send + Sync>),
}

impl PasswordSource {
    /// `issue` creates the password of each connection.
    pub fn issued<F, P>(issue: F) -> Self
    where
        F: Fn() -> P + Send + Sync + 'static,
        P: Future<Output = Result<String, Failure>> + Send + 'static,
    {
        Self::Issued(Box::new(move || Box::pin(issue())))
    }

    /// Whether the next password may be another one.
    pub(crate) const fn may_change(&self) -> bool {
        matches!(self, Self::Issued(_))
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

/// The address of the database, the role, and timeouts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Host name, IP address, or directory of a Unix socket.
    pub host: String,
    pub port: u16,
    pub database: String,
    /// The role: that of a context, or the owner for migrations.
    pub user: String,
    pub tls: Tls,
    /// Timeout of one attempt to connect, including the creation of the password.
    pub connect_timeout: Duration,
    /// Timeout of one statement. The timeout of the function must be higher.
    pub statement_timeout: Duration,
    /// Server options as in `PGOPTIONS`, for tests only: the proxy accepts none.
    pub options: Option<String>,
}

/// What a role logs in to: by name, because the texts are easily confused.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

impl Settings {
    /// Settings with timeouts for a function of ten seconds: two attempts to connect and one statement.
    pub fn new(Login { host, port, database, user }: Login<'_>, tls: Tls) -> Self {
        Self {
            host: host.to_owned(),
            port,
            database: database.to_owned(),
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
            .dbname(&self.database)
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
    fn tls_is_off_by_default_only_for_a_database_on_this_host() {
        for here in ["localhost", "127.0.0.1", "::1", "/var/run/postgresql"] {
            assert_eq!(Tls::from_setting(None, here), Ok(Tls::Off), "{here}");
        }
        for away in ["db.example.com", "10.0.0.7", "localhost.example.com"] {
            assert_eq!(Tls::from_setting(None, away), Ok(Tls::Require), "{away}");
        }
        assert_eq!(Tls::from_setting(Some("require"), "localhost"), Ok(Tls::Require));
        assert!(Tls::from_setting(Some("maybe"), "localhost").is_err());
    }

    #[test]
    fn debug_output_contains_no_password() {
        assert!(!format!("{:?}", PasswordSource::Password("hunter2".to_owned())).contains("hunter2"));
    }
}
