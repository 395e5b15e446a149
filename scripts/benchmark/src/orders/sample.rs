//! Sample orders with everything that is committed with them, and events of their sagas.

use domain::{
    DomainEvent, Event, Money,
    event::OrderPlaced,
    id::{OrderId, ProductId, UserId},
    order::{self, Order, PlaceOrder, ProductSnapshot},
    text::{Category, ProductName},
};
use kernel::{Failure, IdempotencyKey, StoredReply, Timestamp, TraceContext, Uuid};
use ports::Claim;
use serde_json::json;

/// Everything that one request to place an order commits.
pub struct Sample {
    /// An order of two lines.
    pub order: Order,
    /// The data of `event`.
    pub placed: OrderPlaced,
    pub event: Event,
    pub key: IdempotencyKey,
    /// The response that is stored under `key`.
    pub reply: StoredReply,
}

/// Returns a new order of two units of each product, placed now.
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
    let category = Category::parse("lighting").map_err(Failure::internal)?;
    let snapshots = products.map(|product_id| ProductSnapshot {
        product_id,
        name: name.clone(),
        category: category.clone(),
        price,
        active: true,
        version: 1,
    });
    let (order, placed) =
        order::place(OrderId(Uuid::now_v7()), user, command, &snapshots, &order::Rates::default(), now)?;
    let event = order_event(order.id, order.version, placed.clone());
    let body = serde_json::to_string(&placed).map_err(Failure::internal)?;
    // As long as the SHA-256 digest that it stands for.
    let fingerprint = format!("{}{}", order.id.0.simple(), user.0.simple());
    let key = IdempotencyKey { scope: format!("{user} POST /api/v1/orders"), key: order.id.to_string(), fingerprint };
    let headers = vec![("location".to_owned(), catalog::ORDER_GET.path_of(order.id))];
    Ok(Sample { order, placed, event, key, reply: StoredReply { status: 201, headers, body } })
}

/// Wraps `data` in an event about `order`, now.
pub fn order_event(order: OrderId, version: u64, data: impl Into<DomainEvent>) -> Event {
    Event::new(Uuid::now_v7(), order, version, Timestamp::now(), &TraceContext::new(Uuid::now_v7()), data)
}

/// Returns a claim for a new event.
pub fn claim() -> Claim {
    Claim { consumer: "bench", event_id: Uuid::now_v7() }
}

/// Returns two new products, which have no stock account.
pub fn new_products() -> [ProductId; 2] {
    [ProductId(Uuid::now_v7()), ProductId(Uuid::now_v7())]
}
