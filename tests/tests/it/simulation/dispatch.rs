//! Calls the real handler of each task. Requests of clients are in `requests`.

use super::{
    backend::{Backend, Stores},
    defects::{self, Defect},
    world::{QueuedMessage, Task, World},
};
use catalog::Function;
use domain::{
    DomainEvent, Event,
    invoice::{Calendar, Seller},
    message_limits::MessageLimits,
    window::{AnalyticsRecord, StreamRecord},
};
use edge::{Consumer, Delivery, kafka::Record, schedule::Tick, testing};
use kernel::{CloudEvent, Failure, TraceContext};
use ports::HandledEvents as _;
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Map, Value, json};
use services::Channels;
use std::rc::Rc;
use testkit::ids;

impl<S: Backend> World<S> {
    /// Runs one task. Returns for each of its records whether it must be redelivered.
    pub async fn perform(&self, task: &Task, slot: usize) -> Vec<bool> {
        let stores = &self.backend.process(slot);
        match task {
            Task::Request(n) => vec![!self.request(stores, *n).await],
            Task::Webhook(webhook) => vec![!self.deliver_webhook(stores, &webhook.event).await],
            Task::EarlyWebhook(n) => vec![self.deliver_early_webhook(stores, *n).await],
            Task::Relay => vec![self.relay(stores).await.is_err()],
            Task::Batch(to, messages) if to.name == catalog::EVENT_FORWARD.name => {
                let (log, handled_events) = (self.platform.event_log(), stores.handled_events(to));
                let handler = async |delivery: Delivery<_>| {
                    handled_events.after(delivery.claim(), event_forward::handle(&log, delivery)).await
                };
                self.deliver::<Map<String, Value>>(to, messages, untyped, handler).await
            }
            Task::Batch(to, messages) if to.name == catalog::WEBHOOK_ENQUEUE.name => {
                let handled_events = stores.handled_events(to);
                let handler = async |delivery: Delivery<_>| {
                    handled_events.after(delivery.claim(), self.enqueue_webhook(delivery)).await
                };
                self.deliver(to, messages, untyped, handler).await
            }
            Task::Batch(to, messages) => {
                let handled_events = stores.handled_events(to);
                let handler = async |delivery: Delivery<DomainEvent>| {
                    let claim = delivery.claim();
                    self.consume(stores, to, delivery).await?;
                    // Without the inbox, the delivery check would ask for ever for what was done.
                    let records = keeps_receipts(to) || self.defect == Some(Defect::SkipsInbox);
                    if records { handled_events.record(claim).await } else { Ok(()) }
                };
                self.deliver(to, messages, Event::clone, handler).await
            }
            Task::Aggregate(taken) => vec![!self.count(stores, *taken).await],
            Task::Archive(topic, taken) => vec![self.archive(topic, *taken).await.is_err()],
            Task::Sweep => vec![self.sweep(stores).await],
            Task::Maintenance(what) => vec![self.maintain(stores, *what).await],
        }
    }

    async fn relay(&self, stores: &impl Stores) -> Result<(), Failure> {
        let product = self.platform.products().created_after(self.changes.cursor).into_iter().next();
        let change = edge::dynamodb::ChangeRecord {
            kind: edge::dynamodb::ChangeKind::Insert,
            keys: json!({}),
            old_image: None,
            new_image: Some(json!({})),
            sequence_number: self.changes.cursor.to_string(),
            now: self.clock.now(),
            ids: self.clock.ids(),
            trace: TraceContext::new(ids::request(1)),
            deadline: None,
        };
        product_relay::handle(&stores.events(), &self.platform.cache(), |_| Ok(product.clone()), change).await
    }

