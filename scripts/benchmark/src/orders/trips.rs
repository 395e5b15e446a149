//! Round trips of each command, counted on the wire.

use super::{
    ground::{NearBus, said},
    plain::{Plain, Way},
    sample::{Sample, claim, sample, strangers, told},
};
use crate::database::Database;
use adapters::postgres::{
    PgOrders, PgPayments, PgStock,
    wire::{Tally, Wire},
};
use catalog::Context;
use domain::{
    event::{PaidWith, ProductCreated, StockCommitted, StockKept, StockOpened, StockReleased, StockShort},
    id::{PaymentId, ProductId, RefundId},
    order::{self, Cue, News},
    payment::{self, Answer},
    stock,
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Advanced, OrderStore as _, Paid, PaymentStore as _, StockStore as _};
use serde_json::json;
use std::{fmt::Write as _, future::Future, sync::Arc, time::Duration};
use xtask::Result;

/// The table of them, in Markdown.
pub async fn table(database: &Database) -> Result<String> {
    eprintln!("bench: round trips of each command");
    let wire = Wire::before(database.port()?, Duration::ZERO).map_err(said)?;
    let alone = saga(database, &wire, NearBus::refusing(|_| {})).await?;
    let marked = saga(database, &wire, NearBus::taking(|_| {})).await?;
    let mut text = String::from("| command of a store | to the commit | with the mark |\n|---|--:|--:|\n");
    for ((name, alone), (_, marked)) in alone.iter().zip(&marked) {
        writeln!(text, "| {name} | {alone} | {marked} |").unwrap_or_default();
    }
    let mut plain = Plain::connect(database, wire.port).await?;
    for (name, way) in [("place, the usual way", Way::Seven), ("place, the usual way in five", Way::Five)] {
        let [alone, marked] = [usual(&mut plain, way, false, &wire).await?, usual(&mut plain, way, true, &wire).await?];
        writeln!(text, "| {name} | {alone} | {marked} |").unwrap_or_default();
    }
    Ok(text)
}

/// Counts what passes while commands run.
struct Counter {
    tally: Arc<Tally>,
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
        let before = self.tally.trips();
        let answer = command.await.map_err(|failure| format!("{name}: {failure}"))?;
        if !did(&answer) {
            return Err(format!("{name} did nothing"));
        }
        self.counts.push((name, self.tally.trips() - before));
        Ok(answer)
    }
}

/// One order that is paid and shipped, and one that is cancelled.
async fn saga(database: &Database, wire: &Wire, bus: NearBus) -> Result<Vec<(&'static str, u64)>> {
    let orders = PgOrders::new(database.of(Context::Orders, wire.port), bus.clone());
    let stock = PgStock::new(database.of(Context::Inventory, wire.port), bus.clone());
    let payments = PgPayments::new(database.of(Context::Payments, wire.port), bus);
    let products = strangers();
    for product in products {
        open(&stock, product).await.map_err(said)?;
    }
    // Every store is connected before we count.
    payments.get(PaymentId(Uuid::now_v7()), None).await.map_err(said)?;
    let (first, other) = (sample(products).map_err(said)?, sample(products).map_err(said)?);
    place(&orders, &other).await.map_err(said)?;
    let mut counter = Counter { tally: Arc::clone(&wire.tally), counts: Vec::new() };
    let (now, order, id) = (Timestamp::now(), first.order.clone(), first.order.id);
    let is_kept = |advanced: &Advanced| *advanced == Advanced::Now;

    counter.run("place", place(&orders, &first), |()| true).await?;
    let hold = stock::hold(first.placed.clone());
    reserve(&mut counter, "reserve", &stock, &first).await?;
    let (order, _) = moved(&order, Cue::StockReserved.into())?;
    counter.run("order advance, stock reserved", orders.advance(Some(claim()), &order, None), is_kept).await?;

    let begun = payment::begin(PaymentId(Uuid::now_v7()), &hold.reserved, now);
    let begun = counter.run("payment begin", payments.begin(&begun), |_| true).await?;
    let refund = RefundId(Uuid::now_v7());
    let change = payment::conclude(&begun, 1, &Answer::Charged(format!("pi_{}", begun.id)), refund, now);
    let change = change.map_err(said)?.ok_or("nothing was concluded")?;
    let events: Vec<_> = change.events.iter().map(|event| told(id, 2, event.clone())).collect();
    counter.run("payment conclude", payments.advance(Some(claim()), &change, &events), is_kept).await?;

    let payment = PaidWith { payment_id: begun.id, version: change.payment.version };
    let short = told(id, 1, StockShort { payment: Some(payment), ..hold.short });
    let kept = told(id, 1, StockKept { order_id: id, payment, levels: vec![] });
    let paid = Paid { order_id: id, payment, at: now };
    counter.run("keep", stock.keep(claim(), &paid, &kept, &short), Option::is_some).await?;
    let news = News { cue: Cue::StockKept, payment: Some((payment.payment_id, payment.version)) };
    let (order, event) = moved(&order, news)?;
    counter.run("order advance, confirmed", orders.advance(Some(claim()), &order, event.as_ref()), is_kept).await?;
    let (order, event) = moved(&order, Cue::Ship.into())?;
    counter.run("order advance, shipped", orders.advance(None, &order, event.as_ref()), is_kept).await?;
    let committed = told(id, 1, StockCommitted { order_id: id, levels: vec![] });
    counter.run("commit", stock.commit(claim(), id, &committed), Option::is_some).await?;

    let mut nobody = Counter { tally: Arc::clone(&wire.tally), counts: Vec::new() };
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
    let (hold, id) = (stock::hold(sample.placed.clone()), sample.order.id);
    let (reserved, short) = (told(id, 1, hold.reserved.clone()), told(id, 1, hold.short.clone()));
    let lapses = stock::lapses_at(Timestamp::now()).map_err(said)?;
    let is_held = |event: &Option<domain::Event>| event.as_ref().is_some_and(|event| event.id == reserved.id);
    counter.run(name, store.reserve(claim(), &hold, lapses, &reserved, &short), is_held).await
}

fn moved(order: &order::Order, news: News) -> Result<(order::Order, Option<domain::Event>)> {
    let (order, event) = order::advance(order, news, Timestamp::now()).map_err(said)?.ok_or("the order stayed")?;
    let event = event.map(|event| told(order.id, order.version, event));
    Ok((order, event))
}

/// The usual transaction.
async fn usual(plain: &mut Plain, way: Way, marks: bool, wire: &Wire) -> Result<u64> {
    let mut least = u64::MAX;
    // What is sent together may arrive apart, for the driver sends from a thread of its own.
    for _ in 0..20 {
        let (sample, before) = (sample(strangers()).map_err(said)?, wire.tally.trips());
        plain.place(way, &sample, marks).await?;
        least = least.min(wire.tally.trips() - before);
    }
    Ok(least)
}
