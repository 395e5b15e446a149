//! The default among saved payment methods, while calls on other connections change it.

use crate::fixtures::*;
use adapters_testkit::postgres::TestDatabase;
use domain::{
    event::StockReserved,
    id::{OrderId, PaymentId, PaymentMethodId, RefundId, UserId},
    payment::{
        self, ChargeOutcome, DecideRefund, Payment, PaymentTransition, RefundLimit, RefundPayment, ReportedTransaction,
        StaffRefundReason, Verdict,
    },
    saved_method::{self, Card, MAX_SAVED_METHODS, SavedMethod},
    text::{ActionReason, PaymentMethod},
};
use kernel::IdempotencyOutcome;
use ports::{PaymentStore, SavedMethodStore, TransitionOutcome};

fn method(user: UserId) -> SavedMethod {
    SavedMethod {
        id: PaymentMethodId(id()),
        user_id: user,
        token: PaymentMethod::parse(&format!("pm_{}", id().simple())).expect("a token"),
        card: Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2030 },
        is_default: false,
        created_at: now(),
    }
}

/// A customer with two saved methods, of which the first is the default.
async fn customer_with_two_methods(database: &TestDatabase) -> (UserId, SavedMethod, SavedMethod) {
    let (store, user) = (database.payments(), UserId(id()));
    store.save_customer(user, "cus_1").await.expect("saved");
    let (first, _) = store.save_method(&method(user), None).await.expect("saved");
    let (second, _) = store.save_method(&method(user), None).await.expect("saved");
    (user, first, second)
}

/// Runs `first` until it waits for the row of the gateway's customer, then `second` until it waits, and then lets both proceed in this order.
async fn in_turn<A, B>(
    database: &TestDatabase,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    in_turn_on(database, "payments.gateway_customers", first, second).await
}

/// As [`in_turn`], with the rows of a table.
async fn in_turn_on<A, B>(
    database: &TestDatabase,
    table: &str,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let waiting = async |count: u32| {
        let sql = format!(
            "SELECT (count(*) >= {count})::int::bigint FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'"
        );
        database.wait_until(&sql).await;
    };
    let holder = database.connect().await;
    holder.batch_execute(&format!("BEGIN; SELECT FROM {table} FOR UPDATE")).await.expect("locked");
    let second = async {
        waiting(1).await;
        second.await
    };
    let release = async {
        waiting(2).await;
        holder.batch_execute("COMMIT").await.expect("committed");
    };
    let (first, second, ()) = tokio::join!(first, second, release);
    (first, second)
}

/// Asserts that the customer has no default, and that the next method becomes it.
async fn assert_next_is_the_default(database: &TestDatabase, user: UserId) {
    let defaults = "SELECT count(default_method) FROM payments.gateway_customers";
    assert_eq!(database.number(defaults).await, 0, "the default that was removed is cleared");
    let (next, _) = database.payments().save_method(&method(user), None).await.expect("saved");
    assert!(next.is_default);
}

/// Another request to save a method that is saved.
fn again(saved: &SavedMethod) -> SavedMethod {
    SavedMethod { id: PaymentMethodId(id()), ..saved.clone() }
}

#[tokio::test]
async fn methods_that_wait_for_each_other_do_not_exceed_the_most_that_a_user_saves() {
    let database = database().await;
    let (user, ..) = customer_with_two_methods(&database).await;
    for _ in 3..MAX_SAVED_METHODS {
        database.payments().save_method(&method(user), None).await.expect("saved");
    }
    let (one, other) = (database.payments(), database.payments());
    let (last, more) = (method(user), method(user));
    let (saved, refused) = in_turn(&database, one.save_method(&last, None), other.save_method(&more, None)).await;
    assert!(saved.is_ok(), "{saved:?}");
    assert_eq!(refused, Err(saved_method::too_many()));
    let most = i64::try_from(MAX_SAVED_METHODS).expect("few");
    assert_eq!(database.number("SELECT count(*) FROM payments.saved_methods").await, most);
}

#[tokio::test]
async fn method_that_is_being_removed_does_not_become_the_default() {
    let database = database().await;
    let (user, first, _) = customer_with_two_methods(&database).await;
    let (remover, chooser) = (database.payments(), database.payments());
    let (removed, chosen) =
        in_turn(&database, remover.remove_method(user, first.id), chooser.make_default(user, first.id)).await;
    assert_eq!((removed, chosen), (Ok(()), Ok(None)));
    assert_next_is_the_default(&database, user).await;
}

#[tokio::test]
async fn method_that_became_the_default_while_its_removal_waited_is_cleared() {
    let database = database().await;
    let (user, _, second) = customer_with_two_methods(&database).await;
    let (chooser, remover) = (database.payments(), database.payments());
    // The snapshot of the removal has the first method as the default.
    let (chosen, removed) =
        in_turn(&database, chooser.make_default(user, second.id), remover.remove_method(user, second.id)).await;
    assert!(chosen.expect("a response").is_some_and(|method| method.is_default));
    assert_eq!(removed, Ok(()));
    assert_next_is_the_default(&database, user).await;
}

