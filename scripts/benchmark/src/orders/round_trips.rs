//! Round trips of each command of the stores, counted by a proxy.

use super::{
    baseline::{Baseline, RoundTrips},
    fixtures::{InProcessBus, message},
    sample::{Sample, claim, new_products, order_event, sample},
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
    payment::{self, ChargeOutcome, ReportedTransaction},
    stock,
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{OrderStore as _, PaidOrder, PaymentStore as _, PlacementConditions, StockStore as _, TransitionOutcome};
use serde_json::json;
use std::{fmt::Write as _, future::Future, sync::Arc, time::Duration};
use xtask::Result;

/// Returns the table in Markdown.
pub async fn table(database: &Database) -> Result<String> {
    eprintln!("bench: round trips of each command");
    let proxy = CountingProxy::start(database.port()?, Duration::ZERO).map_err(message)?;
    let rejected = saga(database, &proxy, InProcessBus::rejecting(|_| {})).await?;
    let accepted = saga(database, &proxy, InProcessBus::accepting(|_| {})).await?;
    let mut text = String::from("| store command | commit | with event marked published |\n|---|--:|--:|\n");
    for ((name, without), (_, with)) in rejected.iter().zip(&accepted) {
        writeln!(text, "| {name} | {without} | {with} |").unwrap_or_default();
    }
    let mut baseline = Baseline::connect(database, proxy.port).await?;
    for (name, round_trips) in
        [("place, baseline", RoundTrips::Seven), ("place, baseline with pipelining", RoundTrips::Five)]
    {
        let without = place_baseline(&mut baseline, round_trips, false, &proxy).await?;
        let with = place_baseline(&mut baseline, round_trips, true, &proxy).await?;
        writeln!(text, "| {name} | {without} | {with} |").unwrap_or_default();
    }
    Ok(text)
}

/// Counts the round trips of each command.
struct Counter {
    traffic: Arc<Traffic>,
    counts: Vec<(&'static str, u64)>,
}

impl Counter {
    /// Runs a command and counts its round trips. A command whose result is not `is_applied` is an error.
    async fn run<T>(
        &mut self,
        name: &'static str,
        command: impl Future<Output = std::result::Result<T, Failure>>,
        is_applied: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        let before = self.traffic.round_trips();
        let result = command.await.map_err(|failure| format!("{name}: {failure}"))?;
        if !is_applied(&result) {
            return Err(format!("{name} changed nothing"));
        }
        self.counts.push((name, self.traffic.round_trips() - before));
        Ok(result)
    }
}

/// Runs the commands of one order that is paid and shipped, and of one that is cancelled.
async fn saga(database: &Database, proxy: &CountingProxy, bus: InProcessBus) -> Result<Vec<(&'static str, u64)>> {
    let orders = PgOrders::new(database.for_store(Context::Orders, proxy.port), bus.clone());
    let stock = PgStock::new(database.for_store(Context::Inventory, proxy.port), bus.clone());
    let payments = PgPayments::new(database.for_store(Context::Payments, proxy.port), bus);
    let products = new_products();
    for product in products {
        open(&stock, product).await.map_err(message)?;
    }
    // Each store connects before counting starts.
    payments.get(PaymentId(Uuid::now_v7()), None).await.map_err(message)?;
    let (first, second) = (sample(products).map_err(message)?, sample(products).map_err(message)?);
    place(&orders, &second).await.map_err(message)?;
    let mut counter = Counter { traffic: Arc::clone(&proxy.traffic), counts: Vec::new() };
    let (now, order, id) = (Timestamp::now(), first.order.clone(), first.order.id);
    let is_applied = |outcome: &TransitionOutcome| *outcome == TransitionOutcome::Applied;

    counter.run("place", place(&orders, &first), |()| true).await?;
    let reservation = stock::reserve(first.placed.clone());
    reserve(&mut counter, "reserve", &stock, &first).await?;
    let (order, _) = transition(&order, Input::StockReserved.into())?;
    counter.run("order advance, stock reserved", orders.advance(Some(claim()), &order, None), is_applied).await?;

    let payment = payment::begin(PaymentId(Uuid::now_v7()), &reservation.reserved, now);
    let payment = counter.run("payment begin", payments.begin(&payment, None), |_| true).await?;
    let refund = RefundId(Uuid::now_v7());
    let charged = ChargeOutcome::Charged(ReportedTransaction::new(format!("pi_{}", payment.id), payment.amount));
    let change = payment::record_charge_outcome(&payment, 1, &charged, refund, now);
    let change = change.map_err(message)?.ok_or("the charge changed nothing")?;
    let events: Vec<_> = change.events.iter().map(|event| order_event(id, 2, event.clone())).collect();
    counter.run("payment advance, charged", payments.advance(Some(claim()), &change, &events), is_applied).await?;

    let payment = PaymentRef { payment_id: payment.id, version: change.payment.version };
    let failed = order_event(id, 1, StockAllocationFailed { order_id: id, lines: reservation.lines.clone(), payment });
    let allocated = order_event(id, 1, StockAllocated { order_id: id, payment, levels: vec![] });
    let paid = PaidOrder { order_id: id, payment, at: now };
    counter.run("allocate", stock.allocate(claim(), &paid, &allocated, &failed), Option::is_some).await?;
    let update = Update::about(Input::StockAllocated, payment);
    let (order, event) = transition(&order, update)?;
    counter.run("order advance, confirmed", orders.advance(Some(claim()), &order, event.as_ref()), is_applied).await?;
    let (order, event) = transition(&order, Input::Ship.into())?;
    counter.run("order advance, shipped", orders.advance(None, &order, event.as_ref()), is_applied).await?;
    let shipped = order_event(id, 1, StockShipped { order_id: id, levels: vec![] });
    counter.run("ship", stock.ship(claim(), id, &shipped), Option::is_some).await?;

    let mut uncounted = Counter { traffic: Arc::clone(&proxy.traffic), counts: Vec::new() };
    reserve(&mut uncounted, "reserve", &stock, &second).await?;
    let id = second.order.id;
    let released = order_event(id, 1, StockReleased { order_id: id, levels: vec![] });
    counter.run("release", stock.release(claim(), id, &released), Option::is_some).await?;
    Ok(counter.counts)
}

async fn open(stock: &PgStock<InProcessBus>, product: ProductId) -> std::result::Result<(), Failure> {
    let created = json!({
        "product_id": product, "sku": format!("LAMP-{}", product.0.simple()), "name": "Storm lantern", "category": "deck",
        "price": { "amount": 1999, "currency": "USD" }, "stock_quantity": 100,
    });
    let created: ProductCreated = serde_json::from_value(created).map_err(Failure::internal)?;
    let opened = order_event(domain::id::OrderId(product.0), 1, StockOpened { levels: vec![] });
    stock.open(claim(), &created, &opened).await.map(drop)
}

async fn place(orders: &PgOrders<InProcessBus>, sample: &Sample) -> std::result::Result<(), Failure> {
    orders
        .place(&sample.order, &sample.key, &sample.reply, &sample.event, &PlacementConditions::default())
        .await
        .map(drop)
}

async fn reserve(
    counter: &mut Counter,
    name: &'static str,
    store: &PgStock<InProcessBus>,
    sample: &Sample,
) -> Result<Option<domain::Event>> {
    let (reservation, id) = (stock::reserve(sample.placed.clone()), sample.order.id);
    let (reserved, failed) =
        (order_event(id, 1, reservation.reserved.clone()), order_event(id, 1, reservation.failed.clone()));
    let expires_at = stock::expires_at(Timestamp::now()).map_err(message)?;
    let is_reserved = |event: &Option<domain::Event>| event.as_ref().is_some_and(|event| event.id == reserved.id);
    counter.run(name, store.reserve(claim(), &reservation, expires_at, &reserved, &failed), is_reserved).await
}

fn transition(order: &order::Order, update: Update) -> Result<(order::Order, Option<domain::Event>)> {
    let (order, event) =
        order::advance(order, update, Timestamp::now()).map_err(message)?.ok_or("the order did not change")?;
    let event = event.map(|event| order_event(order.id, order.version, event));
    Ok((order, event))
}

/// Returns the round trips of the baseline's transaction.
async fn place_baseline(
    baseline: &mut Baseline,
    round_trips: RoundTrips,
    marks_published: bool,
    proxy: &CountingProxy,
) -> Result<u64> {
    let mut fewest = u64::MAX;
    // The driver writes from its own task, so that pipelined statements may arrive separately and count as more round trips.
    for _ in 0..20 {
        let (sample, before) = (sample(new_products()).map_err(message)?, proxy.traffic.round_trips());
        baseline.place(round_trips, &sample, marks_published).await?;
        fewest = fewest.min(proxy.traffic.round_trips() - before);
    }
    Ok(fewest)
}