    /// Delivers messages one by one as the runner does, or through the runner itself.
    async fn deliver<E: DeserializeOwned>(
        &self,
        to: &'static Function,
        messages: &[QueuedMessage],
        read: impl Fn(&Event) -> CloudEvent<E>,
        handler: impl AsyncFn(Delivery<E>) -> Result<(), Failure>,
    ) -> Vec<bool> {
        let now = self.clock.now();
        if self.through_edge {
            let bodies: Vec<Rc<str>> = messages.iter().map(|message| self.cache.body(message, now)).collect();
            let mut batch = testing::sqs_bodies(&bodies.iter().map(|body| &**body).collect::<Vec<_>>());
            for (n, message) in messages.iter().enumerate() {
                let attributes = &mut batch["Records"][n]["attributes"];
                attributes["ApproximateReceiveCount"] = message.attempt.to_string().into();
                attributes["SentTimestamp"] = message.sent.as_millisecond().to_string().into();
            }
            let dead_letters = self.platform.dead_letters();
            let consumer = Consumer::new(to.name, catalog::MAX_RECEIVES)
                .producers(catalog::PRODUCERS)
                .concurrency(catalog::CONCURRENT_MESSAGES);
            let response = edge::queue::batch(&consumer, batch, &self.clock, &dead_letters, &handler).await;
            let response = response.expect("a batch");
            let failed = response["batchItemFailures"].as_array().cloned().unwrap_or_default();
            return (0..messages.len())
                .map(|n| failed.iter().any(|failure| failure["itemIdentifier"] == format!("m-{n}")))
                .collect();
        }
        let mut again = Vec::with_capacity(messages.len());
        for message in messages {
            // The runner of an old function does not let it see this event.
            if message.is_unread(now) {
                again.push(true);
                continue;
            }
            let delivery =
                Delivery { attempt: message.attempt, ..testing::delivery(to.name, read(&message.event), &self.clock) };
            let outcome = handler(delivery).await;
            if let Err(failure) = &outcome
                && !failure.is_retryable()
            {
                self.give_up(to, failure);
            }
            again.push(outcome.is_err_and(|failure| failure.is_retryable()));
        }
        again
    }

    async fn consume(
        &self,
        stores: &impl Stores,
        to: &'static Function,
        delivery: Delivery<DomainEvent>,
    ) -> Result<(), Failure> {
        let platform = &self.platform;
        let delivery = defects::distorted(self, to, delivery);
        // Boxed, so that the future of every other delivery stays small.
        if self.defect.is_some()
            && let Some(done) = Box::pin(defects::consume(self, stores, to, &delivery)).await
        {
            return done;
        }
        match to {
            to if to.name == catalog::STOCK_OPEN.name => stock_open::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_RESERVE.name => stock_reserve::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_RELEASE.name => stock_release::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_ALLOCATE.name => stock_allocate::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_ALERT.name => stock_alert::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_SHIP.name => stock_ship::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::PAYMENT_CLOSE.name => payment_close::handle(&stores.payments(), delivery).await,
            to if to.name == catalog::PAYMENT_REFUND.name => {
                payment_refund::handle(&stores.payments(), &platform.gateway(), &platform.circuit_breaker(), delivery)
                    .await
            }
            to if to.name == catalog::ORDER_ADVANCE.name => {
                order_advance::handle(&stores.orders(), self.plan.policy, delivery).await
            }
            to if to.name == catalog::PAYMENT_CHARGE.name => {
                payment_charge::handle(
                    &stores.payments(),
                    &platform.gateway(),
                    &platform.circuit_breaker(),
                    domain::payment::AttemptLimit::default(),
                    delivery,
                )
                .await
            }
            _ => self.consume_outside_saga(stores, to, delivery).await,
        }
    }

