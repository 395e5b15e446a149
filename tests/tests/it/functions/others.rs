//! The authorizer, consumers of streams and topics, schedules, and functions that operators call.

use super::{USER, assert_all_samples_run, clock, sample, sample_time};
use domain::{id::SessionId, user::Role, window::AnalyticsRecord};
use edge::{Clock, Consumer, Delivery, schedule::Tick, testing::CapturedLogs};
use kernel::{Failure, Timestamp};
use ports::{
    Backlog, Claims, DeliveryCheck, DeliveryCheckReport, ExpiredRows, LoginAttempt, LoginCounters, LoginName, Outbox,
    Retention as _, SweepReport, TimeCursor, Tokens, UserStore as _, WindowStore,
};
use serde_json::{Value, json};
use std::{cell::Cell, time::Duration};
use testkit::{Dependency, FaultPoint, InjectedFault, Platform, build};

#[tokio::test]
async fn authorizer_identifies_the_bearer_of_a_valid_token_only() {
    let platform = Platform::new();
    let tokens = platform.tokens();
    assert_all_samples_run(catalog::AUTHORIZER, &["ok", "bad_forged", "bad_no_bearer"]);
    let ends = Timestamp::from_second(sample_time().as_second() + 60).expect("a time");
    let session_id = SessionId(kernel::Uuid::from_u128(5));
    let claims = Claims { user_id: USER, session_id, role: Role::Staff, issued_at: sample_time(), expires_at: ends };
    let mut good = sample(catalog::AUTHORIZER, "ok");
    good["headers"]["authorization"] = format!("Bearer {}", tokens.issue(&claims).await.expect("a token")).into();
    let decide = async |event| {
        let handler = async |request| authorizer::handle(&tokens, &platform.revocations(), request).await;
        edge::authorizer::decide(event, &clock(), &handler).await.expect("a decision")
    };
    assert_eq!(decide(good).await["context"], json!({"sub": USER, "role": "staff", "sid": session_id}));
    for case in ["bad_forged", "bad_no_bearer"] {
        assert_eq!(decide(sample(catalog::AUTHORIZER, case)).await["context"], json!({}), "{case}");
    }
    platform.faults().take_down(Dependency::Keys);
    let handler = async |request| authorizer::handle(&tokens, &platform.revocations(), request).await;
    let forged = sample(catalog::AUTHORIZER, "bad_forged");
    assert!(edge::authorizer::decide(forged, &clock(), &handler).await.is_err());
}

