//! `docs/configuration.md`: every environment variable with its meaning, its default and who reads it.
//!
//! Variables of functions come from the catalog, their meanings from the constants that name them in the adapters, and their defaults
//! from the parameters of the template. A structural test compares the variables of scripts and tests with the code.

use super::{
    COMMAND,
    environment::{self, Setting},
    template::Stacks,
};
use crate::Result;
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

pub const PATH: &str = "docs/configuration.md";
/// Where the adapters name variables, in the module `env`.
const NAMES: &str = "shared/adapters/src/config.rs";

/// Variables that every function has, with their defaults on AWS.
const SHARED: [(&str, &str, &str); 5] = [
    ("STAGE", "Name of the environment, a part of every physical name.", "parameter `Stage`: `local`"),
    ("LOG_LEVEL", "Lowest level that is logged; also by crate: `info,my_crate=debug`.", "parameter `LogLevel`: `info`"),
    ("POWERTOOLS_SERVICE_NAME", "The context, on every log line and metric.", "the context of the function"),
    ("POWERTOOLS_METRICS_NAMESPACE", "Namespace of the metrics.", "`quayside`"),
    ("TRACE_SHARE", "Share of the traces, from 0 to 1, whose spans are logged.", "parameter `TraceShare`: `1`"),
];

const INTRODUCTION: &str = "# Configuration

Everything is configured by environment variables. A function that lacks one of its own does not start, and names it. Variables of
Terraform are in [terraform.md](terraform.md).
";

const STACK_ENV: &str = "`.local/stack.env`, which `scripts/up` writes, has the addresses and accounts of the local stack for other \
    programs.\n\n";

/// Descriptions by the names of variables.
type Descriptions = BTreeMap<String, String>;
/// Parameters of the template by name.
type Defaults<'a> = BTreeMap<&'a str, &'a Value>;

/// Variables that no row of the catalog asks for, and who sets them.
const PLATFORM: [(&str, &str); 6] = [
    ("AWS_REGION", "set by Lambda"),
    ("AWS_ACCESS_KEY_ID", "set by Lambda"),
    ("AWS_SECRET_ACCESS_KEY", "set by Lambda"),
    ("AWS_SESSION_TOKEN", "set by Lambda"),
    ("AWS_ENDPOINT_URL", "set by an emulator"),
    ("DATABASE_TLS", "absent"),
];

