//! The saved queries of Logs Insights ask for what the logs contain.

use super::{
    expect_none,
    sources::{entries, with_extension},
};
use std::collections::BTreeSet;

/// Words of the query language, and names that a query gives to its columns.
const LANGUAGE: [&str; 25] = [
    "and",
    "as",
    "asc",
    "avg",
    "bin",
    "by",
    "count",
    "desc",
    "fields",
    "filter",
    "in",
    "ispresent",
    "latest",
    "like",
    "limit",
    "max",
    "min",
    "not",
    "or",
    "pct",
    "sort",
    "stats",
    "sum",
    "type",
    "record",
];

/// Members of Lambda's reports, which are JSON at the level that functions have: those of failures alone.
const REPORTED: [&str; 6] = [
    "record.status",
    "record.errorType",
    "record.requestId",
    "record.metrics.durationMs",
    "record.metrics.maxMemoryUsedMB",
    "record.metrics.memorySizeMB",
];

/// Name and text of each query.
fn queries() -> Vec<(String, String)> {
    let directory = xtask::root().join("terraform/modules/observability/queries");
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("readable"))
    };
    entries(&directory).into_iter().map(read).collect()
}

/// The fields of the log that a query names: neither in quotes nor made by the query itself.
fn fields(query: &str) -> BTreeSet<String> {
    let statements = query.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(" ");
    let unquoted: String = statements.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '@');
    let words: Vec<&str> = unquoted.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect();
    let made: BTreeSet<&str> = words.windows(2).filter(|pair| pair[0] == "as").map(|pair| pair[1]).collect();
    let is_field = |word: &&&str| {
        !word.starts_with('@')
            && !word.starts_with(|c: char| c.is_ascii_digit())
            && !LANGUAGE.contains(word)
            && !made.contains(**word)
    };
    words.iter().filter(is_field).map(|word| (*word).to_owned()).collect()
}

#[test]
fn every_field_of_a_saved_query_is_logged() {
    let edge: String = with_extension("rs")
        .into_iter()
        .filter(|source| source.path.starts_with("shared/edge/src/"))
        .map(|source| source.text)
        .collect();
    let is_logged = |field: &String| REPORTED.contains(&field.as_str()) || edge.contains(field.as_str());
    let complaints: Vec<_> = queries()
        .iter()
        .flat_map(|(name, text)| {
            fields(text).into_iter().filter(|field| !is_logged(field)).map(move |field| format!("{name}: {field}"))
        })
        .collect();
    expect_none(&complaints, "name a field that `edge::telemetry` writes, or one of the platform's JSON reports");
    assert!(!is_logged(&"record.metrics.invented".to_owned()));
}

#[test]
fn saved_queries_say_what_they_show_and_use_no_text_of_the_platform() {
    let is_bad = |text: &str| {
        !text.starts_with("# ") || ["@type", "REPORT", "START ", "@maxMemoryUsed"].iter().any(|old| text.contains(old))
    };
    let complaints: Vec<_> = queries().into_iter().filter(|(_, text)| is_bad(text)).map(|(name, _)| name).collect();
    expect_none(&complaints, "begin with a comment; functions log in JSON, where these texts do not occur");
}
