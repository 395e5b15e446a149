//! `scripts/bench timeline`: how long the timeline of an order and a page of the audit take, by the number of events that are recorded.
//!
//! The rows are made by SQL. The outboxes and inboxes have what their retention leaves of these events, so that an order of the last days is
//! read with all that is known of it.

use crate::{
    database::Database,
    disk,
    figures::{self, micros, milliseconds, percentile, ratio},
    orders::message,
};
use adapters_postgres::{PgEventRecords, PgOperatorActions};
use catalog::{Context, Event};
use clap::Args;
use domain::{id::OrderId, timeline};
use kernel::{Timestamp, Uuid};
use ports::{OperatorLog as _, Timeline as _};
use std::{collections::BTreeSet, fmt::Write as _, path::Path, time::Instant};
use tokio::runtime;
use tokio_postgres::Client;
use xtask::Result;

/// What is published about an order from its placement to its shipment, in this order, with the role of whoever caused it.
const EVENTS: [(&Event, Option<&str>); 10] = [
    (catalog::ORDER_PLACED, Some("customer")),
    (catalog::STOCK_RESERVED, None),
    (catalog::PAYMENT_SUCCEEDED, None),
    (catalog::STOCK_ALLOCATED, None),
    (catalog::ORDER_CONFIRMED, None),
    (catalog::NOTIFICATION_SENT, None),
    (catalog::INVOICE_ISSUED, None),
    (catalog::ORDER_SHIPPED, Some("staff")),
    (catalog::STOCK_SHIPPED, None),
    (catalog::NOTIFICATION_SENT, None),
];
/// Days for which events, inboxes and outboxes are kept.
const EVENT_DAYS: u64 = 180;
const INBOX_DAYS: u64 = 15;
const OUTBOX_DAYS: u64 = 7;
/// Orders of one measurement, each read once.
const READS: u64 = 300;
/// Bytes that an event takes on disk with its indexes and its rows in inboxes and outboxes; 850 were measured.
const BYTES_AN_EVENT: u64 = 1_000;
/// Bytes of the write-ahead log and of sorting for an index, at most.
const BYTES_BESIDE: u64 = 8 << 30;

/// Measures the timeline of an order by the number of events.
#[derive(Args)]
pub struct Arguments {
    /// Numbers of events, ascending.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 10_000_000])]
    rows: Vec<u64>,
    /// Measure a development build.
    #[arg(long)]
    pub dev: bool,
    /// A remark on the run for the page, such as what else the machine did.
    #[arg(long)]
    remark: Option<String>,
    /// Write the table to docs/benchmark.md.
    #[arg(long)]
    save: bool,
}

/// What was found with one number of events. Times are in microseconds.
struct Figures {
    rows: u64,
    bytes: u64,
    /// The timelines of orders of the last days, and of orders of any age, each of another order.
    recent: Vec<u64>,
    any: Vec<u64>,
    /// Consumers in a timeline of the last days.
    deliveries: usize,
    /// The newest page of the audit.
    audit: Vec<u64>,
}

pub fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let most = arguments.rows.iter().copied().max().unwrap_or_default();
    let disk = disk::check(most * BYTES_AN_EVENT + BYTES_BESIDE)?;
    eprintln!("bench: {disk}");
    let database = Database::create()?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(message)?;
    let owner = runtime.block_on(async {
        database.migrate().await?;
        database.connect_as_owner().await
    })?;
    let mut found = Vec::new();
    for &rows in &arguments.rows {
        let began = Instant::now();
        runtime.block_on(fill(&owner, rows))?;
        eprintln!("bench: {rows} events after {} s", began.elapsed().as_secs());
        found.push(runtime.block_on(measure(&database, &owner, rows))?);
        println!("{}", table(&found));
    }
    let text = section(&root, &found, &disk, arguments);
    println!("{text}");
    if arguments.save { figures::save_timeline(&root, &text) } else { Ok(()) }
}

