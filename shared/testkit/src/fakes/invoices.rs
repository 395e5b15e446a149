//! In-memory fakes of invoices, documents and the invoice renderer.

use super::{Dependency, Documents, Invoices, State};
use domain::{
    Event,
    credit_note::{CreditNote, Refund},
    id::{OrderId, RefundId, UserId},
    invoice::{Calendar, Draft, Invoice},
};
use kernel::{Date, Failure, Timestamp};
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct InvoicesState {
    pub by_order: HashMap<OrderId, Invoice>,
    /// Each refund, and the version of its payment in which it was made.
    pub refunds: HashMap<RefundId, (Refund, u64)>,
    /// The version of its payment in which a refund failed.
    pub refund_failures: HashMap<RefundId, u64>,
    /// By refund, and whether it cancels.
    pub credit_notes: HashMap<(RefundId, bool), CreditNote>,
    /// The last number and date of each series.
    last: HashMap<String, (i64, Date)>,
}

impl InvoicesState {
    /// The next number of a series, and the date of the document that gets it.
    pub fn next(&mut self, series: &str, today: Date) -> (i64, Date) {
        let last = self.last.entry(series.to_owned()).or_insert((0, today));
        *last = (last.0 + 1, last.1.max(today));
        *last
    }
}

/// Objects by key, with their media types.
#[derive(Default)]
pub(super) struct ObjectsState(pub BTreeMap<String, (String, Vec<u8>)>);

impl Invoices {
    /// All invoices, sorted by number.
    pub fn all(&self) -> Vec<Invoice> {
        let mut all: Vec<Invoice> = self.0.inspect(|state| state.invoices.by_order.values().cloned().collect());
        all.sort_by_key(Invoice::number);
        all
    }
}

impl ports::InvoiceStore for Invoices {
    async fn assign_number(
        &self,
        draft: &Draft,
        calendar: &Calendar,
        now: Timestamp,
        event: &dyn Fn(&Invoice) -> Event,
    ) -> Result<Invoice, Failure> {
        let commit = self.0.commit("invoices.assign_number", |state| {
            if let Some(invoice) = state.invoices.by_order.get(&draft.order_id) {
                return Ok(invoice.clone());
            }
            let today = calendar.date(now);
            let series = calendar.series(today);
            let (position, issued_on) = state.invoices.next(&series, today);
            let invoice = Invoice { position, series, issued_on, issued_at: now, draft: draft.clone() };
            state.invoices.by_order.insert(draft.order_id, invoice.clone());
            state.outbox.add(&event(&invoice));
            Ok(invoice)
        });
        commit.await
    }

    async fn last_number(&self, series: &str) -> Result<i64, Failure> {
        let last = |state: &State| state.invoices.last.get(series).map_or(0, |(number, _)| *number);
        self.0.query(Dependency::Database, |state| Ok(last(state))).await
    }

    async fn raise_series(&self, series: &str, last: i64, issued_on: Date) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "invoices.raise_series", |state| {
            let entry = state.invoices.last.entry(series.to_owned()).or_insert((0, issued_on));
            if entry.0 < last {
                *entry = (last, entry.1.max(issued_on));
            }
            Ok(())
        });
        step.await
    }

    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure> {
        let is_visible = |invoice: &&Invoice| owner.is_none_or(|owner| invoice.draft.user_id == owner);
        self.0
            .query(Dependency::Database, |state| Ok(state.invoices.by_order.get(&order).filter(is_visible).cloned()))
            .await
    }
}

impl Documents {
    pub fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        self.0.inspect(|state| state.documents.0.get(key).map(|(_, bytes)| bytes.clone()))
    }

    pub fn keys(&self) -> Vec<String> {
        self.0.inspect(|state| state.documents.0.keys().cloned().collect())
    }
}

impl ports::Documents for Documents {
    async fn put_once(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Documents, "documents.put_once", |state| {
            state.documents.0.entry(key.to_owned()).or_insert_with(|| (content_type.to_owned(), bytes));
            Ok(())
        });
        step.await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let keys = self.0.query(Dependency::Documents, |state| {
            Ok(state.documents.0.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
        });
        keys.await
    }

    async fn exists(&self, key: &str) -> Result<bool, Failure> {
        self.0.query(Dependency::Documents, |state| Ok(state.documents.0.contains_key(key))).await
    }

    async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
        Ok(format!("memory:///{key}?expires={ttl_s}"))
    }
}

/// Renders invoices as plain text behind a PDF header.
#[derive(Debug, Clone, Copy)]
pub struct InvoiceRenderer;

impl ports::InvoiceRenderer for InvoiceRenderer {
    fn render(&self, invoice: &Invoice) -> Result<Vec<u8>, Failure> {
        let draft = &invoice.draft;
        let mut text = format!("%PDF-memory\ninvoice {}\norder {}\n", invoice.number(), draft.order_id);
        for line in &draft.lines {
            text.push_str(&format!("{} x {} = {}\n", line.quantity.get(), line.product_name.as_str(), line.line_total));
        }
        text.push_str(&format!("total {}\n", draft.total));
        Ok(text.into_bytes())
    }
}