#[tokio::test]
async fn window_aggregate_counts_an_order_once_and_dead_letters_malformed_records() {
    let platform = Platform::new();
    let cases = ["ok", "bad_mixed_batch"];
    assert_all_samples_run(catalog::WINDOW_AGGREGATE, &cases);
    let handler =
        async |batch: &[Delivery<AnalyticsRecord>]| window_aggregate::handle(&platform.windows(), batch).await;
    let consumer = Consumer::new(catalog::WINDOW_AGGREGATE.name, catalog::MAX_RECEIVES);
    for case in cases {
        let event = sample(catalog::WINDOW_AGGREGATE, case);
        edge::kinesis::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
    let windows = platform.windows().list(Timestamp::UNIX_EPOCH, build::at(0).max(sample_time()), 20, None).await;
    let windows = windows.expect("windows").items;
    assert_eq!((windows.len(), windows[0].orders, windows[0].revenue), (1, 1, build::usd(3998).into()));
    assert_eq!(windows[0].start, "2026-11-21T08:45:00Z".parse().expect("a time"));
    assert_eq!(platform.dead_letters().messages().len(), 1);
}

#[tokio::test]
async fn event_archive_stores_a_batch_once_by_topic_and_date() {
    let platform = Platform::new();
    let cases = ["ok", "ok_tombstone", "bad_mixed_batch"];
    assert_all_samples_run(catalog::EVENT_ARCHIVE, &cases);
    let handler = async |batch: &[edge::kafka::Record<serde::de::IgnoredAny>]| {
        event_archive::handle(&platform.archive(), batch).await
    };
    let consumer = Consumer::new(catalog::EVENT_ARCHIVE.name, catalog::MAX_RECEIVES);
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
async fn event_archive_takes_the_tombstone_of_an_erased_person() {
    let platform = Platform::new();
    let handler = async |batch: &[edge::kafka::Record<serde::de::IgnoredAny>]| {
        event_archive::handle(&platform.archive(), batch).await
    };
    let (consumer, event) = (
        Consumer::new(catalog::EVENT_ARCHIVE.name, catalog::MAX_RECEIVES),
        sample(catalog::EVENT_ARCHIVE, "ok_tombstone"),
    );
    edge::kafka::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    let objects = platform.archive().objects();
    let keys: Vec<&String> = objects.keys().collect();
    assert_eq!(keys, ["order-events/2026/11/21/0-00000000000000000015-00000000000000000015.jsonl"]);
    assert_eq!(platform.dead_letters().messages(), []);
}

async fn sweep_outbox(platform: &Platform, tick: Tick) -> Result<outbox_sweep::Summary, Failure> {
    outbox_sweep::handle(&platform.outbox(), &platform.outbox(), &platform.queues(), tick).await
}

#[tokio::test]
async fn outbox_sweep_publishes_events_left_by_a_bus_outage() {
    let platform = Platform::new();
    assert_all_samples_run(catalog::OUTBOX_SWEEP, &["ok", "bad_not_a_schedule"]);
    platform.outbox().insert(&build::event_with(
        build::event(1, build::user().event()).id,
        Timestamp::UNIX_EPOCH,
        build::user().event(),
    ));
    let sweep = async |case| {
        let handler = async |tick| sweep_outbox(&platform, tick).await;
        edge::schedule::tick(catalog::OUTBOX_SWEEP.name, sample(catalog::OUTBOX_SWEEP, case), &clock(), &handler).await
    };
    platform.faults().take_down(Dependency::Bus);
    drop(sweep("ok").await);
    assert_eq!(platform.outbox().pending().len(), 1);
    platform.faults().restore_all();
    assert_eq!(
        sweep("ok").await.expect("a run"),
        json!({"sent": 1, "refused": 0, "waiting": 0, "requeued": 0, "deleted": 1, "behind": 0})
    );
    assert_eq!((platform.bus().published().len(), platform.outbox().pending().len()), (1, 0));
    // The function sweeps whatever its input is.
    assert_eq!(
        sweep("bad_not_a_schedule").await.expect("a run"),
        json!({"sent": 0, "refused": 0, "waiting": 0, "requeued": 0, "deleted": 0, "behind": 0})
    );
}

/// An outbox of which these methods fail.
struct FailingOutbox<'a> {
    outbox: testkit::Outbox,
    methods: &'a [&'static str],
}

impl FailingOutbox<'_> {
    fn check(&self, method: &str) -> Result<(), Failure> {
        if self.methods.contains(&method) { Err(Failure::internal(method)) } else { Ok(()) }
    }
}

impl Outbox for FailingOutbox<'_> {
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<SweepReport, Failure> {
        self.check("sweep")?;
        self.outbox.sweep(before, limit, after).await
    }

    async fn backlog(&self) -> Result<Backlog, Failure> {
        self.check("backlog")?;
        self.outbox.backlog().await
    }

    async fn requeue_undelivered(&self, check: &DeliveryCheck) -> Result<DeliveryCheckReport, Failure> {
        self.check("requeue_undelivered")?;
        self.outbox.requeue_undelivered(check).await
    }
}

