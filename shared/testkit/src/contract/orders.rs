//! Contract of [`OrderStore`].

use super::{Fixture, a_claim, an_event, fresh, kind_and_code, later, now};
use crate::build::{self, OrderBuilder, a_reply, usd};
use domain::{
    Event,
    id::{OrderId, UserId},
    money::Rounding,
    order::{self, Order, Rates, Reason, ShortfallPolicy},
    shipping::ShippingRates,
    tax::TaxRates,
};
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{OrderStore, PlacementConditions, TimeCursor, TransitionOutcome};

/// Generates one test per rule of [`OrderStore`]. The expression is a future of a `Fixture<impl OrderStore>`.
#[macro_export]
macro_rules! contract_orders {
    ($fixture:expr) => {
        $crate::each_rule! { orders, $fixture;
            placed_order_is_stored_and_its_event_published
            totals_and_the_tax_of_each_line_are_stored
            replayed_key_returns_the_first_response_and_no_second_order
            key_reused_with_another_body_is_rejected_and_writes_nothing
            same_key_in_another_scope_is_independent
            stored_rejection_is_replayed
            rejected_key_never_places_an_order
            concurrent_requests_with_one_key_place_one_order
            order_is_visible_to_its_owner_only
            pages_are_newest_first_and_complete_during_inserts
            orders_created_at_one_instant_are_each_listed_once
            malformed_cursor_is_rejected
            repeated_claim_applies_its_transition_once
            version_conflict_changes_nothing_and_can_be_retried
            concurrent_transitions_succeed_once
            transition_without_an_event_publishes_nothing
            transition_without_a_claim_is_guarded_by_its_version
            payment_reference_of_an_order_is_stored
            stuck_orders_are_listed_oldest_first
            sweep_publishes_events_missed_by_the_bus_once
        }
    };
}

const CONSUMER: &str = catalog::ORDER_ADVANCE.name;

/// The arguments of a request to place an order.
struct Request {
    order: Order,
    key: IdempotencyKey,
    reply: StoredReply,
    event: Event,
}

fn request() -> Request {
    request_of(UserId(fresh()))
}

fn request_of(owner: UserId) -> Request {
    let order = builder(owner);
    Request {
        event: an_event(order.order_placed()),
        order: order.placed(),
        key: a_key(),
        // Spaces, escapes and member order show that the response is stored byte for byte.
        reply: a_reply("{ \"b\": \"\\u00fc ü\",\t\"a\":1.0 }"),
    }
}

fn builder(owner: UserId) -> OrderBuilder {
    build::order().id(OrderId(fresh())).owner(owner).line(1, 2).line(2, 1).at(now())
}

fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

async fn place(orders: &impl OrderStore, request: &Request) -> IdempotencyOutcome {
    let Request { order, key, reply, event } = request;
    orders.place(order, key, reply, event, &PlacementConditions::default()).await.expect("an order that can be placed")
}

/// Stores the order in its first state, with the event.
async fn store(orders: &impl OrderStore, order: &OrderBuilder, event: &Event) {
    orders
        .place(&order.placed(), &a_key(), &a_reply("{}"), event, &PlacementConditions::default())
        .await
        .expect("placed");
}

async fn find(orders: &impl OrderStore, id: OrderId) -> Option<Order> {
    orders.get(id, None).await.expect("the store responds")
}

pub async fn placed_order_is_stored_and_its_event_published(fixture: &Fixture<impl OrderStore>) {
    let request = request();
    assert_eq!(place(fixture.port(), &request).await, IdempotencyOutcome::Committed);
    assert_eq!(find(fixture.port(), request.order.id).await, Some(request.order));
    fixture.assert_only_published(&[request.event.id]).await;
    assert_eq!(fixture.platform.bus().published(), [request.event]);
}

pub async fn totals_and_the_tax_of_each_line_are_stored(fixture: &Fixture<impl OrderStore>) {
    let (tax, shipping) = ("US:added:8.875,lighting:7", "standard:free;express:USD:1500");
    let rates = Rates {
        tax: TaxRates::parse(tax, Rounding::HalfEven).expect("rates"),
        shipping: ShippingRates::parse(shipping).expect("methods"),
    };
    let taxed = builder(UserId(fresh())).rates(rates).shipping_method("express");
    store(fixture.port(), &taxed, &an_event(taxed.order_placed())).await;
    let order = taxed.placed();
    assert_eq!((order.totals.taxes.len(), order.lines[0].tax.is_some(), order.totals.shipping), (2, true, usd(1_500)));
    assert_eq!(find(fixture.port(), order.id).await, Some(order.clone()));
    let page = fixture.port().list(order.user_id, 1, None).await.expect("a page");
    assert_eq!(page.items, [order]);
}

