//! What each committed event says, against orders, payments and documents: each id, amount, line and sequence.

use super::{Violation, is_address_of, rule};
use crate::simulation::{backend::Backend, world::World};
use domain::{
    DomainEvent, Event, Money,
    channel::Template,
    event::{OrderConfirmed, PaymentRefunded, StockLine},
    id::{OrderId, PaymentId, RefundId},
    order::{HistoryEntry, Order, Status},
    payment::{Payment, Refund, RefundApproval},
};
use std::rc::Rc;
use testkit::Snapshot;

/// What an event must say, and what it says.
pub(super) fn payloads<S: Backend>(world: &World<S>, committed: &[Rc<Event>]) -> Result<(), Violation> {
    for event in committed {
        let model = Model { seen: &world.seen, event };
        let is_true = match &event.event {
            DomainEvent::OrderPlaced(_)
            | DomainEvent::OrderConfirmed(_)
            | DomainEvent::OrderCancelled(_)
            | DomainEvent::OrderWaiting(_)
            | DomainEvent::OrderShipped(_)
            | DomainEvent::OrderDelivered(_) => model.order(),
            DomainEvent::PaymentSucceeded(_)
            | DomainEvent::PaymentFailed(_)
            | DomainEvent::PaymentRequested(_)
            | DomainEvent::PaymentMismatched(_)
            | DomainEvent::RefundRequested(_)
            | DomainEvent::RefundApprovalRequested(_)
            | DomainEvent::RefundApprovalDecided(_)
            | DomainEvent::RefundApprovalRefused(_)
            | DomainEvent::PaymentRefunded(_)
            | DomainEvent::RefundFailed(_) => model.payment(),
            DomainEvent::InvoiceIssued(_) | DomainEvent::CreditNoteIssued(_) | DomainEvent::NotificationSent(_) => {
                model.document()
            }
            _ => model.stock(),
        };
        rule!(is_true.is_some(), "untrue: {} {:?} at {}", event.subject, event.event, event.sequence);
    }
    refunded_amounts(world, committed)
}

struct Model<'a> {
    seen: &'a Snapshot,
    event: &'a Event,
}

/// `None` for what is not true.
type IsTrue = Option<()>;

fn all(claims: &[bool]) -> IsTrue {
    claims.iter().all(|claim| *claim).then_some(())
}

