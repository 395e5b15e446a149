//! What must be true after each step, and what must be true once all is quiet.

use super::{
    shop::{ORDERS, RECEIVED, Wanted},
    site::Site,
    world::World,
};
use domain::{
    DomainEvent, Event,
    order::{Order, Status},
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
        for line in seen.held.get(&order.id).into_iter().flatten() {
            *held.entry(line.product_id).or_default() += i64::from(line.quantity);
        }
        let charged: Vec<_> = charges.iter().filter(|charge| charge.order_id == order.id).collect();
        rule!(charged.len() <= 1, "{} is charged {} times", wanted(order).method, charged.len());
        rule!(charged.iter().all(|charge| charge.amount == order.total), "charged another amount than {}", order.total);
        rule!(charged.is_empty() || wanted(order).reason.is_none(), "{} is charged", wanted(order).method);
        legal(order)?;
        if order.status == Status::Processing {
            rule!(seen.held.contains_key(&order.id), "an order is confirmed and holds no stock");
            rule!(charged.len() == 1, "an order is confirmed and not charged");
        }
    }
    for level in &seen.levels {
        let received = received(level.product_id);
        rule!(level.available >= 0 && level.reserved >= 0, "stock below zero: {level:?}");
        rule!(level.available + level.reserved == received, "{received} were received: {level:?}");
        let held = held.get(&level.product_id).copied().unwrap_or_default();
        rule!(level.reserved == held, "{held} are held for orders: {level:?}");
    }
    rule!(charges.len() <= 1, "{} charges", charges.len());
    let given_up = world.given_up.borrow();
    rule!(given_up.is_empty(), "given up: {given_up:?}");
    let letters = platform.dead_letters().buried();
    rule!(letters.is_empty(), "dead letters: {letters:?}");
    Ok(())
}

fn legal(order: &Order) -> Result<(), Broken> {
    let steps: Vec<Status> = order.history.iter().map(|entry| entry.status).collect();
    let is_legal = matches!(
        steps.as_slice(),
        [Status::Pending]
            | [Status::Pending, Status::Pending | Status::Processing | Status::Cancelled]
            | [Status::Pending, Status::Pending, Status::Processing | Status::Cancelled]
    );
    rule!(is_legal && steps.len() as u64 == order.version, "history {steps:?} at version {}", order.version);
    rule!(steps.last() == Some(&order.status), "history {steps:?} of an order that is {:?}", order.status);
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
        let status = if wanted.reason.is_none() { Status::Processing } else { Status::Cancelled };
        let is_final = (order.status, order.reason) == (status, wanted.reason);
        rule!(is_final, "{} ended as {:?} {:?}", wanted.method, order.status, order.reason);
        let held = seen.held.contains_key(&order.id);
        rule!(held == wanted.reason.is_none(), "{}: stock held: {held}", wanted.method);
        let paid = seen.payments.get(&order.id).copied();
        let expected = match wanted.reason {
            None => Some(payment::Status::Succeeded),
            Some(domain::order::Reason::PaymentDeclined) => Some(payment::Status::Failed),
            Some(_) => None,
        };
        rule!(paid == expected, "{}: payment {paid:?}", wanted.method);
        let charged = platform.gateway().charges().iter().filter(|charge| charge.order_id == order.id).count();
        rule!(charged == usize::from(paid == Some(payment::Status::Succeeded)), "{charged} charges, {paid:?}");
    }
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
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &committed {
        *counts.entry(event.event.row().name).or_default() += 1;
    }
    let expected: BTreeMap<&str, usize> = [
        (catalog::USER_REGISTERED, 1),
        (catalog::STOCK_OPENED, 2),
        (catalog::ORDER_PLACED, 3),
        (catalog::STOCK_RESERVED, 2),
        (catalog::STOCK_SHORT, 1),
        (catalog::PAYMENT_SUCCEEDED, 1),
        (catalog::PAYMENT_FAILED, 1),
        (catalog::ORDER_CONFIRMED, 1),
        (catalog::ORDER_CANCELLED, 2),
        (catalog::STOCK_RELEASED, 1),
        (catalog::INVOICE_ISSUED, 1),
        (catalog::NOTIFICATION_SENT, 3),
    ]
    .map(|(row, count)| (row.name, count))
    .into();
    rule!(counts == expected, "committed {counts:?}");
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
    let confirmed: Vec<&Order> = orders.iter().filter(|order| order.status == Status::Processing).collect();
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
