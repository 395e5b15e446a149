//! What customers ask for, and how each task reaches the real handler.

use super::{
    defects::{self, Defect},
    site::{Site, Stores},
    world::{Parcel, Task, World},
};
use catalog::Function;
use domain::{DomainEvent, Event, order::Shortfall};
use edge::{
    Consumer, Delivery,
    http::{Access, Route},
    kafka::Record,
    testing,
};
use kernel::{CloudEvent, Failure, Trace, Uuid};
use ports::{ProductStore as _, UserStore as _};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};
use testkit::{build, ids};

/// Pieces of each product that are received: product 1, product 2.
pub const RECEIVED: [u32; 2] = [10, 3];
/// A registration and two products come before the orders.
const BEFORE: usize = 3;
/// Everything that is asked for in the usual world.
pub const ASKS: usize = BEFORE + ORDERS.len();

/// An order as the customer wants it, and what must become of it.
pub struct Wanted {
    pub method: &'static str,
    lines: &'static [(u64, i64)],
    pub reason: Option<domain::order::Reason>,
}

impl Wanted {
    /// The request that asks for it.
    fn request(&self, key: &str) -> Value {
        let mut body = build::place_order_json(self.lines);
        body["payment_method"] = self.method.into();
        let request = testing::http_event("POST", "/api/v1/orders").key(key).body(body);
        request.principal(ids::user(1).0, catalog::role::CUSTOMER).build()
    }
}

/// What goes over the wire more than once is written once.
#[derive(Debug, Default)]
pub struct Wire {
    requests: RefCell<BTreeMap<usize, Value>>,
    bodies: RefCell<HashMap<Uuid, Rc<str>>>,
}

impl Wire {
    /// The request of the ask `n`, its first one again. A customer repeats to the letter.
    fn request(&self, n: usize, write: impl FnOnce() -> Value) -> Value {
        self.requests.borrow_mut().entry(n).or_insert_with(write).clone()
    }

    /// An event as the body of a message.
    fn body(&self, event: &Event) -> Rc<str> {
        let write = || testing::bridge_event(event).to_string().into();
        Rc::clone(self.bodies.borrow_mut().entry(event.id).or_insert_with(write))
    }
}

/// One that is paid, one whose card is declined, one that is short of product 2.
pub const ORDERS: [Wanted; 3] = [
    Wanted { method: "pm_card_visa", lines: &[(1, 2), (2, 1)], reason: None },
    Wanted {
        method: "pm_card_visa_chargeDeclined",
        lines: &[(1, 3)],
        reason: Some(domain::order::Reason::PaymentDeclined),
    },
    Wanted {
        method: "pm_card_mastercard",
        lines: &[(1, 1), (2, 9)],
        reason: Some(domain::order::Reason::InsufficientStock),
    },
];

impl<S: Site> World<S> {
    /// Does one task; says of each of its records whether it must come again.
    pub async fn perform(&self, task: &Task, slot: usize) -> Vec<bool> {
        let stores = &self.site.process(slot);
        match task {
            Task::Ask(n) => vec![!self.ask(stores, *n).await],
            Task::Relay => vec![self.relay().await.is_err()],
            Task::Batch(to, parcels) if to.name == catalog::EVENT_FORWARD.name => {
                let log = self.platform.event_log();
                let handler = async |delivery| event_forward::handle(&log, delivery).await;
                self.deliver::<Map<String, Value>>(to, parcels, untyped, handler).await
            }
            Task::Batch(to, parcels) => {
                self.deliver(to, parcels, Event::clone, async |delivery| self.consume(stores, to, delivery).await).await
            }
            Task::Count(taken) => vec![!self.count(stores, *taken).await],
            Task::Archive(topic, taken) => vec![self.archive(topic, *taken).await.is_err()],
            Task::Sweep => vec![self.sweep(stores).await],
            Task::Care(what) => vec![self.care(stores, *what).await],
        }
    }

    /// Whether it is done, as far as whoever asks knows.
    async fn ask(&self, stores: &impl Stores, n: usize) -> bool {
        let now = self.clock.now();
        match n {
            0 => {
                let user = build::user();
                let event = build::event_with(self.clock.ids().next(), now, user.event());
                let (users, user) = (stores.users(), user.registered());
                // Whoever asks again may be registered already: nobody else has this address here.
                let is_known = users.credentials(user.email.as_str()).await.is_ok_and(|known| known.is_some());
                is_known || users.register(&user, "hash", &event).await.is_ok()
            }
            1 | 2 => {
                let stock = RECEIVED[n - 1];
                let product = build::product().number(n as u64).stock(stock).at(build::noon()).created();
                let (key, reply) = (build::a_key(&format!("product-{n}"), ""), build::a_reply(""));
                self.platform.products().create(&product, &key, &reply).await.is_ok()
            }
            _ => self.place(stores, n).await,
        }
    }

