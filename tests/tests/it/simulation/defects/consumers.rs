//! Defects of e-mail, invoices, windows, and the outbox sweep.

use super::Defect;
use crate::simulation::{
    backend::{Backend, Stores},
    world::World,
};
use domain::{
    DomainEvent, Event, event,
    id::{OrderId, UserId},
    invoice::{Calendar, Draft, Invoice},
    message_limits::MessageLimits,
    notification::{self, Channel},
    text::Email,
    window::{self, AnalyticsRecord, WindowEntry},
};
use edge::Delivery;
use kernel::{Date, Failure, Ids, Timestamp, Uuid};
use ports::{
    Backlog, Bus as _, Claim, ContactStore as _, DeliveryCheck, DeliveryCheckReport, EmailMessage, EmailSender,
    InvoiceStore, MessageTemplates as _, Outbox, SweepReport, TimeCursor, WindowStore as _,
};
use services::Channels;
use std::time::Duration;
use testkit::Platform;

/// The function without a defect.
pub async fn notify(stores: &impl Stores, platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let (email, sms, push) = (&platform.email_sender(), &platform.sms_sender(), &platform.push_sender());
    let (contacts, templates) = (stores.contacts(), platform.message_templates());
    let channels = Channels { email, sms, push, limits: &MessageLimits::default() };
    update_send::handle(&contacts, &templates, channels, delivery).await
}

/// The function with this provider of e-mail.
pub async fn notify_through(
    email: &impl EmailSender,
    stores: &impl Stores,
    platform: &Platform,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let (sms, push) = (&platform.sms_sender(), &platform.push_sender());
    let channels = Channels { email, sms, push, limits: &MessageLimits::default() };
    update_send::handle(&stores.contacts(), &platform.message_templates(), channels, delivery).await
}

/// A provider of e-mail that is called wrongly.
pub struct Sender<'a> {
    pub platform: &'a Platform,
    pub defect: Defect,
}

impl EmailSender for Sender<'_> {
    async fn send(&self, message: &EmailMessage, delivery: Uuid) -> Result<(), Failure> {
        let sender = self.platform.email_sender();
        if self.defect == Defect::MailsTwice {
            sender.send(message, delivery).await?;
            return sender.send(message, delivery).await;
        }
        let to = Email::parse("staff@example.com").map_err(Failure::internal)?;
        sender.send(&EmailMessage { to, ..message.clone() }, delivery).await
    }
}

/// Claims each notification under a new id, so that a redelivered event is not recognized.
pub async fn claim_anew(
    stores: &impl Stores,
    platform: &Platform,
    ids: &Ids,
    mut delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    delivery.event.id = ids.next();
    notify(stores, platform, delivery).await
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
    let email = platform.message_templates().render_email(sent.template, &to, about, None)?;
    let event = delivery.event(&delivery.event.subject, 1, sent);
    let claim = Claim { consumer: Channel::Email.name(), event_id: delivery.event.id };
    if !contacts.record_sent(claim, &event).await? {
        return Ok(());
    }
    platform.email_sender().send(&email, claim.event_id).await
}

/// Assigns a second number to an order.
pub struct SecondInvoiceNumber<I>(pub I, pub Ids);

impl<I: InvoiceStore> InvoiceStore for SecondInvoiceNumber<I> {
    async fn assign_number(
        &self,
        draft: &Draft,
        calendar: &Calendar,
        now: Timestamp,
        event: &dyn Fn(&Invoice) -> Event,
    ) -> Result<Invoice, Failure> {
        let invoices = &self.0;
        match invoices.find(draft.order_id, None).await? {
            None => invoices.assign_number(draft, calendar, now, event).await,
            Some(_) => {
                let draft = Draft { order_id: OrderId(self.1.next()), ..draft.clone() };
                invoices.assign_number(&draft, calendar, now, event).await
            }
        }
    }

    async fn last_number(&self, series: &str) -> Result<i64, Failure> {
        self.0.last_number(series).await
    }

    async fn raise_series(&self, series: &str, last: i64, issued_on: Date) -> Result<(), Failure> {
        self.0.raise_series(series, last, issued_on).await
    }

    async fn find(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Invoice>, Failure> {
        self.0.find(order, owner).await
    }
}

/// Adds records under new ids, so that redelivered ones count again.
pub async fn recount_records<S: Backend>(
    world: &World<S>,
    stores: &impl Stores,
    batch: &[Delivery<AnalyticsRecord>],
) -> Result<(), Failure> {
    let ids = world.clock.ids();
    let recount = |delivery: &Delivery<AnalyticsRecord>| {
        let record = window::window_entry(&delivery.event).transpose()?;
        Some(record.map(|record| WindowEntry { event_id: ids.next(), ..record }))
    };
    let records = batch.iter().filter_map(recount).collect::<Result<Vec<_>, Failure>>()?;
    stores.windows().add(&records).await
}

/// The events of a sweep, which will be deleted whatever the bus returns.
pub fn swept_events<S: Backend>(world: &World<S>) -> Vec<Event> {
    let grace = Duration::from_secs(5);
    let waiting = world.platform.outbox().pending();
    waiting.into_iter().filter(|event| event.time + grace < world.clock.now()).collect()
}

/// A time that does not come in a schedule.
fn never() -> Result<Timestamp, Failure> {
    Timestamp::from_second(4_102_444_800).map_err(Failure::internal)
}

/// An outbox that is swept with the world's defect, if it concerns the sweep.
pub struct SweptOutbox<'a, O> {
    pub inner: O,
    pub platform: &'a Platform,
    pub defect: Option<Defect>,
}

impl<O: Outbox> Outbox for SweptOutbox<'_, O> {
    async fn sweep(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<SweepReport, Failure> {
        match self.defect {
            // Neither does the end of the claim.
            Some(Defect::ClaimsSweptEventsForever) => self.inner.sweep(never()?, limit, after).await,
            Some(Defect::MarksEventsBeforePublishing) => {
                let waiting = self.platform.outbox().pending();
                let due: Vec<Event> = waiting.into_iter().filter(|event| event.time < before).collect();
                self.platform.outbox().discard(&due);
                let sent = self.platform.bus().publish(&due).await.map_or(0, |accepted| accepted.len());
                Ok(SweepReport { sent: u32::try_from(sent).expect("few"), ..SweepReport::default() })
            }
            _ => self.inner.sweep(before, limit, after).await,
        }
    }

    async fn backlog(&self) -> Result<Backlog, Failure> {
        self.inner.backlog().await
    }

    async fn requeue_undelivered(&self, check: &DeliveryCheck) -> Result<DeliveryCheckReport, Failure> {
        match self.defect {
            Some(Defect::NeverChecksDeliveries) => Ok(DeliveryCheckReport::default()),
            _ => self.inner.requeue_undelivered(check).await,
        }
    }
}
