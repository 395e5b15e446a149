//! Builds orders in every state, with the events of their transitions.

use super::{address_json, noon, usd};
use crate::ids;
use domain::{
    DomainEvent, Money,
    event::{OrderPlaced, PaymentRef, StockAllocated, StockAllocationFailed, StockReserved},
    id::{OrderId, PaymentId, ProductId, UserId},
    invoice::{self, Calendar, Draft, Invoice, Seller},
    order::{self, Input, Order, PlaceOrder, ProductSnapshot, Rates, Reason, ShortfallPolicy, Update},
    stock::{self, Reservation},
    text::{Category, ProductName},
};
use kernel::Timestamp;
use ports::PaidOrder;
use serde_json::{Value, json};

/// Order 1 of user 1, paid with a valid card. Without lines it has two units of product 1.
pub fn order() -> OrderBuilder {
    OrderBuilder {
        id: ids::order(1),
        user: ids::user(1),
        payment: ids::payment(1),
        lines: vec![],
        method: "pm_card_visa".to_owned(),
        rates: Rates::default(),
        address: address_json(),
        shipping_method: None,
        at: noon(),
    }
}

#[derive(Debug, Clone)]
pub struct OrderBuilder {
    pub(super) id: OrderId,
    pub(super) user: UserId,
    pub(super) payment: PaymentId,
    lines: Vec<(ProductId, i64, Money)>,
    method: String,
    rates: Rates,
    address: Value,
    shipping_method: Option<&'static str>,
    pub(super) at: Timestamp,
}

impl OrderBuilder {
    /// Sets the number of the order and of its payment.
    #[must_use]
    pub fn number(self, n: u64) -> Self {
        Self { id: ids::order(n), payment: ids::payment(n), ..self }
    }

    /// Sets the id of the order and of its payment.
    #[must_use]
    pub fn id(self, id: OrderId) -> Self {
        Self { id, payment: PaymentId(id.0), ..self }
    }

    #[must_use]
    pub fn owner(self, user: UserId) -> Self {
        Self { user, ..self }
    }

    /// Adds a line: `quantity` units of product `n` at 19.99 USD each.
    #[must_use]
    pub fn line(self, n: u64, quantity: u32) -> Self {
        self.line_of(ids::product(n), quantity, usd(1999))
    }

    #[must_use]
    pub fn line_of(mut self, product: ProductId, quantity: u32, price: Money) -> Self {
        self.lines.push((product, quantity.into(), price));
        self
    }

    /// Sets the gateway's token of the payment method.
    #[must_use]
    pub fn method(self, token: &str) -> Self {
        Self { method: token.to_owned(), ..self }
    }

    /// Sets what is charged on top of the prices.
    #[must_use]
    pub fn rates(self, rates: Rates) -> Self {
        Self { rates, ..self }
    }

    /// Sets the shipping address.
    #[must_use]
    pub fn address(self, address: Value) -> Self {
        Self { address, ..self }
    }

    #[must_use]
    pub fn shipping_method(self, name: &'static str) -> Self {
        Self { shipping_method: Some(name), ..self }
    }

