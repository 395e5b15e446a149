//! The golden events, one a line, and how those of a release are made.

use crate::hostile::newer_events;
use aws_lc_rs::digest;
use domain::{Event, event, window};
use serde_json::{Value, json};
use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf};

/// Each golden file with the SHA-256 of its contents, which never changes.
const FILES: [(&str, &str); 6] = [
    ("events-0.1.jsonl", "0b1985e7d74ee54165eb5bf0017b619b35dd6579db3893c02b9debf6256da5b1"),
    ("events-0.2-members.jsonl", "af94eb773144389d6ed8ca79db6f446a9dcf4e2aba479e0b1b97b9dde0a91f13"),
    ("events-0.2-words.jsonl", "6fd8aa4fbe954fb83bfc58b207996f6f7105c3061995f36588b3ab2577a9bdde"),
    ("sales-0.1.jsonl", "f76cf79526b2c64e0b5ed70b6596d2be2dd724729d4c3542b8e46732cabdd74a"),
    ("sales-0.2-members.jsonl", "7ba80c5956fbcb29c7300562b8f1a1e1f40f586b1ce908c34338746d03b9e9f1"),
    ("sales-0.2-words.jsonl", "6e58d65cd1434291e71ad1bd6f1a2242e1d87a6da1ea7f335637766ba59bc342"),
];

/// A word that no enumeration has, and a currency that is not supported.
const NEW_WORD: &str = "added_later";
const NEW_CURRENCY: &str = "XTS";

fn path(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(file)
}

/// The events of a golden file.
pub fn lines(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(path(file)).unwrap_or_else(|cause| panic!("{file}: {cause}"));
    text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
}

fn as_lines(events: &[Value]) -> String {
    events.iter().fold(String::new(), |mut text, event| {
        writeln!(text, "{event}").expect("a string");
        text
    })
}

/// Where an event has a word of an enumeration, and the words that the enumeration has.
type Words = Vec<(String, Vec<String>)>;

fn words(schema: &Value, at: &str, definitions: &Value) -> Words {
    if let Some(definition) = schema["$ref"].as_str().and_then(|link| link.strip_prefix("#/$defs/")) {
        return match definition {
            "Currency" => {
                vec![(at.to_owned(), domain::money::Currency::all().map(|one| one.code().to_owned()).to_vec())]
            }
            _ => words(&definitions[definition], at, definitions),
        };
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices.iter().flat_map(|choice| words(choice, at, definitions)).collect();
    }
    if let Some(members) = schema["properties"].as_object() {
        let below = |(name, member)| words(member, &format!("{at}/{name}"), definitions);
        return members.iter().flat_map(below).collect();
    }
    if schema["items"].is_object() {
        return words(&schema["items"], &format!("{at}/0"), definitions);
    }
    let all: Vec<String> = match (schema["oneOf"].as_array(), schema["enum"].as_array()) {
        (Some(one_of), _) => one_of.iter().filter_map(|one| one["const"].as_str().map(str::to_owned)).collect(),
        (_, Some(words)) => words.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => vec![],
    };
    if all.is_empty() { vec![] } else { vec![(at.to_owned(), all)] }
}

fn schema_of(row: &catalog::Event) -> Value {
    let all = event::schemas();
    all.into_iter().find(|(name, _)| *name == row.name).expect("a schema").1.to_value()
}

fn words_of(row: &catalog::Event) -> Words {
    let schema = schema_of(row);
    words(&schema, "/data", &schema["$defs"])
}

fn is_currency((_, words): &(String, Vec<String>)) -> bool {
    words.iter().any(|word| word == "USD")
}

/// Events of this type as the writer of today publishes them: one without any optional member, and with all of them as many as it takes
/// for each word to occur.
fn events_of(row: &'static catalog::Event) -> Vec<Value> {
    let (full, positions) = (newer_events::event(row), words_of(row));
    let mut least = full.clone();
    let required = schema_of(row)["required"].as_array().cloned().unwrap_or_default();
    if let Some(data) = least["data"].as_object_mut() {
        data.retain(|name, _| required.iter().any(|one| one == name));
    }
    let counts =
        |position: &&(String, Vec<String>)| row.name == catalog::PAYMENT_SUCCEEDED.name || !is_currency(position);
    let variants = positions.iter().filter(counts).map(|(_, words)| words.len()).max().unwrap_or(1);
    let variant = |n: usize| {
        let mut event = full.clone();
        for (at, words) in &positions {
            *event.pointer_mut(at).expect("a member") = json!(words[n % words.len()]);
        }
        event
    };
    std::iter::once(least).chain((0..variants).map(variant)).collect()
}

