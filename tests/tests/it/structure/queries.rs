//! The queries of Logs Insights, those saved and those of the runbooks, ask for what the logs contain.

use super::{
    expect_none,
    sources::{Source, documents, entries},
    syntax::{RustFile, parse_all, rust_files},
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

/// Members of CloudTrail's records.
const TRAIL: [&str; 5] = ["eventTime", "eventName", "userIdentity.arn", "sourceIPAddress", "userAgent"];

/// Name and text of each saved query.
fn queries() -> Vec<(String, String)> {
    let directory = xtask::root().join("terraform/modules/observability/queries");
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("readable"))
    };
    entries(&directory).into_iter().map(read).collect()
}

/// The document and the text of each query of the runbooks: an indented line that begins with `fields`, with those that continue it.
fn runbook_queries() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for document in documents().into_iter().filter(|document| document.path.starts_with("docs/runbooks/")) {
        let mut is_query = false;
        for line in document.text.lines() {
            let statement = line.trim();
            let begins = line.starts_with("    ") && statement.starts_with("fields ");
            is_query = begins || (is_query && statement.starts_with("| "));
            match found.last_mut().filter(|_| is_query && !begins) {
                Some((_, text)) => *text = format!("{text} {statement}"),
                None if begins => found.push((document.path.clone(), statement.to_owned())),
                None => {}
            }
        }
    }
    found
}

/// The texts that a query looks for in messages: the alternatives of its regular expressions.
fn sought(query: &str) -> Vec<&str> {
    let expressions = query.split("like /").skip(1).filter_map(|rest| rest.split('/').next());
    expressions.flat_map(|expression| expression.split('|')).collect()
}

/// A query without its regular expressions.
fn without_expressions(query: &str) -> String {
    let mut parts = query.split("like /");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, rest| text + rest.split_once('/').map_or("", |(_, after)| after))
}

/// What writes lines, and spans, whose fields are in each line within them.
const MACROS: [&str; 5] =
    ["tracing::error!(", "tracing::warn!(", "tracing::info!(", "tracing::debug!(", "tracing::info_span!("];
const FUNCTIONS: [&str; 2] = ["log_failure(", "log_item_failure("];

/// The code of each call that logs, outside of tests: `tracing::error!(…)` and the like, and `log_failure(…)`.
fn log_calls(file: &RustFile) -> impl Iterator<Item = &str> {
    calls(file, MACROS.into_iter().chain(FUNCTIONS))
}

/// The code of each call that begins like this, outside of tests.
fn calls(file: &RustFile, begins: impl IntoIterator<Item = &'static str>) -> impl Iterator<Item = &str> {
    begins.into_iter().flat_map(move |begin| file.production.split(begin).skip(1)).map(|rest| {
        let mut open = 1;
        let is_last = |c: char| {
            open += i32::from(c == '(') - i32::from(c == ')');
            open == 0
        };
        &rest[..rest.find(is_last).unwrap_or(rest.len())]
    })
}

/// The arguments of a call of `tracing` that are fields: `name = value`, `%name`, `?name` or `name`.
fn declared(call: &str) -> Vec<String> {
    let (mut arguments, mut depth, mut is_text) = (vec![String::new()], 0, false);
    for c in call.chars() {
        is_text ^= c == '"';
        if !is_text {
            depth += i32::from(matches!(c, '(' | '[')) - i32::from(matches!(c, ')' | ']'));
        }
        match c {
            // Fields may be in braces, after the target.
            ',' | '{' | '}' if depth == 0 && !is_text => arguments.push(String::new()),
            c => arguments.last_mut().expect("an argument").push(c),
        }
    }
    let name = |argument: &String| {
        let name = argument.split(" = ").next().unwrap_or_default().trim().trim_start_matches(['%', '?']).to_owned();
        name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '.')).then_some(name)
    };
    arguments.iter().filter_map(name).filter(|name| !name.is_empty()).collect()
}

/// The fields that lines of functions have: those of the calls of `tracing`, and those that every line has.
fn logged_fields() -> BTreeSet<String> {
    let files = rust_files();
    let of_calls = files.iter().flat_map(|file| calls(file, MACROS)).flat_map(declared);
    let lines = files.iter().find(|file| file.path == "shared/edge/src/telemetry/lines.rs").expect("the lines");
    let of_lines = lines.production.split("line.set(\"").skip(1).filter_map(|rest| rest.split('"').next());
    of_calls.chain(of_lines.map(str::to_owned)).collect()
}

