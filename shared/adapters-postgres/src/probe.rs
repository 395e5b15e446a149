//! The readiness check of the database.

use super::{
    Database,
    errors::DEPENDENCY,
    rows::{get, only},
};
use kernel::Failure;
use ports::Probe;
use std::sync::Arc;

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

    /// Fails if the server only takes reads, too, as the former primary does after a failover; the next check connects again.
    async fn check(&self) -> Result<(), Failure> {
        let session = self.database.session().await?;
        let rows = session.query("SELECT pg_is_in_recovery() AS is_replica", &[]).await?;
        if get(only(&rows)?, "is_replica")? {
            return Err(Failure::unavailable(DEPENDENCY, "the server is a replica"));
        }
        session.release();
        Ok(())
    }
}
