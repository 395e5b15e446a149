//! Outbound webhooks under duplicates, crashes at any operation, outages and receivers that fail: the real handlers over the in-memory fakes, in
//! pseudorandom order.
//!
//! Invariants: an endpoint gets each event that it subscribed to at least once, unchanged, under the id of the event; it gets no other; and
//! nothing is claimed for it after it was disabled.

use domain::{
    Event,
    id::{EndpointId, UserId},
    webhook::{DeliveryStatus, Endpoint, EndpointStatus, UpdateEndpoint, WebhookTargets, update},
};
use edge::{Clock, testing};
use kernel::{Ids, Timestamp, Uuid};
use ports::{Sealer as _, WebhookEndpoints as _};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, time::Duration};
use testkit::{Dependency, FaultPoint, Occurrence, Platform, build};

const SCHEDULES: u64 = 400;
const STEPS: u64 = 60;
const PLACED: [&str; 1] = [catalog::ORDER_PLACED.name];
const BOTH: [&str; 2] = [catalog::ORDER_PLACED.name, catalog::PRODUCT_CREATED.name];

/// One schedule.
struct World {
    platform: Platform,
    clock: Clock,
    random: Ids,
    events: Vec<Event>,
    /// Indexes of events, each at least once.
    queue: Vec<usize>,
    /// The messages to the second endpoint when it was disabled.
    disabled_at: Option<usize>,
}

fn endpoint_id(number: u128) -> EndpointId {
    EndpointId(Uuid::from_u128(number))
}

impl World {
    async fn new(seed: u64) -> Self {
        let platform = Platform::new();
        for (number, events) in [(1, &PLACED[..]), (2, &BOTH[..])] {
            let id = endpoint_id(number);
            let (_, secret) = platform.sealer().generate(&Endpoint::associated_data(id)).await.expect("sealed");
            let endpoint = build::endpoint_of(id, UserId(Uuid::nil()), build::noon(), events);
            let url = format!("https://example.com/{number}");
            let url = domain::webhook::WebhookUrl::parse(&url).expect("a URL");
            platform.webhooks().put(&Endpoint { secret, url, ..endpoint });
        }
        let event = |n: u64| match n % 3 {
            0 => build::event(n, build::product().event()),
            _ => build::event(n, build::order().order_placed()),
        };
        let events: Vec<Event> = (1..=6).map(event).collect();
        let (clock, random) = (Clock::at(build::noon(), seed), Ids::seeded(seed, build::noon()));
        let queue = (0..events.len()).chain([0, 3]).collect();
        Self { platform, clock, random, events, queue, disabled_at: None }
    }

    fn choose(&self, n: u64) -> u64 {
        self.random.next().as_u64_pair().1 % n
    }