    async fn consume_outside_saga(
        &self,
        stores: &impl Stores,
        to: &'static Function,
        delivery: Delivery<DomainEvent>,
    ) -> Result<(), Failure> {
        let platform = &self.platform;
        match to {
            to if to.name == catalog::PRODUCT_PRICE_TRACK.name => {
                product_price_track::handle(&stores.orders(), delivery).await
            }
            to if to.name == catalog::PRODUCT_INDEX.name => {
                product_index::handle(&stores.product_index(), delivery).await
            }
            to if to.name == catalog::PRODUCT_STOCK_TRACK.name => {
                product_stock_track::handle(&platform.products(), &platform.cache(), delivery).await
            }
            to if to.name == catalog::ANALYTICS_FEED.name => {
                analytics_feed::handle(&platform.analytics_stream(), delivery).await
            }
            to if to.name == catalog::UPDATE_SEND.name => {
                let (email, sms, push) = (&platform.email_sender(), &platform.sms_sender(), &platform.push_sender());
                let (contacts, templates) = (stores.contacts(), platform.message_templates());
                let channels = Channels { email, sms, push, limits: &MessageLimits::default() };
                update_send::handle(&contacts, &templates, channels, delivery).await
            }
            to if to.name == catalog::INVOICE_ISSUE.name => {
                let (invoices, documents) = (stores.invoices(), platform.documents());
                let renderer = platform.invoice_renderer();
                invoice_issue::handle(
                    &invoices,
                    &documents,
                    &renderer,
                    (&Calendar::utc(), &Seller::default()),
                    delivery,
                )
                .await
            }
            to if to.name == catalog::CREDIT_NOTE_ISSUE.name => {
                let (invoices, documents) = (stores.invoices(), platform.documents());
                let renderer = platform.invoice_renderer();
                credit_note_issue::handle(&invoices, &documents, &renderer, &Calendar::utc(), delivery).await
            }
            to => Box::pin(self.consume_for_account(stores, to, delivery)).await,
        }
    }

    /// Whether the aggregation succeeded.
    async fn count(&self, stores: &impl Stores, taken: usize) -> bool {
        let events = self.platform.analytics_stream().records_after(self.stream.cursor);
        let events = events.iter().take(taken).map(|event| &**event);
        let windows = stores.windows();
        let handler = async |batch: &[Delivery<AnalyticsRecord>]| match self.defect {
            Some(Defect::CountsWithoutClaim) => defects::recount_records(self, stores, batch).await,
            _ => window_aggregate::handle(&windows, batch).await,
        };
        if !self.through_edge {
            let batch: Vec<_> = events
                .map(|event| testing::delivery(catalog::WINDOW_AGGREGATE.name, event.clone(), &self.clock))
                .collect();
            let outcome = handler(&batch).await;
            if let Err(failure) = &outcome
                && !failure.is_retryable()
            {
                self.give_up(catalog::WINDOW_AGGREGATE, failure);
            }
            return outcome.is_ok();
        }
        let consumer =
            Consumer::new(catalog::WINDOW_AGGREGATE.name, catalog::MAX_RECEIVES).producers(catalog::PRODUCERS);
        let events: Vec<&StreamRecord> = events.collect();
        let (batch, dead_letters) = (testing::kinesis_event(&events), self.platform.dead_letters());
        let response = edge::kinesis::batch(&consumer, batch, &self.clock, &dead_letters, &handler).await;
        response.is_ok_and(|response| response["batchItemFailures"].as_array().is_none_or(Vec::is_empty))
    }

    async fn archive(&self, topic: &str, taken: usize) -> Result<(), Failure> {
        let (records, position) = &self.topics[topic];
        // The runner skips tombstones.
        let record = |(offset, record): (usize, &Rc<ports::EventLogRecord>)| {
            Some(Record {
                topic: record.topic.to_owned(),
                partition: 0,
                offset: i64::try_from(offset).expect("few"),
                timestamp: record.time,
                value: IgnoredAny,
                raw: record.value.clone()?,
                now: self.clock.now(),
                ids: self.clock.ids(),
                trace: TraceContext::new(ids::request(1)),
                deadline: None,
            })
        };
        let batch: Vec<_> = records.iter().enumerate().skip(position.cursor).take(taken).filter_map(record).collect();
        event_archive::handle(&self.platform.archive(), &batch).await
    }

    /// Runs stock-sweep, order-sweep, payment-reconcile or ledger-reconcile. Returns whether it failed.
    async fn maintain(&self, stores: &impl Stores, what: usize) -> bool {
        match what {
            what if self.defect.is_some_and(|defect| defect.stops(what)) => false,
            0 => self.tick(catalog::STOCK_SWEEP, async |tick| defects::sweep(self, stores, tick).await).await,
            1 => self.tick(catalog::ORDER_SWEEP, async |tick| defects::sweep_orders(self, stores, tick).await).await,
            2 => {
                let handler = async |tick| defects::reconcile(self, stores, tick).await;
                self.tick(catalog::PAYMENT_RECONCILE, handler).await
            }
            _ => {
                let (ledger, gateway) = (self.platform.ledger(), self.platform.gateway());
                let handler = async |tick| ledger_reconcile::handle(&ledger, &gateway, tick).await;
                self.tick(catalog::LEDGER_RECONCILE, handler).await
            }
        }
    }

