//! Round trips of each command, counted on the proxy.

use super::{
    ground::{NearBus, said},
    plain::{Plain, Way},
    sample::{Sample, claim, sample, strangers, told},
};
use crate::database::Database;
use adapters_postgres::{PgOrders, PgPayments, PgStock};
use adapters_testkit::proxy::{CountingProxy, Traffic};
use catalog::Context;
use domain::{
    event::{
        PaymentRef, ProductCreated, StockAllocated, StockAllocationFailed, StockOpened, StockReleased, StockShipped,
    },
    id::{PaymentId, ProductId, RefundId},
    order::{self, Input, Update},
    payment::{self, ChargeOutcome},
    stock,
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{OrderStore as _, PaidOrder, PaymentStore as _, StockStore as _, TransitionOutcome};
use serde_json::json;
use std::{fmt::Write as _, future::Future, sync::Arc, time::Duration};
use xtask::Result;

/// The table of them, in Markdown.
pub async fn table(database: &Database) -> Result<String> {
    eprintln!("bench: round trips of each command");
    let proxy = CountingProxy::start(database.port()?, Duration::ZERO).map_err(said)?;
    let alone = saga(database, &proxy, NearBus::refusing(|_| {})).await?;
    let marked = saga(database, &proxy, NearBus::taking(|_| {})).await?;
    let mut text = String::from("| command of a store | to the commit | with the mark |\n|---|--:|--:|\n");
    for ((name, alone), (_, marked)) in alone.iter().zip(&marked) {
        writeln!(text, "| {name} | {alone} | {marked} |").unwrap_or_default();
    }
    let mut plain = Plain::connect(database, proxy.port).await?;
    for (name, way) in [("place, the usual way", Way::Seven), ("place, the usual way in five", Way::Five)] {
        let [alone, marked] =
            [usual(&mut plain, way, false, &proxy).await?, usual(&mut plain, way, true, &proxy).await?];
        writeln!(text, "| {name} | {alone} | {marked} |").unwrap_or_default();
    }
    Ok(text)
}

/// Counts what passes while commands run.
struct Counter {
    traffic: Arc<Traffic>,
    counts: Vec<(&'static str, u64)>,
}

impl Counter {
    /// Runs a command that has to do something.
    async fn run<T>(
        &mut self,
        name: &'static str,
        command: impl Future<Output = std::result::Result<T, Failure>>,
        did: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        let before = self.traffic.round_trips();
        let answer = command.await.map_err(|failure| format!("{name}: {failure}"))?;
        if !did(&answer) {
            return Err(format!("{name} did nothing"));
        }
        self.counts.push((name, self.traffic.round_trips() - before));
        Ok(answer)
    }
}

/// One order that is paid and shipped, and one that is cancelled.
async fn saga(database: &Database, proxy: &CountingProxy, bus: NearBus) -> Result<Vec<(&'static str, u64)>> {
    let orders = PgOrders::new(database.of(Context::Orders, proxy.port), bus.clone());
    let stock = PgStock::new(database.of(Context::Inventory, proxy.port), bus.clone());
    let payments = PgPayments::new(database.of(Context::Payments, proxy.port), bus);
    let products = strangers();
    for product in products {
        open(&stock, product).await.map_err(said)?;
    }
    // Every store is connected before we count.
    payments.get(PaymentId(Uuid::now_v7()), None).await.map_err(said)?;
    let (first, other) = (sample(products).map_err(said)?, sample(products).map_err(said)?);
    place(&orders, &other).await.map_err(said)?;
    let mut counter = Counter { traffic: Arc::clone(&proxy.traffic), counts: Vec::new() };
    let (now, order, id) = (Timestamp::now(), first.order.clone(), first.order.id);
    let is_kept = |advanced: &TransitionOutcome| *advanced == TransitionOutcome::Applied;

    counter.run("place", place(&orders, &first), |()| true).await?;
    let hold = stock::reserve(first.placed.clone());
    reserve(&mut counter, "reserve", &stock, &first).await?;
    let (order, _) = moved(&order, Input::StockReserved.into())?;
    counter.run("order advance, stock reserved", orders.advance(Some(claim()), &order, None), is_kept).await?;

    let begun = payment::begin(PaymentId(Uuid::now_v7()), &hold.reserved, now);
    let begun = counter.run("payment begin", payments.begin(&begun), |_| true).await?;
    let refund = RefundId(Uuid::now_v7());
    let change =
        payment::record_charge_outcome(&begun, 1, &ChargeOutcome::Charged(format!("pi_{}", begun.id)), refund, now);
    let change = change.map_err(said)?.ok_or("nothing was concluded")?;
    let events: Vec<_> = change.events.iter().map(|event| told(id, 2, event.clone())).collect();
    counter.run("payment conclude", payments.advance(Some(claim()), &change, &events), is_kept).await?;

    let payment = PaymentRef { payment_id: begun.id, version: change.payment.version };
    let short = told(id, 1, StockAllocationFailed { order_id: id, lines: hold.lines.clone(), payment });
    let kept = told(id, 1, StockAllocated { order_id: id, payment, levels: vec![] });
    let paid = PaidOrder { order_id: id, payment, at: now };
    counter.run("keep", stock.allocate(claim(), &paid, &kept, &short), Option::is_some).await?;
    let news = Update { input: Input::StockAllocated, payment: Some((payment.payment_id, payment.version)) };
    let (order, event) = moved(&order, news)?;
    counter.run("order advance, confirmed", orders.advance(Some(claim()), &order, event.as_ref()), is_kept).await?;
    let (order, event) = moved(&order, Input::Ship.into())?;
    counter.run("order advance, shipped", orders.advance(None, &order, event.as_ref()), is_kept).await?;
    let committed = told(id, 1, StockShipped { order_id: id, levels: vec![] });
    counter.run("commit", stock.ship(claim(), id, &committed), Option::is_some).await?;

    let mut nobody = Counter { traffic: Arc::clone(&proxy.traffic), counts: Vec::new() };
    reserve(&mut nobody, "reserve", &stock, &other).await?;
    let id = other.order.id;
    let released = told(id, 1, StockReleased { order_id: id, levels: vec![] });
    counter.run("release", stock.release(claim(), id, &released), Option::is_some).await?;
    Ok(counter.counts)
}

async fn open(stock: &PgStock<NearBus>, product: ProductId) -> std::result::Result<(), Failure> {
    let created = json!({
        "product_id": product, "sku": format!("LAMP-{}", product.0.simple()), "name": "Storm lantern", "category": "deck",
        "price": { "amount": 1999, "currency": "USD" }, "stock_quantity": 100,
    });
    let created: ProductCreated = serde_json::from_value(created).map_err(Failure::internal)?;
    let opened = told(domain::id::OrderId(product.0), 1, StockOpened { levels: vec![] });
    stock.open(claim(), &created, &opened).await.map(drop)
}

async fn place(orders: &PgOrders<NearBus>, sample: &Sample) -> std::result::Result<(), Failure> {
    orders.place(&sample.order, &sample.key, &sample.reply, &sample.event).await.map(drop)
}

async fn reserve(
    counter: &mut Counter,
    name: &'static str,
    store: &PgStock<NearBus>,
    sample: &Sample,
) -> Result<Option<domain::Event>> {
    let (hold, id) = (stock::reserve(sample.placed.clone()), sample.order.id);
    let (reserved, short) = (told(id, 1, hold.reserved.clone()), told(id, 1, hold.failed.clone()));
    let lapses = stock::expires_at(Timestamp::now()).map_err(said)?;
    let is_held = |event: &Option<domain::Event>| event.as_ref().is_some_and(|event| event.id == reserved.id);
    counter.run(name, store.reserve(claim(), &hold, lapses, &reserved, &short), is_held).await
}

fn moved(order: &order::Order, news: Update) -> Result<(order::Order, Option<domain::Event>)> {
    let (order, event) = order::advance(order, news, Timestamp::now()).map_err(said)?.ok_or("the order stayed")?;
    let event = event.map(|event| told(order.id, order.version, event));
    Ok((order, event))
}

/// The usual transaction.
async fn usual(plain: &mut Plain, way: Way, marks: bool, proxy: &CountingProxy) -> Result<u64> {
    let mut least = u64::MAX;
    // What is sent together may arrive apart, for the driver sends from a thread of its own.
    for _ in 0..20 {
        let (sample, before) = (sample(strangers()).map_err(said)?, proxy.traffic.round_trips());
        plain.place(way, &sample, marks).await?;
        least = least.min(proxy.traffic.round_trips() - before);
    }
    Ok(least)
}
