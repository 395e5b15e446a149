//! Payment methods that customers saved: what the gateway says about them, never card data.

use crate::{
    id::{PaymentMethodId, UserId},
    text::PaymentMethod,
};
use kernel::{Failure, FailureKind, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum number of saved payment methods of a customer.
pub const MAX_SAVED_METHODS: usize = 20;

/// A request to save a payment method.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavePaymentMethod {
    /// Token of a method that the gateway's library created, or of a test card.
    pub payment_method: PaymentMethod,
}

/// A card as the gateway describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Such as `visa`.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    pub exp_month: u8,
    pub exp_year: u16,
}

/// A payment method that is attached to the customer at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedMethod {
    pub id: PaymentMethodId,
    pub user_id: UserId,
    /// The gateway's token, with which the owner pays.
    pub token: PaymentMethod,
    pub card: Card,
    pub is_default: bool,
    pub created_at: Timestamp,
}

/// Fails with `Conflict` if no method can be saved in addition to `saved`, unless `token` is one of them.
pub fn check_room(saved: &[SavedMethod], token: &PaymentMethod) -> Result<(), Failure> {
    if saved.len() < MAX_SAVED_METHODS || saved.iter().any(|method| method.token == *token) {
        return Ok(());
    }
    Err(too_many())
}

/// The failure to save more than [`MAX_SAVED_METHODS`].
pub fn too_many() -> Failure {
    let detail = format!("At most {MAX_SAVED_METHODS} payment methods can be saved; delete one of them first.");
    Failure::new(FailureKind::Conflict, "too-many-payment-methods", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Uuid;

    #[test]
    fn a_customer_saves_a_bounded_number_of_methods() {
        let token = |n: usize| PaymentMethod::parse(&format!("pm_{n}")).expect("a token");
        let saved = |n: usize| SavedMethod {
            id: PaymentMethodId(Uuid::from_u128(n as u128)),
            user_id: UserId(Uuid::nil()),
            token: token(n),
            card: Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2030 },
            is_default: n == 0,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let full: Vec<SavedMethod> = (0..MAX_SAVED_METHODS).map(saved).collect();
        assert_eq!(check_room(&full[1..], &token(99)), Ok(()));
        assert_eq!(check_room(&full, &token(3)), Ok(()));
        assert_eq!(check_room(&full, &token(99)).expect_err("full").code, "too-many-payment-methods");
    }
}
