//! Seeded defects, each a common mistake in public order platforms, to be enabled one at a time: they show that the checker finds them.
//!
//! They are wrappers of ports and variants of handlers, and exist only here.

mod consumers;
mod orders;
mod payments;
mod stock;

pub use consumers::{SweptOutbox, count_anew, swept_events};
pub use orders::place;
pub use payments::apply_unchecked;
pub use stock::sweep;

use super::{
    backend::{Backend, Stores},
    world::World,
};
use catalog::Function;
use domain::{
    DomainEvent,
    invoice::{Calendar, Seller},
    payment::AttemptLimit,
};
use edge::{Delivery, schedule::Tick};
use kernel::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    AcknowledgesOnError,
    AcknowledgesWholeBatch,
    PublishesBeforeCommit,
    ChargesWithNewKeyPerTry,
    ChargesBeforeStoringPayment,
    RefundsWithNewKeyPerTry,
    GivesUpAfterSearch,
    IgnoresClosedPayment,
    StoresWebhookClaimSeparately,
    ReleasesStockTwice,
    ReadsThenWritesStock,
    AllocatesUnavailableStock,
    ExpiresReservationTwice,
    StoresKeySeparately,
    ChecksThenInsertsKey,
    IgnoresOrderVersion,
    ConfirmsCancelledOrder,
    AppliesStaleEvents,
    CountsWithoutClaim,
    RecordsEmailWithoutClaim,
    RecordsEmailBeforeSending,
    NumbersInvoiceTwice,
    EnqueuesUnderNewId,
    MarksRejectedEventsPublished,
    ClaimsSweptEventsForever,
    MarksEventsBeforePublishing,
    NeverSweepsOutbox,
    RetriesOrderWithNewKey,
    /// Not a defect: state and version also reject stale events.
    SkipsInbox,
}

impl Defect {
    /// Every defect with its description.
    pub const ALL: [(Self, &str); 28] = [
        (Self::AcknowledgesOnError, "acknowledge on error: the e-mail is lost"),
        (Self::AcknowledgesWholeBatch, "acknowledge the batch although one message failed"),
        (Self::PublishesBeforeCommit, "publish the payment event before its commit"),
        (Self::NeverSweepsOutbox, "publish after the write without an outbox sweep"),
        (Self::MarksRejectedEventsPublished, "mark outbox events as published although the bus rejected them"),
        (Self::ClaimsSweptEventsForever, "claim events for a sweep without an end of the claim"),
        (Self::MarksEventsBeforePublishing, "mark outbox events as published, then publish them"),
        (Self::ChargesWithNewKeyPerTry, "charge with a new gateway key per try"),
        (Self::RefundsWithNewKeyPerTry, "refund with a new gateway key per try"),
        (Self::GivesUpAfterSearch, "give up a charge that a search does not show"),
        (Self::ChargesBeforeStoringPayment, "charge before the payment is stored"),
        (Self::IgnoresClosedPayment, "charge without checking for a cancellation"),
        (Self::StoresWebhookClaimSeparately, "store the webhook claim in a separate transaction"),
        (Self::ReadsThenWritesStock, "read stock, then write it back without a guard"),
        (Self::ReleasesStockTwice, "release stock twice, without claim or guard"),
        (Self::AllocatesUnavailableStock, "allocate an expired reservation without checking stock"),
        (Self::ExpiresReservationTwice, "expire a reservation twice: two sweeps, no lock"),
        (Self::RetriesOrderWithNewKey, "retry an order under a new idempotency key"),
        (Self::StoresKeySeparately, "store the idempotency key after the transaction"),
        (Self::ChecksThenInsertsKey, "check for the idempotency key, then insert it"),
        (Self::IgnoresOrderVersion, "update the order status without a version check"),
        (Self::ConfirmsCancelledOrder, "confirm an order on payment whatever its status"),
        (Self::AppliesStaleEvents, "apply events that are out of date"),
        (Self::CountsWithoutClaim, "count a redelivered record again in its window"),
        (Self::RecordsEmailWithoutClaim, "record the e-mail without its claim"),
        (Self::RecordsEmailBeforeSending, "record the e-mail before it is sent"),
        (Self::NumbersInvoiceTwice, "number an invoice again on redelivery"),
        (Self::EnqueuesUnderNewId, "enqueue a webhook under a new id per try"),
    ];
}