    /// Sets the time of the order and of all its transitions.
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
            lines.iter().map(|(product, quantity, _)| json!({ "product_id": product, "quantity": quantity })).collect();
        let command: PlaceOrder = serde_json::from_value(json!({
            "items": items, "shipping_address": self.address, "payment_method": self.method,
            "shipping_method": self.shipping_method,
        }))
        .expect("a request");
        let name = ProductName::parse("Lamp").expect("a name");
        let category = Category::parse("lighting").expect("a category");
        let snapshot = |(product_id, _, price): (ProductId, i64, Money)| ProductSnapshot {
            product_id,
            name: name.clone(),
            category: category.clone(),
            price,
            active: true,
            version: 1,
        };
        let snapshots: Vec<ProductSnapshot> = lines.into_iter().map(snapshot).collect();
        order::place(self.id, self.user, command, &snapshots, &self.rates, self.at)
            .expect("an order that can be placed")
    }

    /// The order in its first state.
    pub fn placed(&self) -> Order {
        self.place().0
    }

    pub fn order_placed(&self) -> OrderPlaced {
        self.place().1
    }

    /// The reservation that the inventory makes for it.
    pub fn reservation(&self) -> Reservation {
        stock::reserve(self.order_placed())
    }

    /// The event of a successful reservation, without levels.
    pub fn stock_reserved(&self) -> StockReserved {
        self.reservation().reserved
    }

    /// Reference to its payment at the version of [`OrderBuilder::paid`].
    pub fn payment_ref(&self) -> PaymentRef {
        PaymentRef { payment_id: self.payment, version: 2 }
    }

    /// The order as the inventory allocates stock to it.
    pub fn paid_order(&self) -> PaidOrder {
        PaidOrder { order_id: self.id, payment: self.payment_ref(), at: self.at }
    }

    /// The event of a successful allocation, without levels.
    pub fn stock_allocated(&self) -> StockAllocated {
        StockAllocated { order_id: self.id, payment: self.payment_ref(), levels: vec![] }
    }

    /// The event of an allocation that failed for lack of stock.
    pub fn stock_allocation_failed(&self) -> StockAllocationFailed {
        StockAllocationFailed { order_id: self.id, lines: self.reservation().lines, payment: self.payment_ref() }
    }

    /// The order with reserved stock and a pending payment.
    pub fn reserved(&self) -> Order {
        self.transition(&self.placed(), Input::StockReserved.into()).0
    }

    /// The order whose charge requires the customer's consent.
    pub fn awaiting_customer(&self) -> Order {
        self.transition(&self.reserved(), self.update(Input::PaymentActionRequired)).0
    }

    /// The order after a declined charge, with the event.
    pub fn declined(&self) -> (Order, DomainEvent) {
        self.transition_with_event(&self.reserved(), self.update(Input::PaymentFailed))
    }

    /// The order with allocated stock, with the event.
    pub fn confirmed(&self) -> (Order, DomainEvent) {
        self.transition_with_event(&self.reserved(), self.update(Input::StockAllocated))
    }

    /// The order after a failed allocation under this policy, with the event.
    pub fn allocation_failed(&self, policy: ShortfallPolicy) -> (Order, DomainEvent) {
        self.transition_with_event(&self.reserved(), self.update(Input::StockAllocationFailed(policy)))
    }

    /// The shipped order, with the event.
    pub fn shipped(&self) -> (Order, DomainEvent) {
        self.transition_with_event(&self.confirmed().0, Input::Ship.into())
    }

    /// The delivered order, with the event.
    pub fn delivered(&self) -> (Order, DomainEvent) {
        self.transition_with_event(&self.shipped().0, Input::Deliver.into())
    }

    /// The order cancelled for this reason, with the event. Cancellations by request happen before the payment.
    pub fn cancelled(&self, reason: Reason) -> (Order, DomainEvent) {
        let (from, input) = match reason {
            Reason::Refunded => (self.confirmed().0, Input::Refunded),
            Reason::InsufficientStock => (self.placed(), Input::StockReservationFailed),
            Reason::TimedOut => (self.placed(), Input::TimedOut),
            Reason::PaymentUnreachable => (self.reserved(), Input::TimedOut),
            Reason::PaymentDeclined => (self.declined().0, Input::TimedOut),
            Reason::CustomerRequest => (self.reserved(), Input::CancelByCustomer),
            Reason::StaffRequest => (self.reserved(), Input::CancelByStaff),
            other => panic!("cancellation for {} is not supported", other.name()),
        };
        self.transition_with_event(&from, input.into())
    }

    pub fn invoice_draft(&self) -> Draft {
        match self.confirmed().1 {
            DomainEvent::OrderConfirmed(confirmed) => invoice::draft(confirmed, Seller::default()),
            other => panic!("{} is not OrderConfirmed", other.row().name),
        }
    }

    /// An update caused by its payment, at the version that records the result of the first attempt.
    fn update(&self, input: Input) -> Update {
        Update::about(input, self.payment_ref())
    }

    /// Its invoice, issued at its time.
    pub fn invoice(&self, position: i64) -> Invoice {
        let (calendar, draft) = (Calendar::utc(), self.invoice_draft());
        let issued_on = calendar.date(self.at);
        Invoice { position, series: calendar.series(issued_on), issued_on, issued_at: self.at, draft }
    }

    fn transition_with_event(&self, order: &Order, update: Update) -> (Order, DomainEvent) {
        let (order, event) = self.transition(order, update);
        (order, event.expect("a transition with an event"))
    }

    fn transition(&self, order: &Order, update: Update) -> (Order, Option<DomainEvent>) {
        order::advance(order, update, self.at).expect("an allowed transition").expect("a transition")
    }
}
