//! In-memory fakes of a Stripe-like payment gateway, its webhooks and the circuit breaker. A key charges once, some
//! test tokens are declined, and refunds never exceed the charge.

use super::{CircuitBreaker, Dependency, Gateway};
use crate::ids;
use domain::{
    Money,
    id::{OrderId, PaymentId},
    ledger::{GatewayStatement, GatewayTransaction, Purpose},
    payment::{ChargeOutcome, Payment, Refund, RefundOutcome},
};
use kernel::circuit_breaker::{self, Circuit};
use kernel::{Failure, FailureKind, Timestamp};
use ports::{CircuitOpened, GATEWAY_REPLAYED_ERROR, GatewayEvent};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// First number of the ids of gateway events, far above those that tests use.
const FIRST_EVENT: u64 = 1_000_000;

#[derive(Default)]
pub(super) struct GatewayState {
    outcomes: BTreeMap<String, (Payment, ChargeOutcome)>,
    refund_outcomes: BTreeMap<String, (Money, RefundOutcome)>,
    charges: Vec<Charge>,
    refunds: Vec<GatewayRefund>,
    requests: u64,
    /// The first response to each charge request, in order.
    events: Vec<GatewayEvent>,
    /// Keys with a stored error.
    failing_keys: BTreeSet<String>,
    /// Number of new keys that will store an error.
    keys_to_fail: u32,
    undecodable: Vec<String>,
}

/// A charge that the gateway made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub key: String,
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub amount: Money,
    /// The gateway's id.
    pub transaction_id: String,
    /// When the attempt started.
    pub at: Timestamp,
}

/// A refund that the gateway made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayRefund {
    pub key: String,
    pub payment_id: PaymentId,
    /// The gateway's id of the charge.
    pub charge: String,
    pub amount: Money,
    /// The gateway's id.
    pub transaction_id: String,
    /// When the refund was requested.
    pub at: Timestamp,
}

impl Gateway {
    /// All charges, in order.
    pub fn charges(&self) -> Vec<Charge> {
        self.0.inspect(|state| state.gateway.charges.clone())
    }

    /// All refunds, in order.
    pub fn refunds(&self) -> Vec<GatewayRefund> {
        self.0.inspect(|state| state.gateway.refunds.clone())
    }

    /// Calls `read` with all charges and all refunds, in order, without a copy.
    pub fn with_records<T>(&self, read: impl FnOnce(&[Charge], &[GatewayRefund]) -> T) -> T {
        self.0.inspect(|state| read(&state.gateway.charges, &state.gateway.refunds))
    }

    /// All events about charges that webhooks could report, but the first `count`.
    pub fn events_after(&self, count: usize) -> Vec<GatewayEvent> {
        self.0.inspect(|state| state.gateway.events.iter().skip(count).cloned().collect())
    }

    /// Number of charge and refund requests received.
    pub fn request_count(&self) -> u64 {
        self.0.inspect(|state| state.gateway.requests)
    }

    /// Makes the next `count` new keys fail without an effect, and replays that error for the same keys.
    pub fn fail_next_keys(&self, count: u32) {
        self.0.arrange(|state| state.gateway.keys_to_fail = count);
    }

    /// Adds a transaction with this id that cannot be parsed.
    pub fn put_unreadable(&self, name: &str) {
        self.0.arrange(|state| state.gateway.undecodable.push(name.to_owned()));
    }
}

fn key_reused() -> Failure {
    Failure::internal("gateway: the idempotency key was used with other parameters")
}

impl GatewayState {
    /// Fails if the key has a stored error, or if it is a new key that has to store one.
    fn fault(&mut self, key: &str, is_known: bool) -> Result<(), Failure> {
        if self.failing_keys.contains(key) {
            let detail = "The gateway replays the error stored for this key.";
            return Err(Failure::new(FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR, detail));
        }
        if self.keys_to_fail == 0 || is_known {
            return Ok(());
        }
        self.keys_to_fail -= 1;
        self.failing_keys.insert(key.to_owned());
        Err(Failure::unavailable("payment gateway", "an error that it stores for the key"))
    }

