//! Every alarm leads to a runbook, and observes something that exists.

use super::{
    expect_none,
    sources::{Source, entries, with_extension},
};
use catalog::{ALARMS, Alarm, BURN_RATES, FUNCTIONS, JOURNEYS, Signal, Statistic};
use std::collections::{BTreeMap, BTreeSet};
use xtask::codegen::alarms::{Expanded, expand, expanded};

/// Metrics that no alarm observes: they count ordinary work, or part of what another metric shows.
const NOT_ALARMED: [&str; 22] = [
    "CacheHits",
    "CacheMisses",
    "ClientErrors",
    "ColdStarts",
    "DuplicateChargesReturned",
    "ErasuresOpen",
    "EventsTooOld",
    "Invocations",
    "Latency",
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
    "ServerErrors",
    "WebhooksOfOthers",
    "WindowsCorrected",
];

/// Runbooks that a decision begins, not an alarm.
const WITHOUT_ALARM: [&str; 2] = ["region-failover", "restore"];

fn runbooks() -> BTreeSet<String> {
    let stem = |path: &std::path::PathBuf| path.file_stem()?.to_str().map(str::to_owned);
    entries(&xtask::root().join("docs/runbooks")).iter().filter_map(stem).filter(|name| name != "README").collect()
}

/// Production code that emits metrics: outside tests, the catalog and the fakes.
fn emitters() -> Vec<Source> {
    let is_emitter = |source: &Source| {
        (source.path.starts_with("functions/") || source.path.starts_with("shared/"))
            && !["shared/catalog/", "shared/testkit/"].iter().any(|part| source.path.starts_with(part))
            && source.text.contains("metrics")
    };
    with_extension("rs").into_iter().filter(is_emitter).collect()
}

/// Whether the function, or a shared crate, has the metric's name as a literal beside calls of `metrics`.
fn is_emitted(alarm: &Alarm, emitters: &[Source]) -> bool {
    let literal = format!("\"{}\"", alarm.metric);
    emitters.iter().filter(|source| source.text.contains(&literal)).any(|source| match alarm.signal {
        Signal::Emitted(function) => {
            source.path.starts_with(&format!("functions/{}/", function.name)) || source.path.starts_with("shared/")
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
        .flat_map(|source| emitted_names(&source.text).into_iter().map(|name| (source.path.clone(), name)))
        .filter(|(_, name)| !known.contains(name.as_str()))
        .map(|(path, name)| format!("{path} emits {name}"))
        .collect();
    expect_none(&complaints, "add a row to shared/catalog/src/alarms.rs, or the name to NOT_ALARMED");
}

/// Prometheus has a counter of each count and a gauge of each value: a rule about the other kind would see nothing.
#[test]
fn alarms_on_sums_observe_counts_and_the_others_values() {
    let literals = |call: &'static str| -> BTreeSet<String> {
        let literal = |after: &str| after.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned);
        emitters()
            .iter()
            .flat_map(|source| source.text.split(call).skip(1).filter_map(literal).collect::<Vec<_>>())
            .collect()
    };
    let (counts, values) = (literals("metrics::count("), literals("metrics::value("));
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

/// Literals that are the first argument of a call of `metrics`, or a constant of capitals in a file that has such calls.
fn emitted_names(text: &str) -> Vec<String> {
    let production = text.split("#[cfg(test)]").next().unwrap_or_default();
    let literal = |after: &str| after.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned);
    let calls = ["metrics::count(", "metrics::value("].into_iter().flat_map(|call| production.split(call).skip(1));
    let constants = production.lines().filter_map(|line| line.split_once(": &str = ")).map(|(_, value)| value);
    let is_metric = |name: &String| name.starts_with(|first: char| first.is_ascii_uppercase()) && !name.contains(' ');
    calls.filter_map(literal).chain(constants.filter_map(literal)).filter(is_metric).collect()
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
