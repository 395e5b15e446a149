//! Rules of [`OrderStore`].

use super::{Fixture, a_claim, an_event, fresh, later, now, why};
use crate::build::{self, OrderBuilder, a_reply};
use domain::{
    Event,
    id::{OrderId, UserId},
    order::{self, Order, Reason, ShortfallPolicy},
};
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{OrderStore, OutboxCursor, TransitionOutcome};

/// One test a rule of [`OrderStore`], each over the `Fixture<impl OrderStore>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_orders {
    ($under:expr) => {
        $crate::each_rule! { orders, $under;
            placed_order_is_stored_and_its_event_published
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

/// A request to place an order, ready to be made.
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
        // What must come back byte for byte is told by spaces, escapes and the order of members.
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
    orders.place(order, key, reply, event).await.expect("an order that can be placed")
}

async fn find(orders: &impl OrderStore, id: OrderId) -> Option<Order> {
    orders.get(id, None).await.expect("the store answers")
}

pub async fn placed_order_is_stored_and_its_event_published(under: &Fixture<impl OrderStore>) {
    let request = request();
    assert_eq!(place(under.port(), &request).await, IdempotencyOutcome::Committed);
    assert_eq!(find(under.port(), request.order.id).await, Some(request.order));
    under.assert_only_published(&[request.event.id]).await;
    assert_eq!(under.platform.bus().published(), [request.event]);
}

pub async fn replayed_key_returns_the_first_response_and_no_second_order(under: &Fixture<impl OrderStore>) {
    let first = request();
    place(under.port(), &first).await;
    let again = Request { key: first.key.clone(), reply: a_reply("another answer"), ..request() };
    assert_eq!(place(under.port(), &again).await, IdempotencyOutcome::Replayed(first.reply.clone()));
    assert_eq!(find(under.port(), again.order.id).await, None);
    under.assert_only_published(&[first.event.id]).await;
}

pub async fn key_reused_with_another_body_is_rejected_and_writes_nothing(under: &Fixture<impl OrderStore>) {
    let first = request();
    place(under.port(), &first).await;
    let other = Request { key: IdempotencyKey { fingerprint: "other".to_owned(), ..first.key.clone() }, ..request() };
    let refused = under.port().place(&other.order, &other.key, &other.reply, &other.event).await;
    assert_eq!(why(refused), (FailureKind::Invalid, "idempotency-key-reused"));
    let refused = under.port().store_rejection(&other.key, &other.reply).await;
    assert_eq!(why(refused), (FailureKind::Invalid, "idempotency-key-reused"));
    assert_eq!(find(under.port(), other.order.id).await, None);
    under.assert_only_published(&[first.event.id]).await;
    assert_eq!(place(under.port(), &first).await, IdempotencyOutcome::Replayed(first.reply.clone()));
}

pub async fn same_key_in_another_scope_is_independent(under: &Fixture<impl OrderStore>) {
    let first = request();
    place(under.port(), &first).await;
    let key = IdempotencyKey { scope: fresh().to_string(), fingerprint: "other".to_owned(), ..first.key };
    let second = Request { key, ..request() };
    assert_eq!(place(under.port(), &second).await, IdempotencyOutcome::Committed);
    assert!(find(under.port(), second.order.id).await.is_some());
}

pub async fn stored_rejection_is_replayed(under: &Fixture<impl OrderStore>) {
    let key = a_key();
    let refusal = StoredReply { status: 422, ..a_reply("{\"title\": \"no\"}") };
    assert_eq!(under.port().store_rejection(&key, &refusal).await, Ok(IdempotencyOutcome::Committed));
    let again = under.port().store_rejection(&key, &a_reply("another answer")).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(refusal)));
    under.assert_only_published(&[]).await;
}

