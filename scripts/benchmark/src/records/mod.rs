//! `scripts/bench records`: how fast records are written and read by the size of the table, beside a plain table with random keys.
//!
//! Both tables have the same columns, the same rows and two indexes; the server is a temporary one with fsync. Rates are those of 100 000
//! rows at the end of a table of the size, the median of three rounds in which the ways to write take turns.

mod kills;
mod rows;
mod tables;
mod writers;

use crate::{
    cloud,
    database::Database,
    disk,
    environment::Stage,
    figures::{self, micros, milliseconds, percentile, ratio},
    orders::message,
};
use clap::Args;
use domain::record::SourceName;
use ports::{RecordLookup, RecordQuery, RecordStore as _};
use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};
use tables::{Table, Tables};
use tokio::runtime;
use writers::Writers;
use xtask::Result;

/// Rows of one measurement of a rate.
const MEASURED: u64 = 100_000;
/// Rounds of each measurement of a rate.
const ROUNDS: usize = 3;
/// Reads of one measurement.
const READS: u64 = 3_000;
/// Reads before those of the newest day.
const WARM_UP: u64 = rows::ROWS_A_DAY / 100;
/// Bytes that a row of both tables takes on disk, with its indexes; 767 were measured.
const BYTES_A_ROW: u64 = 900;
/// Bytes of the write-ahead log, of sorting for an index, and of the topic, at most.
const BYTES_BESIDE: u64 = 8 << 30;

/// Measures records by the size of their table.
#[derive(Args)]
pub struct Arguments {
    /// Sizes of the tables, ascending.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 10_000_000, 50_000_000])]
    rows: Vec<u64>,
    /// A Kafka broker without a login, `host:port`, to measure the way through the topic as well. `scripts/bench` starts one.
    #[arg(long)]
    kafka: Option<String>,
    /// Write so many records through Kafka while the function is killed, count them, and do nothing else.
    #[arg(long, requires = "kafka")]
    conservation: Option<u64>,
    /// Measure development builds.
    #[arg(long)]
    pub dev: bool,
    /// Write the table to docs/benchmark.md.
    #[arg(long)]
    save: bool,
}

fn rate(rows: u64, micros: u64) -> u64 {
    rows * 1_000_000 / micros.max(1)
}

/// What was found at one size.
#[derive(Default)]
struct Figures {
    rows: u64,
    /// Rows a second: bare COPY into the table of records, into the plain table, the writer, and the function.
    copy: u64,
    plain_copy: u64,
    writer: u64,
    function: u64,
    /// The function behind Kafka, if a broker was named.
    kafka: Option<u64>,
    /// Microseconds of processor time of the function for a record.
    cpu_us: u64,
    peak_kib: u64,
    /// Of the newest day, which is what is read most.
    newest: Reads,
    /// Of all days alike.
    all: Reads,
    /// Microseconds of each read by id while the function writes as fast as it can.
    mixed: Vec<u64>,
    bytes: u64,
    plain_bytes: u64,
}

/// Microseconds of each read: by id and by range, of records and of the plain table.
#[derive(Default)]
struct Reads {
    get: Vec<u64>,
    range: Vec<u64>,
    plain_get: Vec<u64>,
    plain_range: Vec<u64>,
}

