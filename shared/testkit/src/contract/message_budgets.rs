//! Contract of the budgets of text messages of a [`ContactStore`].

use super::{Fixture, a_claim, fresh, later, now};
use domain::{id::UserId, message_limits::MessageBudgets, notification::Channel, text::Phone};
use futures_util::future::join_all;
use ports::{Claim, ContactStore};

/// Generates one test per rule of the budgets of text messages. The expression is a future of a `Fixture<impl ContactStore>`.
#[macro_export]
macro_rules! contract_message_budgets {
    ($fixture:expr) => {
        $crate::each_rule! { message_budgets, $fixture;
            budget_of_a_user_covers_all_numbers_and_refills
            budget_of_a_number_covers_all_users
            message_is_taken_once_per_claim
            concurrent_messages_do_not_exceed_a_budget
        }
    };
}

fn claim() -> Claim {
    a_claim(Channel::Sms.name())
}

/// A number that no other test uses.
fn number() -> Phone {
    let digits = fresh().as_u128() % 100_000_000_000;
    Phone::parse(&format!("+49{digits:011}")).expect("a number")
}

pub async fn budget_of_a_user_covers_all_numbers_and_refills(fixture: &Fixture<impl ContactStore>) {
    let (budgets, user, quota) = (fixture.port(), UserId(fresh()), MessageBudgets::daily(2, 20));
    for expected in [true, true, false] {
        assert_eq!(budgets.take_message(claim(), user, &number(), &quota, now()).await, Ok(expected));
    }
    assert_eq!(budgets.take_message(claim(), UserId(fresh()), &number(), &quota, now()).await, Ok(true));
    let interval = i64::from(quota.per_customer.interval_s());
    for (seconds, expected) in [(interval - 1, false), (interval, true), (interval, false)] {
        assert_eq!(budgets.take_message(claim(), user, &number(), &quota, later(seconds)).await, Ok(expected));
    }
}

pub async fn budget_of_a_number_covers_all_users(fixture: &Fixture<impl ContactStore>) {
    let (budgets, number, quota) = (fixture.port(), number(), MessageBudgets::daily(20, 2));
    for expected in [true, true, false] {
        assert_eq!(budgets.take_message(claim(), UserId(fresh()), &number, &quota, now()).await, Ok(expected));
    }
}

pub async fn message_is_taken_once_per_claim(fixture: &Fixture<impl ContactStore>) {
    let (budgets, user, quota) = (fixture.port(), UserId(fresh()), MessageBudgets::daily(2, 2));
    let (first, number) = (claim(), number());
    for _ in 0..5 {
        assert_eq!(budgets.take_message(first, user, &number, &quota, now()).await, Ok(true));
    }
    for expected in [true, false] {
        assert_eq!(budgets.take_message(claim(), user, &number, &quota, now()).await, Ok(expected));
    }
}

pub async fn concurrent_messages_do_not_exceed_a_budget(fixture: &Fixture<impl ContactStore>) {
    let (user, number, quota) = (UserId(fresh()), number(), MessageBudgets::daily(5, 5));
    let (number, quota) = (&number, &quota);
    let taken =
        fixture.concurrent(12).map(|port| async move { port.take_message(claim(), user, number, quota, now()).await });
    let taken = join_all(taken).await;
    assert_eq!(taken.iter().filter(|one| **one == Ok(true)).count(), 5, "{taken:?}");
}