#[tokio::test]
async fn outbox_sweep_deletes_expired_rows_whatever_fails_and_reports_the_first_failure() {
    let all = ["sweep", "backlog", "requeue_undelivered"];
    for methods in [&all[..1], &all[1..2], &all[2..], &all[..]] {
        let platform = Platform::new();
        let id = build::event(1, build::user().event()).id;
        platform.outbox().insert(&build::event_with(id, Timestamp::UNIX_EPOCH, build::user().event()));
        platform.outbox().sweep(sample_time(), 1, None).await.expect("published");
        let outbox = FailingOutbox { outbox: platform.outbox(), methods };
        let failure = Cell::new(None);
        let handler = async |tick| {
            let run = outbox_sweep::handle(&outbox, &platform.outbox(), &platform.queues(), tick).await;
            failure.set(run.as_ref().err().cloned());
            run
        };
        let event = sample(catalog::OUTBOX_SWEEP, "ok");
        let logs = CapturedLogs::begin();
        drop(edge::schedule::tick(catalog::OUTBOX_SWEEP.name, event, &clock(), &handler).await);
        let is_logged = |message| logs.with_message(message).len() == 1;
        let others = ["count of waiting events failed", "delivery check failed"].map(is_logged);
        assert_eq!(others, [methods.len() == all.len(); 2], "{methods:?}: the other failures are logged");
        assert_eq!(failure.take(), Some(Failure::internal(methods[0])), "{methods:?}");
        let expired = ExpiredRows { table: "orders.outbox", since: "published_at", before: sample_time() };
        assert_eq!(platform.outbox().delete(&expired, 1).await, Ok(0), "{methods:?}: the row was deleted");
    }
}

#[tokio::test]
async fn outbox_sweep_does_its_work_while_consumers_cannot_be_counted() {
    let platform = Platform::new();
    let event = build::event(1, build::user().event());
    platform.outbox().insert(&build::event_with(event.id, Timestamp::UNIX_EPOCH, build::user().event()));
    platform.faults().take_down(Dependency::Mappings);
    let handler = async |tick| sweep_outbox(&platform, tick).await;
    let event = sample(catalog::OUTBOX_SWEEP, "ok");
    let response = edge::schedule::tick(catalog::OUTBOX_SWEEP.name, event, &clock(), &handler).await.expect("a run");
    assert_eq!(response["sent"], 1);
}

#[tokio::test]
async fn outbox_sweep_proceeds_past_events_that_the_bus_always_rejects() {
    let platform = Platform::new();
    for n in 0..301 {
        let event = build::event(n, build::user().event());
        let time = Timestamp::from_second(i64::try_from(n).expect("small")).expect("a time");
        platform.outbox().insert(&build::event_with(event.id, time, build::user().event()));
    }
    let last = build::event(300, build::user().event()).id;
    platform.faults().reject_events(move |event| event.id != last);
    let handler = async |tick| sweep_outbox(&platform, tick).await;
    let event = sample(catalog::OUTBOX_SWEEP, "ok");
    let response = edge::schedule::tick(catalog::OUTBOX_SWEEP.name, event, &clock(), &handler).await.expect("a run");
    assert_eq!((&response["sent"], &response["waiting"]), (&1.into(), &300.into()));
}

#[tokio::test]
async fn outbox_sweep_proceeds_past_any_number_of_events_that_the_bus_is_not_offered() {
    let platform = Platform::new();
    let of_no_context = |n: u64| {
        let event = build::event(n, build::user().event());
        let time = Timestamp::UNIX_EPOCH + Duration::from_secs(n);
        domain::Event { source: "quayside.nobody".to_owned(), ..build::event_with(event.id, time, event.event) }
    };
    (0..=5_000).for_each(|n| platform.outbox().insert(&of_no_context(n)));
    let event = build::event(6_000, build::user().event());
    let younger = build::event_with(event.id, Timestamp::UNIX_EPOCH + Duration::from_secs(6_000), event.event);
    platform.outbox().insert(&younger);
    let handler = async |tick| sweep_outbox(&platform, tick).await;
    let event = sample(catalog::OUTBOX_SWEEP, "ok");
    let response = edge::schedule::tick(catalog::OUTBOX_SWEEP.name, event, &clock(), &handler).await.expect("a run");
    assert_eq!((&response["sent"], &response["refused"]), (&1.into(), &5_001.into()));
}