/// What a newer writer may make of an event: with a new word in each place in turn.
fn with_new_words(event: &Value, positions: &Words) -> Vec<Value> {
    let with = |position: &(String, Vec<String>)| {
        let mut newer = event.clone();
        let word = if is_currency(position) { NEW_CURRENCY } else { NEW_WORD };
        *newer.pointer_mut(&position.0).expect("a member") = json!(word);
        newer
    };
    positions.iter().map(with).collect()
}

fn with_new_members(event: &Value) -> Value {
    let mut newer = event.clone();
    newer_events::extend(&mut newer);
    newer
}

/// The golden events of a release, and of a fabricated one that follows it, by file.
fn made(release: &str, next: &str) -> Vec<(String, String)> {
    let old: Vec<Value> = catalog::EVENTS.iter().flat_map(|row| events_of(row)).collect();
    let full: Vec<Value> = catalog::EVENTS.iter().map(|row| newer_events::event(row)).collect();
    let members: Vec<Value> = full.iter().map(with_new_members).collect();
    let mut words: Vec<Value> =
        catalog::EVENTS.iter().zip(&full).flat_map(|(row, event)| with_new_words(event, &words_of(row))).collect();
    words.push(json!({ "type": "OrderGifted.v1", "data": { "order_id": kernel::Uuid::nil() } }));
    for (name, value) in full[0].as_object().expect("an event") {
        let last = words.last_mut().and_then(Value::as_object_mut).expect("an event");
        last.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let sale = |event: &Value| {
        let event: Event = serde_json::from_value(event.clone()).expect("an event");
        serde_json::to_value(window::stream_record(&event).expect("an order").expect("a sale")).expect("JSON")
    };
    let sales: Vec<Value> =
        old.iter().filter(|event| event["type"] == catalog::ORDER_CONFIRMED.name).map(sale).collect();
    let currency: Words = vec![("/data/revenue/currency".to_owned(), vec!["USD".to_owned()])];
    let new_sales: Vec<Value> = sales.iter().map(with_new_members).collect();
    let sales_with_words: Vec<Value> = sales.iter().flat_map(|sale| with_new_words(sale, &currency)).collect();
    [
        (format!("events-{release}.jsonl"), old),
        (format!("events-{next}-members.jsonl"), members),
        (format!("events-{next}-words.jsonl"), words),
        (format!("sales-{release}.jsonl"), sales),
        (format!("sales-{next}-members.jsonl"), new_sales),
        (format!("sales-{next}-words.jsonl"), sales_with_words),
    ]
    .map(|(file, events)| (file, as_lines(&events)))
    .to_vec()
}

/// `QUAYSIDE_RELEASE=0.3 QUAYSIDE_NEXT=0.4` writes the golden events of a release; it replaces none.
#[test]
fn golden_events_of_a_release_are_made_once() {
    let variable = |name| env::var(name).unwrap_or_default();
    let (release, next) = (variable("QUAYSIDE_RELEASE"), variable("QUAYSIDE_NEXT"));
    for (file, text) in made(&release, &next) {
        assert!(text.lines().count() > 0, "{file}");
        if release.is_empty() {
            continue;
        }
        assert!(!path(&file).exists(), "{file} exists, and golden events never change");
        fs::write(path(&file), &text).expect("a writable directory");
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        eprintln!("    (\"{file}\", \"{}\"),", hexadecimal(hash.as_ref()));
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn golden_events_never_change() {
    for (file, expected) in FILES {
        let bytes = fs::read(path(file)).unwrap_or_else(|cause| panic!("{file}: {cause}"));
        let found = hexadecimal(digest::digest(&digest::SHA256, &bytes).as_ref());
        assert_eq!(found, expected, "{file} was changed: release 0.1 wrote what it wrote");
    }
    let known: BTreeSet<&str> = FILES.map(|(file, _)| file).into();
    for entry in fs::read_dir(path("")).expect("a directory") {
        let name = entry.expect("a file").file_name().into_string().expect("a name");
        assert!(known.contains(name.as_str()), "{name} has no checksum");
    }
}

/// Types of events that no release has written: the next one makes golden events of them.
const UNRELEASED: [&str; 5] = [
    "WindowClosed.v1",
    "AnomalyDetected.v1",
    "RefundApprovalRequested.v1",
    "RefundApprovalDecided.v1",
    "RefundApprovalRefused.v1",
];

#[test]
fn every_type_of_event_is_golden_or_not_released() {
    let golden: BTreeSet<String> =
        lines("events-0.1.jsonl").iter().filter_map(|event| event["type"].as_str().map(str::to_owned)).collect();
    for row in catalog::EVENTS {
        let is_unreleased = UNRELEASED.contains(&row.name);
        assert!(golden.contains(row.name) != is_unreleased, "{} has golden events, or is unreleased", row.name);
    }
    let known = |name: &String| catalog::EVENTS.iter().any(|row| row.name == name);
    assert!(golden.iter().all(known), "a type that a release wrote stays in the catalog: {golden:?}");
}