/// Replaces all rows by those of `rows` events, evenly over the days for which events are kept. Indexes are made when the table is full.
async fn fill(owner: &Client, rows: u64) -> Result<()> {
    let orders = orders_of(rows);
    let steps: Vec<String> = (1..).zip(EVENTS).map(|(number, (event, role))| step(number, event, role)).collect();
    let indexes = "SELECT string_agg(format('DROP INDEX operations.%I', indexname), '; '), string_agg(indexdef, '; ') FROM pg_indexes
        WHERE schemaname = 'operations' AND tablename = 'event_records' AND indexname <> 'event_records_pkey'";
    let indexes = owner.query_one(indexes, &[]).await.map_err(message)?;
    let (drop, create): (String, String) = (indexes.get(0), indexes.get(1));
    let insert = format!(
        "INSERT INTO operations.event_records (id, type, source, subject, sequence, occurred_at, correlation_id, trace_id, actor_id,
            actor_role, order_id, user_id, data, recorded_at)
        SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n * 16 + step.number), 12, '0'))::uuid, step.type, step.source, order_id, step.number, at,
            gen_random_uuid(), '4bf92f3577b34da6a3ce929d0e0e4736', CASE WHEN step.role IS NOT NULL THEN user_id END, step.role, order_id::uuid,
            user_id, jsonb_build_object('order_id', order_id, 'user_id', user_id, 'total_amount', '{{\"amount\": 4248, \"currency\": \"USD\"}}'::jsonb,
                'lines', jsonb_build_array(jsonb_build_object('product_id', user_id, 'quantity', 2, 'unit_price', 1999))), at
        FROM (
            SELECT n, '00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS order_id,
                ('00000000-0000-4000-8000-' || lpad(to_hex(n * 7919 % {customers}), 12, '0'))::uuid AS user_id,
                now() - interval '{EVENT_DAYS} days' * (({orders} - n)::float8 / {orders}) AS placed_at
            FROM generate_series(0::bigint, {orders} - 1) AS n
        ) AS made, (VALUES {steps}) AS step (number, type, source, role), LATERAL (SELECT placed_at + step.number * interval '1 second' AS at) AS t",
        customers = orders.div_ceil(4),
        steps = steps.join(", "),
    );
    let statements = [
        "SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'; TRUNCATE operations.event_records".to_owned(),
        drop,
        insert,
        create,
        remembered(),
    ];
    for statement in statements {
        owner.batch_execute(&statement).await.map_err(message)?;
    }
    for table in tables().into_iter().chain(["operations.event_records".to_owned()]) {
        owner.batch_execute(&format!("VACUUM (ANALYZE) {table}")).await.map_err(message)?;
    }
    owner.batch_execute("CHECKPOINT").await.map_err(message)
}

fn step(number: u32, event: &Event, role: Option<&str>) -> String {
    let role = role.map_or_else(|| "NULL".to_owned(), |role| format!("'{role}'"));
    format!("({number}, '{}', '{}', {role})", event.name, event.context.source())
}

/// Statements that fill the inboxes and outboxes with what is kept of the events.
fn remembered() -> String {
    let mut text = tables().iter().fold(String::new(), |text, table| text + &format!("TRUNCATE {table};\n"));
    let recent = format!(
        "DROP TABLE IF EXISTS recent;
        CREATE TEMPORARY TABLE recent AS SELECT id, type, source, occurred_at FROM operations.event_records
        WHERE occurred_at > now() - interval '{INBOX_DAYS} days';\n"
    );
    text.push_str(&recent);
    for context in contexts() {
        let published = format!(
            "INSERT INTO {0}.outbox (id, created_at, event, published_at)
            SELECT id, occurred_at, '{{}}', occurred_at + interval '20 milliseconds' FROM recent
            WHERE source = '{1}' AND occurred_at > now() - interval '{OUTBOX_DAYS} days';\n",
            context.name(),
            context.source(),
        );
        text.push_str(&published);
    }
    for name in EVENTS.iter().map(|(event, _)| event.name).collect::<BTreeSet<_>>() {
        for consumer in catalog::find_event(name).into_iter().flat_map(catalog::consumers_with_inbox) {
            let handled = format!(
                "INSERT INTO {}.inbox (consumer, event_id, claimed_at)
                SELECT '{}', id, occurred_at + interval '90 milliseconds' FROM recent WHERE type = '{name}';\n",
                consumer.context.name(),
                consumer.name,
            );
            text.push_str(&handled);
        }
    }
    text
}

fn contexts() -> impl Iterator<Item = Context> {
    let publishes = |context: &Context| catalog::EVENTS.iter().any(|event| event.context == *context);
    catalog::CONTEXTS.iter().copied().filter(publishes)
}

/// The outboxes, and the inboxes of all consumers.
fn tables() -> Vec<String> {
    let outboxes = contexts().map(|context| format!("{}.outbox", context.name()));
    let consumers = catalog::FUNCTIONS.iter().filter(|function| function.keeps_inbox());
    let inboxes: BTreeSet<String> = consumers.map(|function| format!("{}.inbox", function.context.name())).collect();
    outboxes.chain(inboxes).collect()
}

const fn orders_of(rows: u64) -> u64 {
    rows / EVENTS.len() as u64
}

