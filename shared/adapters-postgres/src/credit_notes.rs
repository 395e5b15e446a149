//! Refunds of invoiced orders and their credit notes, which are numbered as invoices are, in a series of their own.

use super::{
    PgInvoices,
    fragments::insert_event,
    invoices::{MAX_ATTEMPTS, read},
    orders::{format_position, parse_cursor},
    params::params,
    rows::{bigint, get, json, money, only},
};
use domain::{
    Event,
    credit_note::{self, CreditNote, Draft, RecordedRefund, Refund},
    id::{OrderId, RefundId, UserId},
    invoice::{Calendar, Invoice},
};
use kernel::{Date, Failure, Timestamp, Uuid};
use ports::{Bus, CreditNoteStore, InvoiceList, Page};
use tokio_postgres::{Row, types::Json};

const RECORD: &str = "
    INSERT INTO refunds (refund_id, order_id, amount, refunded, currency, version) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING";

const RECORD_FAILURE: &str = "
    INSERT INTO refund_failures AS known (refund_id, version) VALUES ($1, $2)
    ON CONFLICT (refund_id) DO UPDATE SET version = excluded.version WHERE known.version < excluded.version";

const REFUNDS: &str = "
    SELECT refund_id, order_id, amount, refunded, currency, coalesce(f.version > r.version, false) AS is_returned
    FROM refunds AS r LEFT JOIN refund_failures AS f USING (refund_id)
    WHERE order_id = $1 ORDER BY refunded, refund_id";

/// The credit note of a refund or its cancellation, if it has one, and the next number of the series.
const FIND_OR_NEXT_NUMBER: &str = "
    SELECT c.series, c.position, c.issued_on, c.issued_at, c.draft, 1 + coalesce(s.last_number, 0) AS next, s.last_issued_on
    FROM (VALUES (1)) AS one LEFT JOIN credit_notes AS c ON (c.refund_id, c.is_cancellation) = ($1, $3)
    LEFT JOIN series AS s ON s.series = $2";

const INSERT: &str = concat!(
    "WITH numbered AS (
        INSERT INTO series AS s (series, last_number, last_issued_on)
        SELECT $4, $5, $8 WHERE $5 = 1 OR EXISTS (SELECT FROM series WHERE series = $4)
        ON CONFLICT (series) DO UPDATE SET last_number = excluded.last_number, last_issued_on = excluded.last_issued_on
            WHERE s.last_number = excluded.last_number - 1 AND s.last_issued_on <= excluded.last_issued_on
        RETURNING series, last_number, last_issued_on
    ), inserted AS (
        INSERT INTO credit_notes (refund_id, order_id, user_id, series, position, issued_on, issued_at, draft, is_cancellation)
        SELECT $1, $2, $3, series, last_number, last_issued_on, $9, $6, $10 FROM numbered
        RETURNING refund_id
    ), ",
    insert_event!("$7", from "inserted"),
    " SELECT EXISTS (SELECT FROM inserted) AS inserted",
);

/// The credit notes of an invoiced order, or one row without any.
const LIST: &str = "
    SELECT c.series, c.position, c.issued_on, c.issued_at, c.draft FROM invoices AS i
    LEFT JOIN credit_notes AS c ON c.order_id = i.order_id
    WHERE i.order_id = $1 AND ($2 IS NULL OR i.user_id = $2)
    ORDER BY c.issued_at, c.position";

const INVOICES: &str = "
    SELECT series, position, issued_on, issued_at, draft FROM invoices
    WHERE ($1 IS NULL OR user_id = $1) AND ($2 IS NULL OR (issued_at, order_id) < ($2, $3))
    ORDER BY issued_at DESC, order_id DESC LIMIT $4";

