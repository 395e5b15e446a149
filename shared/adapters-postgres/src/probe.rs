//! The readiness check of the database.

use super::{
    Database,
    errors::DEPENDENCY,
    rows::{get, only},
};
use kernel::Failure;
use ports::Probe;
use std::sync::Arc;

/// The role of the probe is not read-only, so that this is how the server treats those that write.
const IS_READ_ONLY: &str =
    "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only";

#[derive(Debug)]
pub struct PgProbe {
    database: Arc<Database>,
}

impl PgProbe {
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl Probe for PgProbe {
    fn dependency(&self) -> &'static str {
        DEPENDENCY
    }

    fn is_essential(&self) -> bool {
        true
    }

    /// Fails if the server only takes reads, too, as the former primary does after a failover; the next check
    /// connects again.
    async fn check(&self) -> Result<(), Failure> {
        let session = self.database.session().await?;
        let rows = session.query(IS_READ_ONLY, &[]).await?;
        if get(only(&rows)?, "is_read_only")? {
            return Err(Failure::unavailable(DEPENDENCY, "the server takes no writes"));
        }
        session.release();
        Ok(())
    }
}
