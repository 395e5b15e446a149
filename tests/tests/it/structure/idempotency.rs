//! `docs/idempotency.md` names tests that exist, and every test of the idempotency suite.

use super::{expect_none, syntax::rust_files};
use std::{collections::BTreeSet, fs};

const PAGE: &str = "docs/idempotency.md";
/// The directory of a test for which the page names none.
const DIRECTORY: &str = "tests/tests/it/idempotency";

/// The rows of the page's tables: case, result, tests.
fn cases(page: &str) -> Vec<[&str; 3]> {
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| case |"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        cells.try_into().unwrap_or_else(|_| panic!("a row needs three cells: {row}"))
    })
    .collect()
}

/// File and name of each test in a third cell.
fn named(cell: &str) -> Vec<(String, String)> {
    let names = cell.split(", ").map(|name| name.trim_matches('`'));
    names
        .filter_map(|name| name.rsplit_once("::"))
        .map(|(module, test)| match module.contains('/') {
            true => (module.to_owned(), test.to_owned()),
            false => (format!("{DIRECTORY}/{module}.rs"), test.to_owned()),
        })
        .collect()
}

/// File and name of every test in the repository.
fn tests() -> BTreeSet<(String, String)> {
    let of = |file: &'static super::syntax::RustFile| {
        let tests = file.functions.iter().filter(|function| function.is_test);
        tests.map(|test| (file.path.clone(), test.name.clone()))
    };
    rust_files().iter().flat_map(of).collect()
}

#[test]
fn idempotency_page_names_existing_tests_and_every_test_of_its_directory() {
    let page = fs::read_to_string(xtask::root().join(PAGE)).expect("the page can be read");
    let (cases, tests) = (cases(&page), tests());
    assert!(cases.len() >= 45, "{} cases", cases.len());
    let (mut complaints, mut shown) = (Vec::new(), BTreeSet::new());
    for [case, result, cell] in cases {
        let named = named(cell);
        if result.is_empty() || (named.is_empty() && cell != "—") {
            complaints.push(format!("neither a test nor a reason: {case}"));
        }
        let unknown = named.iter().filter(|test| !tests.contains(*test));
        complaints.extend(unknown.map(|(file, test)| format!("no test {test} in {file}: {case}")));
        shown.extend(named);
    }
    let own = tests.iter().filter(|(file, _)| file.starts_with(DIRECTORY));
    let missing = own.filter(|test| !shown.contains(*test));
    complaints.extend(missing.map(|(file, test)| format!("{test} of {file} is in no row")));
    expect_none(&complaints, &format!("correct {PAGE}, or restore the test"));
}