    async fn place(&self, stores: &impl Stores, n: usize) -> bool {
        let wanted = &ORDERS[n - BEFORE];
        let request = match self.defect {
            Some(Defect::AsksWithoutKey) => wanted.request(&format!("order-{n}-{}", self.clock.ids().next())),
            _ => self.wire.request(n, || wanted.request(&format!("order-{n}"))),
        };
        let route = Route::new(catalog::ORDER_PLACE.name, Access::Roles(&[catalog::role::CUSTOMER])).idempotent();
        let (orders, offers) = (stores.orders(), self.platform.offers());
        let handler = async |call| order_place::handle(&orders, &offers, call).await;
        let answer = edge::http::answer(&route, request, &self.clock, &handler).await;
        let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
        let may_pass = status >= 500 || answer["body"].as_str().unwrap_or_default().contains("in-flight");
        if !may_pass {
            let body = answer["body"].as_str().unwrap_or_default().to_owned();
            self.answers.borrow_mut().push((n, status, body));
        }
        !may_pass
    }

    async fn relay(&self) -> Result<(), Failure> {
        let product = self.platform.products().created_after(self.changes.cursor).into_iter().next();
        let change = edge::dynamodb::Change {
            kind: edge::dynamodb::ChangeKind::Insert,
            keys: json!({}),
            new_image: Some(json!({})),
            old_image: None,
            expired: false,
            sequence_number: self.changes.cursor.to_string(),
            now: self.clock.now(),
            ids: self.clock.ids(),
            trace: Trace::begin(ids::request(1)),
            deadline: None,
        };
        product_relay::handle(&self.platform.bus(), |_| Ok(product.clone()), change).await
    }

    /// Hands messages over one by one, as the runner does, or through the runner itself.
    async fn deliver<E: DeserializeOwned>(
        &self,
        to: &'static Function,
        parcels: &[Parcel],
        read: impl Fn(&Event) -> CloudEvent<E>,
        handler: impl AsyncFn(Delivery<E>) -> Result<(), Failure>,
    ) -> Vec<bool> {
        if self.through_edge {
            let bodies: Vec<Rc<str>> = parcels.iter().map(|parcel| self.wire.body(&parcel.event)).collect();
            let mut batch = testing::sqs_bodies(&bodies.iter().map(|body| &**body).collect::<Vec<_>>());
            for (n, parcel) in parcels.iter().enumerate() {
                batch["Records"][n]["attributes"]["ApproximateReceiveCount"] = parcel.attempt.to_string().into();
            }
            let letters = self.platform.dead_letters();
            let consumer = Consumer::new(to.name).max_receives(catalog::MAX_RECEIVES);
            let answer = edge::queue::batch(&consumer, batch, &self.clock, &letters, &handler).await;
            let answer = answer.expect("a batch");
            let failed = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
            return (0..parcels.len())
                .map(|n| failed.iter().any(|failure| failure["itemIdentifier"] == format!("m-{n}")))
                .collect();
        }
        let mut again = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            let delivery = Delivery { attempt: parcel.attempt, ..testing::delivery(read(&parcel.event), &self.clock) };
            let outcome = handler(delivery).await;
            if let Err(failure) = &outcome
                && !failure.is_retryable()
            {
                self.bury(to, failure);
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
        if let Some(done) = defects::consume(self, stores, to, &delivery).await {
            return done;
        }
        match to {
            to if to.name == catalog::CONTACT_TRACK.name => contact_track::handle(&stores.contacts(), delivery).await,
            to if to.name == catalog::STOCK_OPEN.name => stock_open::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_RESERVE.name => stock_reserve::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_RELEASE.name => stock_release::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_KEEP.name => stock_keep::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_ALERT.name => stock_alert::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::STOCK_COMMIT.name => stock_commit::handle(&stores.stock(), delivery).await,
            to if to.name == catalog::PAYMENT_CLOSE.name => payment_close::handle(&stores.payments(), delivery).await,
            to if to.name == catalog::PAYMENT_REFUND.name => {
                payment_refund::handle(&stores.payments(), &platform.gateway(), &platform.breaker(), delivery).await
            }
            to if to.name == catalog::ORDER_ADVANCE.name => {
                order_advance::handle(&stores.orders(), Shortfall::Refund, delivery).await
            }
            to if to.name == catalog::PAYMENT_CHARGE.name => {
                payment_charge::handle(&stores.payments(), &platform.gateway(), &platform.breaker(), delivery).await
            }
            to if to.name == catalog::PRODUCT_STOCK_TRACK.name => {
                product_stock_track::handle(&platform.products(), &platform.cache(), delivery).await
            }
            to if to.name == catalog::ANALYTICS_FEED.name => {
                analytics_feed::handle(&platform.fact_stream(), delivery).await
            }
            to if to.name == catalog::MAIL_SEND.name => {
                mail_send::handle(&stores.contacts(), &platform.letters(), &platform.mailer(), delivery).await
            }
            to if to.name == catalog::INVOICE_ISSUE.name => {
                let (invoices, documents) = (stores.invoices(), platform.documents());
                invoice_issue::handle(&invoices, &documents, &platform.printer(), delivery).await
            }
            other => panic!("nobody plays {}", other.name),
        }
    }

    /// Whether the records were counted.
    async fn count(&self, stores: &impl Stores, taken: usize) -> bool {
        let events = self.platform.fact_stream().events_after(self.stream.cursor);
        let events: Vec<&Event> = events.iter().take(taken).map(|event| &**event).collect();
        let windows = stores.windows();
        let handler = async |batch: &[Delivery<DomainEvent>]| match self.defect {
            Some(Defect::CountsWithoutClaim) => defects::count_anew(self, stores, batch).await,
            _ => window_aggregate::handle(&windows, batch).await,
        };
        let consumer = Consumer::new(catalog::WINDOW_AGGREGATE.name);
        let (batch, letters) = (testing::kinesis_event(&events), self.platform.dead_letters());
        let answer = edge::kinesis::batch(&consumer, batch, &self.clock, &letters, &handler).await.expect("a batch");
        answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty)
    }

