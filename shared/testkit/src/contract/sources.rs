//! Contract of [`SourceStore`] and [`RecordIntake`].

use super::{Fixture, fresh, later, now};
use crate::build;
use domain::{
    id::ClientId,
    record::SourceName,
    source::{CreateSource, Source, SourceStatus},
};
use futures_util::future::join_all;
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome};
use ports::{RecordIntake, SourceStore};
use serde_json::{Value, json};

/// Generates one test per rule. The expression is a future of a `Fixture<impl SourceStore + RecordIntake>`.
#[macro_export]
macro_rules! contract_sources {
    ($fixture:expr) => {
        $crate::each_rule! { sources, $fixture;
            source_is_read_as_it_was_created_and_its_name_is_taken
            one_of_concurrent_creations_of_a_name_succeeds
            repeated_creation_under_a_key_gets_the_first_response
            concurrent_creations_under_a_key_create_one_source
            rejected_creation_under_a_key_stays_rejected
            next_version_of_a_schema_follows_the_current_one_alone
            closed_source_stays_readable_and_takes_no_version
            sources_are_listed_by_name_in_pages
            key_is_bound_to_one_body
            admission_has_the_current_schemas_of_the_wanted_sources
        }
    };
}

fn a_name() -> SourceName {
    SourceName::parse(&format!("s-{}", fresh())).expect("a name")
}

fn a_source(schema: Value) -> Source {
    let command = json!({ "name": a_name(), "writers": [ClientId(fresh())], "schema": schema });
    Source::create(serde_json::from_value::<CreateSource>(command).expect("a command"), now())
}

fn a_key(fingerprint: &str) -> IdempotencyKey {
    IdempotencyKey { scope: "test".into(), key: fresh().to_string(), fingerprint: fingerprint.into() }
}

async fn create(port: &impl SourceStore, schema: Value) -> Source {
    let source = a_source(schema);
    assert_eq!(port.create_source(&source, None).await, Ok(IdempotencyOutcome::Committed));
    source
}

fn assert_taken(created: Result<IdempotencyOutcome, Failure>) {
    assert!(created.as_ref().is_err_and(domain::source::is_taken), "{created:?}");
}

pub async fn source_is_read_as_it_was_created_and_its_name_is_taken(
    fixture: &Fixture<impl SourceStore + RecordIntake>,
) {
    let port = fixture.port();
    let source = create(port, json!({ "type": "object", "properties": { "a": { "minimum": -1.5 } } })).await;
    assert_eq!(port.source(&source.name).await, Ok(Some(source.clone())));
    let other = Source { name: source.name.clone(), ..a_source(json!({})) };
    assert_taken(port.create_source(&other, None).await);
    assert_eq!(port.source(&source.name).await, Ok(Some(source)));
    assert_eq!(port.source(&a_name()).await, Ok(None));
}

pub async fn one_of_concurrent_creations_of_a_name_succeeds(fixture: &Fixture<impl SourceStore + RecordIntake>) {
    let source = a_source(json!({}));
    let created = join_all(fixture.concurrent(4).map(|port| port.create_source(&source, None))).await;
    let succeeded = created.into_iter().filter(Result::is_ok).count();
    assert_eq!(succeeded, 1);
}

pub async fn repeated_creation_under_a_key_gets_the_first_response(fixture: &Fixture<impl SourceStore + RecordIntake>) {
    let (port, key) = (fixture.port(), a_key("body"));
    let (source, first) = (a_source(json!({})), build::a_reply("first"));
    assert_eq!(port.create_source(&source, Some((&key, &first))).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(port.source(&source.name).await, Ok(Some(source.clone())));
    let again = port.create_source(&source, Some((&key, &build::a_reply("again")))).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(first)));
    let (other, reused) = (a_source(json!({})), IdempotencyKey { fingerprint: "other".into(), ..key });
    let refused = port.create_source(&other, Some((&reused, &build::a_reply("other")))).await.expect_err("reused");
    assert_eq!(refused.code, "idempotency-key-reused");
    assert_eq!(port.source(&other.name).await, Ok(None));
}

pub async fn concurrent_creations_under_a_key_create_one_source(fixture: &Fixture<impl SourceStore + RecordIntake>) {
    let (source, key, reply) = (a_source(json!({})), a_key("body"), build::a_reply("created"));
    let once = Some((&key, &reply));
    let created = join_all(fixture.concurrent(4).map(|port| port.create_source(&source, once))).await;
    let replayed = Ok(IdempotencyOutcome::Replayed(reply.clone()));
    assert_eq!(created.iter().filter(|one| **one == Ok(IdempotencyOutcome::Committed)).count(), 1, "{created:?}");
    assert_eq!(created.iter().filter(|one| **one == replayed).count(), 3, "{created:?}");
}

pub async fn rejected_creation_under_a_key_stays_rejected(fixture: &Fixture<impl SourceStore + RecordIntake>) {
    let (port, key, problem) = (fixture.port(), a_key("body"), build::a_reply("taken"));
    let taken = create(port, json!({})).await;
    assert_taken(port.create_source(&taken, Some((&key, &build::a_reply("created")))).await);
    assert_eq!(port.store_source_response(&key, &problem).await, Ok(IdempotencyOutcome::Committed));
    let again = port.create_source(&a_source(json!({})), Some((&key, &build::a_reply("created")))).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(problem)));
}

