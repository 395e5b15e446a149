//! Invoices, numbered without gaps and dated without going back.
//!
//! The event contains the number, so that the number must be known before the statement that commits both. It is read first, and the
//! statement commits number and date together, and only if both are still the next; otherwise they are read again. This takes two round trips
//! and holds no lock between them, so that a function that is frozen in between blocks no other.

use super::{
    Database, Relay,
    fragments::insert_event,
    params::params,
    rows::{get, json, only},
};
use domain::{
    Event,
    id::{OrderId, UserId},
    invoice::{Calendar, Draft, Invoice},
};
use kernel::{Date, Failure, Timestamp};
use ports::{Bus, InvoiceStore};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

/// One of several concurrent attempts succeeds each time, so this many can run at once before one of them fails.
pub(super) const MAX_ATTEMPTS: u32 = 32;

/// The invoice of an order, if it has one, and the next number of the series.
const FIND_OR_NEXT_NUMBER: &str = "
    SELECT i.series, i.position, i.issued_on, i.issued_at, i.draft, 1 + coalesce(s.last_number, 0) AS next, s.last_issued_on
    FROM (VALUES (1)) AS one LEFT JOIN invoices AS i ON i.order_id = $1 LEFT JOIN series AS s ON s.series = $2";

const INSERT: &str = concat!(
    "WITH numbered AS (
        INSERT INTO series AS s (series, last_number, last_issued_on)
        SELECT $3, $4, $7 WHERE $4 = 1 OR EXISTS (SELECT FROM series WHERE series = $3)
        ON CONFLICT (series) DO UPDATE SET last_number = excluded.last_number, last_issued_on = excluded.last_issued_on
            WHERE s.last_number = excluded.last_number - 1 AND s.last_issued_on <= excluded.last_issued_on
        RETURNING series, last_number, last_issued_on
    ), inserted AS (
        INSERT INTO invoices (order_id, user_id, series, position, issued_on, issued_at, draft, created_at)
        SELECT $1, $2, series, last_number, last_issued_on, $8, $5, ($6 ->> 'time')::timestamptz FROM numbered
        RETURNING order_id
    ), ",
    insert_event!("$6", from "inserted"),
    " SELECT EXISTS (SELECT FROM inserted) AS inserted",
);

const FIND: &str = "
    SELECT series, position, issued_on, issued_at, draft FROM invoices WHERE order_id = $1 AND ($2 IS NULL OR user_id = $2)";

const LAST_NUMBER: &str = "SELECT coalesce((SELECT last_number FROM series WHERE series = $1), 0) AS last_number";

const RAISE_SERIES: &str = "
    INSERT INTO series AS s (series, last_number, last_issued_on) VALUES ($1, $2, $3)
    ON CONFLICT (series) DO UPDATE
        SET last_number = excluded.last_number, last_issued_on = greatest(s.last_issued_on, excluded.last_issued_on)
        WHERE s.last_number < excluded.last_number";

#[derive(Debug)]
pub struct PgInvoices<B> {
    pub(super) relay: Relay<B>,
}

impl<B: Bus> PgInvoices<B> {
    /// `database` logs in as the role of invoices.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Invoices, database, bus) }
    }

    /// Whether `invoice` was inserted: its number was still the next one, and its order had no invoice.
    async fn insert(&self, invoice: &Invoice, event: &Event) -> Result<bool, Failure> {
        let params = params![
            invoice.draft.order_id.0,
            invoice.draft.user_id.0,
            &invoice.series,
            invoice.position,
            Json(&invoice.draft),
            Json(event),
            invoice.issued_on,
            invoice.issued_at,
        ];
        match self.relay.database().attempt(INSERT, &params).await? {
            Ok(rows) => get(only(&rows)?, "inserted"),
            Err(error) if error.duplicate().is_some() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl<B: Bus> InvoiceStore for PgInvoices<B> {
    async fn assign_number(
        &self,
        draft: &Draft,
        calendar: &Calendar,
        now: Timestamp,
        event: &dyn Fn(&Invoice) -> Event,
    ) -> Result<Invoice, Failure> {
        let today = calendar.date(now);
        let series = calendar.series(today);
        for _ in 0..MAX_ATTEMPTS {
            let rows = self.relay.database().query(FIND_OR_NEXT_NUMBER, &params![draft.order_id.0, &series]).await?;
            let row = only(&rows)?;
            if get::<Option<&str>>(row, "series")?.is_some() {
                return read(row);
            }
            let issued_on = get::<Option<Date>>(row, "last_issued_on")?.map_or(today, |last| last.max(today));
            let (position, series, draft) = (get(row, "next")?, series.clone(), draft.clone());
            let invoice = Invoice { position, series, issued_on, issued_at: now, draft };
            let event = event(&invoice);
            if self.insert(&invoice, &event).await? {
                self.relay.publish(&[event]).await;
                return Ok(invoice);
            }
        }
        Err(Failure::unavailable("invoices", format!("the number was taken {MAX_ATTEMPTS} times in a row")))
    }

    async fn last_number(&self, series: &str) -> Result<i64, Failure> {
        get(only(&self.relay.database().query(LAST_NUMBER, &params![series]).await?)?, "last_number")
    }

    async fn raise_series(&self, series: &str, last: i64, issued_on: Date) -> Result<(), Failure> {
        self.relay.database().query(RAISE_SERIES, &params![series, last, issued_on]).await.map(drop)
    }

    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure> {
        let rows = self.relay.database().query(FIND, &params![order.0, owner.map(|owner| owner.0)]).await?;
        rows.first().map(read).transpose()
    }
}

pub(super) fn read(row: &Row) -> Result<Invoice, Failure> {
    Ok(Invoice {
        position: get(row, "position")?,
        series: get(row, "series")?,
        issued_on: get(row, "issued_on")?,
        issued_at: get(row, "issued_at")?,
        draft: json(row, "draft")?,
    })
}
