//! Test data builders with defaults for everything that a test does not set.
//!
//! Products, users and orders are numbered (see [`crate::ids`]); instants are seconds after [`noon`].

mod orders;
mod payments;
mod product;
mod user;
mod webhook;

pub use orders::{OrderBuilder, order};
pub use payments::{
    approval_requested, charged, concluded, disputed, refund_concluded, refund_decided, refund_requested, refunded,
    transfer,
};
pub use product::{ProductBuilder, product};
pub use user::{UserBuilder, user};
pub use webhook::{endpoint, endpoint_of};

use crate::ids;
use domain::{DomainEvent, Event, Money, address::Address, canary::CanaryAccount, text::PaymentMethod};
use kernel::{IdempotencyKey, StoredReply, Timestamp, TraceContext, Uuid};
use ports::Claim;
use serde_json::{Value, json};

/// The reference instant of the tests: 2026-11-21T12:00:00Z.
pub fn noon() -> Timestamp {
    at(0)
}

/// The instant `seconds` after [`noon`].
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_262_400 + seconds).expect("within the calendar")
}

/// An amount in US dollars, given in cents.
pub fn usd(cents: i64) -> Money {
    Money::new(cents, "USD").expect("an amount")
}

/// The account of the canary as its secret holds it.
pub fn canary_account() -> CanaryAccount {
    CanaryAccount {
        email: "canary@example.com".to_owned(),
        password: "a long enough secret".to_owned(),
        product_id: ids::product(1),
        payment_method: PaymentMethod::parse("pm_card_visa").expect("a payment method"),
    }
}

pub fn address() -> Address {
    serde_json::from_value(address_json()).expect("an address")
}

fn address_json() -> Value {
    json!({ "line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US" })
}

pub fn a_claim(consumer: &'static str, n: u64) -> Claim {
    Claim { consumer, event_id: ids::event(n) }
}

/// An idempotency key with a fingerprint made from `body`.
pub fn a_key(key: &str, body: &str) -> IdempotencyKey {
    IdempotencyKey { scope: "tests POST".to_owned(), key: key.to_owned(), fingerprint: format!("print of {body}") }
}

/// A response to store: 201 with `body`, a location and an ETag.
pub fn a_reply(body: &str) -> StoredReply {
    let headers = vec![("location".to_owned(), "/things/1".to_owned()), ("etag".to_owned(), "\"1\"".to_owned())];
    StoredReply { status: 201, headers, body: body.to_owned() }
}

/// Event `n` with sequence 1, at [`noon`], in the trace of request 1.
pub fn event(n: u64, data: impl Into<DomainEvent>) -> Event {
    event_with(ids::event(n), noon(), data)
}

/// Like [`event`], with this id and time.
pub fn event_with(id: Uuid, at: Timestamp, data: impl Into<DomainEvent>) -> Event {
    let data = data.into();
    Event::new(id, subject(&data), 1, at, &TraceContext::new(ids::request(1)), data)
}

fn subject(data: &DomainEvent) -> String {
    let json = serde_json::to_value(data).expect("events serialize");
    let data = &json["data"];
    let named = |name: &str| data[name].as_str().map(str::to_owned);
    let of_levels = || data["levels"][0]["product_id"].as_str().map(str::to_owned);
    let subject = named("order_id").or_else(|| named("product_id")).or_else(|| named("user_id")).or_else(of_levels);
    subject.unwrap_or_default()
}

/// The request body of order-place, from product numbers and quantities.
pub fn place_order_json(items: &[(u64, i64)]) -> Value {
    let items: Vec<Value> =
        items.iter().map(|(n, quantity)| json!({ "product_id": ids::product(*n), "quantity": quantity })).collect();
    json!({ "items": items, "shipping_address": address_json(), "payment_method": "pm_card_visa" })
}