pub fn bench(arguments: &Arguments) -> Result<()> {
    let root = xtask::root();
    let most = arguments.conservation.or(arguments.rows.iter().copied().max()).unwrap_or_default();
    let disk = disk::check(most * BYTES_A_ROW + BYTES_BESIDE)?;
    eprintln!("bench: {disk}");
    let database = Database::create()?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(message)?;
    let mut tables = runtime.block_on(Tables::create(&database))?;
    let stage = Stage { cloud: cloud::start_with_bus(Duration::from_millis(1))?, database: &database };
    if let (Some(count), Some(broker)) = (arguments.conservation, &arguments.kafka) {
        println!("{}", kills::survive(&runtime, broker, &tables, &stage, count)?);
        return Ok(());
    }
    let mut found = Vec::new();
    for &rows in &arguments.rows {
        let began = Instant::now();
        runtime.block_on(tables.fill(rows))?;
        eprintln!("bench: {rows} rows after {} s", began.elapsed().as_secs());
        found.push(measure(&runtime, &mut tables, &stage, arguments)?);
        println!("{}", table(&found));
    }
    let text = section(&root, &found, &disk, &runtime.block_on(tables.shared_buffers())?);
    println!("{text}");
    if arguments.save { figures::save_records(&root, &text) } else { Ok(()) }
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn measure(
    runtime: &runtime::Runtime,
    tables: &mut Tables,
    stage: &Stage<'_>,
    arguments: &Arguments,
) -> Result<Figures> {
    let mut figures = Figures { rows: tables.both(), ..Figures::default() };
    figures.all = read(runtime, tables, stage, tables.both())?;
    figures.newest = read(runtime, tables, stage, rows::ROWS_A_DAY.min(tables.both()))?;
    figures.bytes = runtime.block_on(tables.bytes(Table::Records))? / tables.records;
    figures.plain_bytes = runtime.block_on(tables.bytes(Table::Plain))? / tables.plain;
    let mut writers = Writers::start(stage)?;
    let (mut copy, mut plain, mut writer, mut function, mut kafka) = (vec![], vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        eprintln!("bench: round {round}");
        copy.push(runtime.block_on(tables.copy_more(Table::Records, MEASURED))?);
        plain.push(runtime.block_on(tables.copy_more(Table::Plain, MEASURED))?);
        writer.push(runtime.block_on(writers.write(tables, MEASURED))?);
        let before = writers.process.cpu_us()?;
        function.push(writers.invoke(tables, MEASURED)?);
        figures.cpu_us = (writers.process.cpu_us()? - before) / (MEASURED / 100);
        if let Some(broker) = &arguments.kafka {
            kafka.push(writers::through_kafka(runtime, broker, &mut writers, tables, MEASURED)?);
        }
    }
    let rate_of = |took| rate(MEASURED, median(took));
    (figures.copy, figures.plain_copy) = (rate_of(copy), rate_of(plain));
    (figures.writer, figures.function) = (rate_of(writer), rate_of(function));
    figures.kafka = (!kafka.is_empty()).then(|| rate_of(kafka));
    figures.mixed = writers::read_while_writing(runtime, &mut writers, tables, stage, MEASURED)?;
    figures.peak_kib = writers.process.peak_kib()?;
    Ok(figures)
}

/// Reads random rows of the newest by id, and the hours before them by source, of both tables in turns, after a warm-up.
///
/// The newest day is read most often, so it is measured from the cache: its warm-up is long enough to load it.
fn read(runtime: &runtime::Runtime, tables: &Tables, stage: &Stage<'_>, newest: u64) -> Result<Reads> {
    let reader = writers::store(stage)?;
    let warm_up = if newest <= rows::ROWS_A_DAY { WARM_UP } else { READS / 10 };
    runtime.block_on(async {
        let mut reads = Reads::default();
        for read in 0..warm_up + READS {
            let number = tables.both() - 1 - rows::mix(read) % newest;
            let began = Instant::now();
            let found = reader.get(rows::id(number)?).await.map_err(|failure| failure.to_string())?;
            let get = micros(began);
            if !matches!(found, RecordLookup::Found { .. }) {
                return Err(format!("record {number} is missing"));
            }
            let (source, from, to) = tables::range(number)?;
            let query = RecordQuery { source: SourceName::parse(&source)?, from, to, after: None, limit: 100 };
            let began = Instant::now();
            let page = reader.list(&query).await.map_err(|failure| failure.to_string())?;
            let range = micros(began);
            if page.records.is_empty() {
                return Err(format!("no records before {number}"));
            }
            let (plain_get, plain_range) = (tables.read_plain(number).await?, tables.range_plain(number).await?);
            if read >= warm_up {
                reads.get.push(get);
                reads.range.push(range);
                reads.plain_get.push(plain_get);
                reads.plain_range.push(plain_range);
            }
        }
        Ok(reads)
    })
}

fn table(found: &[Figures]) -> String {
    let mut text = String::from(
        "| rows | bare COPY rows/s | writer rows/s | ÷ bare | function rows/s | through Kafka rows/s | plain COPY rows/s | \
         by id while writing p99 ms | bytes a row | plain |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for one in found {
        let cells = [
            one.rows.to_string(),
            one.copy.to_string(),
            one.writer.to_string(),
            ratio(one.writer, one.copy),
            one.function.to_string(),
            one.kafka.map_or_else(|| "-".to_owned(), |rate| rate.to_string()),
            one.plain_copy.to_string(),
            milliseconds(percentile(&one.mixed, 99)),
            one.bytes.to_string(),
            one.plain_bytes.to_string(),
        ];
        writeln!(text, "| {} |", cells.join(" | ")).unwrap_or_default();
    }
    text.push_str(
        "\n| rows | reads of | by id p50 / p99 ms | range p50 / p99 ms | plain by id p50 / p99 ms | plain range p50 / p99 ms |\n\
         |--:|---|--:|--:|--:|--:|\n",
    );
    let both =
        |times: &[u64]| format!("{} / {}", milliseconds(percentile(times, 50)), milliseconds(percentile(times, 99)));
    for one in found {
        for (of, reads) in [("the newest day", &one.newest), ("all days", &one.all)] {
            let times = [&reads.get, &reads.range, &reads.plain_get, &reads.plain_range].map(|times| both(times));
            writeln!(text, "| {} | {of} | {} |", one.rows, times.join(" | ")).unwrap_or_default();
        }
    }
    text
}

/// What the largest table has of the smallest: rates, and latencies by id and by range.
fn comparison(found: &[Figures]) -> String {
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return String::new() };
    let mut text = format!(
        "- {} against {} rows: rate of the writer × {}, of the function × {}, of bare COPY × {}, of COPY into the plain table × {}\n",
        last.rows,
        first.rows,
        ratio(last.writer, first.writer),
        ratio(last.function, first.function),
        ratio(last.copy, first.copy),
        ratio(last.plain_copy, first.plain_copy),
    );
    for (of, first, last) in [("the newest day", &first.newest, &last.newest), ("all days", &first.all, &last.all)] {
        let times = |of: fn(&Reads) -> &Vec<u64>| {
            let of = |percent| ratio(percentile(of(last), percent), percentile(of(first), percent));
            format!("p50 × {}, p99 × {}", of(50), of(99))
        };
        writeln!(
            text,
            "- the same for reads of {of}: by id {}; by range {}; of the plain table by id {}; by range {}",
            times(|reads| &reads.get),
            times(|reads| &reads.range),
            times(|reads| &reads.plain_get),
            times(|reads| &reads.plain_range),
        )
        .unwrap_or_default();
    }
    format!(
        "{text}- the function: {} MiB at the peak, {} ms of a processor for 1 000 records",
        last.peak_kib >> 10,
        ratio(last.cpu_us, 100),
    )
}

fn section(root: &Path, found: &[Figures], disk: &str, buffers: &str) -> String {
    format!(
        "## Records\n\n\
         Written by `scripts/bench records --save`. The table of records (partitions of {} rows, ids with their time) beside a plain table with\n\
         random keys (UUIDv4): the same columns, rows with {} bytes of payload, two indexes each. PostgreSQL with fsync on this machine's disk and\n\
         {buffers} of shared buffers. Both are filled by COPY; the plain table gets its indexes when it is full.\n\n{}\n{}\n\
         - rates: {MEASURED} rows at the end of the table in transactions of {}, median of {ROUNDS} rounds in which the ways take turns; one connection\n\
         - writer: `RecordWriter::write`, with sums and positions; function: `record-write` over the Lambda Runtime API, with events as Lambda sends them\n\
         - reads: {READS} random rows by id, and the newest 100 of a source in an hour, by the store with its round trip; those of the newest day \
         after {WARM_UP} reads that load it into the cache; this machine has {} GiB of memory\n\
         - {disk}\n{}\n",
        rows::ROWS_A_DAY,
        rows::PAYLOAD_BYTES,
        table(found),
        comparison(found),
        tables::BATCH,
        disk::memory_gib(),
        figures::machine(root),
    )
}
