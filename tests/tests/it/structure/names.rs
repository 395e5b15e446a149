//! Name it once: functions, events, topics, buckets and secrets are spelled in the catalog and nowhere else.

use super::{
    expect_none,
    sources::Source,
    syntax::{RustFile, parse_all, rust_files},
};

/// The names of the catalog, without those that are common words as well, such as the table `products`.
fn names() -> Vec<&'static str> {
    let functions = catalog::FUNCTIONS.iter().map(|row| row.name).filter(|name| name.contains('-'));
    let events = catalog::EVENTS.iter().map(|event| event.name);
    let topics = catalog::TOPICS.iter().map(|topic| topic.name);
    let kafka = catalog::KAFKA_TOPICS.iter().map(|topic| topic.name);
    let buckets = catalog::BUCKETS.iter().map(|bucket| bucket.name).filter(|name| name.contains('-'));
    let secrets = catalog::SECRETS.iter().map(|secret| secret.name);
    functions.chain(events).chain(topics).chain(kafka).chain(buckets).chain(secrets).collect()
}

#[test]
fn catalog_names_are_spelled_in_the_catalog_only() {
    let names = names();
    let complaints: Vec<_> = rust_files().iter().flat_map(|file| spelled(file, &names)).collect();
    expect_none(&complaints, "take the name from its row in the catalog");
}

/// Literals of production code that are a name of the catalog, or a physical name that begins with the project's prefix.
fn spelled(file: &RustFile, names: &[&str]) -> Vec<String> {
    let is_code = (file.path.starts_with("functions/") || file.path.starts_with("shared/"))
        && !file.path.starts_with("shared/catalog/");
    let prefix = format!("{}-", catalog::PREFIX);
    let literals = file.literals.iter().filter(|literal| is_code && !literal.is_in_test_code);
    let spelled = literals.filter(|one| names.contains(&one.text.as_str()) || one.text.starts_with(&prefix));
    spelled.map(|literal| format!("{}:{} spells {:?}", file.path, literal.line, literal.text)).collect()
}

#[test]
fn literals_are_found_in_code_and_macros_but_not_in_comments() {
    let text = r#"//! Answers "order-get".
#[cfg(test)]
mod tests;
/// Or "order-get".
fn a() { call("order-get", "b\"c"); } // "order-get"
#[cfg(test)]
fn b() { call("order-get") }
fn c() { println!("{}", ["order-get"]) }
"#;
    let sources = [("shared/a/src/lib.rs", text), ("shared/a/src/tests/inner.rs", "const NAME: &str = \"order-get\";")];
    let sources = sources.map(|(path, text)| Source { path: path.to_owned(), text: text.to_owned() });
    let found: Vec<_> = parse_all(&sources).iter().flat_map(|file| spelled(file, &["order-get"])).collect();
    assert_eq!(found, [5, 8].map(|line| format!("shared/a/src/lib.rs:{line} spells \"order-get\"")));
}
