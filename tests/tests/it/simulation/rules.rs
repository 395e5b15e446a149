//! What must be true after each step, and what must be true once all is quiet.

use super::{
    shop::{ORDERS, RECEIVED, Wanted},
    site::Site,
    world::World,
};
use domain::{
    DomainEvent, Event,
    ledger::{Purpose, Transfer},
    order::{Cue, Move, Order, Reason, STANDSTILL_SECONDS, State, Status, next},
    payment,
};
use kernel::Uuid;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    rc::Rc,
};
use testkit::ids;

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub rule: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.seen)
    }
}

impl From<&'static str> for Broken {
    fn from(rule: &'static str) -> Self {
        Self { rule, seen: rule.to_owned() }
    }
}

macro_rules! rule {
    ($holds:expr, $($said:tt)+) => {
        if !$holds {
            return Err($crate::simulation::rules::Broken { rule: stringify!($holds), seen: format!($($said)+) });
        }
    };
}
pub(super) use rule;

/// What must be true at all times.
pub fn always<S: Site>(world: &World<S>) -> Result<(), Broken> {
    let (platform, seen) = (&world.platform, &world.seen);
    let (orders, charges) = (&seen.orders, platform.gateway().charges());
    let mut held: BTreeMap<_, i64> = BTreeMap::new();
    for order in orders {
        for line in seen.held(order.id).into_iter().flatten() {
            *held.entry(line.product_id).or_default() += i64::from(line.quantity);
        }
        let charged: Vec<_> = charges.iter().filter(|charge| charge.order_id == order.id).collect();
        rule!(charged.len() <= 1, "{} is charged {} times", wanted(order).method, charged.len());
        rule!(charged.iter().all(|charge| charge.amount == order.total), "charged another amount than {}", order.total);
        rule!(charged.is_empty() || wanted(order).reason.is_none(), "{} is charged", wanted(order).method);
        legal(order)?;
        if order.status == Status::Processing {
            rule!(seen.held(order.id).is_some(), "an order is confirmed and holds no stock");
            rule!(charged.len() == 1, "an order is confirmed and not charged");
        }
    }
    for level in &seen.levels {
        let received = received(level.product_id);
        rule!(level.available >= 0 && level.reserved >= 0, "stock below zero: {level:?}");
        let shipped = seen.committed.get(&level.product_id).copied().unwrap_or_default();
        rule!(level.available + level.reserved + shipped == received, "{received} were received: {level:?}");
        let held = held.get(&level.product_id).copied().unwrap_or_default();
        rule!(level.reserved == held, "{held} are held for orders: {level:?}");
    }
    rule!(charges.len() <= 1, "{} charges", charges.len());
    for payment in seen.payments.values() {
        let back: i64 = payment.refunds.iter().map(|refund| refund.amount.amount.get()).sum();
        rule!(back <= payment.amount.amount.get(), "{back} go back of {}", payment.amount);
    }
    let sum: i64 = seen.transfers.iter().flat_map(Transfer::entries).map(|(_, minor)| minor).sum();
    rule!(sum == 0, "the accounts of the ledger add up to {sum}");
    let given_up = world.given_up.borrow();
    rule!(given_up.is_empty(), "given up: {given_up:?}");
    let letters = platform.dead_letters().buried();
    rule!(letters.is_empty(), "dead letters: {letters:?}");
    Ok(())
}

/// Every step of the history is one of the table of moves.
fn legal(order: &Order) -> Result<(), Broken> {
    let steps = &order.history;
    for pair in steps.windows(2) {
        let [before, after] = pair else { continue };
        let (from, to) = (State::of(before.status, before.reason), Move::To(after.status, after.reason));
        rule!(Cue::ALL.into_iter().any(|cue| next(from, cue) == to), "a step from {from:?} to {:?}", after.status);
    }
    rule!(steps.len() as u64 == order.version, "history {steps:?} at version {}", order.version);
    let last = steps.last().map(|last| (last.status, last.reason));
    rule!(last == Some((order.status, order.reason)), "history {steps:?} of an order that is {:?}", order.status);
    Ok(())
}

