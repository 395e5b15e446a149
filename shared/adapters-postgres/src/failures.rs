//! What an error of the database means to its caller.

use kernel::{Failure, FailureKind};
use std::{error::Error as _, fmt, time::Duration};
use tokio_postgres::error::{DbError, Severity, SqlState};

/// The name of this part, in failures and probes.
pub(super) const PART: &str = "database";

/// Raised by `inventory.reserve`: a product has no stock account yet.
pub(super) const NO_ACCOUNT: &str = "QS001";

/// Raised by the functions of inventory: `domain::stock::next` refuses the move.
const REFUSED: &str = "QS002";

/// Why a statement had no result.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server said no, or the connection broke.
    Postgres(tokio_postgres::Error),
    /// Nobody answered for so long.
    Silence(Duration),
}

impl Trouble {
    /// The constraint that a row violated by not being unique.
    pub(super) fn duplicate(&self) -> Option<&str> {
        self.of_server().filter(|error| *error.code() == SqlState::UNIQUE_VIOLATION)?.constraint()
    }

    /// Whether it is an answer after which the connection can be used again.
    pub(super) fn is_answer(&self) -> bool {
        self.of_server().is_some_and(|error| error.parsed_severity() == Some(Severity::Error))
    }

    /// What the server said.
    pub(super) fn of_server(&self) -> Option<&DbError> {
        match self {
            Self::Postgres(error) => error.as_db_error(),
            Self::Silence(_) => None,
        }
    }

    fn passes(&self) -> bool {
        match self {
            Self::Silence(_) => true,
            Self::Postgres(error) => match error.as_db_error() {
                Some(error) => passes(error.code()),
                None => error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()),
            },
        }
    }
}

/// Whether what the server says passes by itself: it restarts or fails over, it is full, or others were in the way.
fn passes(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or_default();
    // Connection; resources; transaction rollback (serialization, deadlock); operator intervention (shutdown, cancel).
    matches!(class, "08" | "53" | "40" | "57")
        || [SqlState::LOCK_NOT_AVAILABLE, SqlState::READ_ONLY_SQL_TRANSACTION].contains(code)
        || code.code() == NO_ACCOUNT
}

impl fmt::Display for Trouble {
    /// For the log. The server's `DETAIL` is left out: it quotes the row, and rows name people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.of_server()) {
            (_, Some(error)) => write!(f, "{} {}", error.code().code(), error.message()),
            (Self::Silence(limit), _) => write!(f, "no answer within {limit:?}"),
            (Self::Postgres(error), _) => match error.source() {
                Some(cause) => write!(f, "{error} ({cause})"),
                None => write!(f, "{error}"),
            },
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        if let Some(error) = trouble.of_server().filter(|error| error.code().code() == REFUSED) {
            return Self::new(FailureKind::Conflict, "invalid-reservation-transition", error.message());
        }
        if trouble.passes() { Self::unavailable(PART, trouble) } else { Self::internal(format!("{PART}: {trouble}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_does_not() {
        for code in ["57P01", "53300", "40001", "40P01", "08006", "57014", "25006", "55P03", "QS001"] {
            assert!(passes(&SqlState::from_code(code)), "{code}");
        }
        for code in ["23514", "23505", "42P01", "22001", "42501"] {
            assert!(!passes(&SqlState::from_code(code)), "{code}");
        }
    }

    #[test]
    fn a_database_that_is_silent_is_unavailable_and_the_client_hears_no_more_than_that() {
        let failure = Failure::from(Trouble::Silence(Duration::from_secs(4)));
        assert_eq!((failure.kind, failure.retry_after_s), (FailureKind::Unavailable, Some(2)));
        assert!(!failure.detail.contains("database"));
    }
}
