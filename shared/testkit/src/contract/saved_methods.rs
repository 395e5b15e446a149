//! Contract of [`SavedMethodStore`], and of the customer of a payment that is begun.

use super::{
    Fixture, fresh, now,
    payments::{an_order, apply, begin, find},
};
use crate::build::{self, OrderBuilder, a_reply};
use domain::{
    id::{OrderId, PaymentMethodId, RefundId, UserId},
    payment::Verdict,
    saved_method::{self, Card, MAX_SAVED_METHODS, SavedMethod},
    text::PaymentMethod,
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply};
use ports::{MethodOwner, PaymentStore, SavedMethodStore, TransitionOutcome};

/// Generates one test per rule. The expression is a future of a `Fixture<impl PaymentStore + SavedMethodStore>`.
#[macro_export]
macro_rules! contract_saved_methods {
    ($fixture:expr) => {
        $crate::each_rule! { saved_methods, $fixture;
            first_customer_of_a_user_is_kept
            saved_methods_are_listed_oldest_first_and_the_first_is_the_default
            concurrent_first_methods_have_one_default
            concurrent_methods_do_not_exceed_the_most_that_a_user_saves
            method_is_saved_once_and_its_response_is_replayed
            method_of_somebody_else_does_not_exist
            chosen_default_replaces_another_and_goes_with_its_method
            method_saved_after_the_default_is_removed_becomes_the_default
            owner_of_a_method_is_known_by_its_token
            method_of_somebody_else_is_not_saved_again
            deleted_user_has_no_methods_and_saves_none
            reasons_of_decisions_about_refunds_of_a_deleted_user_are_forgotten
            decision_that_read_the_payment_before_its_user_was_deleted_is_not_stored
            payment_begun_with_a_saved_method_names_its_customer
        }
    };
}

fn a_method(user: UserId, seconds: i64) -> SavedMethod {
    let created_at = kernel::Timestamp::from_second(now().as_second() + seconds).expect("an instant");
    SavedMethod {
        id: PaymentMethodId(fresh()),
        user_id: user,
        token: PaymentMethod::parse(&format!("pm_{}", fresh().simple())).expect("a token"),
        card: Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2030 },
        is_default: false,
        created_at,
    }
}

async fn a_customer(store: &impl SavedMethodStore) -> UserId {
    let user = UserId(fresh());
    store.save_customer(user, &format!("cus_{}", user.0.simple())).await.expect("saved");
    user
}

async fn save(store: &impl SavedMethodStore, method: &SavedMethod) -> SavedMethod {
    let (saved, outcome) = store.save_method(method, None).await.expect("saved");
    assert_eq!(outcome, IdempotencyOutcome::Committed);
    saved
}

fn kind<T>(result: Result<T, Failure>) -> Option<FailureKind> {
    result.err().map(|failure| failure.kind)
}

pub async fn first_customer_of_a_user_is_kept(fixture: &Fixture<impl PaymentStore + SavedMethodStore>) {
    let (store, user) = (fixture.port(), UserId(fresh()));
    assert_eq!(store.customer(user).await, Ok(None));
    for name in ["cus_1", "cus_2"] {
        assert_eq!(store.save_customer(user, name).await.as_deref(), Ok("cus_1"));
    }
    assert_eq!(store.customer(user).await, Ok(Some("cus_1".to_owned())));
}

pub async fn saved_methods_are_listed_oldest_first_and_the_first_is_the_default(
    fixture: &Fixture<impl PaymentStore + SavedMethodStore>,
) {
    let store = fixture.port();
    let (user, other) = (a_customer(store).await, a_customer(store).await);
    let (first, second) = (a_method(user, 5), a_method(user, 1));
    save(store, &a_method(other, 0)).await;
    let first_saved = save(store, &first).await;
    assert_eq!(first_saved, SavedMethod { is_default: true, ..first.clone() });
    assert_eq!(save(store, &second).await, second);
    assert_eq!(store.methods(user).await, Ok(vec![second, first_saved]));
}

