//! The authorizer, streams, topics, schedules and what operators call.

use super::{PRODUCT, USER, all_samples_are_named, clock, lantern, moment, sample};
use domain::{DomainEvent, user::Role};
use edge::{Consumer, Delivery};
use kernel::Timestamp;
use ports::{Claims, Tokens, WindowStore};
use serde_json::{Value, json};
use testkit::{Dependency, Platform, build};

#[tokio::test]
async fn the_authorizer_names_the_bearer_of_a_good_token_and_nobody_else() {
    let platform = Platform::new();
    let tokens = platform.tokens();
    all_samples_are_named(catalog::AUTHORIZER, &["ok", "bad_forged", "bad_no_bearer"]);
    let ends = Timestamp::from_second(moment().as_second() + 60).expect("a time");
    let claims = Claims { user_id: USER, role: Role::Staff, issued_at: moment(), expires_at: ends };
    let mut good = sample(catalog::AUTHORIZER, "ok");
    good["headers"]["authorization"] = format!("Bearer {}", tokens.issue(&claims).await.expect("a token")).into();
    let decide = async |event| {
        let handler = async |request| authorizer::handle(&tokens, request).await;
        edge::authorizer::decide(event, &clock(), &handler).await.expect("a decision")
    };
    assert_eq!(decide(good).await["context"], json!({"sub": USER, "role": "staff"}));
    for case in ["bad_forged", "bad_no_bearer"] {
        assert_eq!(decide(sample(catalog::AUTHORIZER, case)).await["context"], json!({}), "{case}");
    }
    platform.faults().take_down(Dependency::Keys);
    let handler = async |request| authorizer::handle(&tokens, request).await;
    let forged = sample(catalog::AUTHORIZER, "bad_forged");
    assert!(edge::authorizer::decide(forged, &clock(), &handler).await.is_err());
}

#[tokio::test]
async fn product_relay_publishes_a_new_product_once_an_id_and_buries_what_is_none() {
    let platform = Platform::new();
    all_samples_are_named(catalog::PRODUCT_RELAY, &["ok", "bad_not_a_product"]);
    let handler =
        async |change| product_relay::handle(&platform.bus(), adapters_dynamodb::product_from_image, change).await;
    let consumer = Consumer::new(catalog::PRODUCT_RELAY.name);
    for case in ["ok", "ok", "bad_not_a_product"] {
        let event = sample(catalog::PRODUCT_RELAY, case);
        let answer = edge::dynamodb::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
        assert_eq!(answer.expect("a batch"), json!({"batchItemFailures": []}), "{case}");
    }
    let published = platform.bus().published();
    assert_eq!(published.len(), 2);
    assert_eq!(published[0], published[1]);
    let DomainEvent::ProductCreated(product) = &published[0].event else { panic!("{published:?}") };
    assert_eq!((product.product_id, product.stock_quantity), (PRODUCT, lantern().stock_quantity));
    assert_eq!(platform.dead_letters().messages().len(), 1);
}

