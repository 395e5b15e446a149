//! Orders and invoices.

use crate::{id, rfc3339};
use domain::{
    Money,
    address::Address,
    credit_note::CreditNote,
    invoice::Invoice,
    order::{Note, Order, OrderLine, Reason, Status},
    text::{Carrier, MessageText, ShippingMethod, TrackingNumber},
    totals::TaxLine,
};
use schemars::JsonSchema;
use serde::Serialize;

/// An order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrderView {
    /// Id of the order.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Id of the customer.
    #[schemars(extend("format" = "uuid"))]
    pub user_id: String,
    /// Status of the order.
    pub status: Status,
    /// Reason of the status; null if the status says it all.
    pub status_reason: Option<Reason>,
    /// Lines of the order.
    pub items: Vec<OrderLine>,
    /// Sum of all lines.
    pub subtotal: Money,
    /// Price of the shipping.
    pub shipping: Money,
    /// Method of shipping.
    pub shipping_method: ShippingMethod,
    /// Tax of all lines and of the shipping.
    pub tax: Money,
    /// Whether the prices include the tax; otherwise it is added to them.
    pub tax_included: bool,
    /// The tax by rate.
    pub taxes: Vec<TaxLine>,
    /// The amount to pay: subtotal and shipping, and the tax unless it is included.
    pub total_amount: Money,
    /// Shipping address.
    pub shipping_address: Address,
    /// Who carries the parcel; null before it is shipped, or if it is not known.
    pub carrier: Option<Carrier>,
    /// The carrier's number of the parcel.
    pub tracking_number: Option<TrackingNumber>,
    /// Id of the payment; null before the first payment event.
    #[schemars(extend("format" = "uuid"))]
    pub payment_id: Option<String>,
    /// Version, incremented by each transition.
    pub version: u64,
    /// Time of placement.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Time of the last transition.
    #[schemars(extend("format" = "date-time"))]
    pub updated_at: String,
    /// All transitions, oldest first.
    pub history: Vec<HistoryView>,
}

/// A transition of an order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HistoryView {
    /// Status after the transition.
    pub status: Status,
    /// Time of the transition.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// Reason of the status.
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
            subtotal: order.totals.subtotal,
            shipping: order.totals.shipping,
            shipping_method: order.totals.shipping_method.clone(),
            tax: order.totals.tax,
            tax_included: order.totals.tax_included,
            taxes: order.totals.taxes.clone(),
            total_amount: order.total,
            shipping_address: order.shipping_address.clone(),
            carrier: order.tracking.as_ref().map(|tracking| tracking.carrier.clone()),
            tracking_number: order.tracking.as_ref().map(|tracking| tracking.number.clone()),
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

/// A note of staff about an order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NoteView {
    /// Id of the note.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Id of the order.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: String,
    /// Id of the user who wrote it.
    pub author: String,
    /// Text; may contain line breaks.
    pub text: MessageText,
    /// Time of the note.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

impl From<&Note> for NoteView {
    fn from(note: &Note) -> Self {
        Self {
            id: id(note.id.0),
            order_id: id(note.order_id.0),
            author: id(note.author.0),
            text: note.text.clone(),
            created_at: rfc3339(note.created_at),
        }
    }
}

/// The invoice of an order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InvoiceView {
    /// Invoice number.
    pub number: String,
    /// Presigned URL of the document.
    pub url: String,
    /// Expiry of the URL.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
}

/// An invoice in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InvoiceItemView {
    /// Invoice number.
    pub number: String,
    /// Id of the order.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: String,
    /// Id of the customer.
    #[schemars(extend("format" = "uuid"))]
    pub user_id: String,
    /// Date of issue.
    pub issued_on: String,
    /// Total of the invoice.
    pub total_amount: Money,
    /// Presigned URL of the document.
    pub url: String,
    /// Expiry of the URL.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
}

impl InvoiceItemView {
    /// Creates the view of an invoice with a link to it.
    pub fn new(invoice: &Invoice, url: String, expires_at: kernel::Timestamp) -> Self {
        Self {
            number: invoice.number(),
            order_id: id(invoice.draft.order_id.0),
            user_id: id(invoice.draft.user_id.0),
            issued_on: invoice.issued_on.to_string(),
            total_amount: invoice.draft.total,
            url,
            expires_at: rfc3339(expires_at),
        }
    }
}

/// A credit note, or the document that cancels one.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CreditNoteView {
    /// Number of the credit note.
    pub number: String,
    /// Number of the credit note that it cancels, because the refund was returned by a bank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancels: Option<String>,
    /// Number of the invoice that it corrects.
    pub invoice_number: String,
    /// Id of the refund.
    #[schemars(extend("format" = "uuid"))]
    pub refund_id: String,
    /// Date of issue.
    pub issued_on: String,
    /// The refunded amount.
    pub amount: Money,
    /// The tax in it, by rate.
    pub taxes: Vec<TaxLine>,
    /// Presigned URL of the document.
    pub url: String,
    /// Expiry of the URL.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
}

impl CreditNoteView {
    /// Creates the view of a credit note with a link to it.
    pub fn new(note: &CreditNote, url: String, expires_at: kernel::Timestamp) -> Self {
        let draft = &note.draft;
        Self {
            number: note.number(),
            cancels: draft.cancels.clone(),
            invoice_number: draft.invoice_number.clone(),
            refund_id: id(draft.refund.refund_id.0),
            issued_on: note.issued_on.to_string(),
            amount: draft.refund.amount,
            taxes: draft.taxes.clone(),
            url,
            expires_at: rfc3339(expires_at),
        }
    }
}

impl InvoiceView {
    /// Creates the view of the invoice `number`.
    pub fn new(number: String, url: String, expires_at: kernel::Timestamp) -> Self {
        Self { number, url, expires_at: rfc3339(expires_at) }
    }
}
