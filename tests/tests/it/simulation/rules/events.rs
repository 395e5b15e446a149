//! Invariants of the events of an idle world.

use super::{
    Violation,
    idle::{came_to, expected_emails, waited},
    rule,
};
use crate::simulation::{backend::Backend, world::World};
use domain::{DomainEvent, Event, id::RefundId, ledger::Purpose, order::Status, payment::RefundStatus};
use kernel::Uuid;
use std::rc::Rc;
use testkit::Snapshot;

/// Exactly the committed events reach the bus, the log and the archive.
pub(super) fn events<S: Backend>(world: &World<S>, committed: &[Rc<Event>]) -> Result<(), Violation> {
    let platform = &world.platform;
    let published = platform.bus().published_after(0);
    let (by_id_committed, sent) = (by_id(committed), by_id(&published));
    for event in committed {
        rule!(find(&sent, event.id) == Some(event), "committed and never published: {}", event.event.row().name);
    }
    let (mut logged, mut archived) = (vec![], vec![]);
    platform
        .event_log()
        .records_after(0)
        .iter()
        .for_each(|record| logged.extend(record.value.as_deref().and_then(id_in)));
    platform.archive().for_each_object(|_, lines| archived.extend(lines.lines().filter_map(id_in)));
    logged.sort_unstable();
    archived.sort_unstable();
    for (id, event) in &sent {
        let name = event.event.row().name;
        rule!(find(&by_id_committed, *id) == Some(event), "published and never committed: {name}");
        rule!(logged.binary_search(id).is_ok(), "{name} is not in the log");
        rule!(archived.binary_search(id).is_ok(), "{name} is not in the archive");
    }
    for event in &published {
        let name = event.event.row().name;
        rule!(find(&sent, event.id) == Some(event), "published twice under one id, and not the same: {name}");
    }
    rule!(sent.len() == committed.len(), "{} events are published", sent.len());
    Ok(())
}

/// Each event was committed as often as its cause occurred.
pub(super) fn counted<S: Backend>(world: &World<S>, committed: &[Rc<Event>]) -> Result<(), Violation> {
    let seen = &world.seen;
    let count = |row: &catalog::Event| committed.iter().filter(|event| event.event.row().name == row.name).count();
    let confirmed = came_to(seen, Status::Processing);
    let shipped = came_to(seen, Status::Shipped);
    let charged = seen.payments.values().filter(|payment| payment.transaction_id.is_some()).count();
    let refunds = seen.transfers.iter().filter(|transfer| transfer.purpose == Purpose::Refund).count();
    let approvals: Vec<_> = seen.payments.values().flat_map(|payment| &payment.approvals).collect();
    let decided = approvals.iter().filter(|approval| approval.decision.is_some()).count();
    let (registered, opened) = if world.plan.is_seeded { (0, 0) } else { (1, world.plan.products().len()) };
    for (row, expected) in [
        (catalog::USER_REGISTERED, registered),
        (catalog::CONTACT_VERIFIED, if world.plan.is_verified { registered } else { 0 }),
        (catalog::PRODUCT_CREATED, opened),
        (catalog::STOCK_OPENED, opened),
        (catalog::ORDER_PLACED, seen.orders.len()),
        (catalog::ORDER_WAITING, waited(seen)),
        (catalog::ORDER_CONFIRMED, confirmed),
        (catalog::ORDER_CANCELLED, came_to(seen, Status::Cancelled)),
        (catalog::ORDER_SHIPPED, shipped),
        (catalog::STOCK_SHIPPED, shipped),
        (catalog::ORDER_DELIVERED, came_to(seen, Status::Delivered)),
        (catalog::PAYMENT_SUCCEEDED, charged),
        (catalog::PAYMENT_REFUNDED, refunds),
        (catalog::REFUND_APPROVAL_REQUESTED, approvals.len()),
        (catalog::REFUND_APPROVAL_DECIDED, decided),
        (catalog::INVOICE_ISSUED, confirmed),
        (catalog::NOTIFICATION_SENT, expected_emails(world)),
    ] {
        rule!(count(row) == expected, "{} events {} where {expected} are expected", count(row), row.name);
    }
    credited(seen, committed)
}

/// Each refund of an invoiced order has a credit note. One that was returned has none, or one that is cancelled.
fn credited(seen: &Snapshot, committed: &[Rc<Event>]) -> Result<(), Violation> {
    let notes = |refund: RefundId, cancels: bool| {
        let is_it = |event: &&Rc<Event>| matches!(&event.event, DomainEvent::CreditNoteIssued(note) if (note.refund_id, note.cancels.is_some()) == (refund, cancels));
        committed.iter().filter(is_it).count()
    };
    for payment in seen.payments.values() {
        let is_invoiced = seen.invoices.iter().any(|invoice| invoice.draft.order_id == payment.order_id);
        for refund in &payment.refunds {
            let (issued, cancelled) = (notes(refund.id, false), notes(refund.id, true));
            let fits = match refund.status {
                RefundStatus::Succeeded => (issued, cancelled) == (usize::from(is_invoiced), 0),
                _ => issued == cancelled && issued <= usize::from(is_invoiced),
            };
            rule!(
                fits,
                "{issued} credit notes, {cancelled} of them cancelled, of a refund that is {:?}",
                refund.status
            );
        }
    }
    Ok(())
}

/// The first event of each id, by id.
fn by_id(events: &[Rc<Event>]) -> Vec<(Uuid, &Rc<Event>)> {
    let mut all: Vec<_> = events.iter().map(|event| (event.id, event)).collect();
    all.sort_by_key(|(id, _)| *id);
    all.dedup_by_key(|(id, _)| *id);
    all
}

fn find<'a>(events: &[(Uuid, &'a Rc<Event>)], id: Uuid) -> Option<&'a Rc<Event>> {
    events.binary_search_by_key(&id, |(id, _)| *id).ok().map(|at| events[at].1)
}

/// The id of an event in a line of JSON: the first `id` member.
fn id_in(line: &str) -> Option<Uuid> {
    const BEFORE: &str = "\"id\":\"";
    const LENGTH: usize = 36;
    let at = line.find(BEFORE)? + BEFORE.len();
    line.get(at..at + LENGTH)?.parse().ok()
}
