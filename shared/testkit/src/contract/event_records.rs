//! Contract of [`EventRecords`] and [`Timeline`].

use super::{Fixture, fresh, later, now};
use domain::{
    id::{OrderId, UserId},
    timeline::{EventRecord, TimelineEntry},
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, Principal, Timestamp, Uuid};
use ports::{Claim, EventRecords, HandledEvents, Timeline};
use serde_json::json;

/// What is recorded of events, and the inbox of `order-advance`.
#[derive(Debug)]
pub struct RecordsAndInbox<W, R, I> {
    pub records: W,
    pub timeline: R,
    pub inbox: I,
}

/// Generates one test per rule of [`EventRecords`] and [`Timeline`]. The expression is a future of a
/// `Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>`.
#[macro_export]
macro_rules! contract_event_records {
    ($fixture:expr) => {
        $crate::each_rule! { event_records, $fixture;
            events_about_an_order_are_listed_oldest_first
            events_of_one_aggregate_are_in_the_order_of_their_versions_whatever_clocks_say
            event_is_read_as_it_was_recorded
            event_that_is_recorded_again_stays_as_it_was
            concurrent_batches_record_each_event_once
            page_starts_after_the_cursor_even_between_events_of_one_time
            malformed_cursor_is_rejected
            consumer_that_has_handled_an_event_comes_before_those_that_have_not
            failed_attempts_are_counted_with_the_code_of_the_last
            attempt_that_fails_is_counted_and_returns_its_own_failure
            dead_letter_is_known_until_the_event_is_attempted_again
            dead_letter_is_known_until_the_event_is_handled
            consumer_is_asked_about_several_events
            event_that_the_inboxes_have_forgotten_has_no_consumers
            event_without_consumers_has_none
            adding_no_events_succeeds
        }
    };
}

pub(super) fn about(order: OrderId, at: Timestamp) -> EventRecord {
    of_type(catalog::STOCK_RESERVED.name, order, at)
}

fn of_type(kind: &str, order: OrderId, at: Timestamp) -> EventRecord {
    let data = json!({ "order_id": order, "lines": [{ "quantity": 2 }] });
    EventRecord {
        id: fresh(),
        kind: kind.to_owned(),
        source: "quayside.inventory".to_owned(),
        subject: order.to_string(),
        sequence: 2,
        occurred_at: at,
        correlation_id: fresh(),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        actor: Some(Principal { id: fresh(), role: "staff".to_owned() }),
        order_id: Some(order),
        user_id: Some(UserId(fresh())),
        data: data.as_object().cloned().expect("an object"),
    }
}

fn order() -> OrderId {
    OrderId(fresh())
}

async fn entries(timeline: &impl Timeline, order: OrderId) -> Vec<TimelineEntry> {
    let page = timeline.of_order(order, later(-3_600), 100, None).await.expect("the store responds");
    assert_eq!(page.next, None);
    page.items
}

async fn ids(timeline: &impl Timeline, order: OrderId) -> Vec<Uuid> {
    entries(timeline, order).await.into_iter().map(|entry| entry.event.id).collect()
}

pub async fn events_about_an_order_are_listed_oldest_first(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine, other) = (fixture.port(), order(), order());
    let [third, first, second] = [30, 10, 20].map(|seconds| about(mine, later(seconds)));
    let expected = [first.id, second.id, third.id];
    port.records.add(&[third, about(other, now())]).await.expect("added");
    let unrelated = EventRecord { order_id: None, ..about(mine, now()) };
    port.records.add(&[first, unrelated, second]).await.expect("added");
    assert_eq!(ids(&port.timeline, mine).await, expected);
    assert!(ids(&port.timeline, order()).await.is_empty());
}

pub async fn events_of_one_aggregate_are_in_the_order_of_their_versions_whatever_clocks_say(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let version = |sequence, seconds| EventRecord { sequence, ..about(mine, later(seconds)) };
    // The clock of the second and of the fourth writer is behind.
    let [first, second, third, fourth] = [(1, 10), (2, 5), (3, 20), (4, 15)].map(|(n, at)| version(n, at));
    let other =
        |sequence, seconds| EventRecord { source: "quayside.payments".to_owned(), ..version(sequence, seconds) };
    let (paid, refunded) = (other(1, 7), other(2, 12));
    let expected = [paid.id, first.id, second.id, refunded.id, third.id, fourth.id];
    port.records.add(&[fourth, second, refunded]).await.expect("added");
    port.records.add(&[third, paid, first]).await.expect("added");
    assert_eq!(ids(&port.timeline, mine).await, expected);
    let (mut read, mut cursor) = (Vec::new(), None);
    while read.len() < expected.len() {
        let page = port.timeline.of_order(mine, now(), 1, cursor.as_deref()).await.expect("a page");
        read.extend(page.items.into_iter().map(|entry| entry.event.id));
        cursor = page.next;
    }
    assert_eq!((&read[..], cursor), (&expected[..], None));
}

