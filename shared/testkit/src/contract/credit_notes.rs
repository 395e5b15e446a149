//! Contract of [`CreditNoteStore`] and [`InvoiceList`].

use super::{Fixture, an_event, fresh};
use crate::build::{self, usd};
use domain::{
    Event,
    credit_note::{self, CreditNote, Draft, RecordedRefund, Refund},
    event::{CreditNoteIssued, InvoiceIssued},
    id::{OrderId, RefundId, UserId},
    invoice::{Calendar, Invoice},
};
use futures_util::future::join_all;
use kernel::{Timestamp, Uuid};
use ports::{CreditNoteStore, InvoiceList, InvoiceStore};

/// Generates one test per rule. The expression is a future of a `Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>`.
#[macro_export]
macro_rules! contract_credit_notes {
    ($fixture:expr) => {
        $crate::each_rule! { credit_notes, $fixture;
            refunds_are_recorded_once_and_listed_in_order
            refund_is_returned_if_it_failed_in_a_later_version_than_it_was_made_in
            credit_notes_are_numbered_in_a_series_of_their_own
            repeated_numbering_of_a_refund_returns_the_same_credit_note
            concurrent_credit_notes_leave_no_gap_and_no_duplicate
            cancellation_of_a_credit_note_is_numbered_once_in_the_same_series
            credit_notes_are_visible_to_the_owner_of_the_invoice
            invoices_of_a_customer_are_listed_newest_first
        }
    };
}

/// January 1 of a random year, so that runs do not share a series.
fn a_year() -> Timestamp {
    let year = 2_100 + fresh().as_u128() % 7_000;
    format!("{year}-01-01T00:00:00Z").parse().expect("an instant")
}

fn later_by(start: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(start.as_second() + seconds).expect("an instant")
}

async fn an_invoice(invoices: &impl InvoiceStore, owner: UserId, at: Timestamp) -> Invoice {
    let draft = build::order().id(OrderId(fresh())).owner(owner).invoice_draft();
    let issued = |invoice: &Invoice| {
        an_event(InvoiceIssued { order_id: invoice.draft.order_id, number: invoice.number(), key: invoice.key() })
    };
    invoices.assign_number(&draft, &Calendar::utc(), at, &issued).await.expect("a number")
}

fn refund(order_id: OrderId, cents: i64, refunded: i64) -> Refund {
    Refund { refund_id: RefundId(fresh()), order_id, amount: usd(cents), refunded: usd(refunded) }
}

fn issued(id: Uuid) -> impl Fn(&CreditNote) -> Event {
    move |note| {
        let Refund { refund_id, order_id, .. } = note.draft.refund;
        let (number, key, cancels) = (note.number(), note.key(), note.draft.cancels.clone());
        let issued = CreditNoteIssued { order_id, refund_id, number, key, cancels };
        Event { id, ..an_event(issued) }
    }
}

/// An invoice, and the draft of the credit note of a refund of it.
async fn a_draft(invoices: &(impl InvoiceStore + CreditNoteStore), at: Timestamp) -> (Invoice, Draft) {
    let invoice = an_invoice(invoices, UserId(fresh()), at).await;
    let refund = refund(invoice.draft.order_id, 100, 100);
    invoices.record_refund(&refund, 2).await.expect("recorded");
    let draft = credit_note::draft(&invoice, refund).expect("a draft");
    (invoice, draft)
}

pub async fn refunds_are_recorded_once_and_listed_in_order(
    fixture: &Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>,
) {
    let (order, store) = (OrderId(fresh()), fixture.port());
    let (first, second) = (refund(order, 100, 100), refund(order, 50, 150));
    for refund in [&second, &first, &second, &refund(OrderId(fresh()), 1, 1)] {
        store.record_refund(refund, 2).await.expect("recorded");
    }
    let recorded = |refund| RecordedRefund { refund, is_returned: false };
    assert_eq!(store.refunds(order).await, Ok(vec![recorded(first), recorded(second)]));
}

pub async fn refund_is_returned_if_it_failed_in_a_later_version_than_it_was_made_in(
    fixture: &Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>,
) {
    let store = fixture.port();
    for (made, failures, is_returned) in
        [(3, &[5][..], true), (5, &[3], false), (5, &[3, 7], true), (5, &[7, 3], true), (3, &[], false)]
    {
        for is_failure_first in [false, true] {
            let refund = refund(OrderId(fresh()), 100, 100);
            if !is_failure_first {
                store.record_refund(&refund, made).await.expect("recorded");
            }
            for failed in failures {
                store.record_failure(refund.refund_id, *failed).await.expect("recorded");
            }
            store.record_refund(&refund, made).await.expect("recorded");
            let recorded = store.refunds(refund.order_id).await;
            assert_eq!(recorded, Ok(vec![RecordedRefund { refund, is_returned }]), "{made}, {failures:?}");
        }
    }
}

