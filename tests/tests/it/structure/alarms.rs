//! Every alarm leads to a runbook, and observes something that exists.

use super::{
    calls::Argument,
    expect_none,
    sources::{Source, entries},
    syntax::{RustFile, parse_all, rust_files},
};
use catalog::{ALARMS, Alarm, BURN_RATES, FUNCTIONS, JOURNEYS, Signal, Statistic};
use std::collections::{BTreeMap, BTreeSet};
use xtask::codegen::alarms::{Expanded, expand, expanded};

/// Metrics that no alarm observes: they count ordinary work, or part of what another metric shows.
const NOT_ALARMED: [&str; 24] = [
    "CacheHits",
    "CacheMisses",
    "ClientErrors",
    "ColdStarts",
    "DisputesLost",
    "DuplicateChargesReturned",
    "ErasuresOpen",
    "EventsTooOld",
    "Invocations",
    "Latency",
    "OrdersAwaitingCustomer",
    "OrdersPaymentDeclined",
    "RecordDaysDue",
    "RecordsDeadLettered",
    "RecordsFailed",
    "RecordsProcessed",
    "RecordsRepeated",
    "RecordsSkipped",
    "RecordsWritten",
    "RefundsAwaitingApproval",
    "ReservationsExpired",
    "WebhooksIgnored",
    "WebhooksOfOthers",
    "WindowsCorrected",
];

/// Words of files with metrics that look like the name of one.
const OTHER_WORDS: [&str; 1] = ["AuthRequest"];

/// Runbooks that a decision begins, not an alarm.
const WITHOUT_ALARM: [&str; 2] = ["region-failover", "restore"];

fn runbooks() -> BTreeSet<String> {
    let stem = |path: &std::path::PathBuf| path.file_stem()?.to_str().map(str::to_owned);
    entries(&xtask::root().join("docs/runbooks")).iter().filter_map(stem).filter(|name| name != "README").collect()
}

/// Files whose code emits metrics: outside the catalog, the fakes and the module that writes metrics.
fn emitters() -> Vec<&'static RustFile> {
    let others = ["shared/catalog/", "shared/testkit/", "shared/edge/src/telemetry/"];
    let is_emitter = |file: &&RustFile| {
        (file.path.starts_with("functions/") || file.path.starts_with("shared/"))
            && !others.iter().any(|part| file.path.starts_with(part))
            && file.production.contains("metrics")
    };
    rust_files().iter().filter(is_emitter).collect()
}

/// Whether the function, or a shared crate, has the metric's name as a literal beside calls of `metrics`.
fn is_emitted(alarm: &Alarm, emitters: &[&RustFile]) -> bool {
    let names = |file: &&&RustFile| {
        file.literals.iter().any(|literal| !literal.is_in_test_code && literal.text == alarm.metric)
    };
    emitters.iter().filter(names).any(|file| match alarm.signal {
        Signal::Emitted(function) => {
            file.path.starts_with(&format!("functions/{}/", function.name)) || file.path.starts_with("shared/")
        }
        _ => true,
    })
}

#[test]
fn every_alarm_has_a_runbook_and_every_runbook_an_alarm() {
    let used: BTreeSet<_> =
        ALARMS.iter().map(|alarm| alarm.runbook).chain([catalog::JOURNEY_RUNBOOK]).map(str::to_owned).collect();
    let found = runbooks();
    let missing = used.difference(&found).map(|name| format!("docs/runbooks/{name}.md does not exist"));
    let unused = found.difference(&used).filter(|name| !WITHOUT_ALARM.contains(&name.as_str()));
    let unused = unused.map(|name| format!("no alarm names docs/runbooks/{name}.md"));
    expect_none(&missing.chain(unused).collect::<Vec<_>>(), "write what it means, how to see it and what to do");
}

