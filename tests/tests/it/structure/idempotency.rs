//! `docs/idempotency.md` names tests that exist, and all that there are.

use super::expect_none;
use std::{collections::BTreeSet, fs, path::Path};

const PAGE: &str = "docs/idempotency.md";

/// Where a test is when the page names no folder.
const FOLDER: &str = "tests/tests/it/idempotency";

/// The lines of the page's tables: case, answer, tests.
fn cases(page: &str) -> Vec<[&str; 3]> {
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| case |"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        cells.try_into().unwrap_or_else(|_| panic!("three cells: {row}"))
    })
    .collect()
}

/// File and name of a test, as the page has it in a third cell.
fn named(cell: &str) -> Vec<(String, String)> {
    let names = cell.split(", ").map(|name| name.trim_matches('`'));
    names
        .filter_map(|name| name.rsplit_once("::"))
        .map(|(place, test)| match place.contains('/') {
            true => (place.to_owned(), test.to_owned()),
            false => (format!("{FOLDER}/{place}.rs"), test.to_owned()),
        })
        .collect()
}

/// The names of the tests in a file: functions under an attribute, or rules in a contract's list.
fn tests_in(text: &str) -> BTreeSet<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_rule = |name: &str| lines.iter().any(|line| line.starts_with(&format!("pub async fn {name}(")));
    let mut found: BTreeSet<&str> = lines.iter().copied().filter(|line| is_rule(line)).collect();
    let mut below = lines.iter();
    while below.any(|line| *line == "#[test]" || line.starts_with("#[tokio::test")) {
        let head = below.find_map(|line| line.split_once("fn "));
        found.extend(head.and_then(|(_, rest)| rest.split('(').next()));
    }
    found
}

#[test]
fn the_page_about_idempotency_names_tests_that_exist_and_all_of_its_folder() {
    let root = xtask::root();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let page = read(PAGE);
    let cases = cases(&page);
    assert!(cases.len() >= 45, "{} cases", cases.len());
    let (mut complaints, mut shown) = (Vec::new(), BTreeSet::new());
    for [case, answer, tests] in cases {
        let named = named(tests);
        if answer.is_empty() || (named.is_empty() && tests != "—") {
            complaints.push(format!("neither a test nor a reason: {case}"));
        }
        for (file, test) in named {
            if !tests_in(&read(&file)).contains(test.as_str()) {
                complaints.push(format!("there is no test {test} in {file}: {case}"));
            }
            shown.insert((file, test));
        }
    }
    for file in fs::read_dir(root.join(FOLDER)).expect("the folder of the tests") {
        let name = file.expect("a file").file_name().to_string_lossy().into_owned();
        let file = Path::new(FOLDER).join(name).to_string_lossy().into_owned();
        for test in tests_in(&read(&file)) {
            if !shown.contains(&(file.clone(), test.to_owned())) {
                complaints.push(format!("{test} of {file} shows no case"));
            }
        }
    }
    expect_none(&complaints, &format!("mend {PAGE}, or bring back the test"));
}
