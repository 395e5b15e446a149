//! docs/threat-model.md: each test that it names exists, and each abuse case and each risk of OWASP's list names one.
//! docs/api-conventions.md: each row of its first table has one in the second, with tests that exist or the word `untested`.

use super::expect_none;
use std::{
    fs,
    path::{Path, PathBuf},
};

const MODEL: &str = "docs/threat-model.md";
/// Where tests are.
const PLACES: [&str; 5] = ["tests/tests/it", "shared", "functions", "terraform/tests", "scripts"];

/// The text of each file below the places of tests, with its path.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left: Vec<PathBuf> = PLACES.iter().map(|place| xtask::root().join(place)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| ["rs", "py", "hcl"].iter().any(|one| extension == *one)) {
            let text = fs::read_to_string(&path).expect("a text");
            found.push((path.to_string_lossy().into_owned(), text));
        }
    }
    found
}

/// Whether `reference`, the end of a file's path and a function of it, such as `hostile/sources::name`, exists. Directories called `src`
/// and `it` are left out, as is the extension.
fn exists(files: &[(String, String)], reference: &str) -> bool {
    let Some((module, name)) = reference.rsplit_once("::") else { return false };
    let definitions = [format!("fn {name}("), format!("def {name}("), format!("run \"{name}\""), format!("fn {name}<")];
    files.iter().any(|(path, text)| {
        let path = Path::new(path)
            .with_extension("")
            .to_string_lossy()
            .replace("/src/", "/")
            .replace("/tests/postgres/", "/postgres/");
        let path = path.trim_end_matches(".tftest");
        path.ends_with(&format!("/{module}")) && definitions.iter().any(|definition| text.contains(definition))
    })
}

/// The rows of the tables of a section, as cells, without those whose first cell is `head`.
fn rows<'a>(model: &'a str, section: &str, head: &str) -> Vec<Vec<&'a str>> {
    let (_, text) = model.split_once(&format!("\n## {section}\n")).expect("the section");
    let (text, _) = text.split_once("\n## ").expect("a section after it");
    let is_head = |line: &&str| line.starts_with(&format!("| {head} "));
    let rows = text.lines().filter(|line| line.starts_with("| ") && !is_head(line));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// What is wrong with rows of what somebody does, what stops it, and the tests.
fn complaints(rows: &[Vec<&str>]) -> Vec<String> {
    let (files, mut complaints) = (files(), Vec::new());
    for row in rows {
        let [abuse, defence, tests] = row[..] else {
            complaints.push(format!("a row has not three cells: {row:?}"));
            continue;
        };
        if defence.is_empty() || references(tests).next().is_none() {
            complaints.push(format!("nothing stops {abuse:?}, or no test shows it"));
        }
        complaints.extend(
            references(tests).filter(|test| !exists(&files, test)).map(|test| format!("{test} does not exist")),
        );
    }
    complaints
}

fn references(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let model = fs::read_to_string(xtask::root().join(MODEL)).expect("the threat model");
    let rows = rows(&model, "Abuse cases", "abuse");
    expect_none(&complaints(&rows), "name tests as `<end of the file's path>::<function>` in docs/threat-model.md");
    assert!(rows.len() > 20, "{} abuse cases", rows.len());
}

#[test]
fn every_risk_of_the_owasp_list_has_a_defence_and_tests_that_exist() {
    let model = fs::read_to_string(xtask::root().join(MODEL)).expect("the threat model");
    let rows = rows(&model, "OWASP API Security Top 10 (2023)", "risk");
    expect_none(&complaints(&rows), "name tests as `<end of the file's path>::<function>` in docs/threat-model.md");
    let risks: Vec<&str> = rows.iter().filter_map(|row| row[0].split(' ').next()).collect();
    assert_eq!(risks, ["API1", "API2", "API3", "API4", "API5", "API6", "API7", "API8", "API9", "API10"]);
}

#[test]
fn test_that_does_not_exist_is_found() {
    let files = files();
    assert!(exists(&files, "structure/threat_model::test_that_does_not_exist_is_found"));
    assert!(!exists(&files, "structure/threat_model::another_test"));
    assert!(!exists(&files, "structure/keys::test_that_does_not_exist_is_found"));
}

#[test]
fn every_convention_has_a_row_of_tests_and_those_exist() {
    let page = fs::read_to_string(xtask::root().join("docs/api-conventions.md")).expect("the conventions");
    let (conventions, tests) = page.split_once("## Tests").expect("a section of tests");
    let tests = tests.split("\n## ").next().unwrap_or_default();
    let table = |text: &str| -> Vec<Vec<String>> {
        let rows = text.lines().filter(|line| {
            line.starts_with("| ") && !["| |", "| convention |"].iter().any(|head| line.starts_with(head))
        });
        rows.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
    };
    let first = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    let held = table(tests);
    assert_eq!(first(held.clone()), first(table(conventions)), "one row for each convention, in the same order");
    let files = files();
    let mut complaints = Vec::new();
    for row in &held {
        let named: Vec<_> = references(&row[1]).collect();
        if named.is_empty() && !row[1].starts_with("untested") {
            complaints.push(format!("{} names no test", row[0]));
        }
        let missing = named.into_iter().filter(|reference| !exists(&files, reference));
        complaints.extend(missing.map(|reference| format!("{}: {reference} does not exist", row[0])));
    }
    expect_none(&complaints, "correct docs/api-conventions.md");
}
