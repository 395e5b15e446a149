//! Contract of [`InvoiceStore`].

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

/// Generates one test per rule of [`InvoiceStore`]. The expression is a future of a `Fixture<impl InvoiceStore>`.
#[macro_export]
macro_rules! contract_invoices {
    ($fixture:expr) => {
        $crate::each_rule! { invoices, $fixture;
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

/// January 1 of a random year, so that runs do not share a series.
fn a_year() -> Timestamp {
    let year = 2_100 + fresh().as_u128() % 7_000;
    format!("{year}-01-01T00:00:00Z").parse().expect("an instant")
}

fn draft(issued_at: Timestamp) -> Draft {
    build::order().id(OrderId(fresh())).owner(UserId(fresh())).at(issued_at).invoice_draft()
}

/// Makes the event of an invoice, with this id.
fn issued_event(id: Uuid) -> impl Fn(&Invoice) -> Event {
    move |invoice| {
        let issued = InvoiceIssued { order_id: invoice.draft.order_id, number: invoice.number(), key: invoice.key() };
        Event { id, ..an_event(issued) }
    }
}

async fn assign(invoices: &impl InvoiceStore, draft: &Draft) -> Result<Invoice, Failure> {
    invoices.assign_number(a_claim(catalog::INVOICE_ISSUE.name), draft, &issued_event(fresh())).await
}

pub async fn invoice_numbers_are_consecutive_from_one(fixture: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    for position in 1..4 {
        let draft = draft(year);
        let invoice = Invoice { position, series: draft.series(), draft: draft.clone() };
        assert_eq!(assign(fixture.port(), &draft).await, Ok(invoice.clone()));
        assert_eq!(fixture.port().find(draft.order_id, None).await, Ok(Some(invoice)));
    }
}

pub async fn each_series_has_its_own_numbering(fixture: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    let next: Timestamp =
        format!("{}-01-01T00:00:00Z", year.strftime("%Y").to_string().parse::<u32>().expect("a year") + 1)
            .parse()
            .expect("an instant");
    for (issued_at, position) in [(year, 1), (year, 2), (next, 1), (year, 3)] {
        assert_eq!(assign(fixture.port(), &draft(issued_at)).await.map(|invoice| invoice.position), Ok(position));
    }
}

pub async fn repeated_assignment_returns_the_same_number(fixture: &Fixture<impl InvoiceStore>) {
    let (year, claim, event_id) = (a_year(), a_claim(catalog::INVOICE_ISSUE.name), fresh());
    let draft = draft(year);
    let first = fixture.port().assign_number(claim, &draft, &issued_event(event_id)).await.expect("a number");
    assert_eq!(
        fixture.port().assign_number(claim, &draft, &issued_event(fresh())).await,
        Ok(first.clone()),
        "the same claim"
    );
    assert_eq!(assign(fixture.port(), &draft).await, Ok(first.clone()), "another claim");
    fixture.assert_only_published(&[event_id]).await;
    let next = assign(fixture.port(), &self::draft(year)).await.expect("a number");
    assert_eq!(next.position, first.position + 1, "the repeated assignment consumed no number");
}

pub async fn concurrent_assignments_leave_no_gap_and_no_duplicate(fixture: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    let drafts: Vec<Draft> = (0..24).map(|_| draft(year)).collect();
    let invoices =
        join_all(fixture.concurrent(drafts.len()).zip(&drafts).map(|(store, draft)| assign(store, draft))).await;
    let mut positions: Vec<i64> = invoices.into_iter().map(|one| one.expect("a number").position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..25).collect::<Vec<_>>());
}

pub async fn concurrent_assignments_for_one_order_return_one_number(fixture: &Fixture<impl InvoiceStore>) {
    let draft = draft(a_year());
    let event_id: Vec<Uuid> = (0..8).map(|_| fresh()).collect();
    let events: Vec<_> = event_id.iter().map(|id| issued_event(*id)).collect();
    let attempts = fixture.concurrent(8).zip(&events);
    let responses = join_all(
        attempts.map(|(store, event)| store.assign_number(a_claim(catalog::INVOICE_ISSUE.name), &draft, event)),
    )
    .await;
    for response in responses {
        assert_eq!(response.map(|invoice| invoice.position), Ok(1));
    }
    fixture.sweep().await;
    assert_eq!(event_id.iter().map(|id| fixture.publish_count(*id)).sum::<usize>(), 1);
}

pub async fn invoice_is_visible_to_its_owner_only(fixture: &Fixture<impl InvoiceStore>) {
    let draft = draft(a_year());
    let invoice = assign(fixture.port(), &draft).await.expect("a number");
    assert_eq!(fixture.port().find(draft.order_id, Some(draft.user_id)).await, Ok(Some(invoice)));
    assert_eq!(fixture.port().find(draft.order_id, Some(UserId(fresh()))).await, Ok(None));
    assert_eq!(fixture.port().find(OrderId(fresh()), None).await, Ok(None));
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(fixture: &Fixture<impl InvoiceStore>) {
    let (draft, event_id) = (draft(a_year()), fresh());
    let event = issued_event(event_id);
    fixture
        .assert_published_after_outage(
            event_id,
            fixture.port().assign_number(a_claim(catalog::INVOICE_ISSUE.name), &draft, &event),
        )
        .await;
}