pub async fn rejected_key_never_places_an_order(under: &Fixture<impl OrderStore>) {
    let request = request();
    let refusal = StoredReply { status: 422, ..a_reply("{}") };
    assert_eq!(under.port().store_rejection(&request.key, &refusal).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(place(under.port(), &request).await, IdempotencyOutcome::Replayed(refusal));
    assert_eq!(find(under.port(), request.order.id).await, None);
    under.assert_only_published(&[]).await;
}

pub async fn concurrent_requests_with_one_key_place_one_order(under: &Fixture<impl OrderStore>) {
    let first = request();
    let requests: Vec<Request> = (0..16)
        .map(|n| Request {
            key: first.key.clone(),
            reply: a_reply(&format!("answer {n}")),
            ..request_of(first.order.user_id)
        })
        .collect();
    let attempts = under.concurrent(requests.len()).zip(&requests);
    let answers =
        join_all(attempts.map(|(orders, one)| orders.place(&one.order, &one.key, &one.reply, &one.event))).await;
    let placed: Vec<&Request> = requests
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| **answer == Ok(IdempotencyOutcome::Committed))
        .map(|(one, _)| one)
        .collect();
    let [winner] = placed[..] else { panic!("{} of them placed an order", placed.len()) };
    for answer in answers {
        match answer {
            Ok(IdempotencyOutcome::Committed) => {}
            Ok(IdempotencyOutcome::Replayed(reply)) => assert_eq!(reply, winner.reply),
            Err(failure) => assert_eq!(failure.code, "idempotency-key-in-flight", "{failure}"),
        }
    }
    let page = under.port().list(first.order.user_id, 100, None).await.expect("a page");
    assert_eq!(page.items, std::slice::from_ref(&winner.order));
    under.assert_only_published(&[winner.event.id]).await;
}

pub async fn order_is_visible_to_its_owner_only(under: &Fixture<impl OrderStore>) {
    let request = request();
    place(under.port(), &request).await;
    let (id, owner) = (request.order.id, request.order.user_id);
    assert_eq!(under.port().get(id, Some(owner)).await, Ok(Some(request.order)));
    assert_eq!(under.port().get(id, Some(UserId(fresh()))).await, Ok(None));
    assert_eq!(under.port().get(OrderId(fresh()), None).await, Ok(None));
    let page = under.port().list(UserId(fresh()), 10, None).await.expect("a page");
    assert_eq!((page.items.len(), page.next), (0, None));
}

/// All pages of `limit`, one after another; `between` runs before each page but the first.
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
            next if pages.len() > 50 => panic!("the list does not end: {next:?}"),
            next => cursor = next,
        }
        between().await;
    }
}

pub async fn pages_are_newest_first_and_complete_during_inserts(under: &Fixture<impl OrderStore>) {
    let owner = UserId(fresh());
    let mut newest_first = Vec::new();
    for n in 0..5 {
        let mut request = request_of(owner);
        request.order.created_at = later(n - 100);
        place(under.port(), &request).await;
        newest_first.insert(0, request.order.id);
    }
    let pages = read_all(under.port(), owner, 2, async || {
        place(under.port(), &request_of(owner)).await;
    });
    let pages = pages.await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(pages.concat(), newest_first);
    let page = under.port().list(owner, 7, None).await.expect("a page");
    assert_eq!((page.items.len(), page.next), (7, None), "a page that is just full is the last one");
}

pub async fn orders_created_at_one_instant_are_each_listed_once(under: &Fixture<impl OrderStore>) {
    let owner = UserId(fresh());
    let instant = now();
    let mut placed = Vec::new();
    for _ in 0..5 {
        let mut request = request_of(owner);
        request.order.created_at = instant;
        place(under.port(), &request).await;
        placed.push(request.order.id);
    }
    let mut listed = read_all(under.port(), owner, 2, async || {}).await.concat();
    listed.sort_unstable();
    placed.sort_unstable();
    assert_eq!(listed, placed);
}

