//! Rules of [`OrderStore`].

use super::{Under, a_claim, an_event, fresh, later, now, why};
use crate::build::{self, OrderBuilder, a_reply};
use domain::{
    Event,
    id::{OrderId, UserId},
    order::{self, Order, Reason, Shortfall},
};
use futures_util::future::join_all;
use kernel::{Idempotency, Kind, Settled, StoredReply, Timestamp};
use ports::{Advanced, OrderStore, Place};

/// One test a rule of [`OrderStore`], each over the `Under<impl OrderStore>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_orders {
    ($under:expr) => {
        $crate::each_rule! { orders, $under;
            an_order_that_was_placed_is_there_as_it_was_and_its_event_is_out
            the_same_key_and_body_get_the_first_answer_byte_for_byte_and_no_second_order
            the_same_key_with_another_body_is_refused_and_nothing_is_written
            the_same_key_in_another_scope_is_another_key
            a_refusal_is_kept_and_given_again
            a_key_that_was_refused_places_no_order_later
            one_key_many_times_at_once_places_one_order
            an_order_is_shown_to_its_owner_and_to_no_other_customer
            pages_are_newest_first_and_complete_while_new_orders_come_in
            orders_of_one_instant_are_each_listed_once
            a_cursor_that_is_none_is_refused
            a_step_is_done_once_however_often_it_is_claimed
            a_step_from_another_version_changes_nothing_and_may_be_tried_again
            of_two_steps_at_once_one_is_done
            a_step_without_news_tells_nothing
            a_step_needs_no_claim_and_is_guarded_by_its_version
            what_an_order_knows_of_its_payment_comes_back_as_it_was
            orders_that_wait_for_stock_or_payment_are_found_oldest_first_and_no_others
            what_the_bus_did_not_take_is_sent_by_the_sweep_once
        }
    };
}

const CONSUMER: &str = catalog::ORDER_ADVANCE.name;