    fn charge(&mut self, payment: &Payment) -> Result<ChargeOutcome, Failure> {
        self.requests += 1;
        let Some(method) = &payment.method else {
            return Err(Failure::internal("gateway: the payment has no payment method"));
        };
        let key = payment.gateway_key();
        self.fault(&key, self.outcomes.contains_key(&key))?;
        if let Some((first, outcome)) = self.outcomes.get(&key) {
            let is_same =
                (first.amount, &first.method, first.order_id) == (payment.amount, &payment.method, payment.order_id);
            return if is_same { Ok(outcome.clone()) } else { Err(key_reused()) };
        }
        let outcome = match method.as_str() {
            "pm_card_visa_chargeDeclined" | "pm_card_chargeCustomerFail" => {
                ChargeOutcome::Declined("card_declined".to_owned())
            }
            _ => ChargeOutcome::Charged(format!("pi_{:06}", self.charges.len() + 1)),
        };
        if let ChargeOutcome::Charged(transaction_id) = &outcome {
            self.charges.push(Charge {
                key: key.clone(),
                payment_id: payment.id,
                order_id: payment.order_id,
                amount: payment.amount,
                transaction_id: transaction_id.clone(),
                at: payment.attempted_at,
            });
        }
        let id = ids::event(FIRST_EVENT + self.events.len() as u64);
        let (payment_id, attempt) = (payment.id, payment.attempts);
        self.events.push(GatewayEvent { id, payment_id, attempt, outcome: outcome.clone() });
        self.outcomes.insert(key, (payment.clone(), outcome.clone()));
        Ok(outcome)
    }

    fn refund(&mut self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure> {
        self.requests += 1;
        let key = refund.gateway_key();
        self.fault(&key, self.refund_outcomes.contains_key(&key))?;
        if let Some((first, outcome)) = self.refund_outcomes.get(&key) {
            return if *first == refund.amount { Ok(outcome.clone()) } else { Err(key_reused()) };
        }
        let outcome = match self.rejection_code(payment, refund.amount) {
            Some(code) => RefundOutcome::Failed(code.to_owned()),
            None => RefundOutcome::Refunded(format!("re_{:06}", self.refunds.len() + 1)),
        };
        if let RefundOutcome::Refunded(transaction_id) = &outcome {
            self.refunds.push(GatewayRefund {
                key: key.clone(),
                payment_id: payment.id,
                charge: payment.transaction_id.clone().unwrap_or_default(),
                amount: refund.amount,
                transaction_id: transaction_id.clone(),
                at: refund.requested_at,
            });
        }
        self.refund_outcomes.insert(key, (refund.amount, outcome.clone()));
        Ok(outcome)
    }

    /// Error code of a refund of `amount`, if it is rejected.
    fn rejection_code(&self, payment: &Payment, amount: Money) -> Option<&'static str> {
        let name = payment.transaction_id.as_ref();
        let Some(charge) = self.charges.iter().find(|charge| Some(&charge.transaction_id) == name) else {
            return Some("resource_missing");
        };
        let back = self.refunds.iter().filter(|one| one.charge == charge.transaction_id);
        let left = charge.amount.amount.get() - back.map(|one| one.amount.amount.get()).sum::<i64>();
        match amount.amount.get() {
            _ if left == 0 => Some("charge_already_refunded"),
            minor if minor > left => Some("amount_too_large"),
            _ => None,
        }
    }

    fn transactions(&self) -> impl Iterator<Item = GatewayTransaction> {
        let charges = self.charges.iter().map(|one| GatewayTransaction {
            purpose: Purpose::Charge,
            reference: one.transaction_id.clone(),
            payment_id: Some(one.payment_id),
            amount: one.amount,
            fee: fee(one.amount),
            at: one.at,
        });
        let refunds = self.refunds.iter().map(|one| GatewayTransaction {
            purpose: Purpose::Refund,
            reference: one.transaction_id.clone(),
            payment_id: Some(one.payment_id),
            amount: one.amount,
            fee: Money::zero(one.amount.currency),
            at: one.at,
        });
        charges.chain(refunds)
    }
}

/// The gateway's fee for a charge: 2.9 % and 30 minor units, rounded half up.
fn fee(amount: Money) -> Money {
    let minor = (amount.amount.get() * 29 + 500) / 1000 + 30;
    Money { amount: minor.try_into().expect("less than was charged"), ..amount }
}

impl ports::Gateway for Gateway {
    async fn charge(&self, payment: &Payment) -> Result<ChargeOutcome, Failure> {
        self.0.step(Dependency::Gateway, "gateway.charge", |state| state.gateway.charge(payment)).await
    }

