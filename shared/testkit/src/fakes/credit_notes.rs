//! In-memory fake of refunds and credit notes, and of the list of invoices.

use super::{Dependency, InvoiceRenderer, Invoices, orders::read_cursor};
use domain::{
    Event,
    credit_note::{self, CreditNote, Draft, RecordedRefund, Refund},
    id::{OrderId, RefundId, UserId},
    invoice::{Calendar, Invoice},
};
use kernel::{Failure, Timestamp};
use ports::Page;

impl Invoices {
    /// All credit notes, sorted by number.
    pub fn all_credit_notes(&self) -> Vec<CreditNote> {
        let mut all: Vec<CreditNote> = self.0.inspect(|state| state.invoices.credit_notes.values().cloned().collect());
        all.sort_by_key(CreditNote::number);
        all
    }
}

impl ports::CreditNoteStore for Invoices {
    async fn record_refund(&self, refund: &Refund, version: u64) -> Result<(), Failure> {
        let commit = self.0.commit("invoices.record_refund", |state| {
            state.invoices.refunds.entry(refund.refund_id).or_insert((*refund, version));
            Ok(())
        });
        commit.await
    }

    async fn record_failure(&self, refund: RefundId, version: u64) -> Result<(), Failure> {
        let commit = self.0.commit("invoices.record_failure", |state| {
            let known = state.invoices.refund_failures.entry(refund).or_default();
            *known = version.max(*known);
            Ok(())
        });
        commit.await
    }

    async fn refunds(&self, order: OrderId) -> Result<Vec<RecordedRefund>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let failures = &state.invoices.refund_failures;
            let is_returned =
                |refund: &Refund, version| failures.get(&refund.refund_id).is_some_and(|failed| *failed > version);
            let of_order = state.invoices.refunds.values().filter(|(refund, _)| refund.order_id == order);
            let mut found: Vec<RecordedRefund> = of_order
                .map(|(refund, version)| RecordedRefund { refund: *refund, is_returned: is_returned(refund, *version) })
                .collect();
            found.sort_by_key(|one| (one.refund.refunded.amount, one.refund.refund_id));
            Ok(found)
        });
        query.await
    }

    async fn number_credit_note(
        &self,
        draft: &Draft,
        calendar: &Calendar,
        now: Timestamp,
        event: &dyn Fn(&CreditNote) -> Event,
    ) -> Result<CreditNote, Failure> {
        let commit = self.0.commit("invoices.number_credit_note", |state| {
            let key = (draft.refund.refund_id, draft.cancels.is_some());
            if let Some(note) = state.invoices.credit_notes.get(&key) {
                return Ok(note.clone());
            }
            let today = calendar.date(now);
            let series = credit_note::series(calendar, today);
            let (position, issued_on) = state.invoices.next(&series, today);
            let note = CreditNote { position, series, issued_on, issued_at: now, draft: draft.clone() };
            state.invoices.credit_notes.insert(key, note.clone());
            state.outbox.add(&event(&note));
            Ok(note)
        });
        commit.await
    }

    async fn credit_notes(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Vec<CreditNote>>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let is_visible = |invoice: &&Invoice| owner.is_none_or(|owner| invoice.draft.user_id == owner);
            if state.invoices.by_order.get(&order).filter(is_visible).is_none() {
                return Ok(None);
            }
            let all = state.invoices.credit_notes.values();
            let mut found: Vec<CreditNote> = all.filter(|note| note.draft.refund.order_id == order).cloned().collect();
            found.sort_by_key(|note| (note.issued_at, note.position));
            Ok(Some(found))
        });
        query.await
    }
}

impl ports::InvoiceList for Invoices {
    async fn invoices(
        &self,
        owner: Option<UserId>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Invoice>, Failure> {
        let after = cursor.map(read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let position = |invoice: &Invoice| (invoice.issued_at, invoice.draft.order_id.0);
            let all = state.invoices.by_order.values();
            let mut found: Vec<&Invoice> =
                all.filter(|invoice| owner.is_none_or(|owner| invoice.draft.user_id == owner)).collect();
            found.retain(|invoice| after.is_none_or(|after| position(invoice) < after));
            found.sort_by_key(|invoice| std::cmp::Reverse(position(invoice)));
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more);
            let next = last.map(|last| format!("{}/{}", last.issued_at, last.draft.order_id));
            Ok(Page { items: found.into_iter().cloned().collect(), next })
        });
        query.await
    }
}

impl ports::CreditNoteRenderer for InvoiceRenderer {
    fn render_credit_note(&self, note: &CreditNote) -> Result<Vec<u8>, Failure> {
        let Draft { refund, invoice_number, .. } = &note.draft;
        let what = if note.draft.cancels.is_some() { "cancellation" } else { "credit note" };
        let text = format!("%PDF-memory\n{what} {}\ninvoice {invoice_number}\n{}\n", note.number(), refund.amount);
        Ok(text.into_bytes())
    }
}
