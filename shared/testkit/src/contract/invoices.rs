//! Contract of [`InvoiceStore`].

use super::{Fixture, an_event, fresh};
use crate::build::{self, OrderBuilder};
use domain::{
    Event,
    event::InvoiceIssued,
    id::{OrderId, UserId},
    invoice::{Calendar, Draft, Invoice},
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
            date_of_issue_never_runs_backwards_within_a_series
            series_follows_the_calendar
            raised_series_continues_after_the_number_and_is_never_lowered
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

fn order() -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(UserId(fresh()))
}

fn draft() -> Draft {
    order().invoice_draft()
}

fn later_by(start: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(start.as_second() + seconds).expect("an instant")
}

/// Makes the event of an invoice, with this id.
fn issued_event(id: Uuid) -> impl Fn(&Invoice) -> Event {
    move |invoice| {
        let issued = InvoiceIssued { order_id: invoice.draft.order_id, number: invoice.number(), key: invoice.key() };
        Event { id, ..an_event(issued) }
    }
}

async fn assign(invoices: &impl InvoiceStore, draft: &Draft, now: Timestamp) -> Result<Invoice, Failure> {
    invoices.assign_number(draft, &Calendar::utc(), now, &issued_event(fresh())).await
}

pub async fn invoice_numbers_are_consecutive_from_one(fixture: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    for position in 1..4 {
        let invoice = order().at(year).invoice(position);
        assert_eq!(assign(fixture.port(), &invoice.draft, year).await, Ok(invoice.clone()));
        assert_eq!(fixture.port().find(invoice.draft.order_id, None).await, Ok(Some(invoice)));
    }
}

pub async fn each_series_has_its_own_numbering(fixture: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    let next: Timestamp =
        format!("{}-01-01T00:00:00Z", year.strftime("%Y").to_string().parse::<u32>().expect("a year") + 1)
            .parse()
            .expect("an instant");
    for (issued_at, position) in [(year, 1), (year, 2), (next, 1), (year, 3)] {
        assert_eq!(assign(fixture.port(), &draft(), issued_at).await.map(|invoice| invoice.position), Ok(position));
    }
}

pub async fn date_of_issue_never_runs_backwards_within_a_series(fixture: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    let on = async |day: i64| {
        let invoice = assign(fixture.port(), &draft(), later_by(year, day * 86_400)).await.expect("a number");
        (invoice.position, invoice.issued_on.day())
    };
    // The clock of the third function is two days behind.
    let issued = [on(0).await, on(3).await, on(1).await, on(4).await];
    assert_eq!(issued, [(1, 1), (2, 4), (3, 4), (4, 5)]);
}

pub async fn series_follows_the_calendar(fixture: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    let calendar = Calendar::parse("Etc/GMT-1", "04-01").expect("an hour ahead of UTC");
    let assign = async |now: Timestamp| {
        let event = issued_event(fresh());
        let issued = fixture.port().assign_number(&draft(), &calendar, now, &event).await.expect("a number");
        (issued.series, issued.position, issued.issued_on.to_string())
    };
    let number: i64 = year.strftime("%Y").to_string().parse().expect("a year");
    let last_day = format!("{number}-03-31T22:59:59Z").parse().expect("an instant");
    let first_day = format!("{number}-03-31T23:30:00Z").parse().expect("an instant");
    assert_eq!(assign(last_day).await, ((number - 1).to_string(), 1, format!("{number}-03-31")));
    assert_eq!(assign(first_day).await, (number.to_string(), 1, format!("{number}-04-01")));
}

pub async fn raised_series_continues_after_the_number_and_is_never_lowered(fixture: &Fixture<impl InvoiceStore>) {
    let (year, store) = (a_year(), fixture.port());
    let (calendar, later) = (Calendar::utc(), later_by(year, 3 * 86_400));
    let series = calendar.series(calendar.date(year));
    assert_eq!(store.last_number(&series).await, Ok(0));
    store.raise_series(&series, 7, calendar.date(later)).await.expect("raised");
    store.raise_series(&series, 5, calendar.date(year)).await.expect("unchanged");
    assert_eq!(store.last_number(&series).await, Ok(7));
    let next = assign(store, &draft(), year).await.expect("a number");
    assert_eq!((next.position, next.issued_on), (8, calendar.date(later)));
}

pub async fn repeated_assignment_returns_the_same_number(fixture: &Fixture<impl InvoiceStore>) {
    let (year, event_id) = (a_year(), fresh());
    let (draft, calendar) = (draft(), Calendar::utc());
    let assign_as =
        async |event: &dyn Fn(&Invoice) -> Event| fixture.port().assign_number(&draft, &calendar, year, event).await;
    let first = assign_as(&issued_event(event_id)).await.expect("a number");
    assert_eq!(assign_as(&issued_event(fresh())).await, Ok(first.clone()), "the same event");
    let later = later_by(year, 86_400);
    assert_eq!(assign(fixture.port(), &draft, later).await, Ok(first.clone()), "another event, on another day");
    fixture.assert_only_published(&[event_id]).await;
    let next = assign(fixture.port(), &self::draft(), year).await.expect("a number");
    assert_eq!(next.position, first.position + 1, "the repeated assignment consumed no number");
}

pub async fn concurrent_assignments_leave_no_gap_and_no_duplicate(fixture: &Fixture<impl InvoiceStore>) {
    let year = a_year();
    let drafts: Vec<Draft> = (0..24).map(|_| draft()).collect();
    let invoices =
        join_all(fixture.concurrent(drafts.len()).zip(&drafts).map(|(store, draft)| assign(store, draft, year))).await;
    let mut positions: Vec<i64> = invoices.into_iter().map(|one| one.expect("a number").position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..25).collect::<Vec<_>>());
}

pub async fn concurrent_assignments_for_one_order_return_one_number(fixture: &Fixture<impl InvoiceStore>) {
    let (draft, calendar, year) = (draft(), Calendar::utc(), a_year());
    let event_id: Vec<Uuid> = (0..8).map(|_| fresh()).collect();
    let events: Vec<_> = event_id.iter().map(|id| issued_event(*id)).collect();
    let attempts = fixture.concurrent(8).zip(&events);
    let responses = join_all(attempts.map(|(store, event)| store.assign_number(&draft, &calendar, year, event))).await;
    for response in responses {
        assert_eq!(response.map(|invoice| invoice.position), Ok(1));
    }
    fixture.sweep().await;
    assert_eq!(event_id.iter().map(|id| fixture.publish_count(*id)).sum::<usize>(), 1);
}

pub async fn invoice_is_visible_to_its_owner_only(fixture: &Fixture<impl InvoiceStore>) {
    let draft = draft();
    let invoice = assign(fixture.port(), &draft, a_year()).await.expect("a number");
    assert_eq!(fixture.port().find(draft.order_id, Some(draft.user_id)).await, Ok(Some(invoice)));
    assert_eq!(fixture.port().find(draft.order_id, Some(UserId(fresh()))).await, Ok(None));
    assert_eq!(fixture.port().find(OrderId(fresh()), None).await, Ok(None));
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(fixture: &Fixture<impl InvoiceStore>) {
    let (draft, event_id, calendar) = (draft(), fresh(), Calendar::utc());
    let event = issued_event(event_id);
    fixture
        .assert_published_after_outage(event_id, fixture.port().assign_number(&draft, &calendar, a_year(), &event))
        .await;
}