    async fn archive(&self, topic: &str, taken: usize) -> Result<(), Failure> {
        let (records, shelf) = &self.topics[topic];
        let record = |(offset, record): (usize, &ports::LogRecord)| Record {
            topic: record.topic.to_owned(),
            partition: 0,
            offset: i64::try_from(offset).expect("few"),
            timestamp: record.time,
            key: Some(record.key.clone()),
            headers: vec![],
            value: IgnoredAny,
            raw: record.value.clone(),
            now: self.clock.now(),
            ids: self.clock.ids(),
            trace: Trace::begin(ids::request(1)),
            deadline: None,
        };
        let batch: Vec<_> = records.iter().enumerate().skip(shelf.cursor).take(taken).map(record).collect();
        event_archive::handle(&self.platform.archive(), &batch).await
    }

    /// Whether a schedule's work failed: of holds that lapse, orders that stand still, payments without an answer.
    async fn care(&self, stores: &impl Stores, what: usize) -> bool {
        let (stock, orders, payments) = (stores.stock(), stores.orders(), stores.payments());
        let event = testing::schedule_event(self.clock.now());
        let answer = match what {
            0 => {
                let handler = async |tick| stock_sweep::handle(&stock, tick).await;
                edge::schedule::tick(catalog::STOCK_SWEEP.name, event, &self.clock, &handler).await
            }
            1 => {
                let handler = async |tick| order_sweep::handle(&orders, tick).await;
                edge::schedule::tick(catalog::ORDER_SWEEP.name, event, &self.clock, &handler).await
            }
            _ => {
                let gateway = self.platform.gateway();
                let handler = async |tick| payment_reconcile::handle(&payments, &gateway, tick).await;
                edge::schedule::tick(catalog::PAYMENT_RECONCILE.name, event, &self.clock, &handler).await
            }
        };
        answer.is_err()
    }

    /// Whether the sweep failed.
    async fn sweep(&self, stores: &impl Stores) -> bool {
        let (outbox, forgotten) = (stores.outbox(), defects::forgotten(self));
        let handler = async |tick| outbox_sweep::handle(&outbox, tick).await;
        let event = testing::schedule_event(self.clock.now());
        let answer = edge::schedule::tick(catalog::OUTBOX_SWEEP.name, event, &self.clock, &handler).await;
        if self.defect == Some(Defect::SweepsDeaf) {
            self.platform.outbox().discard(&forgotten);
        }
        answer.is_err()
    }
}

/// An event as whoever takes any event reads it.
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
        event: said,
    }
}

#[test]
fn an_event_is_read_without_its_type_as_from_the_wire() {
    let event = build::event(1, build::user().event());
    let read = serde_json::to_value(&event).and_then(serde_json::from_value).expect("an event");
    assert_eq!(untyped(&event), read);
}
