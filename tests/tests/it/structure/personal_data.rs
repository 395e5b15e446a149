//! Every store of the migrations and of the catalog says how an erasure changes the personal data in it.

use super::{
    expect_none,
    sources::{entries, with_extension},
};
use catalog::{ALL_KAFKA_TOPICS, BUCKETS, Personal, RETENTION, STORES, STREAMS, StoreKind, TABLES, TOPICS};
use std::{collections::BTreeSet, fs};

/// The names of the stores of a kind.
fn listed(kind: StoreKind) -> BTreeSet<String> {
    STORES.iter().filter(|store| store.kind == kind).map(|store| store.name.to_owned()).collect()
}

fn migrations() -> String {
    let directory = xtask::root().join("shared/adapters-postgres/migrations");
    entries(&directory).iter().map(|path| fs::read_to_string(path).expect("readable")).collect()
}

/// The names between `CREATE TABLE` and the columns.
fn tables(sql: &str) -> BTreeSet<String> {
    let name = |line: &str| line.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next().map(str::to_owned);
    sql.lines().filter_map(name).collect()
}

/// The words before the colon in the keys that `source` makes: `format!("word:{…}")`.
fn redis_prefixes(source: &str) -> BTreeSet<String> {
    let is_word =
        |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    let prefix = |rest: &str| {
        rest.split_once(":{").map(|(prefix, _)| prefix).filter(|prefix| is_word(prefix)).map(str::to_owned)
    };
    source.split("format!(\"").skip(1).filter_map(prefix).collect()
}

#[test]
fn every_store_has_an_entry_and_every_entry_a_store() {
    let sources = with_extension("rs");
    let cached = ["shared/ports/src/product_cache.rs", "shared/services/src/records.rs"];
    let makes_keys = |path: &str| path.starts_with("shared/adapters-redis/src/") || cached.contains(&path);
    let keys = sources.iter().filter(|source| makes_keys(&source.path)).flat_map(|source| redis_prefixes(&source.text));
    let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let of_table = |key: String| key.split('/').next().unwrap_or_default().to_owned();
    let mut complaints = Vec::new();
    for (kind, found, listed) in [
        ("table", tables(&migrations()), listed(StoreKind::PostgresTable)),
        (
            "DynamoDB table",
            names(TABLES.iter().map(|table| table.name).collect()),
            listed(StoreKind::DynamoKeys).into_iter().map(of_table).collect(),
        ),
        ("bucket", names(BUCKETS.iter().map(|bucket| bucket.name).collect()), listed(StoreKind::Bucket)),
        (
            "Kafka topic",
            names(ALL_KAFKA_TOPICS.iter().map(|topic| topic.name).collect()),
            listed(StoreKind::KafkaTopic),
        ),
        ("stream", names(STREAMS.iter().map(|stream| stream.name).collect()), listed(StoreKind::Stream)),
        ("topic", names(TOPICS.iter().map(|topic| topic.name).collect()), listed(StoreKind::Topic)),
        ("Redis prefix", keys.collect(), listed(StoreKind::RedisKeys)),
    ] {
        complaints.extend(found.difference(&listed).map(|name| format!("{kind} {name} has no entry")));
        complaints.extend(listed.difference(&found).map(|name| format!("the entry {name} has no {kind}")));
    }
    expect_none(&complaints, "say in shared/catalog/src/stores.rs how the personal data in it is handled");
}

#[test]
fn store_is_listed_once() {
    let mut seen = BTreeSet::new();
    let twice = STORES.iter().filter(|store| !seen.insert((store.kind, store.name)));
    expect_none(&twice.map(|store| store.name.to_owned()).collect::<Vec<_>>(), "keep one of the entries");
}

#[test]
fn every_store_has_one_retention_and_every_retention_a_store() {
    let stores: BTreeSet<_> = STORES.iter().map(|store| (store.kind, store.name)).collect();
    let mut complaints = Vec::new();
    let mut stated = BTreeSet::new();
    for rule in RETENTION {
        for name in rule.names {
            if !stores.contains(&(rule.kind, name)) {
                complaints.push(format!("the retention of {name} has no store"));
            }
            if !stated.insert((rule.kind, *name)) {
                complaints.push(format!("{name} has two retentions"));
            }
        }
    }
    complaints.extend(stores.difference(&stated).map(|(_, name)| format!("{name} has no retention")));
    expect_none(&complaints, "say in shared/catalog/src/retention.rs how long it keeps what it holds");
}

#[test]
fn erasure_is_by_a_function_of_the_context_that_has_the_table() {
    let mut complaints = Vec::new();
    for store in STORES.iter().filter(|store| store.kind == StoreKind::PostgresTable) {
        if let Personal::Erased(by, _) = store.personal
            && !store.name.starts_with(&format!("{}.", by.context.name()))
        {
            complaints.push(format!("{} cannot be erased by {}", store.name, by.name));
        }
    }
    expect_none(&complaints, "name a function of the context of the table");
}

/// Tables with personal data that the export leaves out, because what they have is in another table, cannot be read, or is gone in days,
/// or because it records what staff did.
const NOT_EXPORTED: [&str; 13] = [
    "identity.idempotency",
    "identity.login_attempts",
    "identity.login_sources",
    "identity.message_budgets",
    "identity.pending_logins",
    "identity.recovery_codes",
    "identity.used_refresh_tokens",
    "notifications.idempotency",
    "notifications.message_budgets",
    "operations.operator_actions",
    "orders.idempotency",
    "payments.idempotency",
    "outbox",
];

#[test]
fn export_reads_every_table_with_personal_data() {
    let sql = migrations();
    let functions: String = sql
        .split("CREATE FUNCTION ")
        .skip(1)
        .filter(|text| text.split('(').next().is_some_and(|name| name.contains(".personal_")))
        .filter_map(|text| text.split("$$").nth(1))
        .collect();
    let is_left_out = |name: &str| NOT_EXPORTED.iter().any(|known| name.ends_with(known));
    let complaints: Vec<_> = STORES
        .iter()
        .filter(|store| store.kind == StoreKind::PostgresTable && !matches!(store.personal, Personal::Nothing))
        .filter(|store| !is_left_out(store.name) && !functions.contains(&format!("{} ", store.name)))
        .map(|store| store.name.to_owned())
        .collect();
    expect_none(&complaints, "read the table in personal_data or personal_records of its schema");
    assert!(functions.contains("orders.orders "), "the functions are found");
}

#[test]
fn scan_finds_tables_and_keys() {
    let sql = "CREATE TABLE a.b (\n  x\n);\nCREATE TABLE a.c (LIKE a.b);\n-- CREATE TABLE a.d (";
    assert_eq!(tables(sql).into_iter().collect::<Vec<_>>(), ["a.b", "a.c"]);
    let source =
        r#"format!("revoked:{session}"); format!("http://{}/", x); format!("{a}:{b}"); format!("breaker:{name}")"#;
    assert_eq!(redis_prefixes(source).into_iter().collect::<Vec<_>>(), ["breaker", "revoked"]);
}
