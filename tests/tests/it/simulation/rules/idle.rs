//! Invariants of an idle world.

use super::{
    Violation,
    events::{counted, events},
    final_state::final_state,
    is_erased,
    liveness::liveness,
    payloads::payloads,
    rule,
    stock_model::stock_model,
    wanted,
};
use crate::simulation::{
    backend::Backend,
    commands::{self, Command},
    subscriptions::enqueued,
    world::World,
};
use domain::{
    DomainEvent, Event,
    id::{OrderId, ProductId},
    ledger::Purpose,
    order::{HistoryEntry, Order, PENDING_TIMEOUT_SECONDS, Reason, ShortfallPolicy, State, Status},
    payment, stock,
};
use ports::EmailMessage;
use std::{
    collections::{BTreeSet, HashSet},
    rc::Rc,
};
use testkit::{GatewayRefund, Platform, RESET_SUBJECT, Snapshot, VERIFICATION_SUBJECT};

/// Checks what holds once nothing is in flight.
pub fn when_idle<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let committed = world.backend.committed();
    orders(world, &committed)?;
    if world.plan.misstates {
        misstated(world, &committed)?
    } else {
        money(world)?
    }
    responses(world)?;
    counted(world, &committed)?;
    events(world, &committed)?;
    enqueued(world, &committed)?;
    prices(world)?;
    account(world)?;
    effects(world)?;
    liveness(world)?;
    payloads(world, &committed)?;
    let orders: Vec<OrderId> = world.seen.orders.iter().map(|order| order.id).collect();
    let products: Vec<ProductId> = world.plan.products().iter().map(|product| product.id).collect();
    let state = world.backend.final_state(&orders, &products);
    final_state(world, &state, &committed)?;
    stock_model(world, &state, &committed)
}

/// Every order is final, or waits as the shortfall policy says, and not for stock that is available.
fn orders<S: Backend>(world: &World<S>, committed: &[Rc<Event>]) -> Result<(), Violation> {
    let (seen, commands) = (&world.seen, world.plan.orders().count());
    rule!(seen.orders.len() == commands, "{} orders for {commands} commands", seen.orders.len());
    let reserved: HashSet<OrderId> = committed.iter().filter_map(|event| reserved_order(event)).collect();
    for order in &seen.orders {
        let (_, wanted) = wanted(order);
        rule!(has_ended(world, order, &reserved), "{} ended as {:?} {:?}", wanted.method, order.status, order.reason);
        let state = seen.reservations.get(&order.id).map(|(state, _)| *state);
        let expected = match order.status {
            Status::Pending => stock::State::Backordered,
            Status::Processing => stock::State::Allocated,
            Status::Shipped | Status::Delivered => stock::State::Shipped,
            Status::Cancelled => stock::State::Released,
        };
        rule!(state == Some(expected), "{}: {:?}, and its stock is {state:?}", wanted.method, order.status);
    }
    let charged = world.platform.gateway().charges();
    rule!(charged.iter().all(|charge| reserved.contains(&charge.order_id)), "charged before stock was reserved");
    Ok(())
}

fn reserved_order(event: &Event) -> Option<OrderId> {
    if let DomainEvent::StockReserved(reserved) = &event.event { Some(reserved.order_id) } else { None }
}

/// Whether an end was requested, or follows from what happened.
fn has_ended<S: Backend>(world: &World<S>, order: &Order, reserved: &HashSet<OrderId>) -> bool {
    let ((n, command), plan) = (wanted(order), &world.plan);
    let seconds = order.updated_at.as_second() - order.created_at.as_second();
    let stood = seconds + world.clocks_differ() >= PENDING_TIMEOUT_SECONDS;
    let competitors = || world.seen.orders.iter().filter(|other| other.id != order.id && reserved.contains(&other.id));
    match (State::of(order.status, order.reason), order.reason) {
        (State::Delivered, _) => plan.contains(Command::Deliver(n)),
        (State::Shipped, _) => plan.contains(Command::Ship(n)) && !plan.contains(Command::Deliver(n)),
        (State::Processing, _) => !plan.contains(Command::Ship(n)) && !is_paid_back(&world.seen, order, false),
        (State::Backordered, _) => plan.policy == ShortfallPolicy::Backorder && !commands::waits(&world.seen, order),
        (State::UnderReview, _) => plan.policy == ShortfallPolicy::Review && !commands::waits(&world.seen, order),
        (State::Cancelled, Some(Reason::CustomerRequest)) => plan.contains(Command::Cancel(n)),
        (State::Cancelled, Some(Reason::StaffRequest)) => plan.contains(Command::Withdraw(n)),
        (State::Cancelled, Some(Reason::Refunded)) => is_paid_back(&world.seen, order, true),
        // Another order had reserved the stock.
        (State::Cancelled, Some(Reason::InsufficientStock)) => {
            command.exceeds_stock() || competitors().any(|other| wanted(other).1.competes_with(command))
        }
        (State::Cancelled, Some(Reason::PaymentDeclined)) => command.is_declined() && stood,
        // Only faults that last for hours cancel an order.
        (State::Cancelled, Some(Reason::TimedOut | Reason::PaymentUnreachable)) => stood,
        _ => false,
    }
}

