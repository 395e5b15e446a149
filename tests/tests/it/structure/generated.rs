//! Generated files match the catalog.

use super::expect_none;
use std::fs;
use xtask::codegen;

const MARK: &str = " linguist-generated=true";
/// Only its list of routes is generated.
const PARTLY_GENERATED: &str = "Cargo.toml";

#[test]
fn generated_files_are_up_to_date() {
    let complaints = codegen::stale_files(&xtask::root()).expect("renders");
    expect_none(&complaints, &format!("run `{}` and commit what it changed", codegen::COMMAND));
}

#[test]
fn code_generation_is_deterministic() {
    let [first, second] = [(), ()].map(|()| codegen::render(&xtask::root()).expect("renders"));
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one.content, other.content, "{}", one.path);
    }
}

#[test]
fn generated_files_are_marked_for_reviews() {
    let attributes = fs::read_to_string(xtask::root().join(".gitattributes")).expect("a file");
    let patterns: Vec<_> = attributes.lines().filter_map(|line| line.strip_suffix(MARK)).collect();
    let generated = codegen::render(&xtask::root()).expect("renders").into_iter().map(|artifact| artifact.path);
    let unmarked = generated.filter(|path| !patterns.iter().any(|pattern| matches(pattern, path)));
    let complaints: Vec<_> = unmarked.filter(|path| path != PARTLY_GENERATED).collect();
    expect_none(&complaints, &format!("add it to .gitattributes with{MARK}"));
}

/// Whether a pattern with at most one `*` in each segment names a path.
fn matches(pattern: &str, path: &str) -> bool {
    let is_alike = |(pattern, segment): (&str, &str)| match pattern.split_once('*') {
        Some((start, end)) => segment.starts_with(start) && segment.ends_with(end),
        None => segment == pattern,
    };
    pattern.split('/').count() == path.split('/').count() && pattern.split('/').zip(path.split('/')).all(is_alike)
}
