//! Contract of [`PaymentStore`]: the payments that reconciliation and staff list.

use super::{
    Fixture, fresh, now,
    payments::{an_order, apply, begin, find},
};
use crate::build::{self, OrderBuilder};
use domain::{
    id::{PaymentId, RefundId},
    payment::{self, RECONCILE_AFTER_SECONDS, Verdict},
};
use kernel::Timestamp;
use ports::{PaymentStore, WaitingApprovals};

/// Generates one test per rule. The expression is a future of a `Fixture<impl PaymentStore>`.
#[macro_export]
macro_rules! contract_payment_lists {
    ($fixture:expr) => {
        $crate::each_rule! { payment_lists, $fixture;
            payments_due_for_reconciliation_are_listed_oldest_first
            payment_that_was_postponed_is_due_later_at_the_same_version
            resolved_payment_is_no_longer_due_for_reconciliation
            payments_with_mismatched_answers_are_listed_newest_first
            payments_are_listed_while_a_refund_waits_for_approval
        }
    };
}

fn seconds(since: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(since.as_second() + seconds).expect("within the calendar")
}

/// Those of `wanted` that are due for reconciliation before `before`, in listed order.
async fn due(payments: &impl PaymentStore, before: Timestamp, wanted: &[PaymentId]) -> Vec<PaymentId> {
    let found = payments.due_for_reconciliation(before, None, 100_000).await.expect("the store responds");
    found.iter().map(|due| due.payment.id).filter(|id| wanted.contains(id)).collect()
}

pub async fn payments_due_for_reconciliation_are_listed_oldest_first(fixture: &Fixture<impl PaymentStore>) {
    let start = seconds(now(), -5000);
    let orders: Vec<OrderBuilder> = (0..4).map(|n| an_order().at(seconds(start, n * 10))).collect();
    for order in orders.iter().rev() {
        begin(fixture.port(), order).await;
    }
    let [pending, charged, asked_back, last] = &orders[..] else { panic!("four of them") };
    apply(fixture.port(), &charged.paid()).await;
    apply(fixture.port(), &asked_back.paid()).await;
    let refund = asked_back.refund_requested(RefundId(fresh()), None);
    apply(fixture.port(), &refund).await;
    let all: Vec<PaymentId> = orders.iter().map(|order| order.payment().id).collect();
    let expected = [pending.payment().id, refund.payment.id, last.payment().id];
    assert_eq!(due(fixture.port(), seconds(start, RECONCILE_AFTER_SECONDS + 31), &all).await, expected);
    assert_eq!(due(fixture.port(), seconds(start, RECONCILE_AFTER_SECONDS + 21), &all).await, expected[..2]);
    assert_eq!(due(fixture.port(), seconds(start, RECONCILE_AFTER_SECONDS), &all).await, []);
    let found = fixture
        .port()
        .due_for_reconciliation(seconds(start, RECONCILE_AFTER_SECONDS + 31), None, 100_000)
        .await
        .expect("a response");
    let listed: Vec<_> = found.iter().map(|due| &due.payment).collect();
    assert!(listed.contains(&&refund.payment) && listed.contains(&&last.payment()), "unchanged");
    let limited = async |after| {
        fixture
            .port()
            .due_for_reconciliation(seconds(start, RECONCILE_AFTER_SECONDS + 31), after, 2)
            .await
            .expect("a response")
    };
    assert_eq!(limited(None).await, found[..2]);
    assert_eq!(limited(Some(&found[0])).await, found[1..3.min(found.len())], "the payments after the cursor");
    assert_eq!(limited(found.last()).await, []);
}

pub async fn payment_that_was_postponed_is_due_later_at_the_same_version(fixture: &Fixture<impl PaymentStore>) {
    let (store, start) = (fixture.port(), seconds(now(), -5000));
    let [one, other] = [0, 10].map(|n| an_order().at(seconds(start, n)));
    let ids = [begin(store, &one).await.id, begin(store, &other).await.id];
    let until = seconds(start, 2000);
    let postpone =
        async |payment: &payment::Payment| store.postpone_reconciliation(payment, until).await.expect("postponed");
    postpone(&one.payment()).await;
    assert_eq!(find(store, ids[0]).await, Some(one.payment()), "unchanged");
    assert_eq!(due(store, seconds(start, 2000), &ids).await, ids[1..]);
    assert_eq!(due(store, seconds(start, 2001), &ids).await, [ids[1], ids[0]], "behind the others");
    // A look that changes the payment without a result does not bring it to the front again.
    let retried = payment::republish_pending(&one.payment(), seconds(start, 700)).expect("a transition");
    apply(store, &retried).await;
    assert_eq!(due(store, seconds(start, 2000), &ids).await, ids[1..]);
    let listed = store.due_for_reconciliation(seconds(start, 2001), None, 100_000).await.expect("a response");
    let since: Vec<_> = listed.iter().filter(|due| due.payment == retried.payment).map(|due| due.since).collect();
    assert_eq!(since, [until]);
    // Neither is a payment postponed that another function has changed meanwhile, nor one that has its result.
    apply(store, &other.paid()).await;
    postpone(&other.payment()).await;
    assert_eq!(due(store, now(), &ids).await, ids[..1]);
}

