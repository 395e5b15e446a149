//! Defects that others have shipped, to be switched on one at a time: a checker that finds none of them proves nothing.
//!
//! They are wrappers around ports and variants of handlers, here and nowhere else.

use super::{
    site::{Site, Stores},
    world::World,
};
use catalog::Function;
use domain::{
    DomainEvent, Event,
    event::{self, NotificationSent},
    id::{OrderId, PaymentId, RefundId, UserId},
    invoice::{Draft, Invoice},
    ledger::Statement,
    payment::{self, Answer, Change, Payment, Refund, RefundAnswer, Status},
    window,
};
use edge::Delivery;
use kernel::{Failure, Idempotency, Ids, Settled, StoredReply, Timestamp};
use ports::{
    Advanced, Bus as _, Claim, Contact, ContactBook, Gateway, InvoiceStore, LetterWriter as _, Mailer as _,
    PaymentStore, StockStore as _, WindowStore as _,
};
use std::time::Duration;
use testkit::Platform;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    SwallowsErrors,
    AcknowledgesTheBatch,
    PublishesBeforeCommit,
    ChargesWithoutStableKey,
    ChargesBeforeBegin,
    ReleasesUnguarded,
    CountsWithoutClaim,
    NotesMailWithoutClaim,
    NotesMailBeforeSending,
    NumbersWithoutLooking,
    SweepsDeaf,
    NeverSweeps,
    AsksWithoutKey,
}

impl Defect {
    /// Every defect, and what it is in words.
    pub const ALL: [(Self, &str); 13] = [
        (Self::SwallowsErrors, "mail consumer swallows its error"),
        (Self::AcknowledgesTheBatch, "whole batch acknowledged although one message failed"),
        (Self::PublishesBeforeCommit, "payment event published before the commit"),
        (Self::ChargesWithoutStableKey, "gateway asked under a new key each time"),
        (Self::ChargesBeforeBegin, "charged before the payment is kept"),
        (Self::ReleasesUnguarded, "stock given back without claim or guard"),
        (Self::CountsWithoutClaim, "windows count a fact each time it comes"),
        (Self::NotesMailWithoutClaim, "mail noted without its claim"),
        (Self::NotesMailBeforeSending, "mail noted before it is sent"),
        (Self::NumbersWithoutLooking, "invoice numbered again on redelivery"),
        (Self::SweepsDeaf, "sweep ignores which events the bus took"),
        (Self::NeverSweeps, "no sweep: published after commit or never"),
        (Self::AsksWithoutKey, "order placed again under a new key"),
    ];
}

/// Consumes with the world's defect, if that is in this function.
pub async fn consume<S: Site>(
    world: &World<S>,
    stores: &impl Stores,
    to: &'static Function,
    delivery: &Delivery<DomainEvent>,
) -> Option<Result<(), Failure>> {
    let (platform, defect) = (&world.platform, world.defect?);
    let is = |row: &Function| to.name == row.name;
    let copy = || Delivery {
        event: delivery.event.clone(),
        trace: delivery.trace.clone(),
        ids: world.clock.ids(),
        record_id: String::new(),
        ..*delivery
    };
    let (payments, gateway) = (stores.payments(), platform.gateway());
    Some(match defect {
        Defect::SwallowsErrors if is(catalog::MAIL_SEND) => {
            let contacts = stores.contacts();
            drop(mail_send::handle(&contacts, &platform.letters(), &platform.mailer(), copy()).await);
            Ok(())
        }
        Defect::PublishesBeforeCommit if is(catalog::PAYMENT_CHARGE) => {
            payment_charge::handle(&Hasty(&payments, platform), &gateway, &platform.breaker(), copy()).await
        }
        Defect::ChargesWithoutStableKey if is(catalog::PAYMENT_CHARGE) => {
            payment_charge::handle(&payments, &Keyless(platform, world.clock.ids()), &platform.breaker(), copy()).await
        }
        Defect::ChargesBeforeBegin if is(catalog::PAYMENT_CHARGE) => charge_first(platform, copy()).await,
        Defect::ReleasesUnguarded if is(catalog::STOCK_RELEASE) => release_blindly(platform, copy()).await,
        Defect::NotesMailWithoutClaim if is(catalog::MAIL_SEND) => {
            let contacts = Forgetful(stores.contacts(), world.clock.ids());
            mail_send::handle(&contacts, &platform.letters(), &platform.mailer(), copy()).await
        }
        Defect::NotesMailBeforeSending if is(catalog::MAIL_SEND) => note_first(stores, platform, copy()).await,
        Defect::NumbersWithoutLooking if is(catalog::INVOICE_ISSUE) => {
            let invoices = Blind(stores.invoices(), world.clock.ids());
            invoice_issue::handle(&invoices, &platform.documents(), &platform.printer(), copy()).await
        }
        _ => return None,
    })
}