impl Model<'_> {
    fn find(&self, id: OrderId) -> Option<&Order> {
        self.seen.orders.iter().find(|order| order.id == id)
    }

    /// The order that an event of orders is about: its subject and no other.
    fn subject(&self, id: OrderId) -> Option<&Order> {
        self.find(id).filter(|_| self.event.subject == id.to_string())
    }

    /// The transition that the sequence of the event names.
    fn step<'o>(&self, order: &'o Order) -> Option<&'o HistoryEntry> {
        order.history.get(usize::try_from(self.event.sequence).ok()?.checked_sub(1)?)
    }

    fn order(&self) -> IsTrue {
        match &self.event.event {
            DomainEvent::OrderPlaced(said) => {
                let order = self.subject(said.order_id)?;
                all(&[
                    self.event.sequence == 1,
                    said.user_id == order.user_id,
                    said.lines == order.lines,
                    said.totals.as_ref() == Some(&order.totals),
                    said.total_amount == order.total,
                    is_address_of(order, &said.shipping_address),
                    said.payment_method == order.payment_method,
                ])
            }
            DomainEvent::OrderConfirmed(said) => self.confirmed(said),
            DomainEvent::OrderCancelled(said) => {
                let order = self.subject(said.order_id)?;
                let step = self.step(order)?;
                let payment = self.seen.payments.get(&order.id).map(|payment| payment.id);
                all(&[
                    step.status == Status::Cancelled && step.reason == Some(said.reason),
                    said.user_id == order.user_id,
                    said.total_amount == order.total,
                    said.payment_id.is_none() || said.payment_id == payment,
                ])
            }
            DomainEvent::OrderWaiting(said) => {
                let order = self.subject(said.order_id)?;
                let step = self.step(order)?;
                all(&[
                    step.status == Status::Pending && step.reason == Some(said.reason),
                    said.user_id == order.user_id,
                    said.total_amount == order.total,
                ])
            }
            DomainEvent::OrderShipped(said) => {
                let order = self.subject(said.order_id)?;
                all(&[
                    self.step(order)?.status == Status::Shipped,
                    said.user_id == order.user_id,
                    said.lines == order.lines,
                    is_address_of(order, &said.shipping_address),
                ])
            }
            DomainEvent::OrderDelivered(said) => {
                let order = self.subject(said.order_id)?;
                all(&[self.step(order)?.status == Status::Delivered, said.user_id == order.user_id])
            }
            _ => None,
        }
    }

    fn confirmed(&self, said: &OrderConfirmed) -> IsTrue {
        let order = self.subject(said.order_id)?;
        all(&[
            self.step(order)?.status == Status::Processing,
            said.user_id == order.user_id,
            said.lines == order.lines,
            said.totals.as_ref() == Some(&order.totals),
            said.total_amount == order.total,
            is_address_of(order, &said.shipping_address),
            said.area == Some(said.shipping_address.area()),
            said.payment_id == self.seen.payments.get(&order.id)?.id,
            said.placed_at == order.created_at,
        ])
    }

    /// The payment that an event of payments is about.
    fn paid(&self, order: OrderId, payment: PaymentId) -> Option<&Payment> {
        let found = self.seen.payments.get(&order)?;
        let is_it = found.id == payment && self.event.subject == payment.to_string();
        (is_it && self.event.sequence <= found.version).then_some(found)
    }

    fn refund(payment: &Payment, id: RefundId, amount: Money) -> Option<&Refund> {
        payment.refunds.iter().find(|refund| (refund.id, refund.amount) == (id, amount))
    }

    fn approval(&self, order: OrderId, payment: PaymentId, id: RefundId) -> Option<&RefundApproval> {
        self.paid(order, payment)?.approvals.iter().find(|approval| approval.id == id)
    }

    fn payment(&self) -> IsTrue {
        match &self.event.event {
            DomainEvent::PaymentSucceeded(said) => {
                let payment = self.paid(said.order_id, said.payment_id)?;
                let total = self.find(said.order_id)?.total;
                all(&[
                    said.amount == total && payment.amount == total,
                    said.user_id == Some(payment.user_id),
                    Some(&said.transaction_id) == payment.transaction_id.as_ref(),
                ])
            }
            DomainEvent::PaymentFailed(said) => {
                let payment = self.paid(said.order_id, said.payment_id)?;
                all(&[said.amount == payment.amount, said.user_id == Some(payment.user_id)])
            }
            DomainEvent::PaymentRequested(said) => {
                let payment = self.paid(said.order_id, said.payment_id)?;
                all(&[(1..=payment.attempts).contains(&said.attempt)])
            }
            DomainEvent::PaymentMismatched(said) => {
                let payment = self.paid(said.order_id, said.payment_id)?;
                all(&[!payment.mismatches.is_empty()])
            }
            DomainEvent::RefundRequested(said) => {
                Self::refund(self.paid(said.order_id, said.payment_id)?, said.refund_id, said.amount).map(drop)
            }
            DomainEvent::RefundApprovalRequested(said) => {
                let approval = self.approval(said.order_id, said.payment_id, said.refund_id)?;
                all(&[said.amount == approval.amount, said.requested_by == approval.requested_by])
            }
            DomainEvent::RefundApprovalDecided(said) => {
                let approval = self.approval(said.order_id, said.payment_id, said.refund_id)?;
                let decision = approval.decision.as_ref()?;
                all(&[
                    said.amount == approval.amount,
                    (said.verdict, said.decided_by) == (decision.verdict, decision.by),
                ])
            }
            DomainEvent::RefundApprovalRefused(said) => {
                let approval = self.approval(said.order_id, said.payment_id, said.refund_id)?;
                all(&[said.amount == approval.amount, said.requested_by == approval.requested_by])
            }
            DomainEvent::PaymentRefunded(said) => {
                let payment = self.paid(said.order_id, said.payment_id)?;
                Self::refund(payment, said.refund_id, said.amount)?;
                all(&[said.user_id == Some(payment.user_id)])
            }
            DomainEvent::RefundFailed(said) => {
                Self::refund(self.paid(said.order_id, said.payment_id)?, said.refund_id, said.amount).map(drop)
            }
            _ => None,
        }
    }

    fn document(&self) -> IsTrue {
        match &self.event.event {
            DomainEvent::InvoiceIssued(said) => {
                let invoice = self.seen.invoices.iter().find(|invoice| invoice.draft.order_id == said.order_id)?;
                all(&[said.number == invoice.number(), said.key == invoice.key()])
            }
            DomainEvent::CreditNoteIssued(said) => {
                let payment = self.seen.payments.get(&said.order_id)?;
                payment.refund(said.refund_id).map(drop)
            }
            DomainEvent::NotificationSent(said) => match said.order_id {
                Some(order) => {
                    let order = self.find(order)?;
                    all(&[said.user_id == order.user_id, self.event.subject == order.id.to_string()])
                }
                None => all(&[said.template == Template::Message, self.event.subject == said.user_id.to_string()]),
            },
            _ => None,
        }
    }

    /// Events of stock, and those about no order.
    fn stock(&self) -> IsTrue {
        let has_lines = |order: &Order, lines: &[StockLine]| {
            let of_order = order.lines.iter().map(|line| (line.product_id, line.quantity.get()));
            let mut expected: Vec<_> = of_order.collect();
            let mut said: Vec<_> = lines.iter().map(|line| (line.product_id, line.quantity)).collect();
            expected.sort_unstable();
            said.sort_unstable();
            expected == said
        };
        let payment_of = |order: OrderId| self.seen.payments.get(&order).map(|payment| payment.id);
        match &self.event.event {
            DomainEvent::StockReserved(said) => {
                let order = self.subject(said.order_id)?;
                all(&[
                    said.user_id == order.user_id,
                    said.amount == order.total,
                    said.payment_method == order.payment_method,
                    has_lines(order, &said.lines),
                ])
            }
            DomainEvent::StockReservationFailed(said) => all(&[has_lines(self.subject(said.order_id)?, &said.lines)]),
            DomainEvent::StockAllocationFailed(said) => {
                let order = self.subject(said.order_id)?;
                all(&[has_lines(order, &said.lines), Some(said.payment.payment_id) == payment_of(order.id)])
            }
            DomainEvent::StockAllocated(said) => {
                self.subject(said.order_id)?;
                all(&[Some(said.payment.payment_id) == payment_of(said.order_id)])
            }
            DomainEvent::StockReservationExpired(said) => self.subject(said.order_id).map(drop),
            DomainEvent::StockReleased(said) => self.subject(said.order_id).map(drop),
            DomainEvent::StockShipped(said) => self.subject(said.order_id).map(drop),
            _ => Some(()),
        }
    }
}

/// Each refund states the sum of all refunds that its payment had then, in the order of its versions.
fn refunded_amounts<S: Backend>(world: &World<S>, committed: &[Rc<Event>]) -> Result<(), Violation> {
    // A refund that a bank returned leaves the sum again.
    if world.plan.has_refunds_at_gateway() {
        return Ok(());
    }
    for payment in world.seen.payments.values() {
        let of_it = |event: &Rc<Event>| match &event.event {
            DomainEvent::PaymentRefunded(said) if said.payment_id == payment.id => Some((event.sequence, said.clone())),
            _ => None,
        };
        let mut made: Vec<(u64, PaymentRefunded)> = committed.iter().filter_map(of_it).collect();
        made.sort_by_key(|(sequence, _)| *sequence);
        let mut sum = 0;
        for (_, said) in &made {
            sum += said.amount.amount.get();
            let stated = said.refunded_amount.amount.get();
            rule!(stated == sum, "a refund states that {stated} are refunded, and it is {sum}");
        }
    }
    Ok(())
}
