//! Name it once: functions, events, topics, buckets and secrets are spelled in the catalog and nowhere else.

use super::{expect_none, sources::with_extension};

/// Names that are common words, too, such as the table `products`, are left out: a literal of that text says little.
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
fn no_name_of_the_catalog_is_spelled_again() {
    let names = names();
    let mut complaints = Vec::new();
    for source in with_extension("rs") {
        let is_code = (source.path.starts_with("functions/") || source.path.starts_with("shared/"))
            && !source.path.starts_with("shared/catalog/");
        if !is_code || is_test(&source.path) {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            // What follows are tests, which may say what they mean.
            if line.trim_start().starts_with("#[cfg(test)]") {
                break;
            }
            for literal in literals(line) {
                if names.contains(&literal) || literal.starts_with(&format!("{}-", catalog::PREFIX)) {
                    complaints.push(format!("{}:{} spells {literal:?}", source.path, number + 1));
                }
            }
        }
    }
    expect_none(&complaints, "take the name from its row in the catalog");
}

fn is_test(path: &str) -> bool {
    path.ends_with("_tests.rs")
        || path.ends_with("/tests.rs")
        || path.contains("/tests/")
        || path.contains("/examples/")
}

/// String literals of a line of code; comments hold none.
fn literals(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '/']) {
        if rest[start..].starts_with("//") {
            break;
        }
        let after = &rest[start + 1..];
        if rest[start..].starts_with('/') {
            rest = after;
            continue;
        }
        let Some(end) = closing(after) else { break };
        found.push(&after[..end]);
        rest = &after[end + 1..];
    }
    found
}

fn closing(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let closes = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        closes.then_some(at)
    })
}

#[test]
fn literals_are_found_and_comments_are_not() {
    assert_eq!(literals(r#"call("a", "b\"c"); // "no""#), ["a", "b\\\"c"]);
    assert_eq!(literals(r#"let path = x / "y";"#), ["y"]);
    assert!(literals("/// Answers `\"order-get\"`.").is_empty());
}