pub async fn replayed_key_returns_the_first_response_and_no_second_order(fixture: &Fixture<impl OrderStore>) {
    let first = request();
    place(fixture.port(), &first).await;
    let again = Request { key: first.key.clone(), reply: a_reply("another response"), ..request() };
    assert_eq!(place(fixture.port(), &again).await, IdempotencyOutcome::Replayed(first.reply.clone()));
    assert_eq!(find(fixture.port(), again.order.id).await, None);
    fixture.assert_only_published(&[first.event.id]).await;
}

pub async fn key_reused_with_another_body_is_rejected_and_writes_nothing(fixture: &Fixture<impl OrderStore>) {
    let first = request();
    place(fixture.port(), &first).await;
    let other = Request { key: IdempotencyKey { fingerprint: "other".to_owned(), ..first.key.clone() }, ..request() };
    let rejected = fixture
        .port()
        .place(&other.order, &other.key, &other.reply, &other.event, &PlacementConditions::default())
        .await;
    assert_eq!(kind_and_code(rejected), (FailureKind::Invalid, "idempotency-key-reused"));
    let rejected = fixture.port().store_response(&other.key, &other.reply).await;
    assert_eq!(kind_and_code(rejected), (FailureKind::Invalid, "idempotency-key-reused"));
    assert_eq!(find(fixture.port(), other.order.id).await, None);
    fixture.assert_only_published(&[first.event.id]).await;
    assert_eq!(place(fixture.port(), &first).await, IdempotencyOutcome::Replayed(first.reply.clone()));
}

pub async fn same_key_in_another_scope_is_independent(fixture: &Fixture<impl OrderStore>) {
    let first = request();
    place(fixture.port(), &first).await;
    let key = IdempotencyKey { scope: fresh().to_string(), fingerprint: "other".to_owned(), ..first.key };
    let second = Request { key, ..request() };
    assert_eq!(place(fixture.port(), &second).await, IdempotencyOutcome::Committed);
    assert!(find(fixture.port(), second.order.id).await.is_some());
}

pub async fn stored_rejection_is_replayed(fixture: &Fixture<impl OrderStore>) {
    let key = a_key();
    let rejection = StoredReply { status: 422, ..a_reply("{\"title\": \"no\"}") };
    assert_eq!(fixture.port().store_response(&key, &rejection).await, Ok(IdempotencyOutcome::Committed));
    let again = fixture.port().store_response(&key, &a_reply("another response")).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(rejection)));
    fixture.assert_only_published(&[]).await;
}

