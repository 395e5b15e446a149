//! Texts and problem documents in the OpenAPI document.

use super::{
    contract::document,
    expect_none,
    sources::{Source, with_extension},
};

#[test]
fn no_summary_or_description_of_a_route_breaks_off() {
    let mut complaints = Vec::new();
    for (path, operations) in document()["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let text = |member: &str| operation[member].as_str().unwrap_or_default().to_owned();
            let (summary, description) = (text("summary"), text("description"));
            if summary.is_empty() || summary.ends_with([',', ';']) || summary.contains('\n') {
                complaints.push(format!("{method} {path}: the summary {summary:?}"));
            }
            if description.starts_with(char::is_lowercase) {
                complaints.push(format!("{method} {path}: the description {description:?}"));
            }
        }
    }
    expect_none(
        &complaints,
        "let the first paragraph of the function's //! lines begin with a sentence that is the summary",
    );
}

#[test]
fn members_of_single_problem_types_are_in_schema_and_examples() {
    let document = document();
    let components = &document["components"];
    let examples = components["examples"].as_object().expect("examples");
    let mut complaints = Vec::new();
    let mut found = 0;
    for Source { path, text } in with_extension("rs").iter().filter(|source| source.path.starts_with("shared/domain")) {
        for rest in text.split(".with_member(\"").skip(1) {
            let name = rest.split('"').next().unwrap_or_default();
            found += 1;
            if components["schemas"]["Problem"]["properties"][name]["description"].is_null() {
                complaints.push(format!("{name} of {path} is not in the schema Problem"));
            }
            if !examples.values().any(|example| !example["value"][name].is_null()) {
                complaints.push(format!("{name} of {path} is in no example"));
            }
        }
    }
    assert!(found >= 3, "{found} members");
    expect_none(&complaints, "add it to `members` in scripts/xtask/src/codegen/openapi/responses.rs");
}
