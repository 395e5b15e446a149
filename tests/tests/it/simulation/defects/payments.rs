//! Defects of payments: unstable gateway keys, unchecked webhooks, writes in the wrong order.

use super::Defect;
use domain::{
    DomainEvent, Event, Money,
    id::{OrderId, PaymentId, RefundId, UserId},
    ledger::{GatewayStatement, Purpose},
    money::Currency,
    payment::{self, ChargeOutcome, Payment, PaymentTransition, Refund, RefundOutcome, ReportedRefund, Status},
};
use edge::{
    Delivery,
    http::{Call, RawBody, Reply},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, Ids, StoredReply, Timestamp};
use ports::{
    Bus as _, Claim, DuePayment, Gateway, GatewayReport, Page, PaymentStore, TransitionOutcome, WebhookVerifier as _,
};
use std::time::Duration;
use testkit::{Platform, WebhookVerifier};

const A_DAY: Duration = Duration::from_secs(24 * 3_600);

/// A payment store with a defect.
pub struct Payments<'a, P> {
    pub inner: P,
    pub platform: &'a Platform,
    pub defect: Defect,
}

impl<P> Payments<'_, P> {
    fn read(&self, payment: Payment) -> Payment {
        match self.defect {
            Defect::IgnoresClosedPayment => Payment { closed: false, ..payment },
            Defect::RetriesForgottenKeys => {
                let mut payment = payment;
                payment.refunds.iter_mut().for_each(|refund| refund.requested_at += A_DAY);
                payment
            }
            _ => payment,
        }
    }
}

impl<P> Payments<'_, P> {
    /// A change as it is written with the defect.
    fn written(&self, change: &PaymentTransition, events: &[Event]) -> (PaymentTransition, Vec<Event>) {
        let (mut change, mut events) = (change.clone(), events.to_vec());
        let payment = &change.payment;
        for transfer in &mut change.transfers {
            match (self.defect, transfer.purpose) {
                (Defect::PostsWholeCharge, Purpose::Refund) => transfer.amount = payment.amount,
                (Defect::PostsRefundAsIncome, Purpose::Refund) => transfer.purpose = Purpose::RefundReversal,
                (Defect::PostsInAnotherCurrency, Purpose::Charge) => {
                    transfer.amount.currency = Currency::parse("EUR").expect("a currency");
                }
                (Defect::PostsRefundUnderCharge, Purpose::Refund) => {
                    transfer.reference = payment.transaction_id.clone().unwrap_or_default();
                }
                _ => {}
            }
        }
        for event in &mut events {
            if let (Defect::StatesRefundInsteadOfSum, DomainEvent::PaymentRefunded(refund)) =
                (self.defect, &mut event.event)
            {
                refund.refunded_amount = refund.amount;
            }
        }
        (change, events)
    }
}

impl<P: PaymentStore> PaymentStore for Payments<'_, P> {
    async fn begin(&self, payment: &Payment, limit: Option<domain::payment::AttemptLimit>) -> Result<Payment, Failure> {
        self.inner.begin(payment, limit).await.map(|payment| self.read(payment))
    }

    async fn get(&self, id: PaymentId, owner: Option<UserId>) -> Result<Option<Payment>, Failure> {
        let payment = self.inner.get(id, owner).await?;
        Ok(payment.map(|payment| self.read(payment)))
    }

    async fn find_by_order(&self, order: OrderId, owner: Option<UserId>) -> Result<Option<Payment>, Failure> {
        self.inner.find_by_order(order, owner).await
    }

    async fn find_by_transaction(&self, transaction_id: &str) -> Result<Option<Payment>, Failure> {
        let payment = self.inner.find_by_transaction(transaction_id).await?;
        Ok(payment.map(|payment| self.read(payment)))
    }

    async fn advance(
        &self,
        claim: Option<Claim>,
        change: &PaymentTransition,
        events: &[Event],
    ) -> Result<TransitionOutcome, Failure> {
        if self.defect == Defect::PublishesBeforeCommit {
            self.platform.bus().publish(events).await?;
        }
        let (change, events) = self.written(change, events);
        self.inner.advance(claim, &change, &events).await
    }

    async fn advance_with_reply(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        change: &PaymentTransition,
        events: &[Event],
        limit: Option<domain::payment::AttemptLimit>,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        self.inner.advance_with_reply(key, reply, change, events, limit).await
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        self.inner.store_response(key, reply).await
    }

    async fn record_event(&self, event: &Event) -> Result<(), Failure> {
        self.inner.record_event(event).await
    }

    async fn due_for_reconciliation(
        &self,
        before: Timestamp,
        after: Option<&DuePayment>,
        limit: u32,
    ) -> Result<Vec<DuePayment>, Failure> {
        self.inner.due_for_reconciliation(before, after, limit).await
    }

    async fn postpone_reconciliation(&self, payment: &Payment, until: Timestamp) -> Result<(), Failure> {
        self.inner.postpone_reconciliation(payment, until).await
    }

    async fn mismatched(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure> {
        self.inner.mismatched(limit, cursor).await
    }

    async fn awaiting_approval(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Payment>, Failure> {
        self.inner.awaiting_approval(limit, cursor).await
    }

    async fn waiting_approvals(&self) -> Result<ports::WaitingApprovals, Failure> {
        self.inner.waiting_approvals().await
    }
}

/// A gateway client that uses a new key for each call, or takes a search for a proof.
pub struct FaultyGateway<'a> {
    pub platform: &'a Platform,
    pub ids: Ids,
    pub defect: Defect,
}