/// Whether staff refunded an order in full, here or at the gateway; with `at_any_time`, also if a bank returned refunds later.
fn is_paid_back(seen: &Snapshot, order: &Order, at_any_time: bool) -> bool {
    let by_staff = |payment: &payment::Payment| {
        let is_by_staff = |refund: &&payment::Refund| {
            use payment::RefundReason::{MadeAtGateway, RequestedByCustomer};
            let is_back = at_any_time || refund.status == payment::RefundStatus::Succeeded;
            is_back && matches!(refund.reason, MadeAtGateway | RequestedByCustomer)
        };
        let refunds = payment.refunds.iter().filter(is_by_staff);
        refunds.map(|refund| refund.amount.amount.get()).sum::<i64>() >= payment.amount.amount.get()
    };
    seen.payments.get(&order.id).is_some_and(by_staff)
}

/// Payments, the ledger and the gateway agree.
fn money<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let (seen, gateway) = (&world.seen, world.platform.gateway());
    let (charges, refunds) = (gateway.charges(), gateway.refunds());
    for order in &seen.orders {
        let (n, wanted) = wanted(order);
        let is_cancelled = order.status == Status::Cancelled;
        let payment = seen.payments.get(&order.id).ok_or("an order that ended has a payment")?;
        rule!(payment.closed == is_cancelled, "{}: {:?}, closed: {}", wanted.method, order.status, payment.closed);
        let charge = charges.iter().find(|charge| charge.order_id == order.id);
        let is_back = |one: &&GatewayRefund| one.payment_id == payment.id && one.failure.is_none();
        let back: i64 = refunds.iter().filter(is_back).map(|one| one.amount.amount.get()).sum();
        let expected = match charge {
            None => payment::Status::Failed,
            Some(_) if back == 0 => payment::Status::Succeeded,
            Some(charge) if back == charge.amount.amount.get() => payment::Status::Refunded,
            Some(_) => payment::Status::PartiallyRefunded,
        };
        rule!(
            payment.status == expected,
            "{}: {back} were refunded, and its payment is {:?}",
            wanted.method,
            payment.status
        );
        rule!(
            payment.refunded() == back,
            "{}: {back} were refunded, and the payment records {}",
            wanted.method,
            payment.refunded()
        );
        let is_back = payment.status == payment::Status::Refunded
            || payment.refunds.iter().any(|refund| refund.status == payment::RefundStatus::Failed);
        rule!(!is_cancelled || charge.is_none() || is_back, "{} is cancelled and is not refunded", wanted.method);
        let requested = |reason| payment.refunds.iter().filter(|refund| refund.reason == reason).count();
        let by_staff = requested(payment::RefundReason::RequestedByCustomer);
        rule!(by_staff <= world.plan.refunds(n), "{by_staff} refunds where fewer were requested");
        let by_rule = requested(payment::RefundReason::OrderCancelled);
        rule!(by_rule <= usize::from(is_cancelled), "{by_rule} refunds of an order that is {:?}", order.status);
        // Refunds at the gateway leave less than was requested here, or are returned.
        let may_fail = world.plan.has_refunds_at_gateway();
        let is_open = |refund: &payment::Refund| match refund.status {
            payment::RefundStatus::Succeeded => false,
            payment::RefundStatus::Pending => true,
            payment::RefundStatus::Failed => !may_fail,
        };
        rule!(!payment.refunds.iter().any(is_open), "a refund is not made: {:?}", payment.refunds);
    }
    let posted = |purpose| seen.transfers.iter().filter(|transfer| transfer.purpose == purpose).count();
    rule!(posted(Purpose::Charge) == charges.len(), "charges in the ledger");
    rule!(posted(Purpose::Refund) == refunds.len(), "refunds in the ledger");
    let returned = refunds.iter().filter(|refund| refund.failure.is_some()).count();
    rule!(posted(Purpose::RefundReversal) == returned, "returned refunds in the ledger");
    Ok(())
}