pub async fn concurrent_first_methods_have_one_default(fixture: &Fixture<impl PaymentStore + SavedMethodStore>) {
    let user = a_customer(fixture.port()).await;
    let methods: Vec<SavedMethod> = (0..6).map(|n| a_method(user, n)).collect();
    let saves = fixture.concurrent(methods.len()).zip(&methods);
    let saved = join_all(saves.map(|(store, method)| async move { store.save_method(method, None).await })).await;
    let defaults = saved.iter().filter(|saved| saved.as_ref().is_ok_and(|(saved, _)| saved.is_default)).count();
    assert_eq!((saved.iter().all(Result::is_ok), defaults), (true, 1));
    let listed = fixture.port().methods(user).await.expect("a list");
    assert_eq!((listed.len(), listed.iter().filter(|method| method.is_default).count()), (6, 1));
}

pub async fn concurrent_methods_do_not_exceed_the_most_that_a_user_saves(
    fixture: &Fixture<impl PaymentStore + SavedMethodStore>,
) {
    let (store, other) = (fixture.port(), a_customer(fixture.port()).await);
    let user = a_customer(store).await;
    save(store, &a_method(other, 0)).await;
    let first = save(store, &a_method(user, 0)).await;
    for n in 2..MAX_SAVED_METHODS {
        save(store, &a_method(user, i64::try_from(n).expect("few"))).await;
    }
    let methods: Vec<SavedMethod> = (0..4).map(|n| a_method(user, 100 + n)).collect();
    let saves = fixture.concurrent(methods.len()).zip(&methods);
    let saved = join_all(saves.map(|(store, method)| async move { store.save_method(method, None).await })).await;
    let refused =
        saved.iter().filter(|saved| saved.as_ref().is_err_and(|one| *one == saved_method::too_many())).count();
    assert_eq!((saved.iter().filter(|saved| saved.is_ok()).count(), refused), (1, 3), "{saved:?}");
    assert_eq!(store.methods(user).await.expect("a list").len(), MAX_SAVED_METHODS);
    assert_eq!(save(store, &first).await.id, first.id, "one that is saved already");
    assert_eq!(save(store, &a_method(other, 1)).await.user_id, other);
}

pub async fn method_is_saved_once_and_its_response_is_replayed(
    fixture: &Fixture<impl PaymentStore + SavedMethodStore>,
) {
    let store = fixture.port();
    let user = a_customer(store).await;
    let key = IdempotencyKey { scope: fresh().to_string(), key: "k".to_owned(), fingerprint: "first".to_owned() };
    assert_eq!(store.find_method_response(&key).await, Ok(None));
    let first = a_method(user, 0);
    let reply = StoredReply { body: format!("saved {}", first.id), ..a_reply("") };
    let (saved, outcome) = store.save_method(&first, Some((&key, &reply))).await.expect("saved");
    assert_eq!((saved.id, outcome), (first.id, IdempotencyOutcome::Committed));
    let replayed = Ok(Some(IdempotencyOutcome::Replayed(reply.clone())));
    assert_eq!(store.find_method_response(&key).await, replayed);
    let again = SavedMethod { id: PaymentMethodId(fresh()), ..first.clone() };
    let (_, outcome) = store.save_method(&again, Some((&key, &a_reply("another")))).await.expect("replayed");
    assert_eq!(outcome, IdempotencyOutcome::Replayed(reply.clone()));
    // Under another key, the response names the method that is saved already.
    let other = IdempotencyKey { key: "other".to_owned(), ..key.clone() };
    let asked = StoredReply { body: format!("saved {}", again.id), ..a_reply("") };
    let (known, _) = store.save_method(&again, Some((&other, &asked))).await.expect("known");
    assert_eq!(known, saved);
    assert_eq!(store.find_method_response(&other).await, Ok(Some(IdempotencyOutcome::Replayed(reply))));
    assert_eq!(store.methods(user).await, Ok(vec![saved]));
    let reused = IdempotencyKey { fingerprint: "second".to_owned(), ..key };
    assert_eq!(kind(store.find_method_response(&reused).await), Some(FailureKind::Invalid));
}