pub async fn event_is_read_as_it_was_recorded(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let full = about(mine, now());
    let sparse = EventRecord {
        trace_id: None,
        actor: None,
        user_id: None,
        data: serde_json::Map::new(),
        ..about(mine, later(1))
    };
    port.records.add(&[full.clone(), sparse.clone()]).await.expect("added");
    let read: Vec<_> = entries(&port.timeline, mine).await.into_iter().map(|entry| entry.event).collect();
    assert_eq!(read, [full, sparse]);
}

pub async fn event_that_is_recorded_again_stays_as_it_was(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let event = about(mine, now());
    let changed = EventRecord { sequence: 9, ..event.clone() };
    port.records.add(&[event.clone(), event.clone()]).await.expect("added");
    port.records.add(&[changed]).await.expect("added");
    let read: Vec<_> = entries(&port.timeline, mine).await.into_iter().map(|entry| entry.event).collect();
    assert_eq!(read, [event]);
}

pub async fn concurrent_batches_record_each_event_once(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let mine = order();
    let batch: Vec<EventRecord> = (0..10).map(|seconds| about(mine, later(seconds))).collect();
    let batches: Vec<Vec<EventRecord>> =
        (0..8).map(|n| if n % 2 == 0 { batch.clone() } else { batch.iter().rev().cloned().collect() }).collect();
    let added = join_all(fixture.concurrent(8).zip(&batches).map(|(port, batch)| port.records.add(batch))).await;
    assert!(added.iter().all(Result::is_ok), "{added:?}");
    let expected: Vec<Uuid> = batch.iter().map(|event| event.id).collect();
    assert_eq!(ids(&fixture.port().timeline, mine).await, expected);
}