/// Nothing that the gateway said it moved counts: no order is confirmed, and each charge is recorded for review.
fn misstated<S: Backend>(world: &World<S>, committed: &[Rc<Event>]) -> Result<(), Violation> {
    let seen = &world.seen;
    for order in &seen.orders {
        rule!(order.status == Status::Cancelled, "{:?} on a charge of one yen", order.status);
    }
    let mismatches: usize = seen.payments.values().map(|payment| payment.mismatches.len()).sum();
    let charges = world.platform.gateway().charges().len();
    rule!(mismatches == charges, "{mismatches} of {charges} charges are recorded for review");
    let told = committed.iter().filter(|event| matches!(event.event, DomainEvent::PaymentMismatched(_))).count();
    rule!(told == mismatches, "{told} events of {mismatches} mismatches");
    for payment in seen.payments.values() {
        rule!(payment.status == payment::Status::Failed, "a payment is {:?}", payment.status);
    }
    rule!(seen.transfers.is_empty(), "the ledger has {:?}", seen.transfers);
    Ok(())
}

/// Each command got a fitting response, and the same one each time if it has an idempotency key.
fn responses<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let responses = world.responses.borrow();
    for (n, status, body) in responses.iter() {
        let command = world.plan.commands[*n].0;
        let (fitting, is_keyed): (&[u16], bool) = match command {
            Command::RefundAtGateway(..) | Command::ReturnRefunds(_) => (&[], false),
            Command::Register | Command::Create(_) | Command::Place(_) => (&[201], true),
            Command::Write => (&[202], true),
            Command::ResetPassword => (&[202], false),
            // There is no account after the first.
            Command::Erase => (&[202, 404], false),
            Command::Cancel(_) => (&[202, 409], false),
            Command::CancelByStranger(_) => (&[404], false),
            Command::Withdraw(_) | Command::Ship(_) | Command::Deliver(_) => (&[200, 409], false),
            Command::PayAgain(..) => (&[202, 409], true),
            Command::Refund(..) => (&[202, 409, 422], true),
        };
        rule!(fitting.contains(status), "{command:?} got the response {status} {body}");
        let first = responses.iter().find(|(request, ..)| request == n).map(|(_, status, body)| (status, body));
        rule!(
            !is_keyed || first == Some((status, body)),
            "{command:?} got the response {status} {body}, and first {first:?}"
        );
    }
    Ok(())
}

/// The number of orders that ever had this status.
pub(super) fn came_to(seen: &Snapshot, status: Status) -> usize {
    seen.orders.iter().filter(|order| order.history.iter().any(|one| one.status == status)).count()
}

/// How often an order started to wait for the customer, staff or stock.
pub(super) fn waited(seen: &Snapshot) -> usize {
    let waits = |reason: &Option<Reason>| {
        matches!(reason, Some(Reason::PaymentDeclined | Reason::Backordered | Reason::UnderReview))
    };
    let steps = seen.orders.iter().flat_map(|order| &order.history);
    steps.filter(|step| step.status == Status::Pending && waits(&step.reason)).count()
}

/// The number of notifications due: one for each notified transition and each message of staff, to a verified address.
pub fn expected_emails<S: Backend>(world: &World<S>) -> usize {
    let seen = &world.seen;
    if !world.plan.is_verified {
        return 0;
    }
    let ends = [Status::Processing, Status::Shipped, Status::Delivered, Status::Cancelled];
    let written = usize::from(world.plan.contains(Command::Write));
    waited(seen) + ends.into_iter().map(|status| came_to(seen, status)).sum::<usize>() + written
}

/// The e-mails that are notifications: all but those with a token.
pub fn notification_emails(platform: &Platform) -> Vec<EmailMessage> {
    let emails = platform.email_sender().sent();
    emails.into_iter().filter(|email| !has_token(email)).collect()
}

/// Whether an e-mail verifies an address or resets a password.
pub(super) fn has_token(email: &EmailMessage) -> bool {
    [VERIFICATION_SUBJECT, RESET_SUBJECT].contains(&email.subject.as_str())
}

