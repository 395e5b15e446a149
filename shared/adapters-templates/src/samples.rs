//! Data that edited texts are rendered with before they are stored: each variant that a message can have.

use domain::{
    DomainEvent,
    channel::Template,
    id::UserId,
    message_template::TemplateKey,
    order::Reason,
    text::{Email, FullName},
};
use kernel::{Failure, Uuid};
use ports::{Contact, Recipient};
use serde_json::{Value, json};

const ID: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

/// Recipients with an event each. The first has everything that a text may show.
pub(crate) fn of(key: TemplateKey) -> Result<Vec<(Recipient, DomainEvent)>, Failure> {
    let events: Vec<DomainEvent> = events(key.template)
        .into_iter()
        .map(|event| serde_json::from_value(event).map_err(Failure::internal))
        .collect::<Result<_, _>>()?;
    let (named, anonymous) = (recipient(key, Some("Ada Lovelace"))?, recipient(key, None)?);
    let first = events.first().cloned().map(|event| (named, event));
    Ok(first.into_iter().chain(events.into_iter().map(|event| (anonymous.clone(), event))).collect())
}

fn recipient(key: TemplateKey, name: Option<&str>) -> Result<Recipient, Failure> {
    let mut to = Recipient::with_defaults(Contact {
        user_id: UserId(Uuid::nil()),
        email: Email::parse("ada@example.com").map_err(Failure::internal)?,
        name: name.map(FullName::parse).transpose().map_err(Failure::internal)?,
        phone: None,
    });
    to.preferences.locale = key.locale;
    Ok(to)
}

fn events(template: Template) -> Vec<Value> {
    let event = |name: &str, data: Value| json!({ "type": name, "data": data });
    let for_each_reason = |name: &str| {
        let data = |reason: Reason| json!({ "order_id": ID, "user_id": ID, "total_amount": usd(6_136), "reason": reason.name() });
        Reason::ALL.iter().map(|reason| event(name, data(*reason))).collect()
    };
    match template {
        Template::OrderConfirmed => {
            let totals = |is_included: bool| {
                json!({
                    "subtotal": usd(3_998), "shipping_method": "express", "shipping": usd(1_500), "tax": usd(638),
                    "tax_included": is_included, "taxes": [],
                })
            };
            [totals(false), totals(true), Value::Null]
                .map(|totals| event(catalog::ORDER_CONFIRMED.name, confirmed(totals)))
                .into()
        }
        Template::OrderWaiting => for_each_reason(catalog::ORDER_WAITING.name),
        Template::OrderCancelled => for_each_reason(catalog::ORDER_CANCELLED.name),
        Template::OrderShipped => [json!({ "carrier": "DHL", "number": "00340434-1" }), Value::Null]
            .map(|tracking| event(catalog::ORDER_SHIPPED.name, shipped(tracking)))
            .into(),
        Template::OrderDelivered => {
            vec![event(catalog::ORDER_DELIVERED.name, json!({ "order_id": ID, "user_id": ID }))]
        }
        Template::Message => {
            [json!(ID), Value::Null].map(|order| event(catalog::NOTIFICATION_REQUESTED.name, message(order))).into()
        }
    }
}

fn usd(minor: i64) -> Value {
    json!({ "amount": minor, "currency": "USD" })
}

fn lines() -> Value {
    json!([{
        "product_id": ID, "product_name": "Storm lantern", "quantity": 2, "unit_price": usd(1_999), "line_total": usd(3_998),
    }])
}

fn address() -> Value {
    json!({ "line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US" })
}

fn confirmed(totals: Value) -> Value {
    json!({
        "order_id": ID, "user_id": ID, "payment_id": ID, "lines": lines(), "total_amount": usd(6_136), "totals": totals,
        "shipping_address": address(), "placed_at": "2026-11-21T08:45:00Z",
    })
}

fn shipped(tracking: Value) -> Value {
    json!({
        "order_id": ID, "user_id": ID, "lines": lines(), "shipping_address": address(), "tracking": tracking,
    })
}

fn message(order: Value) -> Value {
    json!({
        "user_id": ID, "order_id": order, "channel": "email", "template": "message", "subject": "Your lantern",
        "text": "It is here.\nCome and get it.\n\nYours, Quayside",
    })
}