#[test]
fn calls_are_those_of_production_code_on_either_side_of_a_test_module() {
    let text = "#[cfg(test)]\nmod tests {\n    fn a() { tracing::info!(one, \"a\"); }\n}\n\nfn b() { tracing::info!(two, \"b\"); }\n";
    let source = Source { path: "shared/a/src/lib.rs".to_owned(), text: text.to_owned() };
    let files = parse_all(&[source]);
    assert_eq!(log_calls(&files[0]).collect::<Vec<_>>(), ["two, \"b\""]);
}

#[test]
fn fields_of_a_call_are_its_named_arguments_and_no_words_of_their_values() {
    let call =
        r#"target: SUMMARY, { records.retried = self.retried, duration_ms, }, "a {b}, c", id = of(d, e, f), %row.id"#;
    assert_eq!(declared(call), ["records.retried", "duration_ms", "id", "row.id"]);
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
    let logged = logged_fields();
    let is_logged = |field: &String| REPORTED.contains(&field.as_str()) || logged.contains(field);
    let complaints: Vec<_> = queries()
        .iter()
        .flat_map(|(name, text)| {
            fields(text).into_iter().filter(|field| !is_logged(field)).map(move |field| format!("{name}: {field}"))
        })
        .collect();
    expect_none(&complaints, "name a field that functions log, or one of the platform's JSON reports");
    // The last one is a word of the edge crate.
    for unknown in ["record.metrics.invented", "runtime"] {
        assert!(!is_logged(&unknown.to_owned()), "{unknown}");
    }
}

#[test]
fn saved_queries_say_what_they_show_and_use_no_text_of_the_platform() {
    let is_bad = |text: &str| {
        !text.starts_with("# ") || ["@type", "REPORT", "START ", "@maxMemoryUsed"].iter().any(|old| text.contains(old))
    };
    let complaints: Vec<_> = queries().into_iter().filter(|(_, text)| is_bad(text)).map(|(name, _)| name).collect();
    expect_none(&complaints, "begin with a comment; functions log in JSON, where these texts do not occur");
}

#[test]
fn every_text_and_field_of_a_query_in_a_runbook_is_logged() {
    let calls: Vec<&str> = rust_files().iter().flat_map(log_calls).collect();
    let logged = logged_fields();
    // A metric is a member of the line that sums up an invocation. Its name begins with a capital letter, unlike those of fields.
    let is_metric = |field: &str| {
        let is_named = || rust_files().iter().flat_map(|file| &file.literals).any(|literal| literal.text == field);
        field.starts_with(|c: char| c.is_ascii_uppercase()) && is_named()
    };
    let is_field = |field: &str| TRAIL.contains(&field) || is_metric(field) || logged.contains(field);
    let queries = runbook_queries();
    let mut complaints = Vec::new();
    for (path, query) in &queries {
        let texts = sought(query).into_iter().filter(|text| !calls.iter().any(|call| call.contains(text)));
        complaints.extend(texts.map(|text| format!("{path}: no message contains {text:?}")));
        let unknown = fields(&without_expressions(query)).into_iter().filter(|field| !is_field(field));
        complaints.extend(unknown.map(|field| format!("{path}: no line has the field {field}")));
    }
    expect_none(&complaints, "ask for what the calls of `tracing` and `log_failure` write");
    assert!(queries.len() > 4, "the queries are found: {queries:?}");
    assert_eq!(sought("filter message like /a b|c/ | sort x"), ["a b", "c"]);
}

#[test]
fn failures_are_logged_in_the_fields_of_failures() {
    let is_other = |call: &str| {
        let mut fields = call.split([',', '\n']).filter_map(|part| part.split_once(" = ")).map(|(name, _)| name.trim());
        fields.any(|name| name.starts_with("error.") || name == "error" || name == "cause")
    };
    let complaints: Vec<String> = rust_files()
        .iter()
        .flat_map(|file| log_calls(file).filter(|call| is_other(call)).map(|call| format!("{}: {call}", file.path)))
        .collect();
    expect_none(
        &complaints,
        "name them `failure.code`, `failure.detail` and `failure.internal`, for which operators search",
    );
}

#[test]
fn sweeps_name_the_item_that_failed() {
    let drops = |file: &&RustFile| file.path.starts_with("functions/") && file.production.contains("log: |_");
    let complaints: Vec<String> = rust_files().iter().filter(drops).map(|file| file.path.clone()).collect();
    expect_none(&complaints, "log the item with `log_item_failure`: a runbook says that the log names it");
}