pub async fn malformed_cursor_is_rejected(under: &Fixture<impl OrderStore>) {
    for cursor in ["", "x", "2026-11-21T12:00:00Z", "'; DROP TABLE orders --", "\u{0}", "////"] {
        let refused = under.port().list(UserId(fresh()), 10, Some(cursor)).await;
        assert_eq!(refused.expect_err(cursor).kind, FailureKind::Invalid, "{cursor}");
    }
}

pub async fn repeated_claim_applies_its_transition_once(under: &Fixture<impl OrderStore>) {
    let (builder, claim) = (builder(UserId(fresh())), a_claim(CONSUMER));
    let (cancelled, news) = builder.cancelled(Reason::PaymentUnreachable);
    let (placed, event) = (an_event(builder.order_placed()), an_event(news));
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    let reserved = under.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await;
    assert_eq!(reserved, Ok(TransitionOutcome::Applied));
    assert_eq!(under.port().advance(Some(claim), &cancelled, Some(&event)).await, Ok(TransitionOutcome::Applied));
    assert_eq!(
        under.port().advance(Some(claim), &cancelled, Some(&event)).await,
        Ok(TransitionOutcome::AlreadyApplied)
    );
    assert_eq!(find(under.port(), cancelled.id).await, Some(cancelled));
    under.assert_only_published(&[placed.id, event.id]).await;
}

pub async fn version_conflict_changes_nothing_and_can_be_retried(under: &Fixture<impl OrderStore>) {
    let (builder, claim) = (builder(UserId(fresh())), a_claim(CONSUMER));
    let (confirmed, news) = builder.confirmed();
    let (placed, event) = (an_event(builder.order_placed()), an_event(news));
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    assert_eq!(
        under.port().advance(Some(claim), &confirmed, Some(&event)).await,
        Ok(TransitionOutcome::VersionConflict)
    );
    assert_eq!(find(under.port(), confirmed.id).await, Some(builder.placed()));
    under.assert_only_published(&[placed.id]).await;
    assert_eq!(
        under.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await,
        Ok(TransitionOutcome::Applied)
    );
    assert_eq!(
        under.port().advance(Some(claim), &confirmed, Some(&event)).await,
        Ok(TransitionOutcome::Applied),
        "the claim was not used up"
    );
    assert_eq!(find(under.port(), confirmed.id).await, Some(confirmed));
}

pub async fn concurrent_transitions_succeed_once(under: &Fixture<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let placed = an_event(builder.order_placed());
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    let step = builder.reserved();
    let attempts = under.concurrent(8).map(|orders| orders.advance(Some(a_claim(CONSUMER)), &step, None));
    let answers = join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(TransitionOutcome::Applied)).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(TransitionOutcome::VersionConflict)).count(), 7);
    assert_eq!(find(under.port(), step.id).await, Some(step));
}

pub async fn transition_without_an_event_publishes_nothing(under: &Fixture<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let placed = an_event(builder.order_placed());
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    let reserved = builder.reserved();
    assert_eq!(under.port().advance(Some(a_claim(CONSUMER)), &reserved, None).await, Ok(TransitionOutcome::Applied));
    assert_eq!(find(under.port(), reserved.id).await, Some(reserved));
    under.assert_only_published(&[placed.id]).await;
}

pub async fn transition_without_a_claim_is_guarded_by_its_version(under: &Fixture<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let (cancelled, news) = builder.cancelled(Reason::CustomerRequest);
    let (placed, event) = (an_event(builder.order_placed()), an_event(news));
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    assert_eq!(under.port().advance(None, &cancelled, Some(&event)).await, Ok(TransitionOutcome::VersionConflict));
    assert_eq!(under.port().advance(None, &builder.reserved(), None).await, Ok(TransitionOutcome::Applied));
    assert_eq!(under.port().advance(None, &builder.reserved(), None).await, Ok(TransitionOutcome::VersionConflict));
    assert_eq!(under.port().advance(None, &cancelled, Some(&event)).await, Ok(TransitionOutcome::Applied));
    assert_eq!(find(under.port(), cancelled.id).await, Some(cancelled));
    under.assert_only_published(&[placed.id, event.id]).await;
}