/// Optional situations that occurred, for the statistics of a run.
pub fn observed<S: Backend>(world: &World<S>) -> BTreeSet<&'static str> {
    let seen = &world.seen;
    let of_order = |step: &HistoryEntry| match (State::of(step.status, step.reason), step.reason) {
        (State::Declined, _) => Some("declined"),
        (State::Backordered, _) => Some("backordered"),
        (State::UnderReview, _) => Some("under review"),
        (State::Shipped, _) => Some("shipped"),
        (State::Delivered, _) => Some("delivered"),
        (State::Cancelled, Some(Reason::CustomerRequest)) => Some("cancelled by the customer"),
        (State::Cancelled, Some(Reason::StaffRequest)) => Some("cancelled by staff"),
        (State::Cancelled, Some(Reason::InsufficientStock)) => Some("not enough stock"),
        (State::Cancelled, Some(Reason::TimedOut | Reason::PaymentUnreachable)) => Some("cancelled after hours"),
        _ => None,
    };
    let of_event = |event: &Rc<Event>| match &event.event {
        DomainEvent::StockReservationExpired(_) => Some("reservation expired"),
        DomainEvent::StockAllocationFailed(_) => Some("paid without stock"),
        DomainEvent::PaymentRequested(_) => Some("paid again"),
        DomainEvent::GatewaySuspended(_) => Some("gateway suspended"),
        DomainEvent::PaymentMismatched(_) => Some("answer of another amount"),
        _ => None,
    };
    let of_payment = |payment: &payment::Payment| match payment.status {
        payment::Status::Refunded => Some("refunded in full"),
        payment::Status::PartiallyRefunded => Some("refunded in part"),
        _ => None,
    };
    let of_refund = |refund: &payment::Refund| match (refund.reason, refund.status) {
        (payment::RefundReason::MadeAtGateway, payment::RefundStatus::Succeeded) => Some("refunded at the gateway"),
        (payment::RefundReason::MadeAtGateway, payment::RefundStatus::Failed) => Some("refund returned"),
        _ => None,
    };
    let of_refunds = seen.payments.values().flat_map(|payment| &payment.refunds).filter_map(of_refund);
    let orders = seen.orders.iter().flat_map(|order| order.history.iter().filter_map(of_order));
    let events = world.backend.committed();
    let events = events.iter().filter_map(of_event);
    orders.chain(events).chain(of_refunds).chain(seen.payments.values().filter_map(of_payment)).collect()
}

/// What the customer asked for by its account happened.
fn account<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let emails = world.platform.email_sender().sent();
    let was_reset = emails.iter().any(|email| email.subject == RESET_SUBJECT);
    rule!(was_reset == world.plan.contains(Command::ResetPassword), "an e-mail with a token for a new password");
    let is_left = world.seen.orders.iter().any(|order| !is_erased(order));
    rule!(!is_left || !world.plan.contains(Command::Erase), "an order has the address of a customer who was erased");
    Ok(())
}

/// The copy of prices has what the catalogue published and what orders were placed at.
fn prices<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let prices = &world.seen.prices;
    for product in world.plan.products() {
        let is_ordered =
            world.seen.orders.iter().flat_map(|order| &order.lines).any(|line| line.product_id == product.id);
        let is_known = prices.contains(&product.snapshot());
        rule!(is_known || world.plan.is_seeded && !is_ordered, "{} is not in the copy: {prices:?}", product.id);
    }
    Ok(())
}

/// The effects of consumers outside the saga.
fn effects<S: Backend>(world: &World<S>) -> Result<(), Violation> {
    let (platform, seen) = (&world.platform, &world.seen);
    let orders = &seen.orders;
    let emails = notification_emails(platform);
    for order in orders {
        let id = order.id.to_string();
        let count = emails.iter().filter(|email| email.text.contains(&id)).count();
        rule!(count >= 1 || !world.plan.is_verified, "no e-mail about {}", wanted(order).1.method);
    }
    let others = platform.sms_sender().sent().len() + platform.push_sender().sent().len();
    rule!(
        world.plan.is_verified || emails.len() + others == 0,
        "{} e-mails and {others} messages to addresses that are not verified",
        emails.len()
    );
    let invoices = &seen.invoices;
    let was_confirmed = |order: &&Order| order.history.iter().any(|one| one.status == Status::Processing);
    let confirmed: Vec<&Order> = orders.iter().filter(was_confirmed).collect();
    rule!(invoices.len() == confirmed.len(), "{} invoices for {} orders", invoices.len(), confirmed.len());
    for (position, invoice) in (1..).zip(invoices) {
        rule!(invoice.position == position, "the invoice {} is number {position}", invoice.number());
        rule!(confirmed.iter().any(|order| order.id == invoice.draft.order_id), "an invoice without an order");
        let earlier = invoices.iter().take_while(|earlier| earlier.position < position);
        rule!(earlier.last().is_none_or(|earlier| earlier.issued_on <= invoice.issued_on), "an invoice dated back");
        rule!(platform.documents().bytes(&invoice.key()).is_some(), "{} has no document", invoice.key());
    }
    let (counted, revenue) = seen.windows;
    let sold: i64 = confirmed.iter().map(|order| order.total.amount.get()).sum();
    rule!(counted == confirmed.len() as i64 && revenue == sold, "windows: {counted} orders, {revenue} of {sold}");
    for product in platform.products().all() {
        let level = seen.levels.iter().find(|level| level.product_id == product.id).ok_or("no stock account")?;
        let shown = (product.stock_quantity, product.stock_version);
        rule!(shown == (level.available, level.version), "the product view says {shown:?}: {level:?}");
        // Products that exist from the start were never published.
        let listed = seen.listed.get(&product.id);
        let is_listed = listed == Some(&(level.available, level.version));
        rule!(is_listed || world.plan.is_seeded, "{} is listed with {listed:?}: {level:?}", product.id);
    }
    Ok(())
}
