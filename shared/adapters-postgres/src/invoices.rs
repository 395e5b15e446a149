//! Invoices, numbered without gaps.
//!
//! The event says the number, so the number must be known before the statement that commits both. It is read first, and the
//! statement commits only if it still is the next one; whoever was slower reads again. Two round trips, and no lock is ever
//! held while nobody works: a function that is frozen between them holds up no other.

use super::{
    Database, Relay,
    fragments::{announce, claim},
    params::params,
    rows::{get, json, only},
};
use domain::{
    Event,
    id::{OrderId, UserId},
    invoice::{Draft, Invoice},
};
use kernel::Failure;
use ports::{Bus, Claim, InvoiceStore};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

/// Of each round of rivals one wins, so this is how many may be at it before somebody is told to come back.
const TRIES: u32 = 32;

/// The invoice of an order, if it has one, and the next number of the series.
const LOOK: &str = "
    SELECT i.series, i.position, i.draft, 1 + coalesce((SELECT last_number FROM series WHERE series = $2), 0) AS next
    FROM (VALUES (1)) AS one LEFT JOIN invoices AS i ON i.order_id = $1";

const NUMBER: &str = concat!(
    "WITH numbered AS (
        INSERT INTO series AS s (series, last_number) SELECT $5, $6 WHERE $6 = 1 OR EXISTS (SELECT FROM series WHERE series = $5)
        ON CONFLICT (series) DO UPDATE SET last_number = excluded.last_number WHERE s.last_number = excluded.last_number - 1
        RETURNING series, last
    ), kept AS (
        INSERT INTO invoices (order_id, user_id, series, position, draft, created_at)
        SELECT $3, $4, series, last, $7, ($8 ->> 'time')::timestamptz FROM numbered
        RETURNING order_id
    ), ",
    claim!(from "kept"),
    ", ",
    announce!("$8", from "kept"),
    " SELECT EXISTS (SELECT FROM kept) AS kept",
);

const FIND: &str = "
    SELECT series, position, draft FROM invoices WHERE order_id = $1 AND ($2 IS NULL OR user_id = $2)";

/// Invoices in the schema of invoices.
#[derive(Debug)]
pub struct PgInvoices<B> {
    relay: Relay<B>,
}

impl<B: Bus> PgInvoices<B> {
    /// Over `database`, as the role of invoices.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(database, bus) }
    }

    /// Whether `invoice` was kept: its number was still the next one, and its order had none.
    async fn keep(&self, claim: Claim, invoice: &Invoice, event: &Event) -> Result<bool, Failure> {
        let params = params![
            claim.consumer,
            claim.event_id,
            invoice.draft.order_id.0,
            invoice.draft.user_id.0,
            &invoice.series,
            invoice.position,
            Json(&invoice.draft),
            Json(event),
        ];
        match self.relay.database().attempt(NUMBER, &params).await? {
            Ok(rows) => get(only(&rows)?, "kept"),
            Err(trouble) if trouble.duplicate().is_some() => Ok(false),
            Err(trouble) => Err(trouble.into()),
        }
    }
}

impl<B: Bus> InvoiceStore for PgInvoices<B> {
    async fn assign_number(
        &self,
        claim: Claim,
        draft: &Draft,
        event: &dyn Fn(&Invoice) -> Event,
    ) -> Result<Invoice, Failure> {
        let series = draft.series();
        for _ in 0..TRIES {
            let rows = self.relay.database().query(LOOK, &params![draft.order_id.0, &series]).await?;
            let row = only(&rows)?;
            if get::<Option<&str>>(row, "series")?.is_some() {
                return read(row);
            }
            let invoice = Invoice { position: get(row, "next")?, series: series.clone(), draft: draft.clone() };
            let event = event(&invoice);
            if self.keep(claim, &invoice, &event).await? {
                self.relay.send(&[event]).await;
                return Ok(invoice);
            }
        }
        Err(Failure::unavailable("invoices", format!("others were faster {TRIES} times")))
    }

    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure> {
        let rows = self.relay.database().query(FIND, &params![order.0, owner.map(|owner| owner.0)]).await?;
        rows.first().map(read).transpose()
    }
}

fn read(row: &Row) -> Result<Invoice, Failure> {
    Ok(Invoice { position: get(row, "position")?, series: get(row, "series")?, draft: json(row, "draft")? })
}
