//! Orders and their documents.

use super::{
    ADMIN, Example, NOON, ORDER, OTHER, PAYMENT, PRODUCT, REFUND, TEN_PAST, USER, body, examples, identity, parsed, usd,
};
use crate::Result;
use api::*;
use domain::{
    order::{Reason, Status},
    totals::TaxLine,
};
use serde_json::{Value, json};

const DOCUMENT: &str =
    "https://quayside-invoices.s3.eu-west-1.amazonaws.com/2026/…?X-Amz-Expires=600&X-Amz-Signature=…";

examples! {
    OrderView = Self {
        id: ORDER.into(),
        user_id: USER.into(),
        status: Status::Pending,
        status_reason: Some(Reason::AwaitingPayment),
        items: parsed(json!([{
            "product_id": PRODUCT, "product_name": "Storm lantern", "quantity": 2, "unit_price": usd(1999)?,
            "line_total": usd(3998)?, "tax": { "rate": "9.25", "amount": usd(370)? },
        }]))?,
        subtotal: usd(3998)?,
        shipping: usd(500)?,
        shipping_method: parsed(json!("standard"))?,
        tax: usd(370)?,
        tax_included: false,
        taxes: taxes()?,
        total_amount: usd(4868)?,
        shipping_address: parsed(identity::address())?,
        carrier: None,
        tracking_number: None,
        payment_id: Some(PAYMENT.into()),
        version: 2,
        created_at: NOON.into(),
        updated_at: NOON.into(),
        history: vec![
            HistoryView { status: Status::Pending, at: NOON.into(), reason: Some(Reason::AwaitingStock) },
            HistoryView { status: Status::Pending, at: NOON.into(), reason: Some(Reason::AwaitingPayment) },
        ],
    };
    NoteView = Self {
        id: OTHER.into(),
        order_id: ORDER.into(),
        author: ADMIN.into(),
        text: parsed(json!("The customer asks for delivery before Friday."))?,
        created_at: TEN_PAST.into(),
    };
    InvoiceView = Self { number: "2026-000042".into(), url: DOCUMENT.into(), expires_at: TEN_PAST.into() };
    InvoiceItemView = Self {
        number: "2026-000042".into(),
        order_id: ORDER.into(),
        user_id: USER.into(),
        issued_on: "2026-11-21".into(),
        total_amount: usd(4868)?,
        url: DOCUMENT.into(),
        expires_at: TEN_PAST.into(),
    };
    CreditNoteView = Self {
        number: "CN-2026-000007".into(),
        cancels: None,
        invoice_number: "2026-000042".into(),
        refund_id: REFUND.into(),
        issued_on: "2026-11-22".into(),
        amount: usd(4868)?,
        taxes: taxes()?,
        url: DOCUMENT.into(),
        expires_at: TEN_PAST.into(),
    };
}

/// The order after its customer has cancelled it.
pub fn cancelled_order() -> Result<Value> {
    body(after(OrderView::example()?, Status::Cancelled, Some(Reason::CustomerRequest)))
}

/// The order after staff have shipped it.
pub fn shipped_order() -> Result<Value> {
    let order = after(after(OrderView::example()?, Status::Processing, None), Status::Shipped, None);
    let (carrier, number) = (parsed(json!("DHL"))?, parsed(json!("00340434 1611"))?);
    body(OrderView { carrier: Some(carrier), tracking_number: Some(number), ..order })
}

/// The order after a transition.
fn after(mut order: OrderView, status: Status, reason: Option<Reason>) -> OrderView {
    order.history.push(HistoryView { status, at: TEN_PAST.into(), reason });
    OrderView { status, status_reason: reason, version: order.version + 1, updated_at: TEN_PAST.into(), ..order }
}

fn taxes() -> Result<Vec<TaxLine>> {
    Ok(vec![TaxLine { rate: parsed(json!("9.25"))?, taxed: usd(3998)?, amount: usd(370)? }])
}