#[tokio::test]
async fn outbox_sweep_leases_each_page_from_the_time_at_which_it_is_read() {
    let platform = Platform::new();
    for n in 0..300 {
        let event = build::event(n, build::user().event());
        platform.outbox().insert(&build::event_with(event.id, Timestamp::UNIX_EPOCH, event.event));
    }
    let sweep = async |clock: &Clock| {
        let (handler, event) = (async |tick| sweep_outbox(&platform, tick).await, sample(catalog::OUTBOX_SWEEP, "ok"));
        edge::schedule::tick(catalog::OUTBOX_SWEEP.name, event, clock, &handler).await.expect("a run")["sent"].clone()
    };
    let (clock, passing) = (clock(), clock());
    let slow = passing.clone();
    platform.faults().intercept(move |dependency, _| {
        slow.advance(Duration::from_secs(if dependency == Dependency::Bus { 100 } else { 0 }));
        InjectedFault::default()
    });
    // The first page takes 100 seconds, and the run stops within the second, of which the events are leased.
    platform.faults().crash(4, FaultPoint::After);
    platform.run(sweep(&passing)).await.expect_err("it crashed");
    platform.faults().restore_all();
    clock.advance(Duration::from_secs(100));
    assert_eq!(sweep(&clock).await, 0, "another run has these events");
    clock.advance(Duration::from_secs(61));
    assert_eq!(sweep(&clock).await, 50);
}

#[tokio::test]
async fn database_migrate_seeds_each_account_once_and_validates_roles() {
    let platform = Platform::new();
    assert_all_samples_run(catalog::DATABASE_MIGRATE, &["ok", "ok_canary", "bad_role"]);
    let migrate = async |case| {
        let handler = async |call| database_migrate::handle(&platform.migrations(), &platform.passwords(), call).await;
        let (name, event) = (catalog::DATABASE_MIGRATE.name, sample(catalog::DATABASE_MIGRATE, case));
        edge::direct::invoke(name, event, &clock(), &handler).await
    };
    assert_eq!(migrate("ok").await.expect("done")["accounts"], 1);
    assert_eq!(migrate("ok").await.expect("done")["accounts"], 0);
    assert_eq!(migrate("bad_role").await.expect_err("rejected").code, "validation");
    for _ in 0..2 {
        assert_eq!(migrate("ok_canary").await.expect("done")["accounts"], 0);
    }
    let counters = LoginCounters { name_and_source: "a".to_owned(), source: "b".to_owned() };
    let login = platform.users().reserve_login(LoginName::Typed("canary@example.com"), &counters, sample_time()).await;
    let Ok(LoginAttempt::Granted(Some(canary))) = login else { panic!("{login:?}") };
    assert_eq!((canary.user_id, canary.role), (domain::canary::CUSTOMER, Role::Customer));
}

#[tokio::test]
async fn key_rotate_creates_a_new_key_and_rejects_unknown_input() {
    let platform = Platform::new();
    assert_all_samples_run(catalog::KEY_ROTATE, &["ok", "bad_unknown_field"]);
    let rotate = async |case| {
        let (tokens, sealer, sources) = (platform.tokens(), platform.sealer(), platform.request_sources());
        let handler = async |call| key_rotate::handle(&tokens, &sealer, &sources, call).await;
        let (name, event) = (catalog::KEY_ROTATE.name, sample(catalog::KEY_ROTATE, case));
        edge::direct::invoke(name, event, &clock(), &handler).await
    };
    let (first, second) = (rotate("ok").await.expect("done"), rotate("ok").await.expect("done"));
    assert_ne!(first["kid"], second["kid"]);
    assert!(rotate("bad_unknown_field").await.is_err());
}

