//! Contract of [`PaymentStore`]: transitions by requests with an `Idempotency-Key`.

use super::{
    Fixture, fresh, kind_and_code,
    payments::{a_key, an_order, apply, begin, events_of, find, reply},
};
use crate::build::a_reply;
use domain::Event;
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply};
use ports::PaymentStore;

/// Generates one test per rule. The expression is a future of a `Fixture<impl PaymentStore>`.
#[macro_export]
macro_rules! contract_payment_requests {
    ($fixture:expr) => {
        $crate::each_rule! { payment_requests, $fixture;
            replayed_request_returns_the_first_response_unchanged
            key_reused_with_another_body_is_rejected_and_changes_nothing
            version_conflict_stores_no_response_and_can_be_retried
            concurrent_requests_with_one_key_commit_once
            concurrent_requests_commit_one_transition
            stored_rejection_is_replayed
        }
    };
}

pub async fn replayed_request_returns_the_first_response_unchanged(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    apply(fixture.port(), &order.payment_declined()).await;
    let again = order.payment_retried();
    let events = events_of(&again);
    assert_eq!(
        fixture.port().advance_with_reply(&key, &reply(), &again, &events, None).await,
        Ok(Some(IdempotencyOutcome::Committed))
    );
    assert_eq!(find(fixture.port(), again.payment.id).await.as_ref(), Some(&again.payment));
    let repeated =
        fixture.port().advance_with_reply(&key, &a_reply("another response"), &again, &events_of(&again), None).await;
    assert_eq!(repeated, Ok(Some(IdempotencyOutcome::Replayed(reply()))), "even after later transitions");
    assert_eq!(fixture.publish_count(events[0].id), 1);
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().len(), 2, "the decline and the new attempt");
}

pub async fn key_reused_with_another_body_is_rejected_and_changes_nothing(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    assert_eq!(fixture.port().store_response(&key, &reply()).await, Ok(IdempotencyOutcome::Committed));
    let other = IdempotencyKey { fingerprint: "other".to_owned(), ..key.clone() };
    let paid = order.paid();
    let rejected = fixture.port().advance_with_reply(&other, &reply(), &paid, &events_of(&paid), None).await;
    assert_eq!(kind_and_code(rejected), (FailureKind::Invalid, "idempotency-key-reused"));
    assert_eq!(
        kind_and_code(fixture.port().store_response(&other, &reply()).await),
        (FailureKind::Invalid, "idempotency-key-reused")
    );
    assert_eq!(find(fixture.port(), paid.payment.id).await, Some(order.payment()));
    let elsewhere = IdempotencyKey { scope: fresh().to_string(), ..other };
    assert_eq!(
        fixture.port().advance_with_reply(&elsewhere, &reply(), &paid, &events_of(&paid), None).await,
        Ok(Some(IdempotencyOutcome::Committed))
    );
}

pub async fn version_conflict_stores_no_response_and_can_be_retried(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    let again = order.payment_retried();
    assert_eq!(fixture.port().advance_with_reply(&key, &reply(), &again, &events_of(&again), None).await, Ok(None));
    assert_eq!(find(fixture.port(), again.payment.id).await, Some(order.payment()));
    fixture.assert_only_published(&[]).await;
    apply(fixture.port(), &order.payment_declined()).await;
    assert_eq!(
        fixture.port().advance_with_reply(&key, &reply(), &again, &events_of(&again), None).await,
        Ok(Some(IdempotencyOutcome::Committed))
    );
}

pub async fn concurrent_requests_with_one_key_commit_once(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    apply(fixture.port(), &order.payment_declined()).await;
    let again = order.payment_retried();
    let replies: Vec<StoredReply> = (0..12).map(|n| a_reply(&format!("response {n}"))).collect();
    let events: Vec<Vec<Event>> = replies.iter().map(|_| events_of(&again)).collect();
    let attempts = fixture.concurrent(replies.len()).zip(replies.iter().zip(&events));
    let attempts =
        attempts.map(|(payments, (reply, events))| payments.advance_with_reply(&key, reply, &again, events, None));
    let responses = join_all(attempts).await;
    let winners: Vec<usize> =
        (0..responses.len()).filter(|n| responses[*n] == Ok(Some(IdempotencyOutcome::Committed))).collect();
    let [winner] = winners[..] else { panic!("{} requests were committed", winners.len()) };
    for response in responses {
        match response {
            Ok(Some(IdempotencyOutcome::Committed)) | Ok(None) => {}
            Ok(Some(IdempotencyOutcome::Replayed(reply))) => assert_eq!(reply, replies[winner]),
            Err(failure) => assert_eq!(failure.code, "idempotency-key-in-flight", "{failure}"),
        }
    }
    let known = fixture.port().advance_with_reply(&key, &reply(), &again, &events_of(&again), None).await;
    assert_eq!(known, Ok(Some(IdempotencyOutcome::Replayed(replies[winner].clone()))));
    assert_eq!(find(fixture.port(), again.payment.id).await, Some(again.payment));
    fixture.sweep().await;
    assert_eq!(fixture.platform.bus().published().len(), 2, "the decline and one new attempt");
}

pub async fn concurrent_requests_commit_one_transition(fixture: &Fixture<impl PaymentStore>) {
    let order = an_order();
    begin(fixture.port(), &order).await;
    apply(fixture.port(), &order.payment_declined()).await;
    let again = order.payment_retried();
    let requests: Vec<(IdempotencyKey, Vec<Event>)> = (0..8).map(|_| (a_key(), events_of(&again))).collect();
    let reply = reply();
    let attempts = fixture.concurrent(requests.len()).zip(&requests);
    let attempts =
        attempts.map(|(payments, (key, events))| payments.advance_with_reply(key, &reply, &again, events, None));
    let responses = join_all(attempts).await;
    assert_eq!(responses.iter().filter(|response| **response == Ok(Some(IdempotencyOutcome::Committed))).count(), 1);
    assert_eq!(responses.iter().filter(|response| **response == Ok(None)).count(), 7);
    assert_eq!(find(fixture.port(), again.payment.id).await, Some(again.payment));
}

pub async fn stored_rejection_is_replayed(fixture: &Fixture<impl PaymentStore>) {
    let (order, key) = (an_order(), a_key());
    begin(fixture.port(), &order).await;
    let rejection = StoredReply { status: 409, ..reply() };
    assert_eq!(fixture.port().store_response(&key, &rejection).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(
        fixture.port().store_response(&key, &reply()).await,
        Ok(IdempotencyOutcome::Replayed(rejection.clone()))
    );
    let paid = order.paid();
    let settled = fixture.port().advance_with_reply(&key, &reply(), &paid, &events_of(&paid), None).await;
    assert_eq!(settled, Ok(Some(IdempotencyOutcome::Replayed(rejection))));
    assert_eq!(find(fixture.port(), paid.payment.id).await, Some(order.payment()));
    fixture.assert_only_published(&[]).await;
}
