//! The ledger, e-mails, invoices, credit notes and windows, against what orders, payments and the gateway say they must be.

use super::{Violation, idle::has_token, is_address_of, rule};
use crate::simulation::{
    backend::{Backend, FinalState},
    days,
    world::World,
};
use domain::{
    DomainEvent, Event, Money,
    channel::Channel,
    id::{PaymentId, ProductId, UserId},
    invoice::Seller,
    ledger::Purpose,
    notification,
    window::{self, Payments, Window},
};
use kernel::{Timestamp, Uuid};
use ports::{MessageTemplates as _, Recipient};
use std::{collections::BTreeMap, rc::Rc};

pub(super) fn final_state<S: Backend>(
    world: &World<S>,
    state: &FinalState,
    committed: &[Rc<Event>],
) -> Result<(), Violation> {
    if !world.plan.misstates {
        ledger(world)?;
    }
    emails(world, committed)?;
    invoices(world, state)?;
    windows(state, committed)
}

/// Purpose, reference, payment and amount of a transfer.
type Posting = (Purpose, String, Option<PaymentId>, Money);

/// The ledger has one transfer for each charge, refund and returned refund of the gateway, and no other.
fn ledger<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let gateway = world.platform.gateway();
    let mut expected: Vec<Posting> = gateway.with_records(|charges, refunds| {
        let charges = charges
            .iter()
            .map(|charge| (Purpose::Charge, charge.transaction_id.clone(), Some(charge.payment_id), charge.amount));
        let refund = |purpose, one: &testkit::GatewayRefund| {
            (purpose, one.transaction_id.clone(), Some(one.payment_id), one.amount)
        };
        let made = refunds.iter().map(|one| refund(Purpose::Refund, one));
        let returned = refunds.iter().filter(|one| one.failure.is_some());
        charges.chain(made).chain(returned.map(|one| refund(Purpose::RefundReversal, one))).collect()
    });
    // The gateway states its fees in its statement only.
    let transfers = world.seen.transfers.iter().filter(|one| one.purpose != Purpose::Fee);
    let mut posted: Vec<Posting> =
        transfers.map(|one| (one.purpose, one.reference.clone(), one.payment_id, one.amount)).collect();
    let key = |posting: &Posting| (posting.0, posting.1.clone());
    expected.sort_by_key(key);
    posted.sort_by_key(key);
    rule!(posted == expected, "the ledger has {posted:?}: the gateway moved {expected:?}");
    Ok(())
}

/// Each e-mail is what its event demands, to the customer. None is sent again after its event was handled.
fn emails<S: Backend>(world: &World<S>, committed: &[Rc<Event>]) -> Result<(), Violation> {
    let sender = world.platform.email_sender();
    let (sent, deliveries) = (sender.sent(), sender.delivery_ids());
    let known: Vec<Recipient> =
        world.plan.customers().map(|customer| Recipient::with_defaults(days::user(customer).contact())).collect();
    for (email, id) in sent.iter().zip(&deliveries) {
        if has_token(email) {
            continue;
        }
        let about = committed.iter().find(|event| event.id == *id).ok_or("an e-mail about no event")?;
        let notification = notification::for_event(&about.event, Channel::Email);
        let (user, template) = match (&about.event, notification) {
            (DomainEvent::NotificationRequested(asked), _) => (asked.user_id, asked.template),
            (_, notification) => {
                let due = notification.ok_or("an e-mail that is not due")?;
                (due.user_id, due.template)
            }
        };
        let to = known.iter().find(|to| to.contact.user_id == user).ok_or("an e-mail to a stranger")?;
        let expected = world.platform.message_templates().render_email(template, to, &about.event, None);
        rule!(expected.as_ref() == Ok(email), "the e-mail about {:?} is {email:?}", about.event);
    }
    let copies = |id: Uuid| deliveries.iter().filter(|one| **one == id).count();
    for (id, notified) in &world.notified {
        let copies = copies(*id);
        rule!(
            notified.copies_when_handled.is_none_or(|then| then == copies),
            "an e-mail is sent again after its event was handled: {copies} copies"
        );
        rule!(copies <= notified.deliveries, "{copies} copies of an e-mail in {} deliveries", notified.deliveries);
    }
    Ok(())
}

