//! Saved payment methods.

use crate::{id, rfc3339};
use domain::saved_method::SavedMethod;
use schemars::JsonSchema;
use serde::Serialize;

/// A saved payment method.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PaymentMethodView {
    /// Id of the saved method.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// The gateway's token, with which its owner pays.
    pub payment_method: String,
    /// Brand of the card, such as `visa`.
    pub brand: String,
    /// Last four digits of the card.
    pub last4: String,
    /// Month in which the card expires.
    pub exp_month: u8,
    /// Year in which the card expires.
    pub exp_year: u16,
    /// Whether it is the default one of its owner.
    pub is_default: bool,
    /// When it was saved.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

impl From<&SavedMethod> for PaymentMethodView {
    fn from(method: &SavedMethod) -> Self {
        let card = &method.card;
        Self {
            id: id(method.id.0),
            payment_method: method.token.as_str().to_owned(),
            brand: card.brand.clone(),
            last4: card.last4.clone(),
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            is_default: method.is_default,
            created_at: rfc3339(method.created_at),
        }
    }
}
