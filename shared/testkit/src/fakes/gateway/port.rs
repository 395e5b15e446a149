//! The fake as the port of the gateway.

use super::Gateway;
use crate::fakes::Dependency;
use domain::{
    Money,
    id::PaymentId,
    ledger::{GatewayStatement, GatewayTransaction},
    payment::{ChargeOutcome, Payment, Refund, RefundOutcome, ReportedRefund},
};
use kernel::{Failure, FailureKind, Timestamp};
use ports::GATEWAY_LIST_TOO_LONG;

/// Transactions of a page of the statement.
const STATEMENT_PAGE: usize = 100;

impl ports::Gateway for Gateway {
    async fn charge(&self, payment: &Payment) -> Result<ChargeOutcome, Failure> {
        let step = self.0.step(Dependency::Gateway, "gateway.charge", |state| {
            let customer = payment.customer.as_deref();
            let is_rejected = payment.method.as_ref().is_some_and(|method| state.vault.rejects(method, customer));
            state.gateway.charge(payment, is_rejected)
        });
        step.await
    }

    async fn cancel_earlier_attempts(&self, payment: &Payment) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Gateway, "gateway.cancel_earlier_attempts", |state| {
            state.gateway.cancel_earlier_attempts(payment);
            Ok(())
        });
        step.await
    }

    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure> {
        self.0.step(Dependency::Gateway, "gateway.refund", |state| state.gateway.refund(payment, refund)).await
    }

    async fn search_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
        let query = self.0.query(Dependency::Gateway, |state| {
            Ok(if state.gateway.search_lags { None } else { state.gateway.outcome(payment) })
        });
        query.await
    }

    async fn withdraw_charge(&self, payment: &Payment) -> Result<bool, Failure> {
        let step = self
            .0
            .step(Dependency::Gateway, "gateway.withdraw_charge", |state| Ok(state.gateway.withdraw_charge(payment)));
        step.await
    }

    async fn find_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
        let query = self.0.query(Dependency::Gateway, |state| {
            state.gateway.list_count.update(|count| count + 1);
            if state.gateway.list_is_too_long {
                return Err(Failure::new(FailureKind::Unavailable, GATEWAY_LIST_TOO_LONG, "too many charges"));
            }
            Ok(state.gateway.outcome(payment))
        });
        query.await
    }

    async fn find_refund(&self, _: &Payment, refund: &Refund) -> Result<Option<RefundOutcome>, Failure> {
        let query = self.0.query(Dependency::Gateway, |state| {
            let known = state.gateway.refund_outcomes.get(&refund.gateway_key());
            // The gateway's list of refunds does not contain rejected ones.
            Ok(known
                .map(|(_, outcome)| outcome.clone())
                .filter(|outcome| matches!(outcome, RefundOutcome::Refunded(_))))
        });
        query.await
    }

    async fn refunds_of(&self, charge: &str) -> Result<Vec<ReportedRefund>, Failure> {
        let query = self.0.query(Dependency::Gateway, |state| {
            // Newest first, as Stripe lists them.
            let of_it = state.gateway.refunds.iter().rev().filter(|refund| refund.charge == charge);
            Ok(of_it.map(|refund| state.gateway.reported(refund)).collect())
        });
        query.await
    }

    async fn payment_of(&self, charge: &str) -> Result<Option<PaymentId>, Failure> {
        let query = self.0.query(Dependency::Gateway, |state| {
            let is_ours = !state.gateway.foreign.contains(charge);
            let found = state.gateway.charges.iter().find(|one| one.transaction_id == charge && is_ours);
            Ok(found.map(|one| one.payment_id))
        });
        query.await
    }

    async fn refund_unrecorded_charge(&self, charge: &str, left: Money) -> Result<RefundOutcome, Failure> {
        self.0
            .step(Dependency::Gateway, "gateway.refund_unrecorded_charge", |state| {
                state.gateway.refund_unrecorded_charge(charge, left)
            })
            .await
    }

    async fn balance_transactions(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<GatewayStatement, Failure> {
        let query = self.0.query(Dependency::Gateway, |state| {
            let all = state.gateway.transactions();
            let mut transactions: Vec<GatewayTransaction> = all.filter(|one| (from..to).contains(&one.at)).collect();
            // Newest first, as Stripe lists them.
            transactions.sort_by_key(|one| std::cmp::Reverse(one.at));
            let first = after.map_or(0, |after| {
                transactions.iter().position(|one| one.reference == after).map_or(transactions.len(), |at| at + 1)
            });
            let rest = transactions.split_off(first);
            let next =
                rest.get(STATEMENT_PAGE - 1).filter(|_| rest.len() > STATEMENT_PAGE).map(|one| one.reference.clone());
            let undecodable = state.gateway.undecodable.iter().filter(|(at, _)| first == 0 && (from..to).contains(at));
            let unreadable = undecodable.map(|(_, id)| id.clone()).collect();
            let transactions = rest.into_iter().take(STATEMENT_PAGE).collect();
            Ok(GatewayStatement { transactions, unreadable, next })
        });
        query.await
    }
}
