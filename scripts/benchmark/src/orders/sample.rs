//! An order such as customers place, with all that is committed with it, and the events of its saga.

use domain::{
    DomainEvent, Event, Money,
    event::{OrderPlaced, wrap},
    id::{OrderId, ProductId, UserId},
    order::{self, Order, PlaceOrder, ProductSnapshot},
    text::ProductName,
};
use kernel::{Failure, IdempotencyKey, StoredReply, Timestamp, TraceContext, Uuid};
use ports::Claim;
use serde_json::json;

/// What one request to place an order commits.
pub struct Sample {
    /// The order, of two lines.
    pub order: Order,
    /// What the others are told, as the domain says it.
    pub placed: OrderPlaced,
    /// The same in its envelope.
    pub event: Event,
    /// The key of the request.
    pub key: IdempotencyKey,
    /// The answer to it.
    pub reply: StoredReply,
}

/// A new order of `products`, placed now.
pub fn sample(products: [ProductId; 2]) -> Result<Sample, Failure> {
    let now = Timestamp::now();
    let user = UserId(Uuid::now_v7());
    let items = products.map(|product_id| json!({ "product_id": product_id, "quantity": 2 }));
    let address = json!({
        "line1": "1 Harbour Way", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US"
    });
    let command = json!({ "items": items, "shipping_address": address, "payment_method": "pm_card_visa" });
    let command: PlaceOrder = serde_json::from_value(command).map_err(Failure::internal)?;
    let (name, price) = (ProductName::parse("Storm lantern"), Money::new(1999, "USD"));
    let (name, price) = (name.map_err(Failure::internal)?, price.map_err(Failure::internal)?);
    let offers = products.map(|product_id| ProductSnapshot { product_id, name: name.clone(), price });
    let (order, placed) = order::place(OrderId(Uuid::now_v7()), user, command, &offers, now)?;
    let event = told(order.id, order.version, placed.clone());
    let body = serde_json::to_string(&placed).map_err(Failure::internal)?;
    // As long as a SHA-256, which is what stands there.
    let fingerprint = format!("{}{}", order.id.0.simple(), user.0.simple());
    let key = IdempotencyKey { scope: format!("{user} POST /api/v1/orders"), key: order.id.to_string(), fingerprint };
    let headers = vec![("location".to_owned(), catalog::ORDER_GET.path_of(order.id))];
    Ok(Sample { order, placed, event, key, reply: StoredReply { status: 201, headers, body } })
}

/// An event about `order`, now.
pub fn told(order: OrderId, version: u64, data: impl Into<DomainEvent>) -> Event {
    wrap(Uuid::now_v7(), order, version, Timestamp::now(), &TraceContext::new(Uuid::now_v7()), data)
}

/// A claim that nobody has made.
pub fn claim() -> Claim {
    Claim { consumer: "bench", event_id: Uuid::now_v7() }
}

/// Two products that no account knows.
pub fn strangers() -> [ProductId; 2] {
    [ProductId(Uuid::now_v7()), ProductId(Uuid::now_v7())]
}
