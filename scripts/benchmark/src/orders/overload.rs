//! More orders than the function has room for, and a database that is away for a while.

use super::{
    driver::{Answer, Crew, Trouble},
    ground::said,
};
use crate::{
    environment::Stage,
    figures::{percentile, ratio},
    process::Process,
    scenarios,
};
use std::{fmt::Write as _, path::Path, time::Duration};
use tokio::runtime::Runtime;
use xtask::Result;

/// The reserved concurrency that the driver stands for.
pub const CONCURRENCY: usize = 4;
/// The overload, as a multiple of what the function can do.
pub const TIMES: u32 = 5;
/// How long a load lasts.
const LASTS: Duration = Duration::from_secs(2);
/// How often a peak is looked for, and the overload follows it.
pub const ROUNDS: u64 = 7;
/// How long the load on a troubled database lasts, in seconds, and the trouble within it.
const TROUBLED: u64 = 13;
const TROUBLE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];
/// Connections that the database takes when it takes few.
const FEW: u32 = 2;

/// The tables of it, in Markdown.
pub fn tables(root: &Path, directory: &Path, stage: &Stage<'_>, runtime: &Runtime) -> Result<String> {
    let row = catalog::ORDER_PLACE;
    let start = || Process::start(&directory.join(row.name), row.memory_mb, &stage.variables(row));
    let processes = (0..CONCURRENCY).map(|_| start()).collect::<Result<_>>()?;
    let event = scenarios::keyed(scenarios::sample(root, row)?);
    let mut crew = Crew { processes, event: &event };
    eprintln!("bench: the peak and the overload, by turns");
    // Connections are made, pages are read.
    crew.closed(Duration::from_secs(1))?;
    let (mut closed, mut open, mut peaks, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = crew.closed(LASTS)?;
        let peak = goodput(&before).max(1);
        let during = crew.open(TIMES * u32::try_from(peak).map_err(said)?, LASTS, None)?;
        peaks.push(peak);
        ratios.push(1_000 * goodput(&during) / peak);
        closed.extend(before);
        open.extend(during);
    }
    let mut text = String::from(
        "| load | offered/s | 201/s | 429/s | others | 201 p50 ms | 201 p99 ms |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for (name, answers) in [("closed loop", &closed), ("overload", &open)] {
        writeln!(text, "| {name} | {} |", load(answers).join(" | ")).unwrap_or_default();
    }
    let of = |percent| ratio(percentile(&ratios, percent), 1_000);
    writeln!(text, "\nGoodput under overload ÷ peak: **{}** ({} to {}).", of(50), of(1), of(100)).unwrap_or_default();
    let peak = u32::try_from(percentile(&peaks, 50)).map_err(said)?;
    let offered = (peak / 2).max(1);
    for (title, turns) in [
        ("The table of orders is locked", Turns::Lock),
        ("The database takes two connections and cuts the others", Turns::Few),
    ] {
        eprintln!("bench: {title}");
        let answers = troubled(&mut crew, offered, stage, runtime, turns)?;
        writeln!(
            text,
            "\n{title}, from second 2 to second 8; {offered} requests a second come.\n\n{}",
            seconds(&answers)
        )
        .unwrap_or_default();
    }
    Ok(text)
}

#[derive(Clone, Copy)]
enum Turns {
    Lock,
    Few,
}

fn troubled(crew: &mut Crew<'_>, rate: u32, stage: &Stage<'_>, runtime: &Runtime, turns: Turns) -> Result<Vec<Answer>> {
    let name = &stage.database.name;
    // Whoever limits the connections of a database must not be one of them.
    let owner = runtime.block_on(stage.database.owner(matches!(turns, Turns::Lock)))?;
    let turn = |begins: bool| {
        let sql = match (turns, begins) {
            (Turns::Lock, true) => "BEGIN; LOCK TABLE orders.orders IN ACCESS EXCLUSIVE MODE".to_owned(),
            (Turns::Lock, false) => "COMMIT".to_owned(),
            (Turns::Few, true) => format!(
                "ALTER DATABASE {name} CONNECTION LIMIT {FEW};
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
            (Turns::Few, false) => format!("ALTER DATABASE {name} CONNECTION LIMIT -1"),
        };
        runtime.block_on(owner.batch_execute(&sql)).map_err(said)
    };
    crew.open(rate, Duration::from_secs(TROUBLED), Some(&Trouble { from_to: TROUBLE, turn: &turn }))
}

fn count(answers: &[Answer], wanted: impl Fn(&Answer) -> bool) -> u64 {
    answers.iter().map(|answer| u64::from(wanted(answer))).sum()
}

/// Orders a second of one load.
fn goodput(answers: &[Answer]) -> u64 {
    count(answers, |answer| answer.status == 201) / LASTS.as_secs().max(1)
}

/// All rounds of a load.
fn load(answers: &[Answer]) -> [String; 6] {
    let took: Vec<_> = answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.took_us).collect();
    let a_second = |wanted: &dyn Fn(&Answer) -> bool| (count(answers, wanted) / (ROUNDS * LASTS.as_secs())).to_string();
    [
        a_second(&|_| true),
        a_second(&|answer| answer.status == 201),
        a_second(&|answer| answer.status == 429),
        count(answers, |answer| ![201, 429].contains(&answer.status)).to_string(),
        ratio(percentile(&took, 50), 1_000),
        ratio(percentile(&took, 99), 1_000),
    ]
}

/// What was answered in each second; what came later than the load lasted counts to the last.
fn seconds(answers: &[Answer]) -> String {
    let mut text = String::from("| second | 201 | 503 with Retry-After | 429 | others |\n|--:|--:|--:|--:|--:|\n");
    for second in 0..TROUBLED {
        let here = |answer: &Answer| answer.at.as_secs().min(TROUBLED - 1) == second;
        let is_told = |answer: &Answer| answer.status == 503 && answer.says_when;
        let cells = [
            count(answers, |answer| here(answer) && answer.status == 201),
            count(answers, |answer| here(answer) && is_told(answer)),
            count(answers, |answer| here(answer) && answer.status == 429),
            count(answers, |answer| here(answer) && !is_told(answer) && ![201, 429].contains(&answer.status)),
        ];
        writeln!(text, "| {second} | {} |", cells.map(|cell| cell.to_string()).join(" | ")).unwrap_or_default();
    }
    text
}