pub async fn rejected_key_never_places_an_order(fixture: &Fixture<impl OrderStore>) {
    let request = request();
    let rejection = StoredReply { status: 422, ..a_reply("{}") };
    assert_eq!(fixture.port().store_response(&request.key, &rejection).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(place(fixture.port(), &request).await, IdempotencyOutcome::Replayed(rejection));
    assert_eq!(find(fixture.port(), request.order.id).await, None);
    fixture.assert_only_published(&[]).await;
}

pub async fn concurrent_requests_with_one_key_place_one_order(fixture: &Fixture<impl OrderStore>) {
    let first = request();
    let requests: Vec<Request> = (0..16)
        .map(|n| Request {
            key: first.key.clone(),
            reply: a_reply(&format!("response {n}")),
            ..request_of(first.order.user_id)
        })
        .collect();
    let (attempts, conditions) = (fixture.concurrent(requests.len()).zip(&requests), PlacementConditions::default());
    let responses =
        join_all(attempts.map(|(orders, one)| orders.place(&one.order, &one.key, &one.reply, &one.event, &conditions)))
            .await;
    let placed: Vec<&Request> = requests
        .iter()
        .zip(&responses)
        .filter(|(_, response)| **response == Ok(IdempotencyOutcome::Committed))
        .map(|(one, _)| one)
        .collect();
    let [winner] = placed[..] else { panic!("{} of them placed an order", placed.len()) };
    for response in responses {
        match response {
            Ok(IdempotencyOutcome::Committed) => {}
            Ok(IdempotencyOutcome::Replayed(reply)) => assert_eq!(reply, winner.reply),
            Err(failure) => assert_eq!(failure.code, "idempotency-key-in-flight", "{failure}"),
        }
    }
    let page = fixture.port().list(first.order.user_id, 100, None).await.expect("a page");
    assert_eq!(page.items, std::slice::from_ref(&winner.order));
    fixture.assert_only_published(&[winner.event.id]).await;
}

pub async fn order_is_visible_to_its_owner_only(fixture: &Fixture<impl OrderStore>) {
    let request = request();
    place(fixture.port(), &request).await;
    let (id, owner) = (request.order.id, request.order.user_id);
    assert_eq!(fixture.port().get(id, Some(owner)).await, Ok(Some(request.order)));
    assert_eq!(fixture.port().get(id, Some(UserId(fresh()))).await, Ok(None));
    assert_eq!(fixture.port().get(OrderId(fresh()), None).await, Ok(None));
    let page = fixture.port().list(UserId(fresh()), 10, None).await.expect("a page");
    assert_eq!((page.items.len(), page.next), (0, None));
}

/// Reads all pages of `limit` orders; `between` runs before each page but the first.
async fn read_all(
    orders: &impl OrderStore,
    owner: UserId,
    limit: u32,
    mut between: impl AsyncFnMut(),
) -> Vec<Vec<OrderId>> {
    let mut pages = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = orders.list(owner, limit, cursor.as_deref()).await.expect("a page");
        pages.push(page.items.iter().map(|order| order.id).collect());
        match page.next {
            None => return pages,
            next if pages.len() > 50 => panic!("the list has no end: {next:?}"),
            next => cursor = next,
        }
        between().await;
    }
}

pub async fn pages_are_newest_first_and_complete_during_inserts(fixture: &Fixture<impl OrderStore>) {
    let owner = UserId(fresh());
    let mut newest_first = Vec::new();
    for n in 0..5 {
        let mut request = request_of(owner);
        request.order.created_at = later(n - 100);
        place(fixture.port(), &request).await;
        newest_first.insert(0, request.order.id);
    }
    let pages = read_all(fixture.port(), owner, 2, async || {
        place(fixture.port(), &request_of(owner)).await;
    });
    let pages = pages.await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(pages.concat(), newest_first);
    let page = fixture.port().list(owner, 7, None).await.expect("a page");
    assert_eq!((page.items.len(), page.next), (7, None), "a page that is exactly full is the last one");
}

pub async fn orders_created_at_one_instant_are_each_listed_once(fixture: &Fixture<impl OrderStore>) {
    let owner = UserId(fresh());
    let instant = now();
    let mut placed = Vec::new();
    for _ in 0..5 {
        let mut request = request_of(owner);
        request.order.created_at = instant;
        place(fixture.port(), &request).await;
        placed.push(request.order.id);
    }
    let mut listed = read_all(fixture.port(), owner, 2, async || {}).await.concat();
    listed.sort_unstable();
    placed.sort_unstable();
    assert_eq!(listed, placed);
}

pub async fn malformed_cursor_is_rejected(fixture: &Fixture<impl OrderStore>) {
    for cursor in ["", "x", "2026-11-21T12:00:00Z", "'; DROP TABLE orders --", "\u{0}", "////"] {
        let rejected = fixture.port().list(UserId(fresh()), 10, Some(cursor)).await;
        assert_eq!(rejected.expect_err(cursor).kind, FailureKind::Invalid, "{cursor}");
    }
}

