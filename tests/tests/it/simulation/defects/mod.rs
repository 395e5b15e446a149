//! Seeded defects, each a common mistake in public order platforms, to be enabled one at a time: they show that the checker finds them.
//!
//! They are wrappers of ports and variants of handlers, and exist only here.

mod consumers;
mod distortions;
mod list;
mod orders;
mod payments;
mod stock;

pub use consumers::{SweptOutbox, recount_records, swept_events};
pub use distortions::distorted;
pub use list::Defect;
pub use orders::{cancel, place, sweep_orders};
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
        Defect::PublishesBeforeCommit
        | Defect::IgnoresClosedPayment
        | Defect::ChargesWithNewKeyPerTry
        | Defect::PostsInAnotherCurrency
            if is(catalog::PAYMENT_CHARGE) =>
        {
            payment_charge::handle(&payments, &gateway, &platform.circuit_breaker(), AttemptLimit::default(), copy())
                .await
        }
        Defect::RefundsWithNewKeyPerTry
        | Defect::PostsWholeCharge
        | Defect::PostsRefundAsIncome
        | Defect::PostsRefundUnderCharge
        | Defect::StatesRefundInsteadOfSum
        | Defect::RetriesForgottenKeys
            if is(catalog::PAYMENT_REFUND) =>
        {
            payment_refund::handle(&payments, &gateway, &platform.circuit_breaker(), copy()).await
        }
        Defect::ReadsThenWritesStock | Defect::RefusesLastUnit | Defect::ExpiresTooEarly
            if is(catalog::STOCK_RESERVE) =>
        {
            stock_reserve::handle(&stock, copy()).await
        }
        Defect::AlertsBelowThreshold | Defect::AlertsAgain if is(catalog::STOCK_ALERT) => {
            stock_alert::handle(&stock::Alerts { inner: stores.stock(), platform, defect }, copy()).await
        }
        Defect::AppliesOlderStockFigure if is(catalog::PRODUCT_STOCK_TRACK) => stock::show_any(platform, copy()).await,
        Defect::AllocatesUnavailableStock | Defect::AllocatesLatestFirst | Defect::SkipsInbox
            if is(catalog::STOCK_ALLOCATE) =>
        {
            stock_allocate::handle(&stock, copy()).await
        }
        Defect::IgnoresOrderVersion
        | Defect::ConfirmsCancelledOrder
        | Defect::AppliesStaleEvents
        | Defect::NumbersEventTooLow
        | Defect::ConfirmsWithAnotherPayment
        | Defect::SkipsInbox
            if is(catalog::ORDER_ADVANCE) =>
        {
            order_advance::handle(&orders, world.plan.policy, copy()).await
        }
        _ => return consume_without_wrappers(world, stores, to, delivery).await,
    })
}

/// Defects that are handlers of their own, or wrap no store of the saga.
async fn consume_without_wrappers<S: Backend>(
    world: &World<S>,
    stores: &impl Stores,
    to: &'static Function,
    delivery: &Delivery<DomainEvent>,
) -> Option<Result<(), Failure>> {
    let (platform, defect) = (&world.platform, world.defect?);
    let is = |row: &Function| to.name == row.name;
    let copy = || copy(world, delivery);
    Some(match defect {
        Defect::ChargesBeforeStoringPayment if is(catalog::PAYMENT_CHARGE) => {
            payments::charge_first(platform, copy()).await
        }
        Defect::ReleasesStockTwice if is(catalog::STOCK_RELEASE) => stock::release_twice(platform, copy()).await,
        Defect::AcknowledgesOnError if is(catalog::UPDATE_SEND) => {
            drop(consumers::notify(stores, platform, copy()).await);
            Ok(())
        }
        Defect::RecordsEmailWithoutClaim if is(catalog::UPDATE_SEND) => {
            consumers::claim_anew(stores, platform, &world.clock.ids(), copy()).await
        }
        Defect::MailsTwice | Defect::MailsToAnotherAddress if is(catalog::UPDATE_SEND) => {
            consumers::notify_through(&consumers::Sender { platform, defect }, stores, platform, copy()).await
        }
        Defect::RecordsEmailBeforeSending if is(catalog::UPDATE_SEND) => {
            consumers::record_first(stores, platform, copy()).await
        }
        Defect::NumbersInvoiceTwice if is(catalog::INVOICE_ISSUE) => {
            let invoices = consumers::SecondInvoiceNumber(stores.invoices(), world.clock.ids());
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
