//! The default among saved payment methods, while calls on other connections change it.

use crate::fixtures::*;
use adapters_testkit::postgres::TestDatabase;
use domain::{
    id::{PaymentMethodId, UserId},
    saved_method::{Card, SavedMethod},
    text::PaymentMethod,
};
use ports::SavedMethodStore;

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
    let waiting = async |count: u32| {
        let sql = format!(
            "SELECT (count(*) >= {count})::int::bigint FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'"
        );
        database.wait_until(&sql).await;
    };
    let holder = database.connect().await;
    holder.batch_execute("BEGIN; SELECT FROM payments.gateway_customers FOR UPDATE").await.expect("locked");
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
