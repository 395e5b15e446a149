//! The alarm rows of the catalog, one alarm per resource, and the service level objectives.

use super::names::{UNDELIVERED, dead_letter_queue};
use catalog::{
    ALARMS, Alarm, BURN_RATES, Comparison, Context, FUNCTIONS, Function, FunctionKind, JOURNEYS, Signal, Trigger,
};
use serde_json::{Map, Value, json};

/// Milliseconds in one percent of a second, in which timeouts are.
const MS_PER_PERCENT: u32 = 10;

/// The value of a metric's dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    Literal(&'static str),
    /// A name of the catalog, with the environment's prefix before it and possibly `-dlq` after it.
    Physical(&'static str, Suffix),
    /// Of a resource whose identifier only Terraform knows.
    Resource(&'static str),
}

/// What follows the name of the catalog in a physical name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suffix {
    None,
    DeadLetterQueue,
}

impl Dimension {
    /// The text with `${prefix}`, or the name of the resource, as a placeholder.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Literal(text) => text.to_owned(),
            Self::Physical(name, Suffix::None) => format!("${{prefix}}-{name}"),
            Self::Physical(name, Suffix::DeadLetterQueue) => format!("${{prefix}}-{}", dead_letter_queue(name)),
            Self::Resource(name) => format!("${{{name}}}"),
        }
    }

    fn in_terraform(self) -> Value {
        match self {
            Self::Literal(text) => json!({ "literal": text }),
            Self::Physical(name, Suffix::None) => json!({ "physical": name }),
            Self::Physical(name, Suffix::DeadLetterQueue) => json!({ "physical": dead_letter_queue(name) }),
            Self::Resource(name) => json!({ "resource": name }),
        }
    }
}

/// One alarm of one resource.
#[derive(Debug)]
pub struct Expanded {
    pub name: String,
    pub row: &'static Alarm,
    pub function: Option<&'static Function>,
    pub dimensions: Vec<(&'static str, Dimension)>,
}

impl Expanded {
    /// The value that the metric is compared with; none for a band.
    #[must_use]
    pub fn threshold(&self) -> Option<f64> {
        match self.row.comparison {
            Comparison::Above(value) | Comparison::AtLeast(value) | Comparison::Below(value) => Some(value),
            Comparison::AboveTimeoutPercent(percent) => {
                let timeout = self.function.map_or(0, |function| function.timeout_s);
                Some(f64::from(timeout * percent * MS_PER_PERCENT))
            }
            Comparison::BelowBand(_) => None,
        }
    }
}

/// Every alarm, in the order of the rows.
#[must_use]
pub fn expanded() -> Vec<Expanded> {
    ALARMS.iter().flat_map(expand).collect()
}

/// The alarms of a row.
#[must_use]
pub fn expand(row: &'static Alarm) -> Vec<Expanded> {
    let one = |target: Option<&str>, function, dimensions| Expanded {
        name: target.map_or_else(|| row.name.to_owned(), |target| format!("{}-{target}", row.name)),
        row,
        function,
        dimensions,
    };
    let physical = |dimension, name| vec![(dimension, Dimension::Physical(name, Suffix::None))];
    let resource = |pairs: &[(&'static str, &'static str)]| {
        vec![one(None, None, pairs.iter().map(|(dimension, name)| (*dimension, Dimension::Resource(name))).collect())]
    };
    match row.signal {
        Signal::Emitted(function) => vec![one(None, Some(function), emitted_by(function))],
        Signal::EmittedByEach(kind) => {
            functions(kind).map(|function| one(Some(function.name), Some(function), emitted_by(function))).collect()
        }
        Signal::EmittedByAny | Signal::Email | Signal::Trail(_) => vec![one(None, None, Vec::new())],
        Signal::Lambda(FunctionKind::Only(name)) => {
            vec![one(None, catalog::find(name), physical("FunctionName", name))]
        }
        Signal::Lambda(kind) => functions(kind)
            .map(|function| one(Some(function.name), Some(function), physical("FunctionName", function.name)))
            .collect(),
        Signal::Queues(contexts) => consumers(contexts, Function::has_queue)
            .map(|function| one(Some(function.name), Some(function), physical("QueueName", function.name)))
            .collect(),
        Signal::DeadLetterQueues(contexts) => consumers(contexts, Function::has_dead_letter_queue)
            .map(|function| {
                let queue = Dimension::Physical(function.name, Suffix::DeadLetterQueue);
                one(Some(function.name), Some(function), vec![("QueueName", queue)])
            })
            .collect(),
        Signal::Undelivered => vec![one(None, None, physical("QueueName", UNDELIVERED))],
        Signal::Tables => each(catalog::TABLES, |table| one(Some(table.name), None, physical("TableName", table.name))),
        Signal::Streams => each(catalog::STREAMS, |one_| one(Some(one_.name), None, physical("StreamName", one_.name))),
        Signal::Topics => each(catalog::TOPICS, |topic| one(Some(topic.name), None, physical("TopicName", topic.name))),
        Signal::Api => resource(&[("ApiId", "api_id"), ("Stage", "api_stage")]),
        Signal::Database => resource(&[("DBClusterIdentifier", "database_cluster")]),
        Signal::DatabaseProxy => resource(&[("ProxyName", "database_proxy")]),
        Signal::KafkaCluster => resource(&[("Cluster Name", "kafka_cluster")]),
        Signal::Certificate => resource(&[("CertificateArn", "certificate_arn")]),
    }
}

fn each<T>(rows: &'static [&'static T], expand: impl Fn(&'static T) -> Expanded) -> Vec<Expanded> {
    rows.iter().map(|row| expand(row)).collect()
}

fn consumers(contexts: &'static [Context], has: impl Fn(&Function) -> bool) -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().copied().filter(move |function| contexts.contains(&function.context) && has(function))
}

fn functions(kind: FunctionKind) -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().copied().filter(move |function| is_of(function, kind))
}