pub async fn resolved_payment_is_no_longer_due_for_reconciliation(fixture: &Fixture<impl PaymentStore>) {
    let (order, refund) = (an_order().at(seconds(now(), -5000)), RefundId(fresh()));
    let all = [begin(fixture.port(), &order).await.id];
    assert_eq!(due(fixture.port(), now(), &all).await, all);
    apply(fixture.port(), &order.paid()).await;
    assert_eq!(due(fixture.port(), now(), &all).await, []);
    let requested = order.refund_requested(refund, None);
    apply(fixture.port(), &requested).await;
    assert_eq!(due(fixture.port(), now(), &all).await, all);
    let name = build::refunded(&format!("re_{}", fresh().simple()), requested.payment.amount);
    apply(fixture.port(), &build::refund_concluded(&requested.payment, refund, &name)).await;
    assert_eq!(due(fixture.port(), now(), &all).await, []);
    let closed = an_order().at(seconds(now(), -5000)).closed_before_first_attempt();
    fixture.port().begin(&closed, None).await.expect("started");
    assert_eq!(due(fixture.port(), now(), &[closed.id]).await, []);
}

pub async fn payments_with_mismatched_answers_are_listed_newest_first(fixture: &Fixture<impl PaymentStore>) {
    // In the future, so that the payments of other tests come after them.
    let start = seconds(now(), 1_000_000);
    let orders: Vec<OrderBuilder> = (0..4).map(|n| an_order().at(seconds(start, n * 10))).collect();
    for order in &orders {
        begin(fixture.port(), order).await;
    }
    let [first, right, second, third] = &orders[..] else { panic!("four of them") };
    for order in [third, first, second] {
        apply(fixture.port(), &order.mismatched()).await;
    }
    apply(fixture.port(), &right.paid()).await;
    let stored = find(fixture.port(), first.payment().id).await;
    assert_eq!(stored, Some(first.mismatched().payment), "with both amounts");
    let list = async |cursor: Option<String>| {
        let page = fixture.port().mismatched(2, cursor.as_deref()).await.expect("a response");
        (page.items.iter().map(|payment| payment.id).collect::<Vec<_>>(), page.next)
    };
    let (newest, next) = list(None).await;
    assert_eq!(newest, [third.payment().id, second.payment().id]);
    let (older, _) = list(next).await;
    assert_eq!(older.first(), Some(&first.payment().id), "the one that was charged as asked is not listed");
    let refused = fixture.port().mismatched(2, Some("!")).await.expect_err("no cursor");
    assert_eq!(refused.fields[0].pointer, "?cursor");
}

pub async fn payments_are_listed_while_a_refund_waits_for_approval(fixture: &Fixture<impl PaymentStore>) {
    // In the past, so that the payments of other tests come after them.
    let start = seconds(now(), -1_000_000);
    let mut waiting = Vec::new();
    for n in [2, 0, 1] {
        let (order, refund) = (an_order(), RefundId(fresh()));
        begin(fixture.port(), &order).await;
        apply(fixture.port(), &order.paid()).await;
        let change = build::approval_requested(&order.paid().payment, refund, build::usd(200), seconds(start, n * 10));
        apply(fixture.port(), &change).await;
        assert_eq!(find(fixture.port(), change.payment.id).await.as_ref(), Some(&change.payment), "with the request");
        waiting.push((n, refund, change.payment));
    }
    waiting.sort_by_key(|(n, ..)| *n);
    let expected: Vec<PaymentId> = waiting.iter().map(|(_, _, payment)| payment.id).collect();
    let list = async |cursor: Option<String>| {
        let page = fixture.port().awaiting_approval(2, cursor.as_deref()).await.expect("a response");
        (page.items.iter().map(|payment| payment.id).collect::<Vec<_>>(), page.next)
    };
    let (oldest, next) = list(None).await;
    assert_eq!(oldest, expected[..2]);
    assert_eq!(list(next).await.0.first(), expected.last());
    let (_, _, newest) = &mut waiting[2];
    let (second, count) = (RefundId(fresh()), async || fixture.port().waiting_approvals().await.expect("a response"));
    let two = build::approval_requested(newest, second, build::usd(200), seconds(start, 30));
    apply(fixture.port(), &two).await;
    assert_eq!(count().await, WaitingApprovals { refunds: 4, oldest: Some(start) }, "of three payments");
    let one = build::refund_decided(&two.payment, second, Verdict::Rejected, now());
    apply(fixture.port(), &one).await;
    *newest = one.payment;
    assert_eq!(count().await, WaitingApprovals { refunds: 3, oldest: Some(start) });
    for ((_, refund, payment), verdict) in waiting.iter().zip([Verdict::Approved, Verdict::Rejected, Verdict::Rejected])
    {
        let decided = build::refund_decided(payment, *refund, verdict, now());
        apply(fixture.port(), &decided).await;
        assert_eq!(find(fixture.port(), payment.id).await, Some(decided.payment), "with the decision");
    }
    assert!(!list(None).await.0.iter().any(|id| expected.contains(id)), "what is decided waits no more");
    assert_eq!(count().await, WaitingApprovals::default(), "nor is it counted");
    let refused = fixture.port().awaiting_approval(2, Some("!")).await.expect_err("no cursor");
    assert_eq!(refused.fields[0].pointer, "?cursor");
}
