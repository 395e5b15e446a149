//! `scripts/bench orders`: what a placed order costs, how soon it is told, and what happens when too many come.
//!
//! PostgreSQL is a server of the bench's own with fsync on (`scripts/bench` starts it), for that of the local cloud has it off.
//! Whatever is compared is measured in the same run, in turns. It prints; nothing here fails for being slow.

mod contest;
mod driver;
mod ground;
mod lag;
mod overload;
mod plain;
mod sample;
mod trips;
mod wire;

use crate::{cloud, database::Database, environment::Stage, figures};
use clap::Args;
use std::fs;
use tokio::runtime;
use xtask::{
    Result,
    package::{self, Build},
};

/// Measures orders: a second, round trips, from commit to bus, overload.
#[derive(Args)]
pub struct Arguments {
    /// Load a development build of order-place: quick, to try the bench itself.
    #[arg(long)]
    dev: bool,
    /// Keep the tables in docs/benchmark-orders.md.
    #[arg(long)]
    save: bool,
}

/// Runs it.
pub fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let build = if arguments.dev { Build::Dev } else { Build::Release };
    eprintln!("bench: building order-place (a release build takes minutes)");
    package::compile(&root, build, &[catalog::ORDER_PLACE.name])?;
    let database = Database::create()?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(ground::said)?;
    let [contest, trips, lag, price] = runtime.block_on(async {
        database.migrate().await?;
        let trips = trips::table(&database).await?;
        let contest = contest::table(&database).await?;
        let lag = lag::table(&database).await?;
        Ok::<_, String>([contest, trips, lag, contest::price(&database).await?])
    })?;
    let stage = Stage { cloud: cloud::start()?, database: &database };
    let directory = root.join("target").join(if arguments.dev { "debug" } else { "release" });
    let overload = overload::tables(&root, &directory, &stage, &runtime)?;
    let text = page(&contest, &trips, &lag, &overload, &price, &figures::machine(&root));
    println!("{text}");
    if arguments.save {
        let path = root.join("docs/benchmark-orders.md");
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn page(contest: &str, trips: &str, lag: &str, overload: &str, price: &str, machine: &str) -> String {
    format!(
        "# Benchmark of orders

Written by `scripts/bench orders --save`. PostgreSQL is a server of the bench's own on this machine, with every default of
durability on; buses are in the process and answer at once. Ratios travel between machines, times do not.

## Committed orders a second

{contest}
- ours: `PgOrders::place`, the real store: key, order, lines, answer and event in one unnamed statement, 1 round trip; with mark,
  1 more that tells the outbox that the bus took the event
- usual: the same tables and rows in a transaction of prepared statements, 7 round trips: BEGIN, SELECT of the key, INSERT of the
  order, of its lines (all at once), of the key, of the event, COMMIT; with mark, 1 more. Often called five, by who does not count
  BEGIN and COMMIT
- each order has two lines; sides take turns of half a second, medians of seven turns; no order is placed twice
- behind a network: a proxy that holds each direction for half a millisecond, about what lies between a function, RDS Proxy and the
  database; the round trip is measured, with the proxy's own cost
- commits a WAL sync: how many commits of both sides share one sync of the log (group commit); the server counts late, so it is
  about right only
- {price}

## Round trips of each command

{trips}
Counted on the wire: how often the server said `ReadyForQuery`. The tests of `shared/adapters` assert the same of the store's own
counter. With the mark: the bus took the event and the outbox was told; a command that tells nothing has none.

## From the commit to the bus

{lag}
From the database's answer to the commit, seen on the wire, to the event's arrival at the bus, by turns and in the same seconds.
Polled: the same store with a bus that refuses, and `PgOutbox::sweep` every second. What the bus itself takes comes on top of both.

## Overload

{overload}
- the function is the release binary of `order-place`, in {concurrency} processes, over the Lambda Runtime API; the catalogue and EventBridge
  are stand-ins that answer at once
- the driver stands for Lambda with a reserved concurrency of {concurrency}: one request a process at a time, no queue; who finds none free
  is answered 429 with Retry-After at once, and does not come again. Lambda says 429 to API Gateway there, and API Gateway's own throttle
  says it to the customer; that part of AWS is not here, and its work costs nothing here
- overload: {times} times the peak before it, open loop for 10 s, however many are answered
- processes, driver, database and stand-ins share the cores: the peak is that of the machine, not of the function
- locked: a statement that waits is given up after 4 s with 503, and all processes wait at once, so that the others get 429;
  few connections: who has none is told 503 at once

{machine}
",
        concurrency = overload::CONCURRENCY,
        times = overload::TIMES,
    )
}