#[tokio::test]
async fn topics_create_creates_what_is_missing_and_rejects_other_partitions() {
    use ports::LogTopics as _;
    let platform = Platform::new();
    assert_all_samples_run(catalog::TOPICS_CREATE, &["ok", "bad_unknown_field"]);
    let create = async |case| {
        let handler = async |call| topics_create::handle(&platform.log_topics(), call).await;
        let (name, event) = (catalog::TOPICS_CREATE.name, sample(catalog::TOPICS_CREATE, case));
        edge::direct::invoke(name, event, &clock(), &handler).await
    };
    let orders = catalog::ORDER_EVENTS;
    platform.log_topics().create(orders.name, orders.partitions).await.expect("created");
    let first = create("ok").await.expect("done");
    let missing: Vec<&str> =
        catalog::ALL_KAFKA_TOPICS.iter().map(|topic| topic.name).filter(|name| *name != orders.name).collect();
    assert_eq!((&first["created"], &first["configured"]), (&json!(missing), &json!(["user-events"])));
    let again = create("ok").await.expect("done");
    assert_eq!((&again["created"], &again["configured"]), (&json!([]), &json!([])));
    let compacted = catalog::Cleanup::CompactAndDelete.settings();
    assert_eq!(platform.log_topics().configure(catalog::USER_EVENTS.name, compacted).await, Ok(false), "it is set");
    let listed = platform.log_topics().list().await.expect("a list");
    assert!(
        catalog::ALL_KAFKA_TOPICS.iter().all(|topic| listed.get(topic.name) == Some(&topic.partitions)),
        "{listed:?}"
    );
    assert!(create("bad_unknown_field").await.is_err());

    let other = Platform::new();
    other.log_topics().create(orders.name, orders.partitions + 1).await.expect("created");
    let handler = async |call| topics_create::handle(&other.log_topics(), call).await;
    let event = sample(catalog::TOPICS_CREATE, "ok");
    let failure =
        edge::direct::invoke(catalog::TOPICS_CREATE.name, event, &clock(), &handler).await.expect_err("differ");
    assert_eq!(failure.code, "partitions-differ");
    assert!(failure.detail.contains("order-events has 5 partitions instead of 4"), "{}", failure.detail);
    assert_eq!(other.log_topics().list().await.expect("a list").len(), catalog::ALL_KAFKA_TOPICS.len());
}

#[tokio::test]
async fn database_secret_rotate_sets_the_password_that_becomes_current() {
    let platform = Platform::new();
    assert_all_samples_run(catalog::DATABASE_SECRET_ROTATE, &["ok", "bad_step"]);
    let event = sample(catalog::DATABASE_SECRET_ROTATE, "ok");
    let secret = event["SecretId"].as_str().expect("an ARN").to_owned();
    let (secrets, passwords) = (platform.role_secrets(), platform.role_passwords());
    secrets.create(&secret, "orders");
    let rotate = async |step: &str, version: &str| {
        let mut event = event.clone();
        event["Step"] = json!(step);
        event["ClientRequestToken"] = json!(version);
        let handler = async |call| database_secret_rotate::handle(&secrets, &passwords, call).await;
        edge::direct::invoke(catalog::DATABASE_SECRET_ROTATE.name, event, &clock(), &handler).await
    };
    rotate("createSecret", "first").await.expect("prepared");
    // The migration has not created the role yet: Secrets Manager tries again later.
    assert_eq!(rotate("setSecret", "first").await.expect_err("no role").code, "not-found");
    passwords.create("orders");
    for version in ["first", "second"] {
        for step in
            ["createSecret", "createSecret", "setSecret", "setSecret", "testSecret", "finishSecret", "finishSecret"]
        {
            rotate(step, version).await.expect(step);
        }
        let current = secrets.current(&secret).expect("a password");
        assert!(passwords.accepts("orders", &current), "{version}");
    }
    let before = secrets.current(&secret);
    assert!(rotate("setSecret", "never prepared").await.is_err());
    assert!(rotate("finishSecret", "never prepared").await.is_err());
    assert!(rotate("destroySecret", "third").await.is_err());
    assert_eq!(secrets.current(&secret), before);
}