/// Runs payment-reconcile, with the world's defect if it concerns it.
pub async fn reconcile<S: Backend>(
    world: &World<S>,
    stores: &impl Stores,
    tick: Tick,
) -> Result<payment_reconcile::Summary, Failure> {
    let (platform, payments) = (&world.platform, stores.payments());
    match world.defect {
        Some(defect @ Defect::GivesUpAfterSearch) => {
            let gateway = payments::FaultyGateway { platform, ids: world.clock.ids(), defect };
            payment_reconcile::handle(&payments, &gateway, tick).await
        }
        _ => payment_reconcile::handle(&payments, &platform.gateway(), tick).await,
    }
}

/// Consumes an event with the world's defect, if it concerns this function.
pub async fn consume<S: Backend>(
    world: &World<S>,
    stores: &impl Stores,
    to: &'static Function,
    delivery: &Delivery<DomainEvent>,
) -> Option<Result<(), Failure>> {
    let (platform, defect) = (&world.platform, world.defect?);
    let is = |row: &Function| to.name == row.name;
    let copy = || copy(world, delivery);
    let payments = payments::Payments { inner: stores.payments(), platform, defect };
    let gateway = payments::FaultyGateway { platform, ids: world.clock.ids(), defect };
    let stock = stock::Stock { inner: stores.stock(), platform, seen: &world.seen, ids: world.clock.ids(), defect };
    let orders = orders::Orders { inner: stores.orders(), platform, ids: world.clock.ids(), defect };
    Some(match defect {
        Defect::AcknowledgesOnError if is(catalog::UPDATE_SEND) => {
            drop(consumers::notify(stores, platform, copy()).await);
            Ok(())
        }
        Defect::PublishesBeforeCommit | Defect::IgnoresClosedPayment | Defect::ChargesWithNewKeyPerTry
            if is(catalog::PAYMENT_CHARGE) =>
        {
            payment_charge::handle(&payments, &gateway, &platform.circuit_breaker(), AttemptLimit::default(), copy())
                .await
        }
        Defect::RefundsWithNewKeyPerTry if is(catalog::PAYMENT_REFUND) => {
            payment_refund::handle(&payments, &gateway, &platform.circuit_breaker(), copy()).await
        }
        Defect::ChargesBeforeStoringPayment if is(catalog::PAYMENT_CHARGE) => {
            payments::charge_first(platform, copy()).await
        }
        Defect::ReleasesStockTwice if is(catalog::STOCK_RELEASE) => stock::release_twice(platform, copy()).await,
        Defect::ReadsThenWritesStock if is(catalog::STOCK_RESERVE) => stock_reserve::handle(&stock, copy()).await,
        Defect::AllocatesUnavailableStock | Defect::SkipsInbox if is(catalog::STOCK_ALLOCATE) => {
            stock_allocate::handle(&stock, copy()).await
        }
        Defect::IgnoresOrderVersion
        | Defect::ConfirmsCancelledOrder
        | Defect::AppliesStaleEvents
        | Defect::SkipsInbox
            if is(catalog::ORDER_ADVANCE) =>
        {
            order_advance::handle(&orders, world.plan.policy, copy()).await
        }
        Defect::RecordsEmailWithoutClaim if is(catalog::UPDATE_SEND) => {
            consumers::claim_anew(stores, platform, &world.clock.ids(), copy()).await
        }
        Defect::RecordsEmailBeforeSending if is(catalog::UPDATE_SEND) => {
            consumers::record_first(stores, platform, copy()).await
        }
        Defect::NumbersInvoiceTwice if is(catalog::INVOICE_ISSUE) => {
            let invoices = consumers::NumbersTwice(stores.invoices(), world.clock.ids());
            let (documents, renderer) = (platform.documents(), platform.invoice_renderer());
            invoice_issue::handle(&invoices, &documents, &renderer, (&Calendar::utc(), &Seller::default()), copy())
                .await
        }
        _ => return None,
    })
}

fn copy<S: Backend>(world: &World<S>, delivery: &Delivery<DomainEvent>) -> Delivery<DomainEvent> {
    Delivery {
        event: delivery.event.clone(),
        trace: delivery.trace.clone(),
        ids: world.clock.ids(),
        record_id: String::new(),
        ..*delivery
    }
}
