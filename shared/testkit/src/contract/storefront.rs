//! Contract of [`Storefront`].

use super::{Fixture, fresh};
use domain::{canary::CanaryAccount, id::OrderId, order::Status};
use kernel::FailureKind;
use ports::{AccessToken, Storefront};

/// The port, and an account that can log in.
#[derive(Debug)]
pub struct StorefrontFixture<P> {
    pub port: P,
    pub account: CanaryAccount,
}

/// Generates one test per rule of [`Storefront`]. The expression is a future of a `Fixture<StorefrontFixture<impl Storefront>>`.
#[macro_export]
macro_rules! contract_storefront {
    ($fixture:expr) => {
        $crate::each_rule! { storefront, $fixture;
            wrong_password_and_forged_token_are_unauthenticated
            order_is_placed_once_for_a_key_and_is_open
            cancelled_order_is_not_open
            order_that_does_not_exist_is_not_found
        }
    };
}

pub async fn wrong_password_and_forged_token_are_unauthenticated(
    fixture: &Fixture<StorefrontFixture<impl Storefront>>,
) {
    let StorefrontFixture { port, account } = fixture.port();
    let wrong = CanaryAccount { password: "another".to_owned(), ..account.clone() };
    assert_eq!(port.log_in(&wrong).await.expect_err("refused").kind, FailureKind::Unauthenticated);
    let forged = AccessToken("forged".to_owned());
    assert_eq!(port.open_orders(&forged).await.expect_err("refused").kind, FailureKind::Unauthenticated);
}

pub async fn order_is_placed_once_for_a_key_and_is_open(fixture: &Fixture<StorefrontFixture<impl Storefront>>) {
    let StorefrontFixture { port, account } = fixture.port();
    let token = port.log_in(account).await.expect("a token");
    let key = fresh();
    let order = port.place(&token, account, key).await.expect("placed");
    assert_eq!(port.place(&token, account, key).await, Ok(order));
    let (status, _) = port.status(&token, order).await.expect("a status");
    assert!(matches!(status, Status::Pending | Status::Processing), "{status:?}");
    assert!(port.open_orders(&token).await.expect("orders").contains(&order));
}

pub async fn cancelled_order_is_not_open(fixture: &Fixture<StorefrontFixture<impl Storefront>>) {
    let StorefrontFixture { port, account } = fixture.port();
    let token = port.log_in(account).await.expect("a token");
    let order = port.place(&token, account, fresh()).await.expect("placed");
    port.cancel(&token, order).await.expect("cancelled");
    assert_eq!(port.status(&token, order).await.expect("a status").0, Status::Cancelled);
    assert!(!port.open_orders(&token).await.expect("orders").contains(&order));
}

pub async fn order_that_does_not_exist_is_not_found(fixture: &Fixture<StorefrontFixture<impl Storefront>>) {
    let StorefrontFixture { port, account } = fixture.port();
    let token = port.log_in(account).await.expect("a token");
    let missing = OrderId(fresh());
    assert_eq!(port.status(&token, missing).await.expect_err("missing").kind, FailureKind::NotFound);
    assert_eq!(port.cancel(&token, missing).await.expect_err("missing").kind, FailureKind::NotFound);
}