pub async fn method_of_somebody_else_does_not_exist(fixture: &Fixture<impl PaymentStore + SavedMethodStore>) {
    let store = fixture.port();
    let (user, other) = (a_customer(store).await, a_customer(store).await);
    let saved = save(store, &a_method(user, 0)).await;
    assert_eq!(store.method(user, saved.id).await, Ok(Some(saved.clone())));
    assert_eq!(store.method(other, saved.id).await, Ok(None));
    assert_eq!(store.make_default(other, saved.id).await, Ok(None));
    store.remove_method(other, saved.id).await.expect("nothing is removed");
    assert_eq!(store.methods(user).await, Ok(vec![saved]));
    assert_eq!(store.methods(other).await, Ok(vec![]));
}

pub async fn chosen_default_replaces_another_and_goes_with_its_method(
    fixture: &Fixture<impl PaymentStore + SavedMethodStore>,
) {
    let store = fixture.port();
    let user = a_customer(store).await;
    let (first, second) = (save(store, &a_method(user, 0)).await, save(store, &a_method(user, 1)).await);
    let chosen = SavedMethod { is_default: true, ..second.clone() };
    assert_eq!(store.make_default(user, second.id).await, Ok(Some(chosen.clone())));
    let first = SavedMethod { is_default: false, ..first };
    assert_eq!(store.methods(user).await, Ok(vec![first.clone(), chosen]));
    for _ in 0..2 {
        store.remove_method(user, second.id).await.expect("removed");
    }
    assert_eq!(store.methods(user).await, Ok(vec![first]));
}

pub async fn method_saved_after_the_default_is_removed_becomes_the_default(
    fixture: &Fixture<impl PaymentStore + SavedMethodStore>,
) {
    let store = fixture.port();
    let user = a_customer(store).await;
    let (first, second) = (save(store, &a_method(user, 0)).await, save(store, &a_method(user, 1)).await);
    store.remove_method(user, first.id).await.expect("removed");
    let third = save(store, &a_method(user, 2)).await;
    assert!(third.is_default);
    store.remove_method(user, third.id).await.expect("removed");
    // Also one that is saved again.
    let again = SavedMethod { is_default: true, ..second.clone() };
    assert_eq!(save(store, &second).await, again);
    assert_eq!(store.methods(user).await, Ok(vec![again]));
}

pub async fn owner_of_a_method_is_known_by_its_token(fixture: &Fixture<impl PaymentStore + SavedMethodStore>) {
    let store = fixture.port();
    let user = a_customer(store).await;
    let method = save(store, &a_method(user, 0)).await;
    let customer = format!("cus_{}", user.0.simple());
    assert_eq!(store.owner(&method.token).await, Ok(MethodOwner::User { user, customer }));
    assert_eq!(store.owner(&a_method(user, 0).token).await, Ok(MethodOwner::Nobody));
}

pub async fn method_of_somebody_else_is_not_saved_again(fixture: &Fixture<impl PaymentStore + SavedMethodStore>) {
    let store = fixture.port();
    let (user, other) = (a_customer(store).await, a_customer(store).await);
    let method = save(store, &a_method(user, 0)).await;
    let stolen = SavedMethod { id: PaymentMethodId(fresh()), user_id: other, ..method };
    assert_eq!(kind(store.save_method(&stolen, None).await), Some(FailureKind::Invalid));
    assert_eq!(store.methods(other).await, Ok(vec![]));
}

pub async fn deleted_user_has_no_methods_and_saves_none(fixture: &Fixture<impl PaymentStore + SavedMethodStore>) {
    let store = fixture.port();
    let (user, unknown) = (a_customer(store).await, UserId(fresh()));
    save(store, &a_method(user, 0)).await;
    let customer = store.customer(user).await.expect("known");
    for _ in 0..2 {
        assert_eq!(store.forget_methods(user).await, Ok(customer.clone()));
    }
    assert_eq!(store.forget_methods(unknown).await, Ok(None));
    for user in [user, unknown] {
        store.forget_customer(user).await.expect("forgotten");
        assert_eq!(store.forget_methods(user).await, Ok(None));
        assert_eq!(store.methods(user).await, Ok(vec![]));
        assert_eq!(kind(store.customer(user).await), Some(FailureKind::NotFound));
        assert_eq!(kind(store.save_customer(user, "cus_2").await), Some(FailureKind::NotFound));
        assert_eq!(kind(store.save_method(&a_method(user, 0), None).await), Some(FailureKind::NotFound));
    }
}

