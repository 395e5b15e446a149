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

/// Waits until so many statements of this database wait for a lock.
async fn wait_for_waiting(database: &TestDatabase, count: u32) {
    let sql = format!(
        "SELECT (count(*) >= {count})::int::bigint FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"
    );
    database.wait_until(&sql).await;
}

/// Asserts that the customer has no default, and that the next method becomes it.
async fn assert_next_is_the_default(database: &TestDatabase, user: UserId) {
    let defaults = "SELECT count(default_method) FROM payments.gateway_customers";
    assert_eq!(database.number(defaults).await, 0, "the default that was removed is cleared");
    let (next, _) = database.payments().save_method(&method(user), None).await.expect("saved");
    assert!(next.is_default);
}

#[tokio::test]
async fn method_that_is_being_removed_does_not_become_the_default() {
    let database = database().await;
    let (user, first, _) = customer_with_two_methods(&database).await;
    let (remover, chooser, holder) = (database.payments(), database.payments(), database.connect().await);
    holder.batch_execute("BEGIN; SELECT FROM payments.gateway_customers FOR UPDATE").await.expect("locked");
    let choose = async {
        // The method is deleted, and not yet committed.
        wait_for_waiting(&database, 1).await;
        chooser.make_default(user, first.id).await
    };
    let release = async {
        wait_for_waiting(&database, 2).await;
        holder.batch_execute("COMMIT").await.expect("committed");
    };
    let (removed, chosen, ()) = tokio::join!(remover.remove_method(user, first.id), choose, release);
    assert_eq!((removed, chosen), (Ok(()), Ok(None)));
    assert_next_is_the_default(&database, user).await;
}

#[tokio::test]
async fn method_that_became_the_default_while_its_removal_waited_is_cleared() {
    let database = database().await;
    let (user, _, second) = customer_with_two_methods(&database).await;
    let (remover, chooser, holder) = (database.payments(), database.payments(), database.connect().await);
    holder.batch_execute("BEGIN; SELECT FROM payments.saved_methods FOR KEY SHARE").await.expect("locked");
    let choose = async {
        // The snapshot of the removal has the first method as the default.
        wait_for_waiting(&database, 1).await;
        let chosen = chooser.make_default(user, second.id).await;
        holder.batch_execute("COMMIT").await.expect("committed");
        chosen
    };
    let (removed, chosen) = tokio::join!(remover.remove_method(user, second.id), choose);
    assert_eq!(removed, Ok(()));
    assert!(chosen.expect("a response").is_some_and(|method| method.is_default));
    assert_next_is_the_default(&database, user).await;
}

#[tokio::test]
async fn method_is_saved_again_while_it_becomes_the_default() {
    let database = database().await;
    let (user, _, second) = customer_with_two_methods(&database).await;
    let (saver, chooser, holder) = (database.payments(), database.payments(), database.connect().await);
    holder.batch_execute("BEGIN; SELECT FROM payments.gateway_customers FOR UPDATE").await.expect("locked");
    let choose = async {
        wait_for_waiting(&database, 1).await;
        chooser.make_default(user, second.id).await
    };
    let release = async {
        wait_for_waiting(&database, 2).await;
        holder.batch_execute("COMMIT").await.expect("committed");
    };
    let again = SavedMethod { id: PaymentMethodId(id()), ..second.clone() };
    let (saved, chosen, ()) = tokio::join!(saver.save_method(&again, None), choose, release);
    assert_eq!(saved.expect("saved").0.id, second.id);
    assert!(chosen.expect("a response").is_some_and(|method| method.is_default));
}
