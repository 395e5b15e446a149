//! Entries in the inbox of consumers whose handlers store no claim with each event, attempts that failed, and dead letters.

use super::{
    Database, PgContacts, PgInvoices, PgOrders, PgPayments, PgProductIndex, PgStock, PgWebhooks, params::params,
};
use kernel::{Claim, Failure};
use ports::{Bus, HandledEvents};
use std::sync::Arc;

const RECORD: &str = "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";

const RECORD_FAILURE: &str = "SELECT record_failure($1, $2, $3)";

const RECORD_DEAD_LETTER: &str = "SELECT record_dead_letter($1, $2, $3)";

/// The inbox of a context, for a consumer without another store there.
#[derive(Debug)]
pub struct PgHandledEvents(Arc<Database>);

impl PgHandledEvents {
    /// `database` logs in as the role of the consumer's context.
    pub fn new(database: Arc<Database>) -> Self {
        Self(database)
    }
}

async fn record(database: &Database, claim: Claim) -> Result<(), Failure> {
    database.query(RECORD, &params![claim.consumer, claim.event_id]).await.map(drop)
}

async fn record_failure(database: &Database, claim: Claim, code: &str) -> Result<(), Failure> {
    database.query(RECORD_FAILURE, &params![claim.consumer, claim.event_id, code]).await.map(drop)
}

async fn record_dead_letter(database: &Database, claim: Claim, code: &str) -> Result<(), Failure> {
    database.query(RECORD_DEAD_LETTER, &params![claim.consumer, claim.event_id, code]).await.map(drop)
}

impl HandledEvents for PgHandledEvents {
    async fn record(&self, claim: Claim) -> Result<(), Failure> {
        record(&self.0, claim).await
    }

    async fn record_failure(&self, claim: Claim, code: &'static str) -> Result<(), Failure> {
        record_failure(&self.0, claim, code).await
    }

    async fn record_dead_letter(&self, claim: Claim, code: &str) -> Result<(), Failure> {
        record_dead_letter(&self.0, claim, code).await
    }
}

impl HandledEvents for PgProductIndex {
    async fn record(&self, claim: Claim) -> Result<(), Failure> {
        record(&self.database, claim).await
    }

    async fn record_failure(&self, claim: Claim, code: &'static str) -> Result<(), Failure> {
        record_failure(&self.database, claim, code).await
    }

    async fn record_dead_letter(&self, claim: Claim, code: &str) -> Result<(), Failure> {
        record_dead_letter(&self.database, claim, code).await
    }
}

macro_rules! handled_events_of {
    ($($store:ident)*) => {
        $(impl<B: Bus> HandledEvents for $store<B> {
            async fn record(&self, claim: Claim) -> Result<(), Failure> {
                record(self.relay.database(), claim).await
            }

            async fn record_failure(&self, claim: Claim, code: &'static str) -> Result<(), Failure> {
                record_failure(self.relay.database(), claim, code).await
            }

            async fn record_dead_letter(&self, claim: Claim, code: &str) -> Result<(), Failure> {
                record_dead_letter(self.relay.database(), claim, code).await
            }
        })*
    };
}

handled_events_of! { PgContacts PgInvoices PgOrders PgPayments PgStock PgWebhooks }
