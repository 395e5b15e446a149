//! Defects of e-mail, invoices, windows, and the outbox sweep.

use crate::simulation::{
    backend::{Backend, Stores},
    world::World,
};
use domain::{
    DomainEvent, Event,
    event::{self, ContactVerified, NotificationSent},
    id::{OrderId, UserId},
    invoice::{Calendar, Draft, Invoice},
    message_limits::Quota,
    notification::{self, Channel, Outcome},
    text::Phone,
    window::{self, AnalyticsRecord, Fact},
};
use edge::Delivery;
use kernel::{Failure, Ids, Timestamp};
use ports::{
    Claim, Contact, ContactStore, EmailSender as _, InvoiceStore, MessageTemplates as _, Recipient, WindowStore as _,
};
use std::time::Duration;
use testkit::Platform;

/// Records each sent e-mail under a new claim.
pub struct NewClaimPerEmail<C>(pub C, pub Ids);

impl<C: ContactStore> ContactStore for NewClaimPerEmail<C> {
    async fn save(&self, claim: Claim, contact: &Contact, version: u64) -> Result<(), Failure> {
        self.0.save(claim, contact, version).await
    }

    async fn remove_devices(&self, claim: Claim, user: UserId) -> Result<(), Failure> {
        self.0.remove_devices(claim, user).await
    }

    async fn record_verified(&self, claim: Claim, verified: &ContactVerified, version: u64) -> Result<(), Failure> {
        self.0.record_verified(claim, verified, version).await
    }

    async fn find(&self, user: UserId) -> Result<Option<Recipient>, Failure> {
        self.0.find(user).await
    }

    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure> {
        self.0.was_sent(claim).await
    }

    async fn take_message(
        &self,
        claim: Claim,
        user: UserId,
        to: &Phone,
        quota: &Quota,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        self.0.take_message(claim, user, to, quota, now).await
    }

    async fn record_sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure> {
        self.0.record_sent(Claim { event_id: self.1.next(), ..claim }, event).await
    }

    async fn record_not_sent(
        &self,
        claim: Claim,
        about: &NotificationSent,
        why: Outcome,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.0.record_not_sent(claim, about, why, now).await
    }
}

pub async fn record_first(
    stores: &impl Stores,
    platform: &Platform,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let about = &delivery.event.event;
    let sent = notification::for_event(about, Channel::Email).ok_or_else(|| event::unexpected_event(about))?;
    let contacts = stores.contacts();
    let to = contacts.find(sent.user_id).await?.ok_or_else(|| Failure::unavailable("contact", "not stored yet"))?;
    let email = platform.message_templates().render_email(sent.template, &to, about)?;
    let event = delivery.event(&delivery.event.subject, 1, sent);
    let claim = Claim { consumer: catalog::EMAIL_SEND.name, event_id: delivery.event.id };
    if !contacts.record_sent(claim, &event).await? {
        return Ok(());
    }
    platform.email_sender().send(&email, claim.event_id).await
}

/// Assigns a second number to an order.
pub struct NumbersTwice<I>(pub I, pub Ids);

impl<I: InvoiceStore> InvoiceStore for NumbersTwice<I> {
    async fn assign_number(
        &self,
        claim: Claim,
        draft: &Draft,
        calendar: &Calendar,
        now: Timestamp,
        event: &dyn Fn(&Invoice) -> Event,
    ) -> Result<Invoice, Failure> {
        let invoices = &self.0;
        match invoices.find(draft.order_id, None).await? {
            None => invoices.assign_number(claim, draft, calendar, now, event).await,
            Some(_) => {
                let draft = Draft { order_id: OrderId(self.1.next()), ..draft.clone() };
                invoices.assign_number(claim, &draft, calendar, now, event).await
            }
        }
    }

    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure> {
        self.0.find(order, owner).await
    }
}

/// Adds records under new ids, so that redelivered ones count again.
pub async fn count_anew<S: Backend>(
    world: &World<S>,
    stores: &impl Stores,
    batch: &[Delivery<Fact>],
) -> Result<(), Failure> {
    let ids = world.clock.ids();
    let anew = |delivery: &Delivery<Fact>| {
        Ok(AnalyticsRecord { event_id: ids.next(), ..window::analytics_record(&delivery.event)? })
    };
    let records = batch.iter().map(anew).collect::<Result<Vec<_>, Failure>>()?;
    stores.windows().add(&records).await
}

/// The events of a sweep, which will be deleted whatever the bus returns.
pub fn swept_events<S: Backend>(world: &World<S>) -> Vec<Event> {
    let grace = Duration::from_secs(5);
    let waiting = world.platform.outbox().pending();
    waiting.into_iter().filter(|event| event.time + grace < world.clock.now()).collect()
}