/// Publishes what it is about to commit.
struct Hasty<'a, P>(&'a P, &'a Platform);

impl<P: PaymentStore> PaymentStore for Hasty<'_, P> {
    async fn begin(&self, payment: &Payment) -> Result<Payment, Failure> {
        self.0.begin(payment).await
    }

    async fn get(&self, id: PaymentId, owner: Option<UserId>) -> Result<Option<Payment>, Failure> {
        self.0.get(id, owner).await
    }

    async fn of_order(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Payment>, Failure> {
        self.0.of_order(order, owner).await
    }

    async fn advance(&self, claim: Option<Claim>, change: &Change, events: &[Event]) -> Result<Advanced, Failure> {
        self.1.bus().publish(events).await?;
        self.0.advance(claim, change, events).await
    }

    async fn settle(
        &self,
        key: &Idempotency,
        reply: &StoredReply,
        change: &Change,
        events: &[Event],
    ) -> Result<Option<Settled>, Failure> {
        self.0.settle(key, reply, change, events).await
    }

    async fn refuse(&self, key: &Idempotency, reply: &StoredReply) -> Result<Settled, Failure> {
        self.0.refuse(key, reply).await
    }

    async fn announce(&self, event: &Event) -> Result<(), Failure> {
        self.0.announce(event).await
    }

    async fn unanswered(
        &self,
        before: Timestamp,
        after: Option<&Payment>,
        limit: u32,
    ) -> Result<Vec<Payment>, Failure> {
        self.0.unanswered(before, after, limit).await
    }
}

/// Makes a key of its own for each question.
struct Keyless<'a>(&'a Platform, Ids);

impl Gateway for Keyless<'_> {
    async fn charge(&self, payment: &Payment) -> Result<Answer, Failure> {
        self.0.gateway().charge(&Payment { id: PaymentId(self.1.next()), ..payment.clone() }).await
    }

    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundAnswer, Failure> {
        self.0.gateway().refund(payment, refund).await
    }

    async fn find(&self, payment: &Payment) -> Result<Option<Answer>, Failure> {
        self.0.gateway().find(payment).await
    }

    async fn find_refund(&self, payment: &Payment, refund: &Refund) -> Result<Option<RefundAnswer>, Failure> {
        self.0.gateway().find_refund(payment, refund).await
    }

    async fn movements(&self, from: Timestamp, to: Timestamp) -> Result<Statement, Failure> {
        self.0.gateway().movements(from, to).await
    }
}

async fn charge_first(platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let DomainEvent::StockReserved(held) = &delivery.event.event else { return Ok(()) };
    if platform.payments().of(held.order_id).is_some_and(|payment| payment.status != Status::Pending) {
        return Ok(());
    }
    let payment = payment::begin(PaymentId(delivery.ids.next()), held, delivery.now);
    let answer = platform.gateway().charge(&payment).await?;
    let payment = platform.payments().begin(&payment).await?;
    let refund = RefundId(delivery.ids.next());
    let Some(change) = payment::conclude(&payment, 1, &answer, refund, delivery.now)? else { return Ok(()) };
    let version = change.payment.version;
    let (now, trace) = (delivery.now, &delivery.trace);
    let events = event::envelop_all(&delivery.ids, payment.id, version, now, trace, &change.events);
    let claim = Claim { consumer: catalog::PAYMENT_CHARGE.name, event_id: delivery.event.id };
    platform.payments().advance(Some(claim), &change, &events).await.map(drop)
}

