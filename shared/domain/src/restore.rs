//! The database after it was set back to an earlier moment.

use kernel::Timestamp;
use serde::Deserialize;

/// The moment that the database was set back to.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    pub from: Timestamp,
    /// Whether to change anything; otherwise differences are only reported.
    #[serde(default)]
    pub apply: bool,
}
