//! Rules of [`InvoiceStore`].

use super::{Fixture, a_claim, an_event, fresh};
use crate::build;
use domain::{
    Event,
    event::InvoiceIssued,
    id::{OrderId, UserId},
    invoice::{Draft, Invoice},
};
use futures_util::future::join_all;
use kernel::{Failure, Timestamp, Uuid};
use ports::InvoiceStore;

/// One test a rule of [`InvoiceStore`], each over the `Fixture<impl InvoiceStore>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_invoices {
    ($under:expr) => {
        $crate::each_rule! { invoices, $under;
            invoice_numbers_are_consecutive_from_one
            each_series_has_its_own_numbering
            repeated_assignment_returns_the_same_number
            concurrent_assignments_leave_no_gap_and_no_duplicate
            concurrent_assignments_for_one_order_return_one_number
            invoice_is_visible_to_its_owner_only
            sweep_publishes_events_missed_by_the_bus_once
        }
    };
}

/// The first day of a year that no other run is likely to invoice in.
fn a_year() -> Timestamp {
    let year = 2_100 + fresh().as_u128() % 7_000;
    format!("{year}-01-01T00:00:00Z").parse().expect("an instant")
}

fn draft(issued_at: Timestamp) -> Draft {
    build::order().id(OrderId(fresh())).owner(UserId(fresh())).at(issued_at).invoice_draft()
}

/// What tells of an invoice, under the id that is given.
fn issued(id: Uuid) -> impl Fn(&Invoice) -> Event {
    move |invoice| {
        let issued = InvoiceIssued { order_id: invoice.draft.order_id, number: invoice.number(), key: invoice.key() };
        Event { id, ..an_event(issued) }
    }
}

async fn number(invoices: &impl InvoiceStore, draft: &Draft) -> Result<Invoice, Failure> {
    invoices.assign_number(a_claim(catalog::INVOICE_ISSUE.name), draft, &issued(fresh())).await
}

pub async fn invoice_numbers_are_consecutive_from_one(under: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    for position in 1..4 {
        let draft = draft(year);
        let invoice = Invoice { position, series: draft.series(), draft: draft.clone() };
        assert_eq!(number(under.port(), &draft).await, Ok(invoice.clone()));
        assert_eq!(under.port().find(draft.order_id, None).await, Ok(Some(invoice)));
    }
}

pub async fn each_series_has_its_own_numbering(under: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    let next: Timestamp =
        format!("{}-01-01T00:00:00Z", year.strftime("%Y").to_string().parse::<u32>().expect("a year") + 1)
            .parse()
            .expect("an instant");
    for (issued_at, position) in [(year, 1), (year, 2), (next, 1), (year, 3)] {
        assert_eq!(number(under.port(), &draft(issued_at)).await.map(|invoice| invoice.position), Ok(position));
    }
}

pub async fn repeated_assignment_returns_the_same_number(under: &Fixture<impl InvoiceStore>) {
    let (year, claim, told) = (a_year(), a_claim(catalog::INVOICE_ISSUE.name), fresh());
    let draft = draft(year);
    let first = under.port().assign_number(claim, &draft, &issued(told)).await.expect("numbered");
    assert_eq!(under.port().assign_number(claim, &draft, &issued(fresh())).await, Ok(first.clone()), "the same claim");
    assert_eq!(number(under.port(), &draft).await, Ok(first.clone()), "another claim");
    under.assert_only_published(&[told]).await;
    let next = number(under.port(), &self::draft(year)).await.expect("numbered");
    assert_eq!(next.position, first.position + 1, "asking again used no number up");
}

pub async fn concurrent_assignments_leave_no_gap_and_no_duplicate(under: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    let drafts: Vec<Draft> = (0..24).map(|_| draft(year)).collect();
    let invoices =
        join_all(under.concurrent(drafts.len()).zip(&drafts).map(|(store, draft)| number(store, draft))).await;
    let mut positions: Vec<i64> = invoices.into_iter().map(|one| one.expect("numbered").position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..25).collect::<Vec<_>>());
}

pub async fn concurrent_assignments_for_one_order_return_one_number(under: &Fixture<impl InvoiceStore>) {
    let draft = draft(a_year());
    let told: Vec<Uuid> = (0..8).map(|_| fresh()).collect();
    let events: Vec<_> = told.iter().map(|id| issued(*id)).collect();
    let asked = under.concurrent(8).zip(&events);
    let answers =
        join_all(asked.map(|(store, event)| store.assign_number(a_claim(catalog::INVOICE_ISSUE.name), &draft, event)))
            .await;
    for answer in answers {
        assert_eq!(answer.map(|invoice| invoice.position), Ok(1));
    }
    under.sweep().await;
    assert_eq!(told.iter().map(|id| under.publish_count(*id)).sum::<usize>(), 1);
}

pub async fn invoice_is_visible_to_its_owner_only(under: &Fixture<impl InvoiceStore>) {
    let draft = draft(a_year());
    let invoice = number(under.port(), &draft).await.expect("numbered");
    assert_eq!(under.port().find(draft.order_id, Some(draft.user_id)).await, Ok(Some(invoice)));
    assert_eq!(under.port().find(draft.order_id, Some(UserId(fresh()))).await, Ok(None));
    assert_eq!(under.port().find(OrderId(fresh()), None).await, Ok(None));
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(under: &Fixture<impl InvoiceStore>) {
    let (draft, told) = (draft(a_year()), fresh());
    let event = issued(told);
    under
        .assert_published_after_outage(
            told,
            under.port().assign_number(a_claim(catalog::INVOICE_ISSUE.name), &draft, &event),
        )
        .await;
}
