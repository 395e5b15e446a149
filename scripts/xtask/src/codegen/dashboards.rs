//! Dashboards: one panel per alarm row and three per journey, for CloudWatch. `grafana` draws the same panels.
//!
//! `${prefix}`, `${region}` and the identifiers of resources are placeholders, which Terraform fills.

use super::{
    Artifact, COMMAND,
    alarms::{Dimension, Expanded, emitted_by, expand, namespace},
    grafana, pretty,
};
use crate::Result;
use catalog::{ALARMS, Journey, Signal};
use serde_json::{Map, Value, json};

/// Directory of the generated dashboards.
const DIRECTORY: &str = "terraform/dashboards";
/// Columns and rows of a panel; a dashboard of CloudWatch and of Grafana has 24 columns.
pub(super) const WIDTH: usize = 12;
pub(super) const HEIGHT: usize = 6;
pub(super) const COLUMNS: usize = 24;

pub struct Dashboard {
    pub name: &'static str,
    pub title: &'static str,
    pub panels: Vec<Panel>,
}

/// A diagram over time.
pub struct Panel {
    pub title: String,
    pub series: Vec<Series>,
    /// Labelled horizontal lines: thresholds and objectives.
    pub lines: Vec<(String, f64)>,
}

/// A line of a diagram.
pub struct Series {
    pub label: String,
    pub namespace: String,
    pub metric: &'static str,
    /// As CloudWatch names it.
    pub statistic: &'static str,
    pub dimensions: Vec<(&'static str, Dimension)>,
    /// Whether the series of all functions are added up.
    pub is_total: bool,
    pub period_s: u32,
}

/// The dashboards in both formats.
pub(super) fn render() -> Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    for board in boards() {
        let file = |kind: &str, content| Artifact { path: format!("{DIRECTORY}/{kind}/{}.json", board.name), content };
        artifacts.push(file("cloudwatch", pretty(cloudwatch(&board))?));
        artifacts.push(file("grafana", pretty(grafana::dashboard(&board))?));
    }
    Ok(artifacts)
}

#[must_use]
pub fn boards() -> Vec<Dashboard> {
    let rows = |is_shown: fn(Signal) -> bool| alarm_panels(is_shown);
    vec![
        Dashboard {
            name: "service-levels",
            title: "Service levels",
            panels: catalog::JOURNEYS.iter().flat_map(journey_panels).collect(),
        },
        Dashboard {
            name: "business",
            title: "Orders, payments and events",
            panels: rows(|signal| matches!(signal, Signal::Emitted(_) | Signal::EmittedByAny)),
        },
        Dashboard {
            name: "functions",
            title: "Functions",
            panels: rows(|signal| matches!(signal, Signal::Lambda(_) | Signal::EmittedByEach(_))),
        },
        Dashboard {
            name: "resources",
            title: "API, queues and stores",
            panels: rows(|signal| {
                let elsewhere = matches!(signal, Signal::Emitted(_) | Signal::EmittedByEach(_) | Signal::EmittedByAny);
                !elsewhere && !matches!(signal, Signal::Lambda(_) | Signal::Trail(_))
            }),
        },
    ]
}

/// One panel per name of an alarm row.
fn alarm_panels(is_shown: fn(Signal) -> bool) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for row in ALARMS.iter().filter(|row| is_shown(row.signal)) {
        let alarms = expand(row);
        let series = alarms.iter().map(series_of);
        // Thresholds that differ by function would be one line each.
        let line = alarms.first().filter(|_| alarms.iter().all(|one| one.threshold() == alarms[0].threshold()));
        let lines = line.and_then(Expanded::threshold).map(|value| (row.severity.name().to_owned(), value));
        match panels.iter_mut().find(|panel| panel.title == row.name) {
            Some(panel) => {
                panel.series.extend(series);
                panel.lines.extend(lines);
            }
            None => panels.push(Panel {
                title: row.name.to_owned(),
                series: series.collect(),
                lines: lines.into_iter().collect(),
            }),
        }
    }
    panels
}

fn series_of(alarm: &Expanded) -> Series {
    let row = alarm.row;
    let is_total = matches!(row.signal, Signal::EmittedByAny);
    Series {
        label: alarm.name.strip_prefix(&format!("{}-", row.name)).unwrap_or(row.metric).to_owned(),
        namespace: namespace(row.signal),
        metric: row.metric,
        statistic: row.statistic.name(),
        dimensions: alarm.dimensions.clone(),
        is_total,
        period_s: row.period_s,
    }
}

fn journey_panels(journey: &'static Journey) -> Vec<Panel> {
    let emitted = |metric: &'static str, statistic: &'static str| {
        journey.functions.iter().copied().map(move |function| Series {
            label: format!("{} {metric} {statistic}", function.name),
            namespace: catalog::PREFIX.to_owned(),
            metric,
            statistic,
            dimensions: emitted_by(function),
            is_total: false,
            period_s: 300,
        })
    };
    let milliseconds = |label: &str, value: u32| (label.to_owned(), f64::from(value));
    vec![
        Panel {
            title: format!("{}: requests and errors", journey.name),
            series: emitted("Invocations", "Sum").chain(emitted("ServerErrors", "Sum")).collect(),
            lines: Vec::new(),
        },
        Panel {
            title: format!("{}: duration", journey.name),
            series: emitted("Latency", "Average").chain(emitted("Latency", journey.fast.name())).collect(),
            lines: vec![milliseconds("mean", journey.mean_ms), milliseconds(journey.fast.name(), journey.within_ms)],
        },
    ]
}

fn cloudwatch(board: &Dashboard) -> Value {
    let widgets = board.panels.iter().enumerate().map(|(number, panel)| {
        json!({
            "type": "metric",
            "x": number * WIDTH % COLUMNS,
            "y": number * WIDTH / COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {
                "title": panel.title,
                "region": "${region}",
                "view": "timeSeries",
                "stacked": false,
                "metrics": panel.series.iter().map(metric).collect::<Vec<_>>(),
                "annotations": { "horizontal": panel.lines.iter()
                    .map(|(label, value)| json!({ "label": label, "value": value })).collect::<Vec<_>>() },
            },
        })
    });
    let note = json!({
        "type": "text", "x": 0, "y": board.panels.len().div_ceil(COLUMNS / WIDTH) * HEIGHT, "width": COLUMNS, "height": 1,
        "properties": { "markdown": format!("Generated by `{COMMAND}` from shared/catalog.") },
    });
    json!({ "widgets": widgets.chain([note]).collect::<Vec<_>>() })
}

/// A row of `metrics` in a widget.
fn metric(series: &Series) -> Value {
    if series.is_total {
        let search = format!(
            "SUM(SEARCH('{{{},function_name,service}} MetricName=\"{}\"', '{}', {}))",
            series.namespace, series.metric, series.statistic, series.period_s
        );
        return json!([{ "expression": search, "label": series.label }]);
    }
    let mut row = vec![json!(series.namespace), json!(series.metric)];
    for (name, value) in &series.dimensions {
        row.extend([json!(name), json!(value.text())]);
    }
    let options: Map<String, Value> = [
        ("label".to_owned(), json!(series.label)),
        ("stat".to_owned(), json!(series.statistic)),
        ("period".to_owned(), json!(series.period_s)),
    ]
    .into_iter()
    .collect();
    row.push(Value::Object(options));
    Value::Array(row)
}
