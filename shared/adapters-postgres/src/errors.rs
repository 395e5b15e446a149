//! Classification of database errors.

use kernel::{Failure, FailureKind};
use std::{error::Error as _, fmt, time::Duration};
use tokio_postgres::error::{DbError, Severity, SqlState};

/// The name of the dependency in failures and readiness checks.
pub(super) const DEPENDENCY: &str = "database";

/// SQLSTATE of `inventory.reserve`: a product has no stock account yet.
pub(super) const NO_ACCOUNT: &str = "QS001";

/// Raised by the functions of inventory: `domain::stock::next` rejects the input.
const REFUSED: &str = "QS002";

/// Raised by `orders.place`: a price of the order is not that of the copy.
const PRICE_OUTDATED: &str = "QS003";

/// SQLSTATE of `orders.check_limits` for too many delayed orders.
const ORDERS_DELAYED: &str = "QS006";

/// Raised by `orders.place`: the customer has too many unpaid orders, or units in them.
const TOO_MANY_UNPAID: [&str; 2] = ["QS004", "QS005"];

/// Whether a parameter has a value that PostgreSQL cannot represent: NUL in text (22021) or in JSON (22P05), a time out of range (22008).
/// Types refuse such values where they are parsed. One that gets here all the same is the sender's, and no retry makes it storable.
fn is_unstorable(code: &SqlState) -> bool {
    [SqlState::CHARACTER_NOT_IN_REPERTOIRE, SqlState::UNTRANSLATABLE_CHARACTER, SqlState::DATETIME_FIELD_OVERFLOW]
        .contains(code)
}

/// The error of a statement.
#[derive(Debug)]
pub(super) enum QueryError {
    /// An error of the server or of the connection.
    Postgres(tokio_postgres::Error),
    /// No response within this time.
    TimedOut(Duration),
}

impl QueryError {
    /// The name of the unique constraint that was violated.
    pub(super) fn duplicate(&self) -> Option<&str> {
        self.server_error().filter(|error| *error.code() == SqlState::UNIQUE_VIOLATION)?.constraint()
    }

    /// Whether the connection remains usable. One to a server that does not accept writes is not: after a failover it leads to the
    /// former primary, and only a new connection finds the current one.
    pub(super) fn is_recoverable(&self) -> bool {
        self.server_error().is_some_and(|error| {
            error.parsed_severity() == Some(Severity::Error) && *error.code() != SqlState::READ_ONLY_SQL_TRANSACTION
        })
    }

    /// Whether the server rejected the role or its password.
    pub(super) fn is_rejected_login(&self) -> bool {
        let codes = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
        self.server_error().is_some_and(|error| codes.contains(error.code()))
    }

    /// The error of the server, if it sent one.
    pub(super) fn server_error(&self) -> Option<&DbError> {
        match self {
            Self::Postgres(error) => error.as_db_error(),
            Self::TimedOut(_) => None,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Postgres(error) => match error.as_db_error() {
                Some(error) => is_transient(error.code()),
                None => error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()),
            },
        }
    }
}

/// Whether a retry can succeed: the server restarts or fails over, lacks resources, or aborted the transaction because of others.
fn is_transient(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or_default();
    // Connection; resources (disk full, out of memory, too many connections); transaction rollback (serialization, deadlock); operator
    // intervention (shutdown, cancel).
    matches!(class, "08" | "53" | "40" | "57")
        || [SqlState::LOCK_NOT_AVAILABLE, SqlState::READ_ONLY_SQL_TRANSACTION].contains(code)
        || code.code() == NO_ACCOUNT
}

impl fmt::Display for QueryError {
    /// For the log. Without the server's `DETAIL`, which quotes the row and so may contain personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.server_error()) {
            (_, Some(error)) => write!(f, "{} {}", error.code().code(), error.message()),
            (Self::TimedOut(limit), _) => write!(f, "no response within {limit:?}"),
            (Self::Postgres(error), _) => match error.source() {
                Some(cause) => write!(f, "{error} ({cause})"),
                None => write!(f, "{error}"),
            },
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        if let Some(error) = error.server_error().filter(|error| error.code().code() == REFUSED) {
            return Self::new(FailureKind::Conflict, "invalid-reservation-transition", error.message());
        }
        match error.server_error().map(|error| error.code().code()) {
            Some(PRICE_OUTDATED) => return ports::PlacementConditions::outdated(),
            Some(ORDERS_DELAYED) => return domain::order::orders_delayed(),
            Some(code) if code == TOO_MANY_UNPAID[0] => return domain::order::too_many_unpaid_orders(),
            Some(code) if code == TOO_MANY_UNPAID[1] => return domain::order::too_many_unpaid_units(),
            _ => {}
        }
        if error.server_error().is_some_and(|error| is_unstorable(error.code())) {
            let detail = "A value of the request cannot be stored.";
            return Self::new(FailureKind::Invalid, "unstorable-value", detail).with_internal(error);
        }
        if error.is_transient() {
            Self::unavailable(DEPENDENCY, error)
        } else {
            Self::internal(format!("{DEPENDENCY}: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_errors_are_distinguished_from_permanent_ones() {
        for code in
            ["57P01", "53100", "53200", "53300", "53400", "40001", "40P01", "08006", "57014", "25006", "55P03", "QS001"]
        {
            assert!(is_transient(&SqlState::from_code(code)), "{code}");
        }
        for code in ["23514", "23505", "42P01", "22001", "42501"] {
            assert!(!is_transient(&SqlState::from_code(code)), "{code}");
        }
    }

    #[test]
    fn values_that_the_database_cannot_represent_are_the_senders() {
        for (code, is_senders) in
            [("22021", true), ("22P05", true), ("22008", true), ("22001", false), ("23514", false)]
        {
            assert_eq!(is_unstorable(&SqlState::from_code(code)), is_senders, "{code}");
        }
    }

    #[test]
    fn unresponsive_database_is_unavailable_without_details_for_the_client() {
        let failure = Failure::from(QueryError::TimedOut(Duration::from_secs(4)));
        assert_eq!((failure.kind, failure.retry_after_s), (FailureKind::Unavailable, Some(2)));
        assert!(!failure.detail.contains("database"));
    }
}