async fn measure(database: &Database, owner: &Client, rows: u64) -> Result<Figures> {
    let reader = database.for_reader(Context::Operations)?;
    let (records, log) = (PgEventRecords::new(reader.clone()), PgOperatorActions::new(reader));
    let orders = orders_of(rows);
    // A day less, so that nothing of them is past the retention of the outboxes.
    let newest = orders * (OUTBOX_DAYS - 1) / EVENT_DAYS;
    let recent = read_orders(&records, orders, newest).await?;
    let any = read_orders(&records, orders, orders).await?;
    let mut audit = Vec::new();
    for _ in 0..READS {
        let began = Instant::now();
        let page = log.list(20, None).await.map_err(|failure| failure.to_string())?;
        audit.push(micros(began));
        if page.items.len() != 20 {
            return Err(format!("the audit has {} entries", page.items.len()));
        }
    }
    let bytes = "SELECT pg_total_relation_size('operations.event_records')";
    let bytes: i64 = owner.query_one(bytes, &[]).await.map_err(message)?.get(0);
    let bytes = u64::try_from(bytes).map_err(message)? / rows.max(1);
    Ok(Figures { rows, bytes, deliveries: recent.1, recent: recent.0, any: any.0, audit })
}

/// Reads the timelines of orders that are spread over the `newest` of all, after a warm-up. Returns the times, and the number of deliveries of the
/// newest order.
async fn read_orders(records: &PgEventRecords, orders: u64, newest: u64) -> Result<(Vec<u64>, usize)> {
    let since = timeline::inbox_covered_since(Timestamp::now()).map_err(|failure| failure.to_string())?;
    let (warm_up, step) = (READS / 10, newest / (READS + READS / 10));
    if step == 0 {
        return Err(format!("{newest} orders are too few: {} are read", READS + warm_up));
    }
    let (mut times, mut deliveries) = (Vec::new(), 0);
    for read in 0..READS + warm_up {
        let number = orders - 1 - read * step;
        let order = OrderId(Uuid::from_u128(0x7000_8000_0000_0000_0000 | u128::from(number)));
        let began = Instant::now();
        let page = records.of_order(order, since, 100, None).await.map_err(|failure| failure.to_string())?;
        let took = micros(began);
        if page.items.len() != EVENTS.len() {
            return Err(format!("order {number} has {} events", page.items.len()));
        }
        if read == 0 {
            let all: Vec<_> = page.items.iter().flat_map(|entry| &entry.deliveries).collect();
            deliveries = all.len();
            let is_published = page.items.iter().all(|entry| entry.published_at.is_some());
            if !is_published || all.iter().any(|one| one.handled_at.is_none()) {
                return Err("the newest order lacks a publication or a delivery".to_owned());
            }
        }
        if read >= warm_up {
            times.push(took);
        }
    }
    Ok((times, deliveries))
}

fn both(times: &[u64]) -> String {
    format!("{} / {}", milliseconds(percentile(times, 50)), milliseconds(percentile(times, 99)))
}

fn table(found: &[Figures]) -> String {
    let mut text = String::from(
        "| events | timeline of an order of the last six days p50 / p99 ms | of any age p50 / p99 ms | page of the audit p50 / p99 ms | bytes an event |\n\
         |--:|--:|--:|--:|--:|\n",
    );
    for one in found {
        let times = [&one.recent, &one.any, &one.audit].map(|times| both(times));
        writeln!(text, "| {} | {} | {} |", one.rows, times.join(" | "), one.bytes).unwrap_or_default();
    }
    text
}

/// What the largest table has of the smallest.
fn comparison(found: &[Figures]) -> String {
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return String::new() };
    let times = |of: fn(&Figures) -> &Vec<u64>| {
        let of = |percent| ratio(percentile(of(last), percent), percentile(of(first), percent));
        format!("p50 × {}, p99 × {}", of(50), of(99))
    };
    format!(
        "- {} against {} events: of the last six days {}; of any age {}; audit {}",
        last.rows,
        first.rows,
        times(|one| &one.recent),
        times(|one| &one.any),
        times(|one| &one.audit),
    )
}

fn section(root: &Path, found: &[Figures], disk: &str, arguments: &Arguments) -> String {
    let deliveries = found.last().map_or(0, |last| last.deliveries);
    let build = if arguments.dev { "development build" } else { "release build without link-time optimization" };
    let remark = arguments.remark.as_ref().map_or_else(String::new, |remark| format!("- {remark}\n"));
    format!(
        "## Timeline\n\n\
         Written by `scripts/bench timeline --save`. The timeline of an order by the number of events that are recorded, evenly over {EVENT_DAYS} days. An\n\
         order has {} events with {deliveries} deliveries; inboxes and outboxes have what they keep of all events. PostgreSQL on this machine's disk\n\
         with 128 MiB of shared buffers. The goal is less than a second with ten million events.\n\n{}\n{}\n\
         - {READS} different orders each, one after the other, read by the store with its round trip ({build}); this machine has {} GiB of memory\n\
         - of the last six days: with publication and all deliveries; of any age: evenly over all orders, most of them older than the inboxes\n\
         - audit: the newest twenty of the changes by staff, a tenth of all events\n\
         - {disk}\n{remark}{}\n",
        EVENTS.len(),
        table(found),
        comparison(found),
        disk::memory_gib(),
        figures::machine(root),
    )
}