#[tokio::test]
async fn window_aggregate_counts_an_order_once_and_buries_what_cannot_be_read() {
    let platform = Platform::new();
    let cases = ["ok", "bad_mixed_batch"];
    all_samples_are_named(catalog::WINDOW_AGGREGATE, &cases);
    let handler = async |batch: &[Delivery<DomainEvent>]| window_aggregate::handle(&platform.windows(), batch).await;
    let consumer = Consumer::new(catalog::WINDOW_AGGREGATE.name);
    for case in cases {
        let event = sample(catalog::WINDOW_AGGREGATE, case);
        edge::kinesis::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
    let windows = platform.windows().list(Timestamp::UNIX_EPOCH, build::at(0).max(moment()), 20, None).await;
    let windows = windows.expect("windows").items;
    assert_eq!((windows.len(), windows[0].orders, windows[0].revenue), (1, 1, build::usd(3998).into()));
    assert_eq!(windows[0].start, "2026-11-21T08:45:00Z".parse().expect("a time"));
    assert_eq!(platform.dead_letters().messages().len(), 1);
}

#[tokio::test]
async fn event_archive_keeps_lines_under_topic_and_date_and_the_same_batch_once() {
    let platform = Platform::new();
    let cases = ["ok", "bad_mixed_batch"];
    all_samples_are_named(catalog::EVENT_ARCHIVE, &cases);
    let handler = async |batch: &[edge::kafka::Record<serde::de::IgnoredAny>]| {
        event_archive::handle(&platform.archive(), batch).await
    };
    let consumer = Consumer::new(catalog::EVENT_ARCHIVE.name);
    for case in ["ok", "ok", "bad_mixed_batch"] {
        let event = sample(catalog::EVENT_ARCHIVE, case);
        edge::kafka::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
    let objects = platform.archive().objects();
    let (key, lines) = objects.iter().next().expect("an object");
    assert_eq!(key, "order-events/2026/11/21/0-00000000000000000015-00000000000000000016.jsonl");
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert_eq!(platform.dead_letters().messages().len(), 1);
}

#[tokio::test]
async fn outbox_sweep_sends_what_a_deaf_bus_left_behind() {
    let platform = Platform::new();
    all_samples_are_named(catalog::OUTBOX_SWEEP, &["ok", "bad_not_a_schedule"]);
    platform.outbox().insert(&build::event_with(
        build::event(1, build::user().event()).id,
        Timestamp::UNIX_EPOCH,
        build::user().event(),
    ));
    let sweep = async |case| {
        let handler = async |tick| outbox_sweep::handle(&platform.outbox(), tick).await;
        edge::schedule::tick(catalog::OUTBOX_SWEEP.name, sample(catalog::OUTBOX_SWEEP, case), &clock(), &handler).await
    };
    platform.faults().take_down(Dependency::Bus);
    drop(sweep("ok").await);
    assert_eq!(platform.outbox().pending().len(), 1);
    platform.faults().restore_all();
    assert_eq!(sweep("ok").await.expect("a run"), json!({"sent": 1, "waiting": 0, "deleted": 1}));
    assert_eq!((platform.bus().published().len(), platform.outbox().pending().len()), (1, 0));
    // What called it does not matter: it sweeps.
    assert_eq!(sweep("bad_not_a_schedule").await.expect("a run"), json!({"sent": 0, "waiting": 0, "deleted": 0}));
}

#[tokio::test]
async fn outbox_sweep_comes_past_more_than_a_round_of_what_is_always_refused() {
    let platform = Platform::new();
    for n in 0..101 {
        let event = build::event(n, build::user().event());
        let time = Timestamp::from_second(i64::try_from(n).expect("small")).expect("a time");
        platform.outbox().insert(&build::event_with(event.id, time, build::user().event()));
    }
    let last = build::event(100, build::user().event()).id;
    platform.faults().reject_events(move |event| event.id != last);
    let handler = async |tick| outbox_sweep::handle(&platform.outbox(), tick).await;
    let event = sample(catalog::OUTBOX_SWEEP, "ok");
    let answer = edge::schedule::tick(catalog::OUTBOX_SWEEP.name, event, &clock(), &handler).await.expect("a run");
    assert_eq!((&answer["sent"], &answer["waiting"]), (&1.into(), &100.into()));
}

#[tokio::test]
async fn database_migrate_makes_each_account_once_and_knows_its_roles() {
    let platform = Platform::new();
    all_samples_are_named(catalog::DATABASE_MIGRATE, &["ok", "bad_role"]);
    let migrate = async |case| {
        let handler = async |call| database_migrate::handle(&platform.migrations(), &platform.passwords(), call).await;
        let (name, event) = (catalog::DATABASE_MIGRATE.name, sample(catalog::DATABASE_MIGRATE, case));
        edge::direct::invoke(name, event, &clock(), &handler).await
    };
    assert_eq!(migrate("ok").await.expect("done")["accounts"], 1);
    assert_eq!(migrate("ok").await.expect("done")["accounts"], 0);
    assert_eq!(migrate("bad_role").await.expect_err("refused").code, "validation");
}

#[tokio::test]
async fn key_rotate_makes_a_new_key_and_takes_no_orders() {
    let platform = Platform::new();
    all_samples_are_named(catalog::KEY_ROTATE, &["ok", "bad_unknown_field"]);
    let rotate = async |case| {
        let handler = async |call| key_rotate::handle(&platform.tokens(), call).await;
        let (name, event) = (catalog::KEY_ROTATE.name, sample(catalog::KEY_ROTATE, case));
        edge::direct::invoke(name, event, &clock(), &handler).await
    };
    let (first, second) = (rotate("ok").await.expect("done"), rotate("ok").await.expect("done"));
    assert_ne!(first["kid"], second["kid"]);
    assert!(rotate("bad_unknown_field").await.is_err());
}