fn wanted(order: &Order) -> &'static Wanted {
    let method = order.payment_method.as_str();
    ORDERS.iter().find(|wanted| wanted.method == method).expect("an order that somebody wanted")
}

fn received(product: domain::id::ProductId) -> i64 {
    let n = (1..).find(|n| ids::product(*n) == product).unwrap_or_default();
    RECEIVED[usize::try_from(n - 1).expect("few")].into()
}

/// What must be true once nothing is on its way.
pub fn at_rest<S: Site>(world: &World<S>) -> Result<(), Broken> {
    orders(world)?;
    events(world)?;
    effects(world)
}

fn orders<S: Site>(world: &World<S>) -> Result<(), Broken> {
    let (platform, seen) = (&world.platform, &world.seen);
    let orders = &seen.orders;
    rule!(orders.len() == ORDERS.len(), "{} orders for {} wishes", orders.len(), ORDERS.len());
    for order in orders {
        let wanted = wanted(order);
        let as_wanted = match wanted.reason {
            None => order.status == Status::Processing,
            Some(reason) => (order.status, order.reason) == (Status::Cancelled, Some(reason)),
        };
        // Trouble that lasts for hours undoes an order; nothing shorter does.
        let stood = order.updated_at.as_second() - order.created_at.as_second();
        let is_undone = stood >= STANDSTILL_SECONDS
            && order.status == Status::Cancelled
            && matches!(order.reason, Some(Reason::TimedOut | Reason::PaymentUnreachable));
        rule!(as_wanted || is_undone, "{} ended as {:?} {:?}", wanted.method, order.status, order.reason);
        let (held, confirmed) = (seen.held(order.id).is_some(), order.status == Status::Processing);
        rule!(held == confirmed, "{}: {:?}, stock held: {held}", wanted.method, order.status);
        let charged = platform.gateway().charges().iter().filter(|charge| charge.order_id == order.id).count();
        let payment = seen.payments.get(&order.id);
        let paid = payment.map(|payment| payment.status);
        rule!(payment.is_some_and(|payment| payment.closed != confirmed), "{}: closed or not", wanted.method);
        let expected = match (charged, confirmed) {
            (1, true) => payment::Status::Succeeded,
            (1, false) => payment::Status::Refunded,
            _ => payment::Status::Failed,
        };
        rule!(paid == Some(expected), "{}: {charged} charges, payment {paid:?}", wanted.method);
    }
    let booked = |purpose| seen.transfers.iter().filter(|transfer| transfer.purpose == purpose).count();
    rule!(booked(Purpose::Charge) == platform.gateway().charges().len(), "charges in the ledger");
    rule!(booked(Purpose::Refund) == platform.gateway().refunds().len(), "refunds in the ledger");
    let answers = world.answers.borrow();
    for (n, status, body) in answers.iter() {
        let first = answers.iter().find(|(ask, ..)| ask == n).map(|(_, _, first)| first);
        rule!(*status == 201 && first == Some(body), "ask {n} was answered {status} {body}, and first {first:?}");
    }
    Ok(())
}

/// Each event is committed once for its reason, and reaches the bus, the log and the archive.
fn events<S: Site>(world: &World<S>) -> Result<(), Broken> {
    let platform = &world.platform;
    let committed = world.site.committed();
    counted(world, &committed)?;
    let published = platform.bus().published_after(0);
    let (kept, sent) = (by_id(&committed), by_id(&published));
    for event in &committed {
        rule!(sent.get(&event.id) == Some(&event), "committed and never published: {}", event.event.row().name);
    }
    let records = platform.event_log().records();
    let archive = platform.archive().objects();
    let logged = ids_in(records.iter().map(|record| record.value.as_str()));
    let archived = ids_in(archive.values().flat_map(|lines| lines.lines()));
    for event in &published {
        let name = event.event.row().name;
        let is_product = matches!(event.event, DomainEvent::ProductCreated(_));
        rule!(is_product || kept.get(&event.id) == Some(&event), "published and never committed: {name}");
        let id = event.id.to_string();
        rule!(logged.contains(id.as_str()), "{name} is not in the log");
        rule!(archived.contains(id.as_str()), "{name} is not in the archive");
    }
    rule!(sent.len() == committed.len() + RECEIVED.len(), "{} events are published", sent.len());
    Ok(())
}