    async fn refund(&self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure> {
        self.0.step(Dependency::Gateway, "gateway.refund", |state| state.gateway.refund(payment, refund)).await
    }

    async fn find_charge(&self, payment: &Payment) -> Result<Option<ChargeOutcome>, Failure> {
        let known = |(_, outcome): &(Payment, ChargeOutcome)| outcome.clone();
        let query = self
            .0
            .query(Dependency::Gateway, |state| Ok(state.gateway.outcomes.get(&payment.gateway_key()).map(known)));
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

    async fn balance_transactions(&self, from: Timestamp, to: Timestamp) -> Result<GatewayStatement, Failure> {
        let query = self.0.query(Dependency::Gateway, |state| {
            let all = state.gateway.transactions();
            let mut transactions: Vec<GatewayTransaction> = all.filter(|one| (from..to).contains(&one.at)).collect();
            transactions.sort_by_key(|one| one.at);
            Ok(GatewayStatement { transactions, unreadable: state.gateway.undecodable.clone() })
        });
        query.await
    }
}

/// Webhook verifier for events in plain JSON with a fixed signature.
#[derive(Debug, Clone, Copy)]
pub struct WebhookVerifier;

impl WebhookVerifier {
    /// The signature that is accepted.
    pub const VALID_SIGNATURE: &str = "good";

    /// The webhook body of an event.
    pub fn body(event: &GatewayEvent) -> Value {
        let mut body = json!({ "id": event.id, "payment_id": event.payment_id, "attempt": event.attempt });
        match &event.outcome {
            ChargeOutcome::Charged(name) => body["charged"] = name.as_str().into(),
            ChargeOutcome::Declined(code) => body["declined"] = code.as_str().into(),
        }
        body
    }
}

impl ports::WebhookVerifier for WebhookVerifier {
    /// Parses `{"id": …, "payment_id": …, "attempt": …, "charged": id}`, or `"declined": code` instead. Events without
    /// a payment are ignored.
    async fn verify(
        &self,
        signature: Option<&str>,
        body: &[u8],
        _: Timestamp,
    ) -> Result<Option<GatewayEvent>, Failure> {
        if signature != Some(Self::VALID_SIGNATURE) {
            let detail = "The webhook signature is invalid.";
            return Err(Failure::new(FailureKind::Unauthenticated, "signature-invalid", detail));
        }
        let unreadable = || Failure::new(FailureKind::Malformed, "malformed", "The webhook body cannot be parsed.");
        let body: Value = serde_json::from_slice(body).map_err(|_| unreadable())?;
        let text = |name: &str| body[name].as_str();
        let id = text("id").and_then(|id| id.parse().ok()).ok_or_else(unreadable)?;
        let Some(payment) = text("payment_id") else { return Ok(None) };
        let payment_id = payment.parse().map_err(|_| unreadable())?;
        let attempt = body["attempt"].as_u64().and_then(|attempt| attempt.try_into().ok()).ok_or_else(unreadable)?;
        let charged = text("charged").map(|name| ChargeOutcome::Charged(name.to_owned()));
        let outcome = charged.or_else(|| text("declined").map(|code| ChargeOutcome::Declined(code.to_owned())));
        Ok(outcome.map(|outcome| GatewayEvent { id, payment_id, attempt, outcome }))
    }
}

impl CircuitBreaker {
    pub fn circuit(&self) -> Circuit {
        self.0.inspect(|state| state.breaker)
    }
}

impl ports::CircuitBreaker for CircuitBreaker {
    async fn check(&self, now: Timestamp) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Cache, "breaker.check", |state| {
            let admitted = state.breaker.check(now);
            Ok(admitted.map(|circuit| state.breaker = circuit))
        });
        // An unreadable state allows the call.
        step.await.unwrap_or(Ok(())).map_err(|seconds| circuit_breaker::rejection("gateway", seconds))
    }

    async fn record(&self, responded: bool, now: Timestamp) -> Option<CircuitOpened> {
        let step = self.0.step(Dependency::Cache, "breaker.record", |state| {
            let before = state.breaker;
            state.breaker = before.record(responded, now);
            let until = state.breaker.opened_since(before);
            Ok(until.map(|until| CircuitOpened { failures: state.breaker.failures, until }))
        });
        step.await.unwrap_or_default()
    }
}