    /// Invokes a scheduled function. Returns whether it failed.
    async fn tick<T: Serialize>(
        &self,
        function: &'static Function,
        handler: impl AsyncFn(Tick) -> Result<T, Failure>,
    ) -> bool {
        let now = self.clock.now();
        if self.through_edge {
            let event = testing::schedule_event(now);
            return edge::schedule::tick(function.name, event, &self.clock, &handler).await.is_err();
        }
        let ids = self.clock.ids();
        let trace = TraceContext::new(ids.next());
        let clock = self.clock.clone();
        handler(Tick { now, scheduled_for: Some(now), ids, trace, deadline: None, clock }).await.is_err()
    }

    /// Sweeps the outbox. Returns whether it failed.
    async fn sweep(&self, stores: &impl Stores) -> bool {
        let (outbox, swept_events) = (stores.outbox(), defects::swept_events(self));
        let swept = defects::SweptOutbox { inner: stores.outbox(), platform: &self.platform, defect: self.defect };
        let handler = async |tick| outbox_sweep::handle(&swept, &outbox, &NoMappings, tick).await;
        let has_failed = self.tick(catalog::OUTBOX_SWEEP, handler).await;
        if self.defect == Some(Defect::MarksRejectedEventsPublished) {
            self.platform.outbox().discard(&swept_events);
        }
        has_failed
    }
}

/// No consumer is paused here.
struct NoMappings;

impl ports::ConsumerMappings for NoMappings {
    async fn list(&self) -> Result<Vec<domain::consumer::Mapping>, Failure> {
        Ok(Vec::new())
    }
}

/// The consumers whose `main` records handled events, because the handler does not claim every event.
fn keeps_receipts(consumer: &Function) -> bool {
    KEEP_RECEIPTS.iter().any(|one| one.name == consumer.name)
}

const KEEP_RECEIPTS: &[&Function] = &[
    catalog::ANALYTICS_FEED,
    catalog::CREDIT_NOTE_ISSUE,
    catalog::INVOICE_ISSUE,
    catalog::MESSAGE_SEND,
    catalog::ORDER_ADVANCE,
    catalog::PAYMENT_CHARGE,
    catalog::PAYMENT_CLOSE,
    catalog::PAYMENT_METHOD_FORGET,
    catalog::PAYMENT_REFUND,
    catalog::PRODUCT_INDEX,
    catalog::PRODUCT_STOCK_TRACK,
    catalog::STOCK_ALERT,
    catalog::UPDATE_SEND,
];

/// An event as consumers of all events parse it.
fn untyped(event: &Event) -> CloudEvent<Map<String, Value>> {
    let Ok(Value::Object(said)) = serde_json::to_value(&event.event) else { panic!("events are objects") };
    CloudEvent {
        specversion: event.specversion.clone(),
        id: event.id,
        source: event.source.clone(),
        subject: event.subject.clone(),
        time: event.time,
        sequence: event.sequence,
        correlationid: event.correlationid,
        traceparent: event.traceparent.clone(),
        actor: event.actor.clone(),
        event: said,
    }
}

#[test]
fn untyped_event_equals_its_serialized_form() {
    use testkit::build;
    let event = build::event(1, build::user().event());
    let read = serde_json::to_value(&event).and_then(serde_json::from_value).expect("an event");
    assert_eq!(untyped(&event), read);
}

#[test]
fn receipts_are_recorded_here_where_main_records_them() {
    for function in KEEP_RECEIPTS {
        let main = format!("{}/../functions/{}/src/main.rs", env!("CARGO_MANIFEST_DIR"), function.name);
        let main = std::fs::read_to_string(&main).expect("a source file");
        assert!(main.contains(".after("), "{} records none", function.name);
    }
}