#[test]
fn every_runbook_names_its_alarms_and_says_what_to_do() {
    let mut complaints = Vec::new();
    for alarm in ALARMS {
        let path = xtask::root().join(format!("docs/runbooks/{}.md", alarm.runbook));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let parts = ["## What it means", "## How to see it", "## What to do"];
        let lacks = parts.into_iter().filter(|part| !text.contains(part)).map(str::to_owned);
        let unnamed = (!text.contains(&format!("`{}", alarm.name))).then(|| format!("the name {}", alarm.name));
        complaints.extend(lacks.chain(unnamed).map(|what| format!("{}.md lacks {what}", alarm.runbook)));
    }
    expect_none(&complaints, "complete the runbook");
}

#[test]
fn every_custom_metric_of_an_alarm_is_emitted_by_code() {
    let emitters = emitters();
    let missing = ALARMS.iter().filter(|alarm| alarm.is_emitted() && !is_emitted(alarm, &emitters));
    let complaints: Vec<_> = missing.map(|alarm| format!("{}: nothing emits {}", alarm.name, alarm.metric)).collect();
    expect_none(&complaints, "name a metric that `metrics::count` or `metrics::value` is called with");
    let invented = Alarm { metric: "Invented", ..ALARMS[0] };
    assert!(!is_emitted(&invented, &emitters));
}

#[test]
fn every_metric_that_code_emits_has_an_alarm_or_is_ordinary() {
    let known: BTreeSet<_> = ALARMS.iter().map(|alarm| alarm.metric).chain(NOT_ALARMED).collect();
    let complaints: Vec<_> = emitters()
        .iter()
        .flat_map(|file| emitted_names(file).into_iter().map(move |name| (&file.path, name)))
        .filter(|(_, name)| !known.contains(name) && !OTHER_WORDS.contains(name))
        .map(|(path, name)| format!("{path} emits {name}"))
        .collect();
    expect_none(&complaints, "add a row to shared/catalog/src/alarms.rs, or the name to NOT_ALARMED");
}

/// Prometheus has a counter of each count and a gauge of each value: a rule about the other kind would see nothing.
#[test]
fn alarms_on_sums_observe_counts_and_the_others_values() {
    let names = |call| emitters().into_iter().flat_map(|file| names_in_calls(file, call)).collect::<BTreeSet<_>>();
    let (counts, values) = (names("metrics::count"), names("metrics::value"));
    let wrong = |alarm: &&Alarm| match alarm.statistic {
        Statistic::Sum => values.contains(alarm.metric),
        Statistic::Maximum | Statistic::Minimum => counts.contains(alarm.metric),
        Statistic::P99 => false,
    };
    let wrong = ALARMS.iter().filter(|alarm| alarm.is_emitted()).filter(wrong);
    let complaints: Vec<_> = wrong.map(|alarm| format!("{} observes {}", alarm.name, alarm.metric)).collect();
    expect_none(&complaints, "emit what happens with `metrics::count` and what is with `metrics::value`");
    assert!(!counts.is_empty() && !values.is_empty());
}

/// First arguments of the calls of this function outside of tests: literals, and constants of the same file.
fn names_in_calls<'a>(file: &'a RustFile, function: &str) -> Vec<&'a str> {
    let constant =
        |path: &str| file.constants.iter().find(|(name, _)| name == path).map(|(_, text)| text.text.as_str());
    let calls = file.calls.iter().filter(|call| !call.is_in_test_code && call.function == function);
    let name = |argument: &'a Argument| match argument {
        Argument::Literal(name) => Some(name.as_str()),
        Argument::Path(path) => constant(path),
        Argument::Other => None,
    };
    calls.filter_map(|call| call.arguments.first().and_then(name)).collect()
}

/// The metrics of a file that emits some: the first arguments of the calls, and every literal outside of tests that has the form of a
/// name, since variables and tables hold others.
fn emitted_names(file: &RustFile) -> BTreeSet<&str> {
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.chars().all(|letter| letter.is_ascii_alphabetic())
            && text.chars().skip(1).any(|letter| letter.is_ascii_uppercase())
            && text.chars().any(|letter| letter.is_ascii_lowercase())
    };
    let literals = file.literals.iter().filter(|literal| !literal.is_in_test_code && is_name(&literal.text));
    let calls = ["metrics::count", "metrics::value"].into_iter().flat_map(|call| names_in_calls(file, call));
    calls.chain(literals.map(|literal| literal.text.as_str())).collect()
}

