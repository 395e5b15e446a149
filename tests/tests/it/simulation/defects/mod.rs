//! Defects that others have shipped, to be switched on one at a time: a checker that finds none of them proves nothing.
//!
//! They are wrappers around ports and variants of handlers, here and nowhere else.

mod consumers;
mod orders;
mod payments;
mod stock;

pub use consumers::{count_anew, forgotten};
pub use orders::place;
pub use payments::take_blindly;
pub use stock::sweep;

use super::{
    site::{Site, Stores},
    world::World,
};
use catalog::Function;
use domain::DomainEvent;
use edge::Delivery;
use kernel::Failure;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    SwallowsErrors,
    AcknowledgesTheBatch,
    PublishesBeforeCommit,
    ChargesWithoutStableKey,
    ChargesBeforeBegin,
    RefundsWithoutKey,
    ForgetsClosed,
    WebhookApart,
    ReleasesUnguarded,
    ReadsThenWritesStock,
    KeepsBlindly,
    SweepsWithoutLock,
    KeepsKeyApart,
    ChecksThenInsertsKey,
    AdvancesUnguarded,
    RevivesCancelled,
    BelievesOldNews,
    CountsWithoutClaim,
    NotesMailWithoutClaim,
    NotesMailBeforeSending,
    NumbersWithoutLooking,
    SweepsDeaf,
    NeverSweeps,
    AsksWithoutKey,
    /// No defect: state and version turn old news away as well.
    SkipsInbox,
}

impl Defect {
    /// Every defect, and the habit that it is.
    pub const ALL: [(Self, &str); 24] = [
        (Self::SwallowsErrors, "acknowledge on error: mail is not sent, and nobody hears"),
        (Self::AcknowledgesTheBatch, "acknowledge the batch although one message failed"),
        (Self::PublishesBeforeCommit, "publish, then write: payment event before its commit"),
        (Self::NeverSweeps, "write, then publish or never: no outbox is swept"),
        (Self::SweepsDeaf, "sweep marks as sent whatever the bus says"),
        (Self::ChargesWithoutStableKey, "a new key at the gateway for each try to charge"),
        (Self::RefundsWithoutKey, "a new key at the gateway for each try to refund"),
        (Self::ChargesBeforeBegin, "charge first, keep the payment after"),
        (Self::ForgetsClosed, "charge without a look at a cancellation meanwhile"),
        (Self::WebhookApart, "webhook with an inbox apart, blind to what is kept"),
        (Self::ReadsThenWritesStock, "read stock, then write what was read, less some"),
        (Self::ReleasesUnguarded, "release stock without claim or guard: twice"),
        (Self::KeepsBlindly, "lapsed hold taken again without a look at what is free"),
        (Self::SweepsWithoutLock, "two sweepers, no lock: a hold lapses twice"),
        (Self::AsksWithoutKey, "order placed again under a new key"),
        (Self::KeepsKeyApart, "idempotency key kept after the transaction"),
        (Self::ChecksThenInsertsKey, "check for the key, then insert it"),
        (Self::AdvancesUnguarded, "update the order's status whatever its version"),
        (Self::RevivesCancelled, "success confirms an order whatever its status"),
        (Self::BelievesOldNews, "news believed however old it is"),
        (Self::CountsWithoutClaim, "windows count a fact each time it comes"),
        (Self::NotesMailWithoutClaim, "mail noted without its claim"),
        (Self::NotesMailBeforeSending, "mail noted before it is sent"),
        (Self::NumbersWithoutLooking, "invoice numbered again on redelivery"),
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
    let payments = payments::Payments { inner: stores.payments(), platform, defect };
    let gateway = payments::Keyless { platform, ids: world.clock.ids(), defect };
    let stock = stock::Stock { inner: stores.stock(), platform, seen: &world.seen, ids: world.clock.ids(), defect };
    let orders = orders::Orders { inner: stores.orders(), platform, ids: world.clock.ids(), defect };
    Some(match defect {
        Defect::SwallowsErrors if is(catalog::MAIL_SEND) => {
            let contacts = stores.contacts();
            drop(mail_send::handle(&contacts, &platform.letters(), &platform.mailer(), copy()).await);
            Ok(())
        }
        Defect::PublishesBeforeCommit | Defect::ForgetsClosed | Defect::ChargesWithoutStableKey
            if is(catalog::PAYMENT_CHARGE) =>
        {
            payment_charge::handle(&payments, &gateway, &platform.breaker(), copy()).await
        }
        Defect::RefundsWithoutKey if is(catalog::PAYMENT_REFUND) => {
            payment_refund::handle(&payments, &gateway, &platform.breaker(), copy()).await
        }
        Defect::ChargesBeforeBegin if is(catalog::PAYMENT_CHARGE) => payments::charge_first(platform, copy()).await,
        Defect::ReleasesUnguarded if is(catalog::STOCK_RELEASE) => stock::release_blindly(platform, copy()).await,
        Defect::ReadsThenWritesStock if is(catalog::STOCK_RESERVE) => stock_reserve::handle(&stock, copy()).await,
        Defect::KeepsBlindly | Defect::SkipsInbox if is(catalog::STOCK_KEEP) => {
            stock_keep::handle(&stock, copy()).await
        }
        Defect::AdvancesUnguarded | Defect::RevivesCancelled | Defect::BelievesOldNews | Defect::SkipsInbox
            if is(catalog::ORDER_ADVANCE) =>
        {
            order_advance::handle(&orders, world.plan.policy, copy()).await
        }
        Defect::NotesMailWithoutClaim if is(catalog::MAIL_SEND) => {
            let contacts = consumers::Forgetful(stores.contacts(), world.clock.ids());
            mail_send::handle(&contacts, &platform.letters(), &platform.mailer(), copy()).await
        }
        Defect::NotesMailBeforeSending if is(catalog::MAIL_SEND) => {
            consumers::note_first(stores, platform, copy()).await
        }
        Defect::NumbersWithoutLooking if is(catalog::INVOICE_ISSUE) => {
            let invoices = consumers::Blind(stores.invoices(), world.clock.ids());
            invoice_issue::handle(&invoices, &platform.documents(), &platform.printer(), copy()).await
        }
        _ => return None,
    })
}
