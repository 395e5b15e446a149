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

use crate::{cloud, database::Database, environment::Stage, figures};
use clap::Args;
use tokio::runtime;
use xtask::Result;

/// Measures orders: a second, round trips, from commit to bus, overload.
#[derive(Args)]
pub struct Arguments {
    /// Keep the tables in docs/benchmark.md.
    #[arg(long)]
    save: bool,
}

/// Runs it.
pub fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let (database, memory) = (Database::create()?, Database::create_in_memory()?);
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(ground::said)?;
    let [contest, trips, lag, price] = runtime.block_on(async {
        for database in [&database, &memory] {
            database.migrate().await?;
            let owner = database.owner(true).await?;
            let least = "CREATE TABLE orders.least (id uuid PRIMARY KEY); GRANT INSERT ON orders.least TO orders";
            owner.batch_execute(least).await.map_err(ground::said)?;
        }
        let trips = trips::table(&database).await?;
        let contest = contest::table(&database, &memory).await?;
        let lag = lag::table(&database).await?;
        Ok::<_, String>([contest, trips, lag, contest::price(&database).await?])
    })?;
    let stage = Stage { cloud: cloud::start()?, database: &database };
    // `scripts/bench` has built it beside us.
    let directory = std::env::current_exe().map_err(ground::said)?;
    let directory = directory.parent().ok_or("a program without a directory")?;
    let overload = overload::tables(&root, directory, &stage, &runtime)?;
    let text = page(&contest, &trips, &lag, &overload, &price, &figures::machine(&root));
    println!("{text}");
    if arguments.save {
        figures::save_orders(&root, &text)?;
    }
    Ok(())
}

fn page(contest: &str, trips: &str, lag: &str, overload: &str, price: &str, machine: &str) -> String {
    format!(
        "## Orders

Written by `scripts/bench orders --save`. PostgreSQL is a server of the bench's own on this machine, with every default of
durability on; programs are optimised, without fat LTO. Ratios travel between machines, times do not.

### Committed orders a second

{contest}
- ours: `PgOrders::place`, the real store: key, order, lines, answer and event in one call of a function in the database, 1 round trip
- usual: the same rows in a transaction of five statements, prepared once a connection: SELECT of the key, INSERT of the order, of its
  lines (both at once, not a statement a line), of the key with the answer, of the event. 7 trips: each is waited for, and BEGIN and
  COMMIT are, too. 5 trips: BEGIN travels with the first statement and COMMIT with the last, which few drivers do by themselves
- with mark: after the commit the outbox is told that the bus took the event, in 1 round trip and 1 commit more, on all sides. Ours
  does not wait for the disk there (`mark_published`)
- least: one row of one column, inserted by a prepared statement, 1 round trip, committed as durably. No way to place an order is
  faster, so that least ÷ usual is the most that ours ÷ usual can be on this disk and these cores
- each order has two lines and one durable commit; sides take turns of {slice} s; rates are medians of {turns} turns, ratios are medians of the
  ratios within each turn, so that a moment's noise is everybody's; no order is placed twice
- on this machine: nothing in between; behind a network: a proxy holds what passes for half a millisecond each way, about what lies
  between a function, RDS Proxy and the database; the round trip in the table is measured, with the proxy's own cost
- in memory: the same server with its data directory in memory and all else as it was, fsync on: a disk that takes no time. What is left
  is round trips and work, so that this is what the way of writing an order is worth where commits are cheap
- commits a WAL sync: how many commits of all sides share one sync of the log (group commit); the server counts late, so it is
  about right only
- {price}

### Round trips of each command

{trips}
Counted on the proxy by a proxy: a round trip is a wait for the server's answer, so that statements sent together count once. With the
mark: the bus took the event and the outbox was told; a command that tells nothing has none. `tests/tests/it/budget.rs` asserts what
whole functions spend, with the reads before their commits.

### From the commit to the bus

{lag}
From the database's answer to the commit, seen on the proxy, to the event's arrival at the bus, by turns and in the same seconds. The
bus is a stand-in in this process that answers at once; what EventBridge takes comes on top of both. Polled: the same store with a bus
that refuses, and `PgOutbox::sweep` every second.

### Overload

{overload}
- real: the program of `order-place` with its handler, store and database, in {concurrency} processes, over the Lambda Runtime API
- stands in: the catalogue and EventBridge answer at once; the driver is Lambda with a reserved concurrency of {concurrency}: one request a
  process at a time, no queue; who finds none free is answered 429 with Retry-After at once, and does not come again. What AWS spends
  on that answer is spent elsewhere than here
- closed loop: each process gets its next request when it has answered the last; overload: open loop, {times} times what the closed loop
  before it did, however many are answered. Two seconds each, by turns, {rounds} rounds; the goodput's ratio is the median of the rounds'
- processes, driver, database and stand-ins share the cores: the peak is that of the machine, not of the function
- locked: a statement that waits is given up after 4 s with 503, and all processes wait at once, so that the others get 429;
  few connections: who has none is told 503 at once

{machine}
",
        concurrency = overload::CONCURRENCY,
        times = overload::TIMES,
        slice = contest::SLICE.as_secs_f32(),
        turns = contest::TURNS,
        rounds = overload::ROUNDS,
    )
}