impl Gateway for FaultyGateway<'_> {
    async fn charge(&self, payment: &Payment) -> Result<ChargeOutcome, Failure> {
        let gateway = self.platform.gateway();
        match self.defect {
            Defect::ChargesWithNewKeyPerTry => {
                gateway.charge(&Payment { id: PaymentId(self.ids.next()), ..payment.clone() }).await
            }
            _ => gateway.charge(payment).await,
        }
    }

    async fn cancel_earlier_attempts(&self, payment: &Payment) -> Result<(), Failure> {
        self.platform.gateway().cancel_earlier_attempts(payment).await
    }

    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure> {
        let gateway = self.platform.gateway();
        match self.defect {
            Defect::RefundsWithNewKeyPerTry => {
                gateway.refund(payment, &Refund { id: RefundId(self.ids.next()), ..refund.clone() }).await
            }
            _ => gateway.refund(payment, refund).await,
        }
    }

    async fn search_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
        self.platform.gateway().search_charge(payment).await
    }

    async fn withdraw_charge(&self, payment: &Payment) -> Result<bool, Failure> {
        self.platform.gateway().withdraw_charge(payment).await
    }

    async fn find_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
        let gateway = self.platform.gateway();
        match self.defect {
            Defect::GivesUpAfterSearch => gateway.search_charge(payment).await,
            _ => gateway.find_charge(payment).await,
        }
    }

    async fn find_refund(&self, payment: &Payment, refund: &Refund) -> Result<Option<RefundOutcome>, Failure> {
        self.platform.gateway().find_refund(payment, refund).await
    }

    async fn refunds_of(&self, charge: &str) -> Result<Vec<ReportedRefund>, Failure> {
        self.platform.gateway().refunds_of(charge).await
    }

    async fn payment_of(&self, charge: &str) -> Result<Option<PaymentId>, Failure> {
        self.platform.gateway().payment_of(charge).await
    }

    async fn refund_unrecorded_charge(&self, charge: &str, left: Money) -> Result<RefundOutcome, Failure> {
        self.platform.gateway().refund_unrecorded_charge(charge, left).await
    }

    async fn balance_transactions(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<GatewayStatement, Failure> {
        self.platform.gateway().balance_transactions(from, to, after).await
    }
}

/// Applies a webhook whatever the payment's status, and stores its claim in a separate transaction.
pub async fn apply_unchecked(
    platform: &Platform,
    webhooks: &WebhookVerifier,
    call: Call<RawBody>,
) -> Result<Reply<()>, Failure> {
    let event = webhooks.verify(call.header("stripe-signature"), &call.body.bytes, call.now).await?;
    let (Some(event), payments) = (event, platform.payments()) else { return Ok(Reply::no_content()) };
    let claim = Claim { consumer: catalog::PAYMENT_WEBHOOK.name, event_id: event.id };
    if payments.has_claim(claim).await? {
        return Ok(Reply::no_content());
    }
    let GatewayReport::Charge { payment_id, attempt, outcome } = event.report else { return Ok(Reply::no_content()) };
    let payment = payments.get(payment_id, None).await?.ok_or_else(|| Failure::not_found("payment"))?;
    let open = Payment { status: Status::Pending, ..payment };
    let refund = RefundId(call.ids.next());
    if let Some(change) = payment::record_charge_outcome(&open, attempt, &outcome, refund, call.now)? {
        let events = call.events(open.id, change.payment.version, &change.events);
        if payments.advance(None, &change, &events).await? == TransitionOutcome::VersionConflict {
            return Err(Failure::unavailable("payment", "changed concurrently"));
        }
    }
    payments.insert_claim(claim).await?;
    Ok(Reply::no_content())
}

pub async fn charge_first(platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let DomainEvent::StockReserved(reserved) = &delivery.event.event else { return Ok(()) };
    if platform.payments().for_order(reserved.order_id).is_some_and(|payment| payment.status != Status::Pending) {
        return Ok(());
    }
    let payment = payment::begin(PaymentId(delivery.ids.next()), reserved, delivery.now);
    let response = platform.gateway().charge(&payment).await?;
    let payment = platform.payments().begin(&payment, None).await?;
    let refund = RefundId(delivery.ids.next());
    let Some(change) = payment::record_charge_outcome(&payment, 1, &response, refund, delivery.now)? else {
        return Ok(());
    };
    let events = delivery.events(payment.id, change.payment.version, &change.events);
    let claim = Claim { consumer: catalog::PAYMENT_CHARGE.name, event_id: delivery.event.id };
    platform.payments().advance(Some(claim), &change, &events).await.map(drop)
}