pub async fn cancellation_of_a_credit_note_is_numbered_once_in_the_same_series(
    fixture: &Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>,
) {
    let (store, year, calendar) = (fixture.port(), a_year(), Calendar::utc());
    let (invoice, draft) = a_draft(store, year).await;
    let note = store.number_credit_note(&draft, &calendar, year, &issued(fresh())).await.expect("a number");
    let draft = credit_note::cancellation(&note);
    let first = store.number_credit_note(&draft, &calendar, year, &issued(fresh())).await.expect("a number");
    assert_eq!((first.position, &first.series, &first.draft), (note.position + 1, &note.series, &draft));
    let again = store.number_credit_note(&draft, &calendar, year, &issued(fresh())).await;
    assert_eq!(again, Ok(first.clone()));
    let of_order = store.credit_notes(invoice.draft.order_id, None).await;
    assert_eq!(of_order, Ok(Some(vec![note, first])));
}

pub async fn credit_notes_are_numbered_in_a_series_of_their_own(
    fixture: &Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>,
) {
    let (store, year) = (fixture.port(), a_year());
    for position in 1..4 {
        let (invoice, draft) = a_draft(store, year).await;
        let note = store.number_credit_note(&draft, &Calendar::utc(), year, &issued(fresh())).await.expect("a number");
        assert_eq!((note.position, invoice.position, &note.draft), (position, position, &draft));
        assert_eq!(note.number(), format!("CN-{}-{position:06}", invoice.series));
    }
}

pub async fn repeated_numbering_of_a_refund_returns_the_same_credit_note(
    fixture: &Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>,
) {
    let (store, year, event) = (fixture.port(), a_year(), fresh());
    let (_, draft) = a_draft(store, year).await;
    let first = store.number_credit_note(&draft, &Calendar::utc(), year, &issued(event)).await.expect("a number");
    let later = later_by(year, 86_400);
    let again = store.number_credit_note(&draft, &Calendar::utc(), later, &issued(fresh())).await;
    assert_eq!(again, Ok(first));
    assert_eq!(fixture.publish_count(event), 1);
}

pub async fn concurrent_credit_notes_leave_no_gap_and_no_duplicate(
    fixture: &Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>,
) {
    let year = a_year();
    let mut drafts = Vec::new();
    for _ in 0..12 {
        drafts.push(a_draft(fixture.port(), year).await.1);
    }
    let (calendar, event) = (Calendar::utc(), issued(fresh()));
    let numbered = fixture.concurrent(drafts.len()).zip(&drafts).map(|(store, draft)| {
        let event = issued(fresh());
        let calendar = &calendar;
        async move { store.number_credit_note(draft, calendar, year, &event).await }
    });
    let notes = join_all(numbered).await;
    let mut positions: Vec<i64> = notes.into_iter().map(|note| note.expect("a number").position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..13).collect::<Vec<_>>());
    drop(event);
}

pub async fn credit_notes_are_visible_to_the_owner_of_the_invoice(
    fixture: &Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>,
) {
    let (store, year) = (fixture.port(), a_year());
    let (invoice, draft) = a_draft(store, year).await;
    let (order, owner) = (invoice.draft.order_id, invoice.draft.user_id);
    assert_eq!(store.credit_notes(order, Some(owner)).await, Ok(Some(vec![])));
    let note = store.number_credit_note(&draft, &Calendar::utc(), year, &issued(fresh())).await.expect("a number");
    for reader in [Some(owner), None] {
        assert_eq!(store.credit_notes(order, reader).await, Ok(Some(vec![note.clone()])));
    }
    assert_eq!(store.credit_notes(order, Some(UserId(fresh()))).await, Ok(None));
    assert_eq!(store.credit_notes(OrderId(fresh()), None).await, Ok(None));
}

pub async fn invoices_of_a_customer_are_listed_newest_first(
    fixture: &Fixture<impl InvoiceStore + CreditNoteStore + InvoiceList>,
) {
    let (store, year, owner) = (fixture.port(), a_year(), UserId(fresh()));
    let mut expected = Vec::new();
    for second in [0, 1, 1] {
        expected.push(an_invoice(store, owner, later_by(year, second)).await);
    }
    an_invoice(store, UserId(fresh()), year).await;
    expected.sort_by_key(|invoice| std::cmp::Reverse((invoice.issued_at, invoice.draft.order_id)));
    let first = store.invoices(Some(owner), 2, None).await.expect("a page");
    let cursor = first.next.expect("a second page");
    let second = store.invoices(Some(owner), 2, Some(&cursor)).await.expect("a page");
    assert_eq!(([first.items, second.items].concat(), second.next), (expected, None));
    assert!(store.invoices(Some(owner), 2, Some("nonsense")).await.is_err());
    assert!(store.invoices(None, 100, None).await.expect("a page").items.len() >= 4);
}
