//! Orders for tests, in each state that they pass through, and the events that bring them there.

use super::{address_json, noon, usd};
use crate::ids;
use domain::{
    DomainEvent, Money,
    event::{OrderPlaced, StockReserved},
    id::{OrderId, PaymentId, ProductId, UserId},
    invoice::{self, Draft},
    order::{self, Offer, Order, PlaceOrder, Reason, Signal},
    payment::{self, Payment},
    stock::{self, Hold},
    text::ProductName,
};
use kernel::Timestamp;
use serde_json::json;

/// An order: number 1, of user 1, paid with a card that pays. Without lines it gets two lamps of product 1.
pub fn order() -> OrderBuilder {
    OrderBuilder {
        id: ids::order(1),
        user: ids::user(1),
        payment: ids::payment(1),
        lines: vec![],
        method: "pm_card_visa".to_owned(),
        at: noon(),
    }
}

/// Makes an order.
#[derive(Debug, Clone)]
pub struct OrderBuilder {
    id: OrderId,
    user: UserId,
    payment: PaymentId,
    lines: Vec<(ProductId, i64, Money)>,
    method: String,
    at: Timestamp,
}

impl OrderBuilder {
    /// Its number, which is also that of its payment.
    #[must_use]
    pub fn number(self, n: u64) -> Self {
        Self { id: ids::order(n), payment: ids::payment(n), ..self }
    }

    /// Its id; that of its payment is the same.
    #[must_use]
    pub fn id(self, id: OrderId) -> Self {
        Self { id, payment: PaymentId(id.0), ..self }
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(self, user: UserId) -> Self {
        Self { user, ..self }
    }

    /// One more line: so many pieces of the product `n`, for 19.99 USD each.
    #[must_use]
    pub fn line(self, n: u64, quantity: u32) -> Self {
        self.line_of(ids::product(n), quantity, usd(1999))
    }

    /// One more line.
    #[must_use]
    pub fn line_of(mut self, product: ProductId, quantity: u32, price: Money) -> Self {
        self.lines.push((product, quantity.into(), price));
        self
    }

    /// The gateway's token for the way to pay.
    #[must_use]
    pub fn method(self, token: &str) -> Self {
        Self { method: token.to_owned(), ..self }
    }

    /// When it is placed; what follows happens at the same instant.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    fn place(&self) -> (Order, OrderPlaced) {
        let mut lines = self.lines.clone();
        if lines.is_empty() {
            lines.push((ids::product(1), 2, usd(1999)));
        }
        let items: Vec<_> =
            lines.iter().map(|(product, pieces, _)| json!({ "product_id": product, "quantity": pieces })).collect();
        let command: PlaceOrder = serde_json::from_value(
            json!({ "items": items, "shipping_address": address_json(), "payment_method": self.method }),
        )
        .expect("a request");
        let name = ProductName::parse("Lamp").expect("a name");
        let offer = |(product_id, _, price): (ProductId, i64, Money)| Offer { product_id, name: name.clone(), price };
        let offers: Vec<Offer> = lines.into_iter().map(offer).collect();
        order::place(self.id, self.user, command, &offers, self.at).expect("an order that can be placed")
    }

    /// The order, just placed.
    pub fn placed(&self) -> Order {
        self.place().0
    }

    /// What the others are told then.
    pub fn order_placed(&self) -> OrderPlaced {
        self.place().1
    }

    /// What it asks the inventory to hold.
    pub fn hold(&self) -> Hold {
        stock::hold(self.order_placed())
    }

    /// What the inventory says when all of it is held; without levels.
    pub fn stock_reserved(&self) -> StockReserved {
        self.hold().reserved
    }

    /// Its payment, just begun.
    pub fn payment(&self) -> Payment {
        payment::begin(self.payment, &self.stock_reserved(), self.at)
    }

    /// The order, its stock held and its payment under way.
    pub fn reserved(&self) -> Order {
        self.moved(&self.placed(), Signal::StockReserved).0
    }

    /// The order, paid; and what the others are told then.
    pub fn confirmed(&self) -> (Order, DomainEvent) {
        let (order, event) = self.moved(&self.reserved(), Signal::Paid(self.payment));
        (order, event.expect("an order that is confirmed says so"))
    }

    /// The order, cancelled for this reason; and what the others are told then.
    pub fn cancelled(&self, reason: Reason) -> (Order, DomainEvent) {
        let signal = match reason {
            Reason::InsufficientStock => Signal::StockShort,
            other => Signal::PaymentFailed(self.payment, other),
        };
        let (order, event) = self.moved(&self.reserved(), signal);
        (order, event.expect("an order that is cancelled says so"))
    }

    /// The draft of its invoice.
    pub fn draft(&self) -> Draft {
        match self.confirmed().1 {
            DomainEvent::OrderConfirmed(confirmed) => invoice::draft(confirmed, self.at),
            other => panic!("{} is no confirmation", other.row().name),
        }
    }

    fn moved(&self, order: &Order, signal: Signal) -> (Order, Option<DomainEvent>) {
        order::advance(order, signal, self.at).expect("a legal move").expect("a move")
    }
}
