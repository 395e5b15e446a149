//! Orders and their invoices.

use crate::{id, rfc3339};
use domain::{
    Money,
    address::Address,
    order::{Order, OrderLine, Reason, Status},
};
use schemars::JsonSchema;
use serde::Serialize;

/// An order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrderView {
    /// Id.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// Where it stands.
    pub status: Status,
    /// Why; null when there is nothing to say.
    pub status_reason: Option<Reason>,
    /// What.
    pub items: Vec<OrderLine>,
    /// For how much.
    pub total_amount: Money,
    /// To where.
    pub shipping_address: Address,
    /// With which payment.
    pub payment_id: Option<String>,
    /// Counts its steps.
    pub version: u64,
    /// When it was placed.
    pub created_at: String,
    /// When it last moved.
    pub updated_at: String,
    /// All its steps, oldest first.
    pub history: Vec<HistoryView>,
}

/// A step of an order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HistoryView {
    /// Where it stood from then on.
    pub status: Status,
    /// Since when.
    pub at: String,
    /// Why.
    pub reason: Option<Reason>,
}

impl From<&Order> for OrderView {
    fn from(order: &Order) -> Self {
        let history = order.history.iter();
        Self {
            id: id(order.id.0),
            user_id: id(order.user_id.0),
            status: order.status,
            status_reason: order.reason,
            items: order.lines.clone(),
            total_amount: order.total,
            shipping_address: order.shipping_address.clone(),
            payment_id: order.payment_id.map(|payment| id(payment.0)),
            version: order.version,
            created_at: rfc3339(order.created_at),
            updated_at: rfc3339(order.updated_at),
            history: history
                .map(|step| HistoryView { status: step.status, at: rfc3339(step.at), reason: step.reason })
                .collect(),
        }
    }
}

/// Where an order's invoice is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InvoiceView {
    /// Its number.
    pub number: String,
    /// A link that needs no credentials.
    pub url: String,
    /// Until when the link works.
    pub expires_at: String,
}

impl InvoiceView {
    /// A link to invoice `number` that works until `expires_at`.
    pub fn new(number: String, url: String, expires_at: kernel::Timestamp) -> Self {
        Self { number, url, expires_at: rfc3339(expires_at) }
    }
}