    /// Runs `work` in a process that may crash at one of its operations. Returns whether it did.
    async fn may_crash<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        if self.choose(3) == 0 {
            let at = self.platform.operation_count() + 1 + usize::try_from(self.choose(8)).expect("small");
            let point = if self.choose(2) == 0 { FaultPoint::Before } else { FaultPoint::After };
            self.platform.faults().crash(at, point);
        }
        self.platform.run(work).await.ok()
    }

    async fn enqueue(&mut self) {
        if self.queue.is_empty() {
            return;
        }
        let at = usize::try_from(self.choose(self.queue.len() as u64)).expect("small");
        let which = self.queue.swap_remove(at);
        let event = untyped(&self.events[which]);
        let delivery = testing::delivery(catalog::WEBHOOK_ENQUEUE.name, event, &self.clock);
        let (webhooks, sealer) = (self.platform.webhooks(), self.platform.sealer());
        let receiver = self.platform.webhook_receiver();
        let done = self.may_crash(webhook_enqueue::handle(&webhooks, &sealer, &receiver, delivery)).await;
        if !matches!(done, Some(Ok(()))) || self.choose(6) == 0 {
            self.queue.push(which);
        }
    }

    async fn deliver(&self) {
        let (webhooks, sealer) = (self.platform.webhooks(), self.platform.sealer());
        let receiver = self.platform.webhook_receiver();
        let handler = async |tick| webhook_deliver::handle(&webhooks, &sealer, &receiver, tick).await;
        let event = testing::schedule_event(self.clock.now());
        self.may_crash(edge::schedule::tick(catalog::WEBHOOK_DELIVER.name, event, &self.clock, &handler)).await;
    }

    /// Disables the second endpoint, as staff do.
    async fn disable(&mut self) {
        // Also of a crash that is still to come.
        self.platform.faults().restore_all();
        let webhooks = self.platform.webhooks();
        let known = webhooks.endpoint(endpoint_id(2)).await.expect("a response").expect("an endpoint");
        let Endpoint { url, event_types, description, .. } = known.clone();
        let command = UpdateEndpoint { url, event_types, description, status: EndpointStatus::Disabled };
        let disabled = update(&known, command, &WebhookTargets::default(), self.clock.now()).expect("allowed");
        assert_eq!(webhooks.replace_endpoint(&disabled).await, Ok(true));
        self.disabled_at = Some(self.ids_at(2).len());
    }

    async fn step(&mut self) {
        let faults = self.platform.faults();
        match self.choose(12) {
            0 | 1 => faults.fail(Dependency::Webhooks, Occurrence::First(self.choose(3) + 1), FaultPoint::Before),
            2 => faults.fail(Dependency::Webhooks, Occurrence::First(1), FaultPoint::After),
            3 => faults.fail(Dependency::Database, Occurrence::First(self.choose(2) + 1), FaultPoint::After),
            4 => self
                .platform
                .webhook_receiver()
                .respond_with([204, 500, 301][usize::try_from(self.choose(3)).expect("small")]),
            5 if self.disabled_at.is_none() && self.choose(8) == 0 => self.disable().await,
            6 | 7 => self.clock.advance(Duration::from_secs(
                [1, 60, 130, 400, 2_000][usize::try_from(self.choose(5)).expect("small")],
            )),
            8 | 9 => self.enqueue().await,
            _ => self.deliver().await,
        }
    }

    /// The ids of the messages to an endpoint, in the order of arrival.
    fn ids_at(&self, number: u32) -> Vec<String> {
        let url = format!("https://example.com/{number}");
        let received = self.platform.webhook_receiver().received().into_iter();
        received.filter(|one| one.url == url).map(|one| one.id).collect()
    }

    /// Ends all faults, and runs until nothing is pending.
    async fn finish(&mut self) {
        self.platform.faults().restore_all();
        self.platform.webhook_receiver().respond_with(204);
        while let Some(which) = self.queue.pop() {
            let delivery = testing::delivery(catalog::WEBHOOK_ENQUEUE.name, untyped(&self.events[which]), &self.clock);
            let (webhooks, sealer) = (self.platform.webhooks(), self.platform.sealer());
            let receiver = self.platform.webhook_receiver();
            webhook_enqueue::handle(&webhooks, &sealer, &receiver, delivery).await.expect("enqueued");
        }
        for _ in 0..200 {
            let (webhooks, sealer) = (self.platform.webhooks(), self.platform.sealer());
            let receiver = self.platform.webhook_receiver();
            let handler = async |tick| webhook_deliver::handle(&webhooks, &sealer, &receiver, tick).await;
            let event = testing::schedule_event(self.clock.now());
            edge::schedule::tick(catalog::WEBHOOK_DELIVER.name, event, &self.clock, &handler).await.expect("a run");
            if webhooks.deliveries().iter().all(|one| one.status != DeliveryStatus::Pending) {
                return;
            }
            self.clock.advance(Duration::from_secs(600));
        }
    }

    fn check(&self, seed: u64) {
        let ids = |types: &[&str]| -> BTreeSet<String> {
            let wanted = self.events.iter().filter(|event| types.contains(&event.event.row().name));
            wanted.map(|event| event.id.to_string()).collect()
        };
        let (first, second) = (self.ids_at(1), self.ids_at(2));
        assert_eq!(first.iter().cloned().collect::<BTreeSet<_>>(), ids(&PLACED), "seed {seed}");
        let reached: BTreeSet<String> = second.iter().cloned().collect();
        match self.disabled_at {
            Some(before) => {
                assert!(second.len() == before && reached.is_subset(&ids(&BOTH)), "seed {seed}: {before}, {second:?}")
            }
            None => assert_eq!(reached, ids(&BOTH), "seed {seed}"),
        }
        let received = self.platform.webhook_receiver().received();
        for one in &received {
            let event = self.events.iter().find(|event| event.id.to_string() == one.id).expect("an event");
            let body: Value = serde_json::from_str(&one.body).expect("JSON");
            assert_eq!(body["type"], event.event.row().name, "seed {seed}");
            assert!(received.iter().all(|other| other.id != one.id || other.body == one.body), "seed {seed}");
        }
    }
}

fn untyped(event: &Event) -> kernel::CloudEvent<Map<String, Value>> {
    serde_json::to_value(event).and_then(serde_json::from_value).expect("an event")
}

#[tokio::test]
async fn every_subscribed_event_arrives_whatever_crashes_and_none_after_disabling() {
    let (mut disabled, mut repeated) = (0, 0);
    for seed in 0..SCHEDULES {
        let mut world = World::new(seed).await;
        for _ in 0..STEPS {
            world.step().await;
        }
        world.finish().await;
        world.check(seed);
        disabled += u64::from(world.disabled_at.is_some());
        let ids = world.ids_at(1);
        repeated += u64::from(ids.len() > ids.iter().collect::<BTreeSet<_>>().len());
    }
    assert!(disabled > 20 && repeated > 50, "{disabled} were disabled, and {repeated} got an event twice");
}

/// An upper bound of the time that a schedule takes before it is finished.
const LONGEST: Duration = Duration::from_secs(2_000 * STEPS);

#[test]
fn schedules_end_before_an_endpoint_is_disabled_for_failing() {
    let five_days = Timestamp::from_second(build::noon().as_second() + 5 * 86_400).expect("a time");
    assert!(build::noon() + LONGEST + Duration::from_secs(200 * 600) < five_days);
}