#[test]
fn names_of_metrics_are_found_in_calls_constants_and_tables_below_a_test_module() {
    let text = r#"
#[cfg(test)]
mod tests;
const OF_CONSTANT: &str = "OfConstant";
fn report(is_first: bool) {
    metrics::count("Once", 1);
    metrics::count(if is_first { "FirstOfAll" } else { "AnyOther" }, 1);
    metrics::value(
        OF_CONSTANT,
        metrics::Unit::Count,
        1,
    );
    send("GET", "Quayside", "A text.");
}
#[cfg(test)]
fn check() { metrics::count("OfTest", 1); }
"#;
    let files = parse_all(&[Source { path: "shared/a/src/lib.rs".to_owned(), text: text.to_owned() }]);
    let found: Vec<_> = emitted_names(&files[0]).into_iter().collect();
    assert_eq!(found, ["AnyOther", "FirstOfAll", "OfConstant", "Once"]);
    assert_eq!(names_in_calls(&files[0], "metrics::value"), ["OfConstant"]);
}

#[test]
fn names_of_alarms_are_unique() {
    let mut count = BTreeMap::<String, usize>::new();
    for alarm in expanded() {
        *count.entry(alarm.name).or_default() += 1;
    }
    let twice = count.into_iter().filter(|(_, count)| *count > 1);
    let complaints: Vec<_> = twice.map(|(name, _)| format!("{name} is the name of several alarms")).collect();
    expect_none(&complaints, "rename one, or make the selections of the rows disjoint");
}

#[test]
fn alarms_are_within_the_limits_of_cloudwatch() {
    let mut complaints = Vec::new();
    for alarm in ALARMS {
        let (breaching, considered) = alarm.datapoints;
        let span = alarm.period_s * considered;
        let limit = if alarm.period_s >= 3600 { 7 * 86_400 } else { 86_400 };
        if breaching == 0 || breaching > considered || span > limit || alarm.period_s % 60 != 0 {
            complaints.push(format!("{}: {breaching} of {considered} periods of {} s", alarm.name, alarm.period_s));
        }
        if expand(alarm).is_empty() {
            complaints.push(format!("{} selects nothing", alarm.name));
        }
    }
    for journey in JOURNEYS.iter().filter(|journey| !(1..=2).contains(&journey.functions.len())) {
        complaints.push(format!("{} has {} functions", journey.name, journey.functions.len()));
    }
    expect_none(&complaints, "see the limits of alarms in CloudWatch's documentation");
}

#[test]
fn every_consumer_has_an_alarm_on_its_dead_letters_and_its_delay() {
    let alarms = expanded();
    let observed = |metrics: &[&str], name: &str| {
        let is_about = |alarm: &&Expanded| alarm.function.is_some_and(|function| function.name == name);
        alarms.iter().filter(is_about).any(|alarm| metrics.contains(&alarm.row.metric))
    };
    let mut complaints = Vec::new();
    for function in FUNCTIONS.iter().filter(|function| function.has_dead_letter_queue()) {
        if !observed(&["ApproximateNumberOfMessagesVisible"], function.name) {
            complaints.push(format!("{}: dead letters", function.name));
        }
        if !observed(&["ApproximateAgeOfOldestMessage", "AsyncEventAge", "IteratorAge", "OffsetLag"], function.name) {
            complaints.push(format!("{}: delay", function.name));
        }
    }
    expect_none(&complaints, "let a row of the alarms select it");
}

#[test]
fn burn_rates_are_those_of_the_workbook() {
    let rows: Vec<_> =
        BURN_RATES.iter().map(|rate| (rate.factor_tenths, rate.long_s / 60, rate.short_s / 60)).collect();
    assert_eq!(rows, [(144, 60, 5), (60, 360, 30), (30, 1440, 120), (10, 4320, 360)]);
}
