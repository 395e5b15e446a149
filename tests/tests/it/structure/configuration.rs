//! The configuration reference and the code name the same environment variables.

use super::{expect_none, sources::with_extension};
use std::{collections::BTreeSet, fs};
use xtask::codegen::configuration;

/// Variables that no person sets: of the operating system, of cargo, of Lambda and of test runs.
const NOT_CONFIGURATION: &[&str] =
    &["CARGO", "CARGO_HOME", "DATABASE_URL", "OUT_DIR", "PATH", "QUAYSIDE_LOCAL", "QUAYSIDE_WATCH_VARIABLES"];

/// How code reads a variable; the name and a quotation mark follow.
const READS: [&str; 5] = ["env::var(\"", "env::var_os(\"", "env_var(\"", "environ.get(\"", "environ[\""];
/// Beginning of the variables of scripts, which shell scripts read without quotation marks. In two parts, so that this file does not
/// report itself.
const OURS: &str = concat!("QUAY", "SIDE_");

#[test]
fn every_environment_variable_is_in_the_configuration_reference() {
    let page = fs::read_to_string(xtask::root().join(configuration::PATH)).expect("the page exists");
    let unknown = read_variables()
        .into_iter()
        .filter(|(name, _)| !NOT_CONFIGURATION.contains(&name.as_str()) && !page.contains(&format!("| `{name}` |")));
    let complaints: Vec<String> = unknown.map(|(name, path)| format!("{path} reads {name}")).collect();
    expect_none(&complaints, "describe the variable in scripts/xtask/src/codegen/configuration.rs");
}

#[test]
fn every_variable_of_scripts_in_the_reference_is_read_by_code() {
    let sources = sources();
    let is_read =
        |name: &str| sources.iter().any(|(path, text)| !path.ends_with("configuration.rs") && text.contains(name));
    let complaints: Vec<String> =
        configuration::of_scripts().filter(|name| !is_read(name)).map(str::to_owned).collect();
    expect_none(&complaints, "remove the variable from scripts/xtask/src/codegen/configuration.rs");
}

/// Variables that code reads by their names, each with a file that does.
fn read_variables() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, text) in sources() {
        for read in READS {
            let names = text.split(read).skip(1).map(name_at);
            found.extend(names.filter(|name| !name.is_empty()).map(|name| (name, path.clone())));
        }
        if !path.ends_with("configuration.rs") {
            let names = text.split(OURS).skip(1).map(|rest| format!("{OURS}{}", name_at(rest)));
            found.extend(names.filter(|name| name != OURS).map(|name| (name, path.clone())));
        }
    }
    found
}

fn name_at(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_').collect()
}

/// Source files in Rust and Python, and the scripts without an extension.
fn sources() -> Vec<(String, String)> {
    let mut all: Vec<_> =
        ["rs", "py", ""].into_iter().flat_map(with_extension).map(|one| (one.path, one.text)).collect();
    // What a build leaves in directories of sources is no source.
    all.retain(|(path, _)| !path.contains("/target/") && !path.contains("/."));
    all
}