/// Variables of scripts and tests that people set: name, meaning, default, reader.
const SCRIPTS: &[(&str, &str, &str, &str)] = &[
    (
        "FUNCTION_PREFIX",
        "First part of the physical names of functions.",
        "`quayside-local-`",
        "`scripts/kafka-trigger`",
    ),
    (
        "GATEWAY_FAULTS",
        "Faults of the local payment gateway from its start: `none`, `slow` …",
        "`none`",
        "`scripts/up`",
    ),
    ("OFFSETS_FILE", "File with the committed offsets.", "`.local/data/kafka-offsets.json`", "`scripts/kafka-trigger`"),
    (
        "OPS_API_URL",
        "The API of the deployment to work on. Needs `OPS_TOKEN`, too.",
        "that of the local stack",
        "`scripts/ops`",
    ),
    (
        "OPS_TOKEN",
        "Access token of an admin there, from `scripts/ops login`; valid for an hour. Needs `OPS_API_URL`, too.",
        "a login at the local stack",
        "`scripts/ops`",
    ),
    ("QUAYSIDE_ALIAS", "Alias of the functions that a deployment moves.", "`live`", "`scripts/shift-traffic`"),
    (
        "QUAYSIDE_ALL_CRASHES",
        "`1`: every crash of the simulation over PostgreSQL, instead of a sample.",
        "off",
        "`scripts/test --full postgres`",
    ),
    ("QUAYSIDE_CACHE", "Directory of installed tools, shared by clones.", "`~/.cache/quayside`", "`scripts/setup`"),
    ("QUAYSIDE_CRASHES", "`1`: schedules with a single crash, too, which takes minutes.", "off", "simulation"),
    (
        "QUAYSIDE_INVOICES",
        "Directory into which the tests write the invoices that they render.",
        "none",
        "tests of `adapters-pdf`",
    ),
    ("QUAYSIDE_INVOICE_TIME_ZONE", "Time zone in which the local stack dates invoices.", "`UTC`", "`scripts/up`"),
    ("QUAYSIDE_KEEP_RUNNING", "`1`: the local cloud is not stopped at the end.", "off", "`scripts/test`"),
    ("QUAYSIDE_NEXT", "The version after the release whose golden events are written.", "none", "tests of versions"),
    ("QUAYSIDE_RATES", "Number of schedules over which the rates of found faults are counted.", "off", "simulation"),
    (
        "QUAYSIDE_RECORDS",
        "Directory in which the emulator records log lines, calls and decisions of IAM.",
        "set by `scripts/up`",
        "the emulator",
    ),
    ("QUAYSIDE_RELEASE", "The release whose golden events are written.", "none", "tests of versions"),
    ("QUAYSIDE_REPLAY", "A schedule that a failure printed.", "none", "simulation"),
    ("QUAYSIDE_SAMPLE_SEED", "Seed of the steps that run a sample.", "`7`", "`scripts/test`"),
    ("QUAYSIDE_SCHEDULES", "Number of random schedules.", "a sample", "simulation"),
    ("QUAYSIDE_SEED", "The first schedule.", "`1`", "simulation"),
    ("QUAYSIDE_SHORTFALL", "What the local stack does with paid orders without stock.", "`refund`", "`scripts/up`"),
    ("QUAYSIDE_TEARDOWN_YES", "`1` answers the question whether to delete.", "ask", "`scripts/teardown`"),
    ("QUAYSIDE_TF_ENVIRONMENTS", "Environments to plan.", "`dev prod`", "`scripts/terraform`"),
    ("QUAYSIDE_TF_PARALLELISM", "Operations of a plan at a time.", "`10`", "`scripts/terraform`"),
    (
        "SCRAPE_TOKEN",
        "Token with which Prometheus reads the metrics.",
        "set by `scripts/observe`",
        "the local exporter",
    ),
    (
        "STAFF_CODE",
        "Code that the device of its second factor shows; valid once, for about a minute.",
        "none",
        "`scripts/canary`, `scripts/load`, `scripts/verify`",
    ),
    (
        "STAFF_EMAIL",
        "Account of staff at a deployment.",
        "that of the local stack",
        "`scripts/canary`, `scripts/load`, `scripts/verify`",
    ),
    (
        "STAFF_PASSWORD",
        "Its password.",
        "that of the local stack",
        "`scripts/canary`, `scripts/load`, `scripts/verify`",
    ),
    ("TF_PLUGIN_MIRROR", "Directory with Terraform's provider.", "a download", "`scripts/terraform`"),
];

/// Names and meanings of the variables that people set for scripts and tests.
pub fn of_scripts() -> impl Iterator<Item = &'static str> {
    SCRIPTS.iter().map(|(name, ..)| *name)
}

/// Renders the page. An error names a variable whose constant has no doc comment.
pub fn render(root: &Path, stacks: &Stacks) -> Result<String> {
    let meanings = meanings(&fs::read_to_string(root.join(NAMES)).map_err(|error| format!("{NAMES}: {error}"))?);
    let defaults: Defaults = stacks.parent.parameters.iter().map(|(name, row)| (name.as_str(), row)).collect();
    let mut page =
        format!("<!-- Generated by `{COMMAND}` from the catalog and the code. Do not edit. -->\n{INTRODUCTION}");
    section(&mut page, "Every function", "", &["variable", "meaning", "default"], of_every_function(&meanings)?);
    let header = ["variable", "meaning", "comes from", "read by"];
    section(&mut page, "Functions", "", &header, of_functions(&meanings, &defaults)?);
    let parameters = defaults.iter().map(|(name, row)| {
        [format!("`{name}`"), row["Description"].as_str().unwrap_or_default().to_owned(), default_of(row)].join(" | ")
    });
    section(&mut page, "Parameters of template.yaml", "", &["parameter", "meaning", "default"], parameters.collect());
    let scripts =
        SCRIPTS.iter().map(|(name, meaning, default, reader)| format!("`{name}` | {meaning} | {default} | {reader}"));
    section(
        &mut page,
        "Scripts and tests",
        STACK_ENV,
        &["variable", "meaning", "default", "read by"],
        scripts.collect(),
    );
    Ok(page)
}

/// Adds a table with a heading.
fn section(page: &mut String, heading: &str, text: &str, header: &[&str], rows: Vec<String>) {
    let columns = "---|".repeat(header.len());
    write!(page, "\n## {heading}\n\n{text}| {} |\n|{columns}\n", header.join(" | ")).unwrap_or_default();
    for row in rows {
        writeln!(page, "| {row} |").unwrap_or_default();
    }
}

