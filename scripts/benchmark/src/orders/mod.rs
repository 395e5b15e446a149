//! `scripts/bench orders`: throughput, round trips and publish latency of orders, and order-place under overload.
//!
//! PostgreSQL is a temporary server with fsync on, started by `scripts/bench`, because that of the local cloud runs without fsync.
//! Variants that are compared alternate within one run. No figure makes the run fail.

mod baseline;
mod fixtures;
mod load;
mod overload;
mod publish_latency;
mod round_trips;
mod sample;
mod throughput;

pub use fixtures::message;

use crate::{cloud, database::Database, environment::Stage, figures};
use clap::Args;
use tokio::runtime;
use xtask::Result;

/// Measures orders: throughput, round trips, publish latency, overload.
#[derive(Args)]
pub struct Arguments {
    /// Write the tables to docs/benchmark.md.
    #[arg(long)]
    save: bool,
}

pub fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let (database, memory) = (Database::create()?, Database::create_in_memory()?);
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(fixtures::message)?;
    let [throughput, round_trips, publish_latency, commit_cost] = runtime.block_on(async {
        for database in [&database, &memory] {
            database.migrate().await?;
            let owner = database.connect_as_owner().await?;
            let single_row = "CREATE TABLE orders.single_row (id uuid PRIMARY KEY);
                GRANT INSERT ON orders.single_row TO orders";
            owner.batch_execute(single_row).await.map_err(fixtures::message)?;
        }
        let round_trips = round_trips::table(&database).await?;
        let throughput = throughput::table(&database, &memory).await?;
        let publish_latency = publish_latency::table(&database).await?;
        Ok::<_, String>([throughput, round_trips, publish_latency, throughput::commit_cost(&database).await?])
    })?;
    let stage = Stage { cloud: cloud::start()?, database: &database };
    // `scripts/bench` builds order-place into the directory of this binary.
    let directory = std::env::current_exe().map_err(fixtures::message)?;
    let directory = directory.parent().ok_or("this binary has no parent directory")?;
    let overload = overload::tables(&root, directory, &stage, &runtime)?;
    let text = page(&throughput, &round_trips, &publish_latency, &overload, &commit_cost, &figures::machine(&root));
    println!("{text}");
    if arguments.save {
        figures::save_orders(&root, &text)?;
    }
    Ok(())
}

fn page(
    throughput: &str,
    round_trips: &str,
    publish_latency: &str,
    overload: &str,
    commit_cost: &str,
    machine: &str,
) -> String {
    format!(
        "## Orders

Written by `scripts/bench orders --save`. PostgreSQL is a temporary server on this machine with its default durability settings; the
binaries are optimized, without fat LTO. Ratios carry over to other machines, absolute times do not.

### Committed orders per second

{throughput}
- Quayside: `PgOrders::place`, the store of the deployed function: idempotency key, order, lines, response and event in one call of a
  database function, 1 round trip
- baseline: the same rows in a transaction of five prepared statements: SELECT of the key, INSERT of the order, of its lines (all in
  one statement), of the key with the response, of the event. 7 round trips: the client waits after each statement and after BEGIN
  and COMMIT. 5 round trips: BEGIN is sent with the first statement and COMMIT with the last, which few drivers do on their own
- marked published: after the commit the event is marked as published in the outbox, in 1 more round trip and 1 more commit, in all
  variants but the single row. Quayside's mark does not wait for the disk (`mark_published`)
- single row: one row of one column, inserted by a prepared statement in 1 round trip and committed with the same durability. It is an
  upper bound for any way to place an order, so that single row ÷ baseline bounds Quayside ÷ baseline on this disk and these cores
- each order has two lines and one durable commit; the variants alternate in slices of {slice} s; rates are medians of {slices} slices,
  ratios are medians of the ratios of the slices, so that noise affects all variants alike; no order is placed twice
- on this machine: a direct connection; behind a network: a proxy delays traffic by half a millisecond in each direction, about the
  latency between a function, RDS Proxy and the database; the time per round trip in the table is measured and includes the proxy's
  own overhead
- in memory: the same server with its data directory in memory and otherwise unchanged, with fsync on: a disk without latency. What
  remains is round trips and CPU time, so that these rows show what the single call saves where commits are cheap
- commits per WAL sync: commits of all variants that share one sync of the write-ahead log (group commit); approximate, because the
  server updates its counters late
- {commit_cost}

### Round trips of each command

{round_trips}
Counted by a proxy: a round trip is a wait for the server's response, so that statements that are sent together count once. With event
marked published: the bus accepted the event and the outbox was updated; a command that publishes no event has no such update.
`tests/tests/it/budget.rs` asserts the round trips of whole functions, with the reads before their commits.

### From the commit to the event bus

{publish_latency}
From the database's response to the commit, as seen by the proxy, to the arrival of the event at the bus; the two variants alternate
in the same run. The bus is a fake in this process that responds at once; the latency of EventBridge adds to both. Polling: the same
store with a bus that rejects events, and `PgOutbox::sweep` every second.

### Overload

{overload}
- real: the binary of `order-place` with its handler, store and database, in {concurrency} processes, over the Lambda Runtime API
- fake: the catalogue and EventBridge respond at once; the load generator behaves like Lambda with a reserved concurrency of
  {concurrency}: one request at a time in each process, no queue; a request that finds no idle process gets 429 with Retry-After at
  once and is not retried. On AWS, throttling uses no CPU time of the function
- closed loop: each process gets its next request when it has responded to the last; overload: open loop, {factor} times the rate of
  the closed loop before it, regardless of responses. Each load lasts two seconds, they alternate for {rounds} rounds, and the ratio of
  goodput is the median of the rounds
- processes, load generator, database and fakes share the cores: the peak is that of the machine, not of the function
- table lock: a statement that waits is cancelled after 4 s with 503, and all processes wait at once, so that other requests get 429;
  connection limit: a process without a connection responds 503 at once

{machine}
",
        concurrency = overload::CONCURRENCY,
        factor = overload::OVERLOAD_FACTOR,
        slice = throughput::SLICE.as_secs_f32(),
        slices = throughput::SLICES,
        rounds = overload::ROUNDS,
    )
}
