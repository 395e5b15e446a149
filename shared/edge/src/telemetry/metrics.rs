//! Metrics in CloudWatch's embedded metric format (EMF): log lines that CloudWatch turns into metrics, without an API call.
//!
//! Values are collected during an invocation and written when it ends, with the dimensions `service` and `function_name`, in the line
//! that sums up the invocation: an invocation without failures writes one line. Before
//! [`init`](super::init) nothing is collected, so tests and simulations are not affected.

use super::{Identity, identity, spans, write_line};
use kernel::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Limit of CloudWatch for values per metric and for metrics per line.
const PER_LINE: usize = 100;

/// Unit of a value, as in CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things that were counted, without a unit.
    Count,
    /// Durations.
    Milliseconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

static COLLECTED: Mutex<Collected> =
    Mutex::new(Collected { counts: BTreeMap::new(), values: BTreeMap::new(), summary: Vec::new() });

#[derive(Debug, Default)]
struct Collected {
    counts: BTreeMap<&'static str, u64>,
    values: BTreeMap<&'static str, (Unit, Vec<Value>)>,
    /// Members of the line that sums up the invocation.
    summary: Vec<(&'static str, Value)>,
}

/// Keeps the line that sums up an invocation, whose members the first metrics line will have. Before [`init`](super::init) there will be
/// none: returns false.
pub(super) fn sum_up(members: &[(&'static str, Value)]) -> bool {
    collect(|collected| collected.summary = members.to_vec());
    identity().is_some()
}

/// Adds `n` to the count `name`.
pub fn count(name: &'static str, n: u64) {
    collect(|collected| {
        let count = collected.counts.entry(name).or_default();
        *count = count.saturating_add(n);
    });
}

/// Adds one to each of the counts `names`.
pub fn count_each(names: impl IntoIterator<Item = &'static str>) {
    names.into_iter().for_each(|name| count(name, 1));
}

/// Records one `value` of the metric `name`. A value that is not a number is ignored.
pub fn value(name: &'static str, unit: Unit, value: impl Into<serde_json::Value>) {
    let value = value.into();
    if value.is_number() {
        collect(|collected| collected.values.entry(name).or_insert_with(|| (unit, Vec::new())).1.push(value));
    }
}

fn collect(record: impl FnOnce(&mut Collected)) {
    if identity().is_some() {
        record(&mut COLLECTED.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Writes the collected metrics and spans, at the end of each invocation.
pub(crate) fn flush() {
    let Some(identity) = identity() else { return };
    let collected = std::mem::take(&mut *COLLECTED.lock().unwrap_or_else(PoisonError::into_inner));
    let now = Timestamp::now();
    let mut lines = collected.lines(identity, now);
    let spans = spans::take(now);
    if let Some(Value::Object(line)) = lines.first_mut().filter(|_| !spans.is_empty()) {
        line.insert("spans".to_owned(), json!(spans));
    }
    for line in lines {
        write_line(format!("{line}\n").as_bytes());
    }
}

impl Collected {
    fn lines(mut self, identity: &Identity, now: Timestamp) -> Vec<Value> {
        let mut lines = Vec::new();
        while !self.counts.is_empty() || !self.values.is_empty() {
            let mut definitions = Vec::new();
            let mut numbers = Map::new();
            while definitions.len() < PER_LINE
                && let Some((name, count)) = self.counts.pop_first()
            {
                definitions.push(json!({ "Name": name, "Unit": Unit::Count.name() }));
                numbers.insert(name.to_owned(), json!(count));
            }
            let mut left = BTreeMap::new();
            for (name, (unit, mut values)) in std::mem::take(&mut self.values) {
                let rest = match definitions.len() < PER_LINE {
                    true => values.split_off(values.len().min(PER_LINE)),
                    false => std::mem::take(&mut values),
                };
                if !values.is_empty() {
                    definitions.push(json!({ "Name": name, "Unit": unit.name() }));
                    numbers.insert(name.to_owned(), Value::Array(values));
                }
                if !rest.is_empty() {
                    left.insert(name, (unit, rest));
                }
            }
            self.values = left;
            lines.push(line(identity, now, &definitions, numbers));
        }
        let summary = self.summary.into_iter().map(|(name, value)| (name.to_owned(), value));
        match lines.first_mut() {
            Some(Value::Object(first)) => first.extend(summary),
            _ if summary.len() > 0 => lines.push(Value::Object(summary.collect())),
            _ => {}
        }
        lines
    }
}

fn line(identity: &Identity, now: Timestamp, definitions: &[Value], mut members: Map<String, Value>) -> Value {
    let directive = json!({
        "Timestamp": now.as_millisecond(),
        "CloudWatchMetrics": [{
            "Namespace": identity.namespace,
            "Dimensions": [["service", "function_name"]],
            "Metrics": definitions,
        }],
    });
    members.insert("_aws".to_owned(), directive);
    members.insert("service".to_owned(), json!(identity.service));
    members.insert("function_name".to_owned(), json!(identity.function));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(collected: Collected) -> Vec<Value> {
        let identity = Identity { service: "orders".into(), function: "thing-do", namespace: "Orders".into() };
        collected.lines(&identity, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn line_names_its_metrics_units_and_dimensions() {
        let mut collected = Collected::default();
        collected.counts.insert("OrdersPlaced", 2);
        collected.values.insert("Latency", (Unit::Milliseconds, vec![json!(5), json!(7)]));
        let lines = lines_of(collected);
        assert_eq!(lines.len(), 1);
        let metrics = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], "Orders");
        assert_eq!(metrics["Dimensions"], json!([["service", "function_name"]]));
        assert_eq!(
            metrics["Metrics"],
            json!([{ "Name": "OrdersPlaced", "Unit": "Count" }, { "Name": "Latency", "Unit": "Milliseconds" }])
        );
        assert_eq!(lines[0]["OrdersPlaced"], 2);
        assert_eq!(lines[0]["Latency"], json!([5, 7]));
        assert_eq!(lines[0]["function_name"], "thing-do");
    }

    #[test]
    fn more_than_a_hundred_values_continue_in_another_line() {
        let mut collected = Collected::default();
        collected.values.insert("Latency", (Unit::Milliseconds, (0..250).map(Value::from).collect()));
        let sizes: Vec<_> = lines_of(collected).iter().map(|l| l["Latency"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [100, 100, 50]);
    }

    #[test]
    fn line_that_sums_up_the_invocation_is_the_first_metrics_line() {
        let summary = || vec![("message", json!("batch finished")), ("records.processed", json!(3))];
        let mut collected = Collected { summary: summary(), ..Collected::default() };
        collected.values.insert("Latency", (Unit::Milliseconds, (0..150).map(Value::from).collect()));
        let lines = lines_of(collected);
        assert_eq!((lines.len(), &lines[0]["message"]), (2, &json!("batch finished")));
        assert_eq!(lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"], "Latency");
        assert_eq!((&lines[0]["records.processed"], lines[1].get("message")), (&json!(3), None));
        let alone = lines_of(Collected { summary: summary(), ..Collected::default() });
        assert_eq!(alone, [json!({ "message": "batch finished", "records.processed": 3 })]);
    }

    #[test]
    fn nothing_is_written_without_values() {
        assert!(lines_of(Collected::default()).is_empty());
    }
}
