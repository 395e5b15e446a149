//! Orders for tests, in each state that they pass through, and the events that bring them there.

use super::{address_json, noon, usd};
use crate::ids;
use domain::{
    DomainEvent, Money,
    event::{OrderPlaced, PaymentRef, StockAllocated, StockAllocationFailed, StockReserved},
    id::{OrderId, PaymentId, ProductId, UserId},
    invoice::{self, Draft},
    order::{self, Input, Order, PlaceOrder, ProductSnapshot, Reason, ShortfallPolicy, Update},
    stock::{self, Reservation},
    text::ProductName,
};
use kernel::Timestamp;
use ports::PaidOrder;
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
    pub(super) id: OrderId,
    pub(super) user: UserId,
    pub(super) payment: PaymentId,
    lines: Vec<(ProductId, i64, Money)>,
    method: String,
    pub(super) at: Timestamp,
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
        let offer =
            |(product_id, _, price): (ProductId, i64, Money)| ProductSnapshot { product_id, name: name.clone(), price };
        let offers: Vec<ProductSnapshot> = lines.into_iter().map(offer).collect();
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
    pub fn reservation(&self) -> Reservation {
        stock::reserve(self.order_placed())
    }

    /// What the inventory says when all of it is held; without levels.
    pub fn stock_reserved(&self) -> StockReserved {
        self.reservation().reserved
    }

    /// The payment that it is paid with: [`OrderBuilder::paid`], as it stood then.
    pub fn payment_ref(&self) -> PaymentRef {
        PaymentRef { payment_id: self.payment, version: 2 }
    }

    /// What the inventory hears when it is paid.
    pub fn paid_order(&self) -> PaidOrder {
        PaidOrder { order_id: self.id, payment: self.payment_ref(), at: self.at }
    }

    /// What the inventory says when the order is paid and its stock is kept; without levels.
    pub fn stock_allocated(&self) -> StockAllocated {
        StockAllocated { order_id: self.id, payment: self.payment_ref(), levels: vec![] }
    }

    /// What the inventory says when the order is paid and there is not enough any more.
    pub fn stock_allocation_failed(&self) -> StockAllocationFailed {
        StockAllocationFailed { order_id: self.id, lines: self.reservation().lines, payment: self.payment_ref() }
    }

    /// The order, its stock held and its payment under way.
    pub fn reserved(&self) -> Order {
        self.moved(&self.placed(), Input::StockReserved.into()).0
    }

    /// The order, its card declined; and what the others are told then.
    pub fn declined(&self) -> (Order, DomainEvent) {
        self.told(&self.reserved(), self.news(Input::PaymentFailed))
    }

    /// The order, paid and its stock kept; and what the others are told then.
    pub fn confirmed(&self) -> (Order, DomainEvent) {
        self.told(&self.reserved(), self.news(Input::StockAllocated))
    }

    /// The order, paid and its stock gone, under this policy; and what the others are told then.
    pub fn allocation_failed(&self, policy: ShortfallPolicy) -> (Order, DomainEvent) {
        self.told(&self.reserved(), self.news(Input::StockAllocationFailed(policy)))
    }

    /// The order, handed to the carrier; and what the others are told then.
    pub fn shipped(&self) -> (Order, DomainEvent) {
        self.told(&self.confirmed().0, Input::Ship.into())
    }

    /// The order, arrived; and what the others are told then.
    pub fn delivered(&self) -> (Order, DomainEvent) {
        self.told(&self.shipped().0, Input::Deliver.into())
    }

    /// The order, cancelled for this reason; and what the others are told then. Who takes it back does so before it is paid.
    pub fn cancelled(&self, reason: Reason) -> (Order, DomainEvent) {
        let (from, cue) = match reason {
            Reason::Refunded => (self.confirmed().0, Input::Refunded),
            Reason::InsufficientStock => (self.placed(), Input::StockReservationFailed),
            Reason::TimedOut => (self.placed(), Input::TimedOut),
            Reason::PaymentUnreachable => (self.reserved(), Input::TimedOut),
            Reason::PaymentDeclined => (self.declined().0, Input::TimedOut),
            Reason::CustomerRequest => (self.reserved(), Input::CancelByCustomer),
            Reason::StaffRequest => (self.reserved(), Input::CancelByStaff),
            other => panic!("no order is cancelled for {}", other.name()),
        };
        self.told(&from, cue.into())
    }

    /// The draft of its invoice.
    pub fn invoice_draft(&self) -> Draft {
        match self.confirmed().1 {
            DomainEvent::OrderConfirmed(confirmed) => invoice::draft(confirmed, self.at),
            other => panic!("{} is no confirmation", other.row().name),
        }
    }

    /// Update of its payment, from the version that answers the first attempt.
    fn news(&self, input: Input) -> Update {
        let PaymentRef { payment_id, version } = self.payment_ref();
        Update { input, payment: Some((payment_id, version)) }
    }

    fn told(&self, order: &Order, news: Update) -> (Order, DomainEvent) {
        let (order, event) = self.moved(order, news);
        (order, event.expect("a step that is told"))
    }

    fn moved(&self, order: &Order, news: Update) -> (Order, Option<DomainEvent>) {
        order::advance(order, news, self.at).expect("a legal move").expect("a move")
    }
}