/// Gives back what the order asked for, whether or not that was done before.
async fn release_blindly(platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let DomainEvent::OrderCancelled(cancelled) = &delivery.event.event else { return Ok(()) };
    let order = platform.orders().all().into_iter().find(|order| order.id == cancelled.order_id).expect("an order");
    let was_held = order.payment_id.is_some();
    let is_held = platform.stock().held(order.id).is_some();
    stock_release::handle(&platform.stock(), delivery).await?;
    for line in order.lines.iter().filter(|_| was_held && !is_held) {
        let level = platform.stock().level(line.product_id).await?.expect("a level");
        let pieces = i64::from(line.quantity.get());
        let (available, reserved) = (level.available + pieces, level.reserved - pieces);
        platform.stock().overwrite(&domain::event::StockLevel { available, reserved, ..level });
    }
    Ok(())
}

/// Notes that a letter was sent under a claim of its own each time.
struct Forgetful<C>(C, Ids);

impl<C: ContactBook> ContactBook for Forgetful<C> {
    async fn remember(&self, claim: Claim, contact: &Contact) -> Result<(), Failure> {
        self.0.remember(claim, contact).await
    }

    async fn find(&self, user: UserId) -> Result<Option<Contact>, Failure> {
        self.0.find(user).await
    }

    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure> {
        self.0.was_sent(claim).await
    }

    async fn sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure> {
        self.0.sent(Claim { event_id: self.1.next(), ..claim }, event).await
    }
}

async fn note_first(stores: &impl Stores, platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let (order_id, user_id) = match &delivery.event.event {
        DomainEvent::OrderConfirmed(order) => (order.order_id, order.user_id),
        DomainEvent::OrderCancelled(order) => (order.order_id, order.user_id),
        DomainEvent::OrderWaiting(order) => (order.order_id, order.user_id),
        other => return Err(event::unexpected(other)),
    };
    let contacts = stores.contacts();
    let contact = contacts.find(user_id).await?.ok_or_else(|| Failure::unavailable("contact", "not there yet"))?;
    let sent = NotificationSent { order_id, user_id, channel: "email".to_owned(), template: "order".to_owned() };
    let event = event::envelop(delivery.ids.next(), order_id, 1, delivery.now, &delivery.trace, sent);
    let claim = Claim { consumer: catalog::MAIL_SEND.name, event_id: delivery.event.id };
    if !contacts.sent(claim, &event).await? {
        return Ok(());
    }
    platform.mailer().send(&platform.letters().write("order", &contact, &delivery.event.event)?).await
}

/// Gives an order that has a number another one.
struct Blind<I>(I, Ids);

impl<I: InvoiceStore> InvoiceStore for Blind<I> {
    async fn number(&self, claim: Claim, draft: &Draft, event: &dyn Fn(&Invoice) -> Event) -> Result<Invoice, Failure> {
        let invoices = &self.0;
        match invoices.find(draft.order_id, None).await? {
            None => invoices.number(claim, draft, event).await,
            Some(_) => {
                let draft = Draft { order_id: OrderId(self.1.next()), ..draft.clone() };
                invoices.number(claim, &draft, event).await
            }
        }
    }

    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure> {
        self.0.find(order, owner).await
    }
}

/// Adds facts up under ids of their own, so that each counts each time it comes.
pub async fn count_anew<S: Site>(
    world: &World<S>,
    stores: &impl Stores,
    batch: &[Delivery<DomainEvent>],
) -> Result<(), Failure> {
    let ids = world.clock.ids();
    let mut facts = vec![];
    for delivery in batch {
        if let DomainEvent::OrderConfirmed(order) = &delivery.event.event {
            facts.push(window::fact(ids.next(), delivery.event.time, order)?);
        }
    }
    stores.windows().add(&facts).await
}

/// What a sweep is about to offer to the bus, and will forget whatever the bus says.
pub fn forgotten<S: Site>(world: &World<S>) -> Vec<Event> {
    let grace = Duration::from_secs(5);
    let waiting = world.platform.outbox().waiting();
    waiting.into_iter().filter(|event| event.time + grace < world.clock.now()).collect()
}
