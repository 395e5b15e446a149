//! Defects that read an event wrongly: the handler gets another one than was published.

use super::Defect;
use crate::simulation::{backend::Backend, world::World};
use catalog::Function;
use domain::{DomainEvent, Money, order_line::Quantity};
use edge::Delivery;

/// A delivery as a consumer with the world's defect reads it.
pub fn distorted<S: Backend>(
    world: &World<S>,
    to: &'static Function,
    mut delivery: Delivery<DomainEvent>,
) -> Delivery<DomainEvent> {
    let Some(defect) = world.defect else { return delivery };
    let is = |row: &Function| to.name == row.name;
    let now = delivery.now;
    match (defect, &mut delivery.event.event) {
        (Defect::MailsAboutAnotherOrder, DomainEvent::OrderConfirmed(order)) if is(catalog::UPDATE_SEND) => {
            let mut others = world.seen.orders.iter().map(|other| other.id);
            order.order_id = others.rfind(|other| *other != order.order_id).unwrap_or(order.order_id);
        }
        (Defect::InvoicesWithoutLastLine, DomainEvent::OrderConfirmed(order)) if is(catalog::INVOICE_ISSUE) => {
            order.lines.truncate((order.lines.len() - 1).max(1));
        }
        (Defect::InvoicesWithoutTax, DomainEvent::OrderConfirmed(order)) if is(catalog::INVOICE_ISSUE) => {
            let untaxed = order.totals.as_ref().and_then(|totals| order.total_amount.minus(totals.tax).ok());
            order.total_amount = untaxed.unwrap_or(order.total_amount);
        }
        (Defect::CreditsSumOfRefunds, DomainEvent::PaymentRefunded(refund)) if is(catalog::CREDIT_NOTE_ISSUE) => {
            refund.amount = Money { ..refund.refunded_amount };
        }
        (Defect::CountsWithoutRegion, DomainEvent::OrderConfirmed(order)) if is(catalog::ANALYTICS_FEED) => {
            order.shipping_address.region = None;
        }
        (Defect::CountsOneUnitPerLine, DomainEvent::OrderConfirmed(order)) if is(catalog::ANALYTICS_FEED) => {
            order.lines.iter_mut().for_each(|line| line.quantity = Quantity::try_from(1).expect("one"));
        }
        (Defect::CountsWhenProcessed, _) if is(catalog::ANALYTICS_FEED) => delivery.event.time = now,
        _ => {}
    }
    delivery
}