pub async fn repeated_claim_applies_its_transition_once(fixture: &Fixture<impl OrderStore>) {
    let (builder, claim) = (builder(UserId(fresh())), a_claim(CONSUMER));
    let (cancelled, event_data) = builder.cancelled(Reason::PaymentUnreachable);
    let (placed, event) = (an_event(builder.order_placed()), an_event(event_data));
    store(fixture.port(), &builder, &placed).await;
    let reserved = fixture.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await;
    assert_eq!(reserved, Ok(TransitionOutcome::Applied));
    assert_eq!(fixture.port().advance(Some(claim), &cancelled, Some(&event)).await, Ok(TransitionOutcome::Applied));
    assert_eq!(
        fixture.port().advance(Some(claim), &cancelled, Some(&event)).await,
        Ok(TransitionOutcome::AlreadyApplied)
    );
    assert_eq!(find(fixture.port(), cancelled.id).await, Some(cancelled));
    fixture.assert_only_published(&[placed.id, event.id]).await;
}

pub async fn version_conflict_changes_nothing_and_can_be_retried(fixture: &Fixture<impl OrderStore>) {
    let (builder, claim) = (builder(UserId(fresh())), a_claim(CONSUMER));
    let (confirmed, event_data) = builder.confirmed();
    let (placed, event) = (an_event(builder.order_placed()), an_event(event_data));
    store(fixture.port(), &builder, &placed).await;
    assert_eq!(
        fixture.port().advance(Some(claim), &confirmed, Some(&event)).await,
        Ok(TransitionOutcome::VersionConflict)
    );
    assert_eq!(find(fixture.port(), confirmed.id).await, Some(builder.placed()));
    fixture.assert_only_published(&[placed.id]).await;
    assert_eq!(
        fixture.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await,
        Ok(TransitionOutcome::Applied)
    );
    assert_eq!(
        fixture.port().advance(Some(claim), &confirmed, Some(&event)).await,
        Ok(TransitionOutcome::Applied),
        "the claim was not consumed"
    );
    assert_eq!(find(fixture.port(), confirmed.id).await, Some(confirmed));
}

pub async fn concurrent_transitions_succeed_once(fixture: &Fixture<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let placed = an_event(builder.order_placed());
    store(fixture.port(), &builder, &placed).await;
    let step = builder.reserved();
    let attempts = fixture.concurrent(8).map(|orders| orders.advance(Some(a_claim(CONSUMER)), &step, None));
    let responses = join_all(attempts).await;
    assert_eq!(responses.iter().filter(|response| **response == Ok(TransitionOutcome::Applied)).count(), 1);
    assert_eq!(responses.iter().filter(|response| **response == Ok(TransitionOutcome::VersionConflict)).count(), 7);
    assert_eq!(find(fixture.port(), step.id).await, Some(step));
}

pub async fn transition_without_an_event_publishes_nothing(fixture: &Fixture<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let placed = an_event(builder.order_placed());
    store(fixture.port(), &builder, &placed).await;
    let reserved = builder.reserved();
    assert_eq!(fixture.port().advance(Some(a_claim(CONSUMER)), &reserved, None).await, Ok(TransitionOutcome::Applied));
    assert_eq!(find(fixture.port(), reserved.id).await, Some(reserved));
    fixture.assert_only_published(&[placed.id]).await;
}

pub async fn transition_without_a_claim_is_guarded_by_its_version(fixture: &Fixture<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let (cancelled, event_data) = builder.cancelled(Reason::CustomerRequest);
    let (placed, event) = (an_event(builder.order_placed()), an_event(event_data));
    store(fixture.port(), &builder, &placed).await;
    assert_eq!(fixture.port().advance(None, &cancelled, Some(&event)).await, Ok(TransitionOutcome::VersionConflict));
    assert_eq!(fixture.port().advance(None, &builder.reserved(), None).await, Ok(TransitionOutcome::Applied));
    assert_eq!(fixture.port().advance(None, &builder.reserved(), None).await, Ok(TransitionOutcome::VersionConflict));
    assert_eq!(fixture.port().advance(None, &cancelled, Some(&event)).await, Ok(TransitionOutcome::Applied));
    assert_eq!(find(fixture.port(), cancelled.id).await, Some(cancelled));
    fixture.assert_only_published(&[placed.id, event.id]).await;
}

pub async fn payment_reference_of_an_order_is_stored(fixture: &Fixture<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    deliver(fixture.port(), &builder, order::State::Declined).await;
    let declined = builder.declined().0;
    assert!(declined.payment_version > 0 && declined.payment_id.is_some());
    assert_eq!(find(fixture.port(), declined.id).await, Some(declined));
}