pub async fn payment_reference_of_an_order_is_stored(under: &Fixture<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    deliver(under.port(), &builder, order::State::Declined).await;
    let declined = builder.declined().0;
    assert!(declined.payment_version > 0 && declined.payment_id.is_some());
    assert_eq!(find(under.port(), declined.id).await, Some(declined));
}

pub async fn stuck_orders_are_listed_oldest_first(under: &Fixture<impl OrderStore>) {
    let young = later(-500);
    let at = |second| Timestamp::from_second(young.as_second() + second).expect("within the calendar");
    let old: Vec<_> =
        (-100..).zip(order::State::ALL).map(|(n, state)| (builder(UserId(fresh())).at(at(n)), state)).collect();
    // What is found does not depend on the order in which they came.
    for (builder, state) in old.iter().rev() {
        deliver(under.port(), builder, *state).await;
    }
    deliver(under.port(), &builder(UserId(fresh())).at(young), order::State::AwaitingPayment).await;
    let mut waiting = Vec::new();
    for (builder, state) in &old {
        if matches!(order::next(*state, order::Input::TimedOut), order::Transition::To(..)) {
            waiting.extend(find(under.port(), builder.placed().id).await);
        }
    }
    assert_eq!(waiting.len(), 3);
    let found = under.port().stuck(young, 100_000, None).await.expect("the store answers");
    let is_mine = |order: &Order| old.iter().any(|(one, _)| one.placed().id == order.id);
    assert!(found.iter().all(|order| order.created_at < young));
    assert_eq!(found.into_iter().filter(is_mine).collect::<Vec<_>>(), waiting);
    let first = under.port().stuck(young, 1, None).await.expect("the store answers");
    assert!(first.len() == 1 && first[0].created_at <= waiting[0].created_at);
    let behind = Some(OutboxCursor { at: waiting[0].created_at, id: waiting[0].id.0 });
    let found = under.port().stuck(young, 100_000, behind).await.expect("the store answers");
    assert_eq!(found.into_iter().filter(is_mine).collect::<Vec<_>>(), waiting[1..]);
    let pending = under.port().pending().await.expect("the store answers");
    for reason in [Reason::AwaitingStock, Reason::Backordered, Reason::UnderReview] {
        assert!(pending.get(&reason).is_some_and(|orders| *orders > 0), "{reason:?} in {pending:?}");
    }
    assert!(!pending.contains_key(&Reason::CustomerRequest), "what is cancelled waits for nothing");
}

/// Places the order and brings it to this state, step by step.
async fn deliver(orders: &impl OrderStore, builder: &OrderBuilder, state: order::State) {
    orders.place(&builder.placed(), &a_key(), &a_reply("{}"), &event_of(builder)).await.expect("placed");
    let (reserved, confirmed) = (builder.reserved(), builder.confirmed().0);
    let steps = match state {
        order::State::AwaitingStock => vec![],
        order::State::AwaitingPayment => vec![reserved],
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

pub async fn sweep_publishes_events_missed_by_the_bus_once(under: &Fixture<impl OrderStore>) {
    let Request { order, key, reply, event } = request();
    let settled = under.assert_published_after_outage(event.id, under.port().place(&order, &key, &reply, &event)).await;
    assert_eq!(settled, IdempotencyOutcome::Committed);
    let builder = builder(UserId(fresh()));
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &event_of(&builder)).await.expect("placed");
    under.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await.expect("reserved");
    let (confirmed, news) = builder.confirmed();
    let event = an_event(news);
    under
        .assert_published_after_outage(
            event.id,
            under.port().advance(Some(a_claim(CONSUMER)), &confirmed, Some(&event)),
        )
        .await;
}

fn event_of(builder: &OrderBuilder) -> Event {
    an_event(builder.order_placed())
}