fn of_every_function(meanings: &Descriptions) -> Result<Vec<String>> {
    let shared = SHARED.iter().map(|(name, meaning, default)| Ok(format!("`{name}` | {meaning} | {default}")));
    let platform =
        PLATFORM.iter().map(|(name, default)| Ok(format!("`{name}` | {} | {default}", meaning(meanings, name)?)));
    shared.chain(platform).collect()
}

fn of_functions(meanings: &Descriptions, defaults: &Defaults) -> Result<Vec<String>> {
    let variables = variables();
    let is_known = |name: &str| {
        let named = |one: &str| one == name;
        variables.contains_key(name)
            || PLATFORM.iter().any(|(one, _)| named(one))
            || SHARED.iter().any(|(one, ..)| named(one))
    };
    if let Some(name) = meanings.keys().find(|name| !is_known(name)) {
        return Err(format!("{NAMES}: no row of the catalog sets {name}: add it to PLATFORM in configuration.rs"));
    }
    let row = |(name, (setting, readers)): (&&'static str, &(Setting, Vec<&'static str>))| {
        let meaning = match described(*setting) {
            Some(meaning) => meaning,
            None => meaning(meanings, name)?,
        };
        Ok(format!("`{name}` | {meaning} | {} | {}", origin(*setting, defaults), readers_of(readers)))
    };
    variables.iter().map(row).collect()
}

/// The variables of functions: where each comes from, and which functions read it.
fn variables() -> BTreeMap<&'static str, (Setting, Vec<&'static str>)> {
    let mut found: BTreeMap<&'static str, (Setting, Vec<&'static str>)> = BTreeMap::new();
    for function in catalog::FUNCTIONS {
        for (name, setting) in environment::of(function) {
            found.entry(name).or_insert_with(|| (setting, Vec::new())).1.push(function.name);
        }
    }
    found
}

/// The meaning of a variable that a row of the catalog names.
fn described(setting: Setting) -> Option<String> {
    let (what, name) = match setting {
        Setting::Table(name) => ("Physical name of the table", name),
        Setting::Stream(name) => ("Physical name of the stream", name),
        Setting::Bucket(name) => ("Physical name of the bucket", name),
        Setting::Secret(name) => ("ARN of the secret", name),
        _ => return None,
    };
    Some(format!("{what} `{name}`."))
}

fn origin(setting: Setting, defaults: &Defaults) -> String {
    match setting {
        Setting::Input(name) => {
            format!("parameter `{name}`: {}", defaults.get(name).map_or_else(String::new, |row| default_of(row)))
        }
        Setting::Text(_) => "the catalog".into(),
        _ => "the deployed resource".into(),
    }
}

fn default_of(parameter: &Value) -> String {
    match parameter["Default"].as_str() {
        Some("") | None => "empty".into(),
        Some(text) => format!("`{text}`"),
    }
}

/// The functions, or how many they are.
fn readers_of(functions: &[&str]) -> String {
    match functions {
        few if few.len() <= 4 => few.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        many => format!("{} functions, such as `{}`", many.len(), many.first().unwrap_or(&"")),
    }
}

fn meaning(meanings: &Descriptions, name: &str) -> Result<String> {
    let found = meanings.get(name).filter(|text| !text.is_empty()).cloned();
    found.ok_or_else(|| format!("{NAMES}: the constant of {name} needs a doc comment that says what it means"))
}

/// The doc comments of the constants in the module `env`, by the constants' values.
fn meanings(source: &str) -> Descriptions {
    let mut found = BTreeMap::new();
    let mut comment = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if let Some(value) = line.strip_prefix("pub const ").and_then(|rest| rest.split('"').nth(1)) {
            found.insert(value.to_owned(), comment.join(" "));
            comment.clear();
        } else {
            comment.clear();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meaning_is_the_doc_comment_of_the_constant() {
        let source = "/// Base URL\n/// of it.\npub const URL: &str = \"API_URL\";\npub const BARE: &str = \"BARE\";\n";
        let found = meanings(source);
        assert_eq!(meaning(&found, "API_URL"), Ok("Base URL of it.".to_owned()));
        assert!(meaning(&found, "BARE").unwrap_err().contains("BARE needs a doc comment"));
    }
}