pub async fn stuck_orders_are_listed_oldest_first(fixture: &Fixture<impl OrderStore>) {
    let young = later(-500);
    let at = |second| Timestamp::from_second(young.as_second() + second).expect("within the calendar");
    let old: Vec<_> =
        (-100..).zip(order::State::ALL).map(|(n, state)| (builder(UserId(fresh())).at(at(n)), state)).collect();
    // The result does not depend on the order of insertion.
    for (builder, state) in old.iter().rev() {
        deliver(fixture.port(), builder, *state).await;
    }
    deliver(fixture.port(), &builder(UserId(fresh())).at(young), order::State::AwaitingPayment).await;
    let mut waiting = Vec::new();
    for (builder, state) in &old {
        if matches!(order::next(*state, order::Input::TimedOut), order::Transition::To(..)) {
            waiting.extend(find(fixture.port(), builder.placed().id).await);
        }
    }
    assert_eq!(waiting.len(), 4);
    let found = fixture.port().stuck(young, 100_000, None).await.expect("the store responds");
    let is_mine = |order: &Order| old.iter().any(|(one, _)| one.placed().id == order.id);
    assert!(found.iter().all(|order| order.created_at < young));
    assert_eq!(found.into_iter().filter(is_mine).collect::<Vec<_>>(), waiting);
    let first = fixture.port().stuck(young, 1, None).await.expect("the store responds");
    assert!(first.len() == 1 && first[0].created_at <= waiting[0].created_at);
    let behind = Some(TimeCursor { at: waiting[0].created_at, id: waiting[0].id.0 });
    let found = fixture.port().stuck(young, 100_000, behind).await.expect("the store responds");
    assert_eq!(found.into_iter().filter(is_mine).collect::<Vec<_>>(), waiting[1..]);
    let pending = fixture.port().pending().await.expect("the store responds");
    for reason in [Reason::AwaitingStock, Reason::Backordered, Reason::UnderReview] {
        assert!(pending.get(&reason).is_some_and(|orders| *orders > 0), "{reason:?} in {pending:?}");
    }
    assert!(!pending.contains_key(&Reason::CustomerRequest), "a cancelled order is not pending");
}

/// Places the order and applies the transitions to this state.
async fn deliver(orders: &impl OrderStore, builder: &OrderBuilder, state: order::State) {
    store(orders, builder, &event_of(builder)).await;
    let (reserved, confirmed) = (builder.reserved(), builder.confirmed().0);
    let steps = match state {
        order::State::AwaitingStock => vec![],
        order::State::AwaitingPayment => vec![reserved],
        order::State::AwaitingCustomer => vec![reserved, builder.awaiting_customer()],
        order::State::Declined => vec![reserved, builder.declined().0],
        order::State::Backordered => vec![reserved, builder.allocation_failed(ShortfallPolicy::Backorder).0],
        order::State::UnderReview => vec![reserved, builder.allocation_failed(ShortfallPolicy::Review).0],
        order::State::Processing => vec![reserved, confirmed],
        order::State::Shipped => vec![reserved, confirmed, builder.shipped().0],
        order::State::Delivered => vec![reserved, confirmed, builder.shipped().0, builder.delivered().0],
        order::State::Cancelled => vec![reserved, builder.cancelled(Reason::CustomerRequest).0],
    };
    for step in &steps {
        assert_eq!(orders.advance(None, step, None).await, Ok(TransitionOutcome::Applied), "{state:?}");
    }
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(fixture: &Fixture<impl OrderStore>) {
    let Request { order, key, reply, event } = request();
    let settled = fixture
        .assert_published_after_outage(
            event.id,
            fixture.port().place(&order, &key, &reply, &event, &PlacementConditions::default()),
        )
        .await;
    assert_eq!(settled, IdempotencyOutcome::Committed);
    let builder = builder(UserId(fresh()));
    store(fixture.port(), &builder, &event_of(&builder)).await;
    fixture.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await.expect("reserved");
    let (confirmed, event_data) = builder.confirmed();
    let event = an_event(event_data);
    fixture
        .assert_published_after_outage(
            event.id,
            fixture.port().advance(Some(a_claim(CONSUMER)), &confirmed, Some(&event)),
        )
        .await;
}

fn event_of(builder: &OrderBuilder) -> Event {
    an_event(builder.order_placed())
}
