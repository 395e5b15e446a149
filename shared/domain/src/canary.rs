//! The synthetic canary: a customer and a product of tests, which the shop's figures, invoices and notifications leave out.
//!
//! `canary-order` buys the product every few minutes and cancels the order. The customer's id is fixed, so that every consumer can tell its
//! orders without a look-up, and nobody can register with it.

use crate::{
    id::{ProductId, UserId},
    text::{PaymentMethod, ProductName},
};
use kernel::{Failure, FailureKind, Uuid};
use serde::Deserialize;
use std::fmt;

/// Id of the canary's account, which only `database-migrate` creates.
pub const CUSTOMER: UserId = UserId(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_ca9a));

/// Name of the test product. Only the canary can order it, and nothing else.
pub const PRODUCT_NAME: &str = "Canary test product";

/// Whether an order of this customer is a test.
pub fn is_customer(user: UserId) -> bool {
    user == CUSTOMER
}

/// Whether this customer may order the product: the canary test products alone, and nobody else those.
pub fn may_order(user: UserId, product: &ProductName) -> bool {
    is_customer(user) == (product.as_str() == PRODUCT_NAME)
}

/// What the canary needs to order; the text of its secret, as JSON.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryAccount {
    pub email: String,
    pub password: String,
    pub product_id: ProductId,
    /// Charged and refunded where the product has a price; elsewhere only named.
    pub payment_method: PaymentMethod,
}

impl CanaryAccount {
    /// The account of a secret; `None` while it is not set up: `{}`.
    pub fn parse(text: &str) -> Result<Option<Self>, Failure> {
        // The text of an error may quote the password.
        let unreadable = |_| Failure::internal("the canary's secret is no account: run scripts/canary again");
        match serde_json::from_str::<serde_json::Value>(text).map_err(unreadable)? {
            serde_json::Value::Object(members) if members.is_empty() => Ok(None),
            account => serde_json::from_value(account).map(Some).map_err(unreadable),
        }
    }
}

impl fmt::Debug for CanaryAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CanaryAccount").field("product_id", &self.product_id).finish_non_exhaustive()
    }
}

/// Code of the failure of [`order_is_stuck`].
pub const ORDER_STUCK: &str = "order-stuck";

/// The canary's order did not become `wanted` in time.
pub fn order_is_stuck(wanted: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, ORDER_STUCK, format!("The order did not become {wanted} in time."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(name: &str) -> ProductName {
        ProductName::parse(name).expect("a name")
    }

    #[test]
    fn test_product_is_sold_to_the_canary_alone_which_buys_nothing_else() {
        let customer = UserId(Uuid::from_u128(1));
        for (user, name, may) in [
            (CUSTOMER, PRODUCT_NAME, true),
            (CUSTOMER, "Lantern", false),
            (customer, PRODUCT_NAME, false),
            (customer, "Lantern", true),
        ] {
            assert_eq!(may_order(user, &product(name)), may, "{user} {name}");
        }
    }

    #[test]
    fn account_that_is_not_set_up_is_none_and_a_broken_one_reveals_nothing() {
        assert_eq!(CanaryAccount::parse("{}"), Ok(None));
        let text = r#"{"email": "canary@example.com", "password": "hunter2hunter2",
            "product_id": "0192f0c1-0000-7000-8000-0000000000a1", "payment_method": "pm_card_visa"}"#;
        let account = CanaryAccount::parse(text).expect("readable").expect("set up");
        assert_eq!(account.email, "canary@example.com");
        assert!(!format!("{account:?}").contains("hunter2"));
        for broken in ["", "\"hunter2\"", r#"{"password": "hunter2"}"#, &text.replace("0192", "hunter2")] {
            let failure = CanaryAccount::parse(broken).expect_err("broken");
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
    }
}