fn is_of(function: &Function, kind: FunctionKind) -> bool {
    match (kind, function.trigger) {
        (FunctionKind::Every, _)
        | (FunctionKind::Http, Trigger::Http { .. } | Trigger::DefaultRoute)
        | (FunctionKind::Stream, Trigger::Stream(..) | Trigger::TableChanges(_))
        | (FunctionKind::Kafka, Trigger::Kafka(_))
        | (FunctionKind::Objects, Trigger::Objects(..)) => true,
        (FunctionKind::Scheduled(at_most, above), Trigger::Schedule { minutes }) => {
            above < minutes && minutes <= at_most
        }
        _ => false,
    }
}

/// The dimensions of what `edge::telemetry::metrics` writes.
#[must_use]
pub fn emitted_by(function: &'static Function) -> Vec<(&'static str, Dimension)> {
    vec![("service", Dimension::Literal(function.context.name())), ("function_name", Dimension::Literal(function.name))]
}

/// The namespace of a signal in CloudWatch.
#[must_use]
pub fn namespace(signal: Signal) -> String {
    let name = match signal {
        Signal::Emitted(_) | Signal::EmittedByEach(_) | Signal::EmittedByAny => catalog::PREFIX,
        Signal::Trail(_) => return format!("{}/trail", catalog::PREFIX),
        Signal::Lambda(_) => "AWS/Lambda",
        Signal::Queues(_) | Signal::DeadLetterQueues(_) | Signal::Undelivered => "AWS/SQS",
        Signal::Tables => "AWS/DynamoDB",
        Signal::Streams => "AWS/Kinesis",
        Signal::Topics => "AWS/SNS",
        Signal::Api => "AWS/ApiGateway",
        Signal::Database | Signal::DatabaseProxy => "AWS/RDS",
        Signal::KafkaCluster => "AWS/Kafka",
        Signal::Certificate => "AWS/CertificateManager",
        Signal::Email => "AWS/SES",
    };
    name.to_owned()
}

/// `value` divided by ten to the power of `places`: 144 and 1 give `14.4`.
#[must_use]
pub fn decimal(value: u32, places: usize) -> String {
    let digits = format!("{value:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// The same as a number.
fn number(value: u32, places: usize) -> Option<f64> {
    decimal(value, places).parse().ok()
}

/// `alarms` in `terraform/catalog.json`.
pub(super) fn in_terraform() -> Value {
    Value::Object(expanded().iter().map(|alarm| (alarm.name.clone(), row(alarm))).collect::<Map<_, _>>())
}

fn row(alarm: &Expanded) -> Value {
    let row = alarm.row;
    let namespace = namespace(row.signal);
    let query = matches!(row.signal, Signal::EmittedByAny)
        .then(|| format!("SELECT {}(\"{}\") FROM \"{namespace}\"", row.statistic.name().to_uppercase(), row.metric));
    let dimensions: Map<_, _> =
        alarm.dimensions.iter().map(|(name, value)| ((*name).to_owned(), value.in_terraform())).collect();
    json!({
        "summary": row.summary,
        "runbook": format!("docs/runbooks/{}.md", row.runbook),
        "severity": row.severity.name(),
        "namespace": namespace,
        "metric": row.metric,
        "statistic": row.statistic.name(),
        "dimensions": dimensions,
        "query": query,
        "pattern": match row.signal { Signal::Trail(pattern) => Some(pattern), _ => None },
        "function": alarm.function.map(|function| function.name),
        "comparison": match row.comparison {
            Comparison::Above(_) | Comparison::AboveTimeoutPercent(_) => "GreaterThanThreshold",
            Comparison::AtLeast(_) => "GreaterThanOrEqualToThreshold",
            Comparison::Below(_) => "LessThanThreshold",
            Comparison::BelowBand(_) => "LessThanLowerThreshold",
        },
        "threshold": alarm.threshold(),
        "band": match row.comparison { Comparison::BelowBand(deviations) => Some(deviations), _ => None },
        "period_s": row.period_s,
        "datapoints": row.datapoints.0,
        "periods": row.datapoints.1,
        "missing": if row.missing_data_breaches { "breaching" } else { "notBreaching" },
    })
}

/// `journeys` in `terraform/catalog.json`.
pub(super) fn journeys() -> Value {
    let row = |journey: &catalog::Journey| {
        let functions = journey
            .functions
            .iter()
            .map(|function| json!({ "name": function.name, "context": function.context.name() }));
        let value = json!({
            "summary": journey.summary,
            "runbook": format!("docs/runbooks/{}.md", catalog::JOURNEY_RUNBOOK),
            "functions": functions.collect::<Vec<_>>(),
            "available": number(journey.available_permille, 3),
            "mean_ms": journey.mean_ms,
            "fast": number(journey.fast.permille(), 3),
            "within_ms": journey.within_ms,
        });
        (journey.name.to_owned(), value)
    };
    Value::Object(JOURNEYS.iter().map(row).collect())
}

/// `burn_rates` in `terraform/catalog.json`.
pub(super) fn burn_rates() -> Value {
    let row = |rate: &catalog::BurnRate| {
        let value = json!({
            "factor": number(rate.factor_tenths, 1),
            "long_s": rate.long_s,
            "short_s": rate.short_s,
            "severity": rate.severity.name(),
        });
        (rate.name.to_owned(), value)
    };
    Value::Object(BURN_RATES.iter().map(row).collect())
}