/// A request to place an order, ready to be made.
struct Request {
    order: Order,
    key: Idempotency,
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

fn a_key() -> Idempotency {
    Idempotency { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

async fn place(orders: &impl OrderStore, request: &Request) -> Settled {
    let Request { order, key, reply, event } = request;
    orders.place(order, key, reply, event).await.expect("an order that can be placed")
}

async fn find(orders: &impl OrderStore, id: OrderId) -> Option<Order> {
    orders.get(id, None).await.expect("the store answers")
}

pub async fn an_order_that_was_placed_is_there_as_it_was_and_its_event_is_out(under: &Under<impl OrderStore>) {
    let request = request();
    assert_eq!(place(under.port(), &request).await, Settled::Now);
    assert_eq!(find(under.port(), request.order.id).await, Some(request.order));
    under.told_only(&[request.event.id]).await;
    assert_eq!(under.platform.bus().published(), [request.event]);
}

pub async fn the_same_key_and_body_get_the_first_answer_byte_for_byte_and_no_second_order(
    under: &Under<impl OrderStore>,
) {
    let first = request();
    place(under.port(), &first).await;
    let again = Request { key: first.key.clone(), reply: a_reply("another answer"), ..request() };
    assert_eq!(place(under.port(), &again).await, Settled::Before(first.reply.clone()));
    assert_eq!(find(under.port(), again.order.id).await, None);
    under.told_only(&[first.event.id]).await;
}

pub async fn the_same_key_with_another_body_is_refused_and_nothing_is_written(under: &Under<impl OrderStore>) {
    let first = request();
    place(under.port(), &first).await;
    let other = Request { key: Idempotency { fingerprint: "other".to_owned(), ..first.key.clone() }, ..request() };
    let refused = under.port().place(&other.order, &other.key, &other.reply, &other.event).await;
    assert_eq!(why(refused), (Kind::Invalid, "idempotency-key-reused"));
    let refused = under.port().refuse(&other.key, &other.reply).await;
    assert_eq!(why(refused), (Kind::Invalid, "idempotency-key-reused"));
    assert_eq!(find(under.port(), other.order.id).await, None);
    under.told_only(&[first.event.id]).await;
    assert_eq!(place(under.port(), &first).await, Settled::Before(first.reply.clone()));
}

pub async fn the_same_key_in_another_scope_is_another_key(under: &Under<impl OrderStore>) {
    let first = request();
    place(under.port(), &first).await;
    let key = Idempotency { scope: fresh().to_string(), fingerprint: "other".to_owned(), ..first.key };
    let second = Request { key, ..request() };
    assert_eq!(place(under.port(), &second).await, Settled::Now);
    assert!(find(under.port(), second.order.id).await.is_some());
}

pub async fn a_refusal_is_kept_and_given_again(under: &Under<impl OrderStore>) {
    let key = a_key();
    let refusal = StoredReply { status: 422, ..a_reply("{\"title\": \"no\"}") };
    assert_eq!(under.port().refuse(&key, &refusal).await, Ok(Settled::Now));
    let again = under.port().refuse(&key, &a_reply("another answer")).await;
    assert_eq!(again, Ok(Settled::Before(refusal)));
    under.told_only(&[]).await;
}

pub async fn a_key_that_was_refused_places_no_order_later(under: &Under<impl OrderStore>) {
    let request = request();
    let refusal = StoredReply { status: 422, ..a_reply("{}") };
    assert_eq!(under.port().refuse(&request.key, &refusal).await, Ok(Settled::Now));
    assert_eq!(place(under.port(), &request).await, Settled::Before(refusal));
    assert_eq!(find(under.port(), request.order.id).await, None);
    under.told_only(&[]).await;
}

pub async fn one_key_many_times_at_once_places_one_order(under: &Under<impl OrderStore>) {
    let first = request();
    let requests: Vec<Request> = (0..16)
        .map(|n| Request {
            key: first.key.clone(),
            reply: a_reply(&format!("answer {n}")),
            ..request_of(first.order.user_id)
        })
        .collect();
    let attempts = under.crowd(requests.len()).zip(&requests);
    let answers =
        join_all(attempts.map(|(orders, one)| orders.place(&one.order, &one.key, &one.reply, &one.event))).await;
    let placed: Vec<&Request> =
        requests.iter().zip(&answers).filter(|(_, answer)| **answer == Ok(Settled::Now)).map(|(one, _)| one).collect();
    let [winner] = placed[..] else { panic!("{} of them placed an order", placed.len()) };
    for answer in answers {
        match answer {
            Ok(Settled::Now) => {}
            Ok(Settled::Before(reply)) => assert_eq!(reply, winner.reply),
            Err(failure) => assert_eq!(failure.code, "idempotency-key-in-flight", "{failure}"),
        }
    }
    let page = under.port().list(first.order.user_id, 100, None).await.expect("a page");
    assert_eq!(page.items, std::slice::from_ref(&winner.order));
    under.told_only(&[winner.event.id]).await;
}

pub async fn an_order_is_shown_to_its_owner_and_to_no_other_customer(under: &Under<impl OrderStore>) {
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

pub async fn pages_are_newest_first_and_complete_while_new_orders_come_in(under: &Under<impl OrderStore>) {
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

pub async fn orders_of_one_instant_are_each_listed_once(under: &Under<impl OrderStore>) {
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

pub async fn a_cursor_that_is_none_is_refused(under: &Under<impl OrderStore>) {
    for cursor in ["", "x", "2026-11-21T12:00:00Z", "'; DROP TABLE orders --", "\u{0}", "////"] {
        let refused = under.port().list(UserId(fresh()), 10, Some(cursor)).await;
        assert_eq!(refused.expect_err(cursor).kind, Kind::Invalid, "{cursor}");
    }
}

pub async fn a_step_is_done_once_however_often_it_is_claimed(under: &Under<impl OrderStore>) {
    let (builder, claim) = (builder(UserId(fresh())), a_claim(CONSUMER));
    let (cancelled, news) = builder.cancelled(Reason::PaymentUnreachable);
    let (placed, event) = (an_event(builder.order_placed()), an_event(news));
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    let reserved = under.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await;
    assert_eq!(reserved, Ok(Advanced::Now));
    assert_eq!(under.port().advance(Some(claim), &cancelled, Some(&event)).await, Ok(Advanced::Now));
    assert_eq!(under.port().advance(Some(claim), &cancelled, Some(&event)).await, Ok(Advanced::Before));
    assert_eq!(find(under.port(), cancelled.id).await, Some(cancelled));
    under.told_only(&[placed.id, event.id]).await;
}

pub async fn a_step_from_another_version_changes_nothing_and_may_be_tried_again(under: &Under<impl OrderStore>) {
    let (builder, claim) = (builder(UserId(fresh())), a_claim(CONSUMER));
    let (confirmed, news) = builder.confirmed();
    let (placed, event) = (an_event(builder.order_placed()), an_event(news));
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    assert_eq!(under.port().advance(Some(claim), &confirmed, Some(&event)).await, Ok(Advanced::Overtaken));
    assert_eq!(find(under.port(), confirmed.id).await, Some(builder.placed()));
    under.told_only(&[placed.id]).await;
    assert_eq!(under.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await, Ok(Advanced::Now));
    assert_eq!(
        under.port().advance(Some(claim), &confirmed, Some(&event)).await,
        Ok(Advanced::Now),
        "the claim was not used up"
    );
    assert_eq!(find(under.port(), confirmed.id).await, Some(confirmed));
}

pub async fn of_two_steps_at_once_one_is_done(under: &Under<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let placed = an_event(builder.order_placed());
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    let step = builder.reserved();
    let attempts = under.crowd(8).map(|orders| orders.advance(Some(a_claim(CONSUMER)), &step, None));
    let answers = join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(Advanced::Now)).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(Advanced::Overtaken)).count(), 7);
    assert_eq!(find(under.port(), step.id).await, Some(step));
}

pub async fn a_step_without_news_tells_nothing(under: &Under<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let placed = an_event(builder.order_placed());
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    let reserved = builder.reserved();
    assert_eq!(under.port().advance(Some(a_claim(CONSUMER)), &reserved, None).await, Ok(Advanced::Now));
    assert_eq!(find(under.port(), reserved.id).await, Some(reserved));
    under.told_only(&[placed.id]).await;
}

pub async fn a_step_needs_no_claim_and_is_guarded_by_its_version(under: &Under<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    let (cancelled, news) = builder.cancelled(Reason::CustomerRequest);
    let (placed, event) = (an_event(builder.order_placed()), an_event(news));
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &placed).await.expect("placed");
    assert_eq!(under.port().advance(None, &cancelled, Some(&event)).await, Ok(Advanced::Overtaken));
    assert_eq!(under.port().advance(None, &builder.reserved(), None).await, Ok(Advanced::Now));
    assert_eq!(under.port().advance(None, &builder.reserved(), None).await, Ok(Advanced::Overtaken));
    assert_eq!(under.port().advance(None, &cancelled, Some(&event)).await, Ok(Advanced::Now));
    assert_eq!(find(under.port(), cancelled.id).await, Some(cancelled));
    under.told_only(&[placed.id, event.id]).await;
}

pub async fn what_an_order_knows_of_its_payment_comes_back_as_it_was(under: &Under<impl OrderStore>) {
    let builder = builder(UserId(fresh()));
    bring(under.port(), &builder, order::State::Declined).await;
    let declined = builder.declined().0;
    assert!(declined.payment_seen > 0 && declined.payment_id.is_some());
    assert_eq!(find(under.port(), declined.id).await, Some(declined));
}

pub async fn orders_that_wait_for_stock_or_payment_are_found_oldest_first_and_no_others(
    under: &Under<impl OrderStore>,
) {
    let young = later(-500);
    let at = |second| Timestamp::from_second(young.as_second() + second).expect("within the calendar");
    let old: Vec<_> =
        (-100..).zip(order::State::ALL).map(|(n, state)| (builder(UserId(fresh())).at(at(n)), state)).collect();
    // What is found does not depend on the order in which they came.
    for (builder, state) in old.iter().rev() {
        bring(under.port(), builder, *state).await;
    }
    bring(under.port(), &builder(UserId(fresh())).at(young), order::State::AwaitingPayment).await;
    let mut waiting = Vec::new();
    for (builder, state) in &old {
        if matches!(order::next(*state, order::Cue::StandsStill), order::Move::To(..)) {
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
    let behind = Some(Place { at: waiting[0].created_at, id: waiting[0].id.0 });
    let found = under.port().stuck(young, 100_000, behind).await.expect("the store answers");
    assert_eq!(found.into_iter().filter(is_mine).collect::<Vec<_>>(), waiting[1..]);
    let pending = under.port().pending().await.expect("the store answers");
    for reason in [Reason::AwaitingStock, Reason::BackOrdered, Reason::UnderReview] {
        assert!(pending.get(&reason).is_some_and(|orders| *orders > 0), "{reason:?} in {pending:?}");
    }
    assert!(!pending.contains_key(&Reason::CustomerRequest), "what is cancelled waits for nothing");
}

/// Places the order and brings it to this state, step by step.
async fn bring(orders: &impl OrderStore, builder: &OrderBuilder, state: order::State) {
    orders.place(&builder.placed(), &a_key(), &a_reply("{}"), &event_of(builder)).await.expect("placed");
    let (reserved, confirmed) = (builder.reserved(), builder.confirmed().0);
    let steps = match state {
        order::State::AwaitingStock => vec![],
        order::State::AwaitingPayment => vec![reserved],
        order::State::Declined => vec![reserved, builder.declined().0],
        order::State::BackOrdered => vec![reserved, builder.short(Shortfall::BackOrder).0],
        order::State::UnderReview => vec![reserved, builder.short(Shortfall::Review).0],
        order::State::Processing => vec![reserved, confirmed],
        order::State::Shipped => vec![reserved, confirmed, builder.shipped().0],
        order::State::Delivered => vec![reserved, confirmed, builder.shipped().0, builder.delivered().0],
        order::State::Cancelled => vec![reserved, builder.cancelled(Reason::CustomerRequest).0],
    };
    for step in &steps {
        assert_eq!(orders.advance(None, step, None).await, Ok(Advanced::Now), "{state:?}");
    }
}

pub async fn what_the_bus_did_not_take_is_sent_by_the_sweep_once(under: &Under<impl OrderStore>) {
    let Request { order, key, reply, event } = request();
    let settled = under.goes_out_after_all(event.id, under.port().place(&order, &key, &reply, &event)).await;
    assert_eq!(settled, Settled::Now);
    let builder = builder(UserId(fresh()));
    under.port().place(&builder.placed(), &a_key(), &a_reply("{}"), &event_of(&builder)).await.expect("placed");
    under.port().advance(Some(a_claim(CONSUMER)), &builder.reserved(), None).await.expect("reserved");
    let (confirmed, news) = builder.confirmed();
    let event = an_event(news);
    under.goes_out_after_all(event.id, under.port().advance(Some(a_claim(CONSUMER)), &confirmed, Some(&event))).await;
}

fn event_of(builder: &OrderBuilder) -> Event {
    an_event(builder.order_placed())
}