pub async fn reasons_of_decisions_about_refunds_of_a_deleted_user_are_forgotten(
    fixture: &Fixture<impl PaymentStore + SavedMethodStore>,
) {
    let store = fixture.port();
    let with_decision = async |order: OrderBuilder| {
        let refund = RefundId(fresh());
        begin(store, &order).await;
        apply(store, &order.paid()).await;
        let waiting = build::approval_requested(&order.paid().payment, refund, build::usd(200), now());
        apply(store, &waiting).await;
        let decided = build::refund_decided(&waiting.payment, refund, Verdict::Rejected, now());
        apply(store, &decided).await;
        decided.payment
    };
    let owner = |id: UserId| an_order().owner(id);
    let (payment, other) = (with_decision(owner(UserId(fresh()))).await, with_decision(owner(UserId(fresh()))).await);
    for _ in 0..2 {
        store.forget_methods(payment.user_id).await.expect("forgotten");
    }
    let found = find(store, payment.id).await.expect("a payment");
    let decision = found.approvals[0].decision.as_ref().expect("the decision stays");
    assert_eq!((decision.verdict, &decision.reason), (Verdict::Rejected, &None));
    assert_eq!(found.version, payment.version + 1, "what was read before is not written");
    assert_eq!(find(store, other.id).await, Some(other));
    let refund = RefundId(fresh());
    let waiting = build::approval_requested(&found, refund, build::usd(200), now());
    apply(store, &waiting).await;
    apply(store, &build::refund_decided(&waiting.payment, refund, Verdict::Rejected, now())).await;
    let late = find(store, payment.id).await.expect("a payment");
    let reasons: Vec<_> =
        late.approvals.iter().map(|one| one.decision.as_ref().map(|decision| &decision.reason)).collect();
    assert_eq!(reasons, [Some(&None), Some(&None)], "a decision after the deletion keeps no reason");
}

pub async fn decision_that_read_the_payment_before_its_user_was_deleted_is_not_stored(
    fixture: &Fixture<impl PaymentStore + SavedMethodStore>,
) {
    let (store, refund, order) = (fixture.port(), RefundId(fresh()), an_order().owner(UserId(fresh())));
    begin(store, &order).await;
    apply(store, &order.paid()).await;
    let waiting = build::approval_requested(&order.paid().payment, refund, build::usd(200), now());
    apply(store, &waiting).await;
    let decided = build::refund_decided(&waiting.payment, refund, Verdict::Rejected, now());
    store.forget_methods(waiting.payment.user_id).await.expect("forgotten");
    assert_eq!(store.advance(None, &decided, &[]).await, Ok(TransitionOutcome::VersionConflict));
    let found = find(store, waiting.payment.id).await.expect("a payment");
    assert_eq!(found.approvals, waiting.payment.approvals, "the refund waits for a decision");
}

pub async fn payment_begun_with_a_saved_method_names_its_customer(
    fixture: &Fixture<impl PaymentStore + SavedMethodStore>,
) {
    let store = fixture.port();
    let (user, other) = (a_customer(store).await, a_customer(store).await);
    let method = save(store, &a_method(user, 0)).await;
    for (payer, customer) in [(user, store.customer(user).await.expect("known")), (other, None)] {
        let payment = build::order().id(OrderId(fresh())).owner(payer).payment();
        let payment = domain::payment::Payment { method: Some(method.token.clone()), ..payment };
        let begun = store.begin(&payment, None).await.expect("begun");
        assert_eq!(begun.customer, customer);
        assert_eq!(store.get(begun.id, None).await.expect("found").expect("a payment").customer, customer);
    }
}