#[tokio::test]
async fn method_is_saved_again_while_it_becomes_the_default() {
    let database = database().await;
    let (user, _, second) = customer_with_two_methods(&database).await;
    let (saver, chooser, again) = (database.payments(), database.payments(), again(&second));
    let (saved, chosen) =
        in_turn(&database, saver.save_method(&again, None), chooser.make_default(user, second.id)).await;
    assert_eq!(saved.expect("saved").0.id, second.id);
    assert!(chosen.expect("a response").is_some_and(|method| method.is_default));
}

#[tokio::test]
async fn method_is_saved_again_while_it_is_removed() {
    let database = database().await;
    let (user, _, second) = customer_with_two_methods(&database).await;
    let (saver, remover, again) = (database.payments(), database.payments(), again(&second));
    let (saved, removed) =
        in_turn(&database, saver.save_method(&again, None), remover.remove_method(user, second.id)).await;
    assert_eq!((saved.expect("saved").0.id, removed), (second.id, Ok(())));
    assert_eq!(saver.method(user, second.id).await, Ok(None));
}

#[tokio::test]
async fn methods_are_forgotten_while_one_is_removed() {
    let database = database().await;
    let (user, first, _) = customer_with_two_methods(&database).await;
    let (eraser, remover) = (database.payments(), database.payments());
    let (forgotten, removed) =
        in_turn(&database, eraser.forget_methods(user), remover.remove_method(user, first.id)).await;
    assert_eq!((forgotten, removed), (Ok(Some("cus_1".to_owned())), Ok(())));
    assert_eq!(eraser.methods(user).await, Ok(vec![]));
}

#[tokio::test]
async fn methods_are_forgotten_while_one_becomes_the_default() {
    let database = database().await;
    let (user, _, second) = customer_with_two_methods(&database).await;
    let (eraser, chooser) = (database.payments(), database.payments());
    let (forgotten, chosen) =
        in_turn(&database, eraser.forget_methods(user), chooser.make_default(user, second.id)).await;
    assert_eq!((forgotten, chosen), (Ok(Some("cus_1".to_owned())), Ok(None)));
}

/// A payment with a refund that waits for approval.
async fn payment_awaiting_approval(database: &TestDatabase) -> (Payment, RefundId) {
    let (store, refund) = (database.payments(), RefundId(id()));
    let reserved = StockReserved {
        order_id: OrderId(id()),
        user_id: UserId(id()),
        amount: usd(4200),
        payment_method: card(),
        lines: vec![],
        levels: vec![],
    };
    let begun = store.begin(&payment::begin(PaymentId(id()), &reserved, now()), None).await.expect("begun");
    let apply = async |change: PaymentTransition| {
        assert_eq!(store.advance(None, &change, &[]).await, Ok(TransitionOutcome::Applied));
        change.payment
    };
    let charged = ChargeOutcome::Charged(ReportedTransaction::new("ch_1", usd(4200)));
    let charged = payment::record_charge_outcome(&begun, begun.attempts, &charged, RefundId(id()), now());
    let paid = apply(charged.expect("legal").expect("a transition")).await;
    let wanted = RefundPayment { payment_id: paid.id, amount: None, reason: StaffRefundReason::Duplicate };
    let by = (UserId(id()), RefundLimit { units: 1 });
    let waiting = payment::request_refund_by_staff(&paid, refund, wanted, by, now()).expect("a transition");
    (apply(waiting).await, refund)
}

#[tokio::test]
async fn reason_of_a_decision_that_is_being_stored_is_forgotten() {
    let database = database().await;
    let (waiting, refund) = payment_awaiting_approval(&database).await;
    let reason = ActionReason::parse("the parcel came back").ok();
    let decision = DecideRefund { verdict: Verdict::Rejected, reason };
    let (change, _) = payment::decide_refund(&waiting, refund, &decision, UserId(id()), now()).expect("decided");
    let (admin, eraser, key, reply) = (database.payments(), database.payments(), key("key", "print"), reply(200));
    // The snapshot of the decision has no deleted customer, and that of the deletion has no reason.
    let decided = admin.advance_with_reply(&key, &reply, &change, &[], None);
    let (decided, forgotten) =
        in_turn_on(&database, "payments.payments", decided, eraser.forget_methods(waiting.user_id)).await;
    assert_eq!((decided, forgotten), (Ok(Some(IdempotencyOutcome::Committed)), Ok(None)));
    let found = admin.get(waiting.id, None).await.expect("a response").expect("a payment");
    let decision = found.approvals[0].decision.as_ref().expect("a decision");
    assert_eq!((decision.verdict, &decision.reason), (Verdict::Rejected, &None));
}