/// Each event is told as often as what it tells of has happened.
fn counted<S: Site>(world: &World<S>, committed: &[Rc<Event>]) -> Result<(), Broken> {
    let seen = &world.seen;
    let count = |row: &catalog::Event| committed.iter().filter(|event| event.event.row().name == row.name).count();
    let ended = |status| seen.orders.iter().filter(|order| order.status == status).count();
    let confirmed = seen.orders.iter().filter(|order| order.history.iter().any(|one| one.status == Status::Processing));
    let confirmed = confirmed.count();
    let charged = seen.payments.values().filter(|payment| payment.transaction_id.is_some()).count();
    let waited = count(catalog::ORDER_WAITING);
    let refunds: usize = seen.payments.values().map(|payment| payment.refunds.len()).sum();
    for (row, expected) in [
        (catalog::USER_REGISTERED, 1),
        (catalog::STOCK_OPENED, RECEIVED.len()),
        (catalog::ORDER_PLACED, ORDERS.len()),
        (catalog::ORDER_CONFIRMED, confirmed),
        (catalog::ORDER_CANCELLED, ended(Status::Cancelled)),
        (catalog::PAYMENT_SUCCEEDED, charged),
        (catalog::PAYMENT_REFUNDED, refunds),
        (catalog::INVOICE_ISSUED, confirmed),
        (catalog::NOTIFICATION_SENT, confirmed + ended(Status::Cancelled) + waited),
    ] {
        rule!(count(row) == expected, "{} times {} where {expected} were due", count(row), row.name);
    }
    Ok(())
}

/// The first event of each id.
fn by_id(events: &[Rc<Event>]) -> HashMap<Uuid, &Rc<Event>> {
    events.iter().rev().map(|event| (event.id, event)).collect()
}

/// The ids of events in lines of JSON.
fn ids_in<'a>(lines: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    const BEFORE: &str = "\"id\":\"";
    const LENGTH: usize = 36;
    let ids = lines.flat_map(|line| {
        line.match_indices(BEFORE).filter_map(|(at, _)| line.get(at + BEFORE.len()..at + BEFORE.len() + LENGTH))
    });
    ids.collect()
}

/// What consumers outside of the saga made of it.
fn effects<S: Site>(world: &World<S>) -> Result<(), Broken> {
    let (platform, seen) = (&world.platform, &world.seen);
    let orders = &seen.orders;
    let letters = platform.mailer().sent();
    for order in orders {
        let count = letters.iter().filter(|letter| letter.text.contains(&order.id.to_string())).count();
        rule!(count >= 1, "no mail about {}", wanted(order).method);
    }
    let invoices = &seen.invoices;
    let was_confirmed = |order: &&Order| order.history.iter().any(|one| one.status == Status::Processing);
    let confirmed: Vec<&Order> = orders.iter().filter(was_confirmed).collect();
    rule!(invoices.len() == confirmed.len(), "{} invoices for {} orders", invoices.len(), confirmed.len());
    for (position, invoice) in (1..).zip(invoices) {
        rule!(invoice.position == position, "the invoice {} is number {position}", invoice.number());
        rule!(confirmed.iter().any(|order| order.id == invoice.draft.order_id), "an invoice for nothing");
        rule!(platform.documents().bytes(&invoice.key()).is_some(), "{} has no document", invoice.key());
    }
    let (counted, revenue) = seen.windows;
    let sold: i64 = confirmed.iter().map(|order| order.total.amount.get()).sum();
    rule!(counted == confirmed.len() as i64 && revenue == sold, "windows: {counted} orders, {revenue} of {sold}");
    for product in platform.products().all() {
        let level = seen.levels.iter().find(|level| level.product_id == product.id).ok_or("no stock account")?;
        let shown = (product.stock_quantity, product.stock_version);
        rule!(shown == (level.available, level.version), "the shop window says {shown:?}: {level:?}");
    }
    Ok(())
}