/// Invoices and credit notes say what their orders and refunds say.
fn invoices<S: Backend>(world: &World<S>, state: &FinalState) -> Result<(), Violation> {
    let seen = &world.seen;
    for invoice in &seen.invoices {
        let draft = &invoice.draft;
        let order = seen.orders.iter().find(|order| order.id == draft.order_id).ok_or("an invoice for no order")?;
        rule!(is_address_of(order, &draft.address), "an invoice to {:?}", draft.address);
        let expected = domain::invoice::Draft {
            order_id: order.id,
            user_id: order.user_id,
            lines: order.lines.clone(),
            totals: order.totals.clone(),
            total: order.total,
            address: draft.address.clone(),
            payment_id: seen.payments.get(&order.id).ok_or("an invoice without a payment")?.id,
            seller: Seller::default(),
        };
        rule!(*draft == expected, "an invoice says {draft:?}: the order is {expected:?}");
        let parts: i64 = draft.lines.iter().map(|line| line.line_total.amount.get()).sum();
        let totals = &draft.totals;
        let tax = if totals.tax_included { 0 } else { totals.tax.amount.get() };
        let sum = parts + totals.shipping.amount.get() + tax;
        rule!(sum == draft.total.amount.get(), "an invoice over {} adds up to {sum}", draft.total);
    }
    for note in &state.credit_notes {
        let refund = &note.draft.refund;
        let payment = seen.payments.get(&refund.order_id).ok_or("a credit note without a payment")?;
        let made = payment.refund(refund.refund_id).ok_or("a credit note without a refund")?;
        rule!(refund.amount == made.amount, "a credit note of {} for a refund of {}", refund.amount, made.amount);
        let invoice = seen.invoices.iter().find(|invoice| invoice.draft.order_id == refund.order_id);
        let number = invoice.map(domain::invoice::Invoice::number).ok_or("a credit note without an invoice")?;
        rule!(note.draft.invoice_number == number, "a credit note of {} for {number}", note.draft.invoice_number);
        rule!(note.draft.payment_id == payment.id, "a credit note of another payment");
    }
    Ok(())
}

/// What a window must have: orders, revenue, units by product, orders and revenue by region, first orders, outcomes of payments, and
/// cancellations by reason.
#[derive(Debug, Default, PartialEq)]
struct Sums {
    orders: i64,
    revenue: i64,
    products: BTreeMap<ProductId, i64>,
    regions: BTreeMap<String, (i64, i64)>,
    first_orders: i64,
    payments: Payments,
    cancellations: BTreeMap<&'static str, i64>,
}

impl Sums {
    fn count(&mut self, event: &DomainEvent) {
        match event {
            DomainEvent::OrderConfirmed(order) => {
                let minor = order.total_amount.amount.get();
                (self.orders, self.revenue) = (self.orders + 1, self.revenue + minor);
                for line in &order.lines {
                    *self.products.entry(line.product_id).or_default() += i64::from(line.quantity.get());
                }
                let region = self.regions.entry(order.shipping_address.area().to_string()).or_default();
                *region = (region.0 + 1, region.1 + minor);
            }
            DomainEvent::OrderCancelled(order) => *self.cancellations.entry(order.reason.name()).or_default() += 1,
            DomainEvent::PaymentSucceeded(paid) => self.payments.paid.add(paid.amount.amount.get()),
            DomainEvent::PaymentFailed(failed) => self.payments.declined.add(failed.amount.amount.get()),
            DomainEvent::PaymentRefunded(made) => self.payments.refunded.add(made.amount.amount.get()),
            _ => {}
        }
    }

    fn of(window: &Window) -> Self {
        Self {
            orders: window.orders,
            revenue: window.revenue.amount,
            products: window.top_products.iter().map(|(product, _, units)| (*product, *units)).collect(),
            regions: window.by_region.iter().map(|(name, orders, minor)| (name.clone(), (*orders, *minor))).collect(),
            first_orders: window.first_orders,
            payments: window.payments,
            cancellations: window.cancellations.iter().map(|(reason, orders)| (reason.name(), *orders)).collect(),
        }
    }
}

/// The currency of what analytics counts of an event; `None` for an event that no window counts.
fn counted_currency(event: &DomainEvent) -> Option<&'static str> {
    let amount = match event {
        DomainEvent::OrderConfirmed(order) => order.total_amount,
        DomainEvent::OrderCancelled(order) => order.total_amount,
        DomainEvent::PaymentSucceeded(paid) => paid.amount,
        DomainEvent::PaymentFailed(failed) => failed.amount,
        DomainEvent::PaymentRefunded(made) => made.amount,
        _ => return None,
    };
    Some(amount.currency.code())
}

/// Each event is in the window of the time at which it happened, an order with its products and its region. The earliest order of a customer
/// is a first order; after an erasure, whose time relative to the orders of the customer is not known, none is compared.
fn windows(state: &FinalState, committed: &[Rc<Event>]) -> Result<(), Violation> {
    let mut expected: BTreeMap<(Timestamp, &str), Sums> = BTreeMap::new();
    let mut first: BTreeMap<UserId, (Timestamp, Uuid, (Timestamp, &str))> = BTreeMap::new();
    for event in committed {
        let Some(currency) = counted_currency(&event.event) else { continue };
        let window = (window::start(event.time).map_err(|_| "a window without a start")?, currency);
        expected.entry(window).or_default().count(&event.event);
        if let DomainEvent::OrderConfirmed(order) = &event.event {
            let bought = (event.time, event.id, window);
            first.entry(order.user_id).and_modify(|known| *known = (*known).min(bought)).or_insert(bought);
        }
    }
    for (_, _, window) in first.values() {
        expected.entry(*window).or_default().first_orders += 1;
    }
    let window = |window: &Window| ((window.start, window.revenue.currency.code()), Sums::of(window));
    let mut counted: BTreeMap<(Timestamp, &str), Sums> = state.windows.iter().map(window).collect();
    if committed.iter().any(|event| matches!(event.event, DomainEvent::UserErased(_))) {
        expected.values_mut().chain(counted.values_mut()).for_each(|sums| sums.first_orders = 0);
    }
    rule!(counted == expected, "windows have {counted:?}: orders {expected:?}");
    Ok(())
}
