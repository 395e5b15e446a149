//! Limits in the pages of the shop and of the console: those of the contract and of the domain, which the pages cannot refer to.

use super::{contract::document, expect_none, sources::with_extension};
use domain::{order::STUCK_AFTER_MINUTES, order_line::MAX_QUANTITY, redrive::MAX_MESSAGES, window::MAX_SPAN_DAYS};
use serde_json::Value;
use std::{collections::BTreeSet, fs};

/// Attributes of a field, each with the keyword of JSON Schema.
const LIMITS: [(&str, &str); 4] =
    [("maxLength", "maxLength"), ("minLength", "minLength"), ("max", "maximum"), ("min", "minimum")];

/// Limits that the contract states in words or by a pattern: field, attribute and value.
const IN_WORDS: [(&str, &str, u32); 4] = [
    ("currency", "maxLength", 3),
    ("per_second", "min", 1),
    ("per_second", "max", MAX_MESSAGES),
    ("reason", "minLength", 3),
];

/// A limit of a member of a request, or of a field.
type Limit = (String, &'static str, u32);

#[test]
fn limits_of_fields_are_those_of_the_contract() {
    let mut known = of_contract();
    known.extend(IN_WORDS.map(|(field, attribute, value)| (field.to_owned(), attribute, value)));
    let pages = with_extension("tsx").into_iter().filter(|source| source.path.starts_with("shared/web/src/"));
    let found: Vec<(String, Limit)> =
        pages.flat_map(|page| of_fields(&page.text).into_iter().map(move |limit| (page.path.clone(), limit))).collect();
    assert!(found.len() > IN_WORDS.len());
    let unknown = found.iter().filter(|(_, limit)| !known.contains(limit));
    let complaints: Vec<_> =
        unknown.map(|(path, (field, attribute, value))| format!("{path}: {field} has {attribute} {value}")).collect();
    expect_none(
        &complaints,
        "use the limit that docs/openapi.json has, or name it in IN_WORDS if that states it in words",
    );
}

#[test]
fn constants_of_pages_are_those_of_the_domain() {
    for (path, line) in [
        ("shop/basket.ts", format!("export const MAX_QUANTITY = {};", separated(MAX_QUANTITY))),
        ("console/days.ts", format!("export const MAX_DAYS = {MAX_SPAN_DAYS};")),
        ("console/redrives.ts", format!("export const PAGE_SIZE = {MAX_MESSAGES};")),
        ("console/pages/operations.tsx", format!("const LATE_MINUTES = {STUCK_AFTER_MINUTES};")),
    ] {
        let text = fs::read_to_string(xtask::root().join("shared/web/src").join(path)).expect("a module");
        assert!(text.lines().any(|one| one == line), "{path} lacks {line}");
    }
}

/// A number with the separators of the pages: none below ten thousand.
fn separated(number: u32) -> String {
    if number < 10_000 { number.to_string() } else { format!("{}_{:03}", number / 1_000, number % 1_000) }
}

/// The limits of the members and parameters of all requests and responses, by name.
fn of_contract() -> BTreeSet<Limit> {
    let document = document();
    let mut members = Vec::new();
    for (_, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        members.extend(schema["properties"].as_object().into_iter().flatten());
    }
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths.filter_map(Value::as_object).flatten().map(|(_, operation)| operation);
    let parameters: Vec<(String, &Value)> = operations
        .flat_map(|operation| operation["parameters"].as_array().into_iter().flatten())
        .filter_map(|parameter| Some((parameter["name"].as_str()?.to_owned(), &parameter["schema"])))
        .collect();
    let members = members.into_iter().map(|(name, schema)| (name.clone(), schema)).chain(parameters);
    let limits = members.flat_map(|(name, schema)| {
        let limits = variants(&document, schema).into_iter().flat_map(|variant| {
            LIMITS.into_iter().filter_map(move |(attribute, keyword)| {
                Some((attribute, u32::try_from(variant[keyword].as_u64()?).ok()?))
            })
        });
        limits.map(|(attribute, value)| (name.clone(), attribute, value)).collect::<Vec<_>>()
    });
    limits.collect()
}

/// A schema, and those that it refers to or chooses from.
fn variants<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let target = schema["$ref"].as_str().and_then(|link| document.pointer(link.trim_start_matches('#')));
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    let inner = target.into_iter().chain(choices).flat_map(|inner| variants(document, inner));
    std::iter::once(schema).chain(inner).collect()
}

/// The limits of the fields of a page that are written as numbers.
fn of_fields(page: &str) -> Vec<Limit> {
    let elements = ["<Field", "<TextArea"].into_iter().flat_map(|tag| page.split(tag).skip(1));
    let of = |element: &str| {
        let words: Vec<&str> = element.split("/>").next().unwrap_or_default().split_whitespace().collect();
        let value = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let name = value("name").and_then(|name| name.rsplit('/').next());
        let name = name.unwrap_or_default().trim_matches(['"', '{', '}', '`']).to_owned();
        let number = |text: &str| text.trim_matches(['{', '}']).replace('_', "").parse().ok();
        let limits = LIMITS.into_iter().filter_map(|(attribute, _)| Some((attribute, number(value(attribute)?)?)));
        limits.map(|(attribute, value)| (name.clone(), attribute, value)).collect::<Vec<_>>()
    };
    elements.flat_map(of).collect()
}
