//! The form of source files.

use super::{
    expect_none,
    sources::{Source, with_extension},
};

/// Lines after which a file is two files.
const LONGEST: usize = 500;

#[test]
fn every_source_file_says_what_it_is() {
    let mut complaints = Vec::new();
    for source in with_extension("rs") {
        if !source.text.starts_with("//! ") {
            complaints.push(format!("{} does not begin with a `//!` line", source.path));
        }
    }
    for source in with_extension("py") {
        let first = source.text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        if !first.starts_with("\"\"\"") {
            complaints.push(format!("{} does not begin with a docstring", source.path));
        }
    }
    expect_none(&complaints, "begin with one line: what it is for");
}

#[test]
fn no_source_file_is_too_long() {
    let long = with_extension("rs").into_iter().filter(|source| source.text.lines().count() > LONGEST);
    let complaints: Vec<_> = long.map(|source| format!("{} is over {LONGEST} lines", source.path)).collect();
    expect_none(&complaints, "split it where its parts know least of each other");
}

#[test]
fn no_test_is_skipped_or_sleeps() {
    // Spelled apart, or this file would complain about itself.
    let banned = [concat!("#[ign", "ore"), concat!("sle", "ep("), concat!("sleep_", "until(")];
    let is_test = |source: &Source| {
        source.path.starts_with("tests/") || source.path.ends_with("_tests.rs") || source.text.contains("#[cfg(test)]")
    };
    let mut complaints = Vec::new();
    for source in with_extension("rs").into_iter().filter(is_test) {
        let first_test = source.text.find("#[cfg(test)]").filter(|_| !source.path.starts_with("tests/")).unwrap_or(0);
        for word in banned.iter().filter(|word| source.text[first_test..].contains(**word)) {
            complaints.push(format!("{} has {word}", source.path));
        }
    }
    expect_none(
        &complaints,
        "wait for the condition; a test that cannot run here says why in words and is not written",
    );
}