pub async fn next_version_of_a_schema_follows_the_current_one_alone(
    fixture: &Fixture<impl SourceStore + RecordIntake>,
) {
    let (port, source) = (fixture.port(), create(fixture.port(), json!({})).await);
    let with = |source: &Source, schema: Value| {
        let schema = serde_json::from_value(schema).expect("a schema");
        source.with_schema(schema, later(60)).expect("open").expect("another schema")
    };
    let second = with(&source, json!({ "type": "object" }));
    let rival = with(&source, json!({ "title": "rival" }));
    assert_eq!(port.add_schema(&second).await, Ok(true));
    assert_eq!(port.add_schema(&rival).await, Ok(false));
    assert_eq!(port.source(&source.name).await, Ok(Some(second.clone())));
    let fourth = with(&with(&second, json!({})), json!({ "title": "fourth" }));
    assert_eq!(port.add_schema(&fourth).await, Ok(false));
    let unknown = Source { name: a_name(), ..second };
    assert_eq!(port.add_schema(&unknown).await, Ok(false));
}

pub async fn closed_source_stays_readable_and_takes_no_version(fixture: &Fixture<impl SourceStore + RecordIntake>) {
    let (port, source) = (fixture.port(), create(fixture.port(), json!({})).await);
    assert_eq!(port.close_source(&source.name, later(60)).await, Ok(true));
    assert_eq!(port.close_source(&source.name, later(90)).await, Ok(true));
    let closed = Source { status: SourceStatus::Closed, closed_at: Some(later(60)), ..source.clone() };
    assert_eq!(port.source(&source.name).await, Ok(Some(closed)));
    let next = source.with_schema(serde_json::from_value(json!({ "title": "x" })).expect("a schema"), now());
    assert_eq!(port.add_schema(&next.expect("open").expect("another")).await, Ok(false));
    assert_eq!(port.close_source(&a_name(), now()).await, Ok(false));
}

pub async fn sources_are_listed_by_name_in_pages(fixture: &Fixture<impl SourceStore + RecordIntake>) {
    let port = fixture.port();
    let mut created = Vec::new();
    for _ in 0..3 {
        created.push(create(port, json!({})).await);
    }
    created.sort_by_key(|source| source.name.clone());
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = port.sources(2, cursor.as_deref()).await.expect("a page");
        assert!(page.items.len() <= 2);
        listed.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    listed.retain(|source| created.contains(source));
    assert_eq!(listed, created);
    assert!(port.sources(2, Some("No name")).await.is_err());
}

pub async fn key_is_bound_to_one_body(fixture: &Fixture<impl SourceStore + RecordIntake>) {
    let key = a_key("one");
    let admitted = join_all(fixture.concurrent(4).map(|port| port.admit(&key, &[]))).await;
    let repeated: Vec<bool> = admitted.into_iter().map(|one| one.expect("admitted").is_repeated).collect();
    assert_eq!(repeated.iter().filter(|is_repeated| !**is_repeated).count(), 1, "{repeated:?}");
    let other = IdempotencyKey { fingerprint: "other".into(), ..key.clone() };
    let refused = fixture.port().admit(&other, &[]).await.expect_err("refused");
    assert_eq!(refused.code, "idempotency-key-reused");
    assert!(fixture.port().admit(&key, &[]).await.expect("admitted").is_repeated);
    let elsewhere = IdempotencyKey { scope: fresh().to_string(), ..other };
    assert!(!fixture.port().admit(&elsewhere, &[]).await.expect("admitted").is_repeated);
}

pub async fn admission_has_the_current_schemas_of_the_wanted_sources(
    fixture: &Fixture<impl SourceStore + RecordIntake>,
) {
    let port = fixture.port();
    let (one, other) = (create(port, json!({ "title": "one" })).await, create(port, json!({ "title": "other" })).await);
    let wanted = [one.name.clone(), other.name.clone(), a_name()];
    let admit = async || {
        let mut sources = port.admit(&a_key("body"), &wanted).await.expect("admitted").sources;
        sources.sort_by_key(|source| source.schema.members()["title"].to_string());
        sources
    };
    // The second time, the schemas may be known.
    for _ in 0..2 {
        assert_eq!(admit().await, [one.clone(), other.clone()]);
    }
    let schema = serde_json::from_value(json!({ "title": "one, the second" })).expect("a schema");
    let next = one.with_schema(schema, later(60)).expect("open").expect("another");
    for process in fixture.concurrent(2) {
        process.admit(&a_key("body"), &wanted).await.expect("admitted");
    }
    assert_eq!(port.add_schema(&next).await, Ok(true));
    for process in fixture.concurrent(2) {
        let sources = process.admit(&a_key("body"), std::slice::from_ref(&next.name)).await.expect("admitted").sources;
        assert_eq!(sources, std::slice::from_ref(&next));
    }
}