impl<B: Bus> PgInvoices<B> {
    /// Whether the credit note was inserted: its number was still the next one, and its refund had none.
    async fn insert_credit_note(&self, note: &CreditNote, event: &Event) -> Result<bool, Failure> {
        let Draft { refund, user_id, .. } = &note.draft;
        let params = params![
            refund.refund_id.0,
            refund.order_id.0,
            user_id.0,
            &note.series,
            note.position,
            Json(&note.draft),
            Json(event),
            note.issued_on,
            note.issued_at,
            note.draft.cancels.is_some(),
        ];
        match self.relay.database().attempt(INSERT, &params).await? {
            Ok(rows) => get(only(&rows)?, "inserted"),
            Err(error) if error.duplicate().is_some() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl<B: Bus> CreditNoteStore for PgInvoices<B> {
    async fn record_refund(&self, refund: &Refund, version: u64) -> Result<(), Failure> {
        let params = params![
            refund.refund_id.0,
            refund.order_id.0,
            refund.amount.amount.get(),
            refund.refunded.amount.get(),
            refund.amount.currency.code(),
            bigint(version)?,
        ];
        self.relay.database().query(RECORD, &params).await.map(drop)
    }

    async fn record_failure(&self, refund: RefundId, version: u64) -> Result<(), Failure> {
        self.relay.database().query(RECORD_FAILURE, &params![refund.0, bigint(version)?]).await.map(drop)
    }

    async fn refunds(&self, order: OrderId) -> Result<Vec<RecordedRefund>, Failure> {
        let rows = self.relay.database().query(REFUNDS, &params![order.0]).await?;
        let refund = |row: &Row| {
            let refund = Refund {
                refund_id: RefundId(get(row, "refund_id")?),
                order_id: OrderId(get(row, "order_id")?),
                amount: money(row, "amount", "currency")?,
                refunded: money(row, "refunded", "currency")?,
            };
            Ok(RecordedRefund { refund, is_returned: get(row, "is_returned")? })
        };
        rows.iter().map(refund).collect()
    }

    async fn number_credit_note(
        &self,
        draft: &Draft,
        calendar: &Calendar,
        now: Timestamp,
        event: &dyn Fn(&CreditNote) -> Event,
    ) -> Result<CreditNote, Failure> {
        let today = calendar.date(now);
        let series = credit_note::series(calendar, today);
        for _ in 0..MAX_ATTEMPTS {
            let params = params![draft.refund.refund_id.0, &series, draft.cancels.is_some()];
            let rows = self.relay.database().query(FIND_OR_NEXT_NUMBER, &params).await?;
            let row = only(&rows)?;
            if get::<Option<&str>>(row, "series")?.is_some() {
                return credit_note(row);
            }
            let issued_on = get::<Option<Date>>(row, "last_issued_on")?.map_or(today, |last| last.max(today));
            let (position, series, draft) = (get(row, "next")?, series.clone(), draft.clone());
            let note = CreditNote { position, series, issued_on, issued_at: now, draft };
            let event = event(&note);
            if self.insert_credit_note(&note, &event).await? {
                self.relay.publish(&[event]).await;
                return Ok(note);
            }
        }
        Err(Failure::unavailable("invoices", format!("the number was taken {MAX_ATTEMPTS} times in a row")))
    }

    async fn credit_notes(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Vec<CreditNote>>, Failure> {
        let rows = self.relay.database().query(LIST, &params![order.0, owner.map(|owner| owner.0)]).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut notes = Vec::new();
        for row in &rows {
            if get::<Option<&str>>(row, "series")?.is_some() {
                notes.push(credit_note(row)?);
            }
        }
        Ok(Some(notes))
    }
}

impl<B: Bus> InvoiceList for PgInvoices<B> {
    async fn invoices(
        &self,
        owner: Option<UserId>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Invoice>, Failure> {
        let (at, id): (Option<Timestamp>, Option<Uuid>) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let params = params![owner.map(|owner| owner.0), at, id, i64::from(limit) + 1];
        let rows = self.relay.database().query(INVOICES, &params).await?;
        let items: Vec<Invoice> = rows.iter().take(page_size).map(read).collect::<Result<_, _>>()?;
        let last = items.last().filter(|_| rows.len() > page_size);
        let next = last.map(|last| format_position(last.issued_at, last.draft.order_id.0));
        Ok(Page { items, next })
    }
}

fn credit_note(row: &Row) -> Result<CreditNote, Failure> {
    Ok(CreditNote {
        position: get(row, "position")?,
        series: get(row, "series")?,
        issued_on: get(row, "issued_on")?,
        issued_at: get(row, "issued_at")?,
        draft: json(row, "draft")?,
    })
}