pub async fn page_starts_after_the_cursor_even_between_events_of_one_time(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let mut events: Vec<EventRecord> = [0, 0, 0, 7, 7].map(|seconds| about(mine, later(seconds))).into();
    events.sort_by_key(|event| (event.occurred_at, event.id));
    port.records.add(&events).await.expect("added");
    let (mut read, mut cursor) = (Vec::new(), None);
    loop {
        let page = port.timeline.of_order(mine, now(), 2, cursor.as_deref()).await.expect("a page");
        assert!(page.items.len() <= 2);
        read.extend(page.items.into_iter().map(|entry| entry.event.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(read, events.iter().map(|event| event.id).collect::<Vec<_>>());
}

pub async fn malformed_cursor_is_rejected(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    for cursor in ["", "-", "x", "1-x", "99999999999999999999-0192f0c1000070008000000000000001"] {
        let failure = fixture.port().timeline.of_order(order(), now(), 2, Some(cursor)).await.expect_err(cursor);
        assert_eq!((failure.kind, failure.fields[0].pointer.as_str()), (FailureKind::Invalid, "?cursor"), "{cursor}");
    }
}

pub async fn consumer_that_has_handled_an_event_comes_before_those_that_have_not(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let event = of_type(catalog::STOCK_ALLOCATED.name, mine, now());
    port.records.add(std::slice::from_ref(&event)).await.expect("added");
    let consumers: Vec<&str> =
        catalog::consumers_with_inbox(catalog::STOCK_ALLOCATED).map(|function| function.name).collect();
    let before = entries(&port.timeline, mine).await.remove(0).deliveries;
    assert_eq!(before.len(), consumers.len(), "{before:?}");
    assert!(before.iter().all(|status| status.handled_at.is_none()), "{before:?}");
    let claim = Claim { consumer: catalog::ORDER_ADVANCE.name, event_id: event.id };
    port.inbox.record(claim).await.expect("recorded");
    let after = entries(&port.timeline, mine).await.remove(0).deliveries;
    assert_eq!(after[0].consumer, claim.consumer);
    assert!(after[0].handled_at.is_some(), "{after:?}");
    assert_eq!(after.iter().filter(|status| status.handled_at.is_none()).count(), consumers.len() - 1);
}

pub async fn failed_attempts_are_counted_with_the_code_of_the_last(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let (event, other) =
        (of_type(catalog::STOCK_ALLOCATED.name, mine, now()), of_type(catalog::STOCK_ALLOCATED.name, mine, later(1)));
    port.records.add(&[event.clone(), other]).await.expect("added");
    let claim = Claim { consumer: catalog::ORDER_ADVANCE.name, event_id: event.id };
    for code in ["unavailable", "version-conflict"] {
        port.inbox.record_failure(claim, code).await.expect("recorded");
    }
    let failures = async || -> Vec<(u32, Option<String>)> {
        let deliveries = entries(&port.timeline, mine).await.into_iter().flat_map(|entry| entry.deliveries);
        let advancing = deliveries.filter(|status| status.consumer == claim.consumer);
        advancing.map(|status| (status.failed_attempts, status.last_failure)).collect()
    };
    let expected = [(2, Some("version-conflict".to_owned())), (0, None)];
    assert_eq!(failures().await, expected);
    port.inbox.record(claim).await.expect("recorded");
    assert_eq!(failures().await, expected, "also once it is handled");
}

pub async fn attempt_that_fails_is_counted_and_returns_its_own_failure(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let event = of_type(catalog::STOCK_ALLOCATED.name, mine, now());
    port.records.add(std::slice::from_ref(&event)).await.expect("added");
    let claim = Claim { consumer: catalog::ORDER_ADVANCE.name, event_id: event.id };
    let failure = Failure::not_found("order");
    assert_eq!(port.inbox.after(claim, async { Err(failure.clone()) }).await, Err(failure.clone()));
    assert_eq!(port.inbox.attempt(claim, async { Err(failure.clone()) }).await, Err(failure));
    assert_eq!(port.inbox.attempt(claim, async { Ok(()) }).await, Ok(()));
    let deliveries = entries(&port.timeline, mine).await.remove(0).deliveries;
    let advancing = deliveries.iter().find(|status| status.consumer == claim.consumer).expect("a consumer");
    assert_eq!((advancing.failed_attempts, advancing.last_failure.as_deref()), (2, Some("not-found")));
    assert_eq!(advancing.handled_at, None, "it stores its claim itself");
    assert_eq!(port.inbox.after(claim, async { Ok(()) }).await, Ok(()));
    assert!(entries(&port.timeline, mine).await[0].deliveries[0].handled_at.is_some());
}

pub async fn dead_letter_is_known_until_the_event_is_attempted_again(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let event = of_type(catalog::STOCK_ALLOCATED.name, mine, now());
    port.records.add(std::slice::from_ref(&event)).await.expect("added");
    let claim = Claim { consumer: catalog::ORDER_ADVANCE.name, event_id: event.id };
    let known = async || {
        let deliveries = entries(&port.timeline, mine).await.remove(0).deliveries;
        let advancing = deliveries.into_iter().find(|status| status.consumer == claim.consumer).expect("a consumer");
        (advancing.failed_attempts, advancing.last_failure, advancing.dead_lettered_at.is_some())
    };
    // One that is unreadable is never attempted.
    port.inbox.record_dead_letter(claim, "unreadable").await.expect("recorded");
    assert_eq!(known().await, (0, Some("unreadable".to_owned()), true));
    port.inbox.record_failure(claim, "unavailable").await.expect("recorded");
    assert_eq!(known().await, (1, Some("unavailable".to_owned()), false));
    port.inbox.record_dead_letter(claim, "not-found").await.expect("recorded");
    assert_eq!(known().await, (1, Some("not-found".to_owned()), true));
}

pub async fn dead_letter_is_known_until_the_event_is_handled(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    let event = of_type(catalog::STOCK_ALLOCATED.name, mine, now());
    port.records.add(std::slice::from_ref(&event)).await.expect("added");
    let claim = Claim { consumer: catalog::ORDER_ADVANCE.name, event_id: event.id };
    port.inbox.record_dead_letter(claim, "not-found").await.expect("recorded");
    port.inbox.record(claim).await.expect("recorded");
    let first = entries(&port.timeline, mine).await.remove(0).deliveries.remove(0);
    assert_eq!((first.handled_at.is_some(), first.dead_lettered_at), (true, None));
}

pub async fn consumer_is_asked_about_several_events(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, consumer) = (fixture.port(), catalog::ORDER_ADVANCE.name);
    let [handled, dead, new] = [fresh(), fresh(), fresh()];
    port.inbox.record(Claim { consumer, event_id: handled }).await.expect("recorded");
    port.inbox.record_failure(Claim { consumer, event_id: dead }, "unavailable").await.expect("recorded");
    port.inbox.record_dead_letter(Claim { consumer, event_id: dead }, "unavailable").await.expect("recorded");
    let statuses = port.timeline.of_consumer(consumer, &[handled, dead, new]).await.expect("the store responds");
    let of = |id: Uuid| {
        let status = &statuses[&id];
        (status.handled_at.is_some(), status.failed_attempts, status.dead_lettered_at.is_some())
    };
    assert_eq!([of(handled), of(dead), of(new)], [(true, 0, false), (false, 1, true), (false, 0, false)]);
    let others = port.timeline.of_consumer(catalog::STOCK_ALERT.name, &[handled]).await.expect("the store responds");
    assert_eq!(others[&handled].handled_at, None, "another consumer has not");
}

pub async fn event_that_the_inboxes_have_forgotten_has_no_consumers(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine, since) = (fixture.port(), order(), now());
    port.records.add(&[about(mine, later(-10)), about(mine, since)]).await.expect("added");
    let page = port.timeline.of_order(mine, since, 10, None).await.expect("a page");
    assert_eq!(page.items.iter().map(|entry| entry.deliveries.is_empty()).collect::<Vec<_>>(), [true, false]);
}

pub async fn event_without_consumers_has_none(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    let (port, mine) = (fixture.port(), order());
    port.records.add(&[of_type("Retired.v1", mine, now())]).await.expect("added");
    assert_eq!(entries(&port.timeline, mine).await[0].deliveries, []);
}

pub async fn adding_no_events_succeeds(
    fixture: &Fixture<RecordsAndInbox<impl EventRecords, impl Timeline, impl HandledEvents>>,
) {
    assert_eq!(fixture.port().records.add(&[]).await, Ok(()));
}
