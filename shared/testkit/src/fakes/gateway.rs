//! A payment gateway with Stripe's manners, its mail, and the breaker before it. One charge a key, test tokens that are declined,
//! and no more goes back than was charged.

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

/// The gateway's ids for its news count from here: far from those that tests give to events.
const NEWS: u64 = 1_000_000;

#[derive(Default)]
pub(super) struct GatewayState {
    answers: BTreeMap<String, (Payment, ChargeOutcome)>,
    refund_answers: BTreeMap<String, (Money, RefundOutcome)>,
    charges: Vec<Charge>,
    refunds: Vec<GatewayRefund>,
    asked: u64,
    /// Its answers to charges, each once, in order.
    news: Vec<GatewayEvent>,
    /// Keys that hold a fault, and how many new ones are to.
    broken: BTreeSet<String>,
    breaks: u32,
    unread: Vec<String>,
}

/// A charge that the gateway made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The key that it was asked for under.
    pub key: String,
    /// For which payment.
    pub payment_id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// The gateway's name for it.
    pub transaction_id: String,
    /// When; here, when the attempt began.
    pub at: Timestamp,
}

/// A refund that the gateway made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayRefund {
    /// The key that it was asked for under.
    pub key: String,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// The gateway's name for the charge.
    pub charge: String,
    /// How much.
    pub amount: Money,
    /// The gateway's name for it.
    pub transaction_id: String,
    /// When; here, when it was requested.
    pub at: Timestamp,
}

impl Gateway {
    /// Every charge that was made, in order.
    pub fn charges(&self) -> Vec<Charge> {
        self.0.see(|state| state.gateway.charges.clone())
    }

    /// Every refund that was made, in order.
    pub fn refunds(&self) -> Vec<GatewayRefund> {
        self.0.see(|state| state.gateway.refunds.clone())
    }

    /// Looks at every charge and every refund that was made, in order.
    pub fn with_records<T>(&self, see: impl FnOnce(&[Charge], &[GatewayRefund]) -> T) -> T {
        self.0.see(|state| see(&state.gateway.charges, &state.gateway.refunds))
    }

    /// What it could tell by itself of charges and refusals, after the first `count` pieces of news.
    pub fn events_after(&self, count: usize) -> Vec<GatewayEvent> {
        self.0.see(|state| state.gateway.news.iter().skip(count).cloned().collect())
    }

    /// How often it was asked to charge or to give back, and got the question.
    pub fn request_count(&self) -> u64 {
        self.0.see(|state| state.gateway.asked)
    }

    /// Answers the next `count` new keys with a fault before anything is done, and holds that under them.
    pub fn fail_next_keys(&self, count: u32) {
        self.0.arrange(|state| state.gateway.breaks = count);
    }

    /// Puts something into its ledger that cannot be read.
    pub fn put_unreadable(&self, name: &str) {
        self.0.arrange(|state| state.gateway.unread.push(name.to_owned()));
    }
}

fn key_reused() -> Failure {
    Failure::internal("gateway: the key was used with other parameters")
}

impl GatewayState {
    /// The fault that a key holds, or is to hold from now on.
    fn fault(&mut self, key: &str, is_known: bool) -> Result<(), Failure> {
        if self.broken.contains(key) {
            let detail = "The gateway holds a fault under this key.";
            return Err(Failure::new(FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR, detail));
        }
        if self.breaks == 0 || is_known {
            return Ok(());
        }
        self.breaks -= 1;
        self.broken.insert(key.to_owned());
        Err(Failure::unavailable("payment gateway", "a fault that it holds under its key"))
    }

    fn charge(&mut self, payment: &Payment) -> Result<ChargeOutcome, Failure> {
        self.asked += 1;
        let Some(method) = &payment.method else {
            return Err(Failure::internal("gateway: there is no method to charge"));
        };
        let key = payment.gateway_key();
        self.fault(&key, self.answers.contains_key(&key))?;
        if let Some((first, answer)) = self.answers.get(&key) {
            let is_same =
                (first.amount, &first.method, first.order_id) == (payment.amount, &payment.method, payment.order_id);
            return if is_same { Ok(answer.clone()) } else { Err(key_reused()) };
        }
        let answer = match method.as_str() {
            "pm_card_visa_chargeDeclined" | "pm_card_chargeCustomerFail" => {
                ChargeOutcome::Declined("card_declined".to_owned())
            }
            _ => ChargeOutcome::Charged(format!("pi_{:06}", self.charges.len() + 1)),
        };
        if let ChargeOutcome::Charged(transaction_id) = &answer {
            self.charges.push(Charge {
                key: key.clone(),
                payment_id: payment.id,
                order_id: payment.order_id,
                amount: payment.amount,
                transaction_id: transaction_id.clone(),
                at: payment.attempted_at,
            });
        }
        let id = ids::event(NEWS + self.news.len() as u64);
        let (payment_id, attempt) = (payment.id, payment.attempts);
        self.news.push(GatewayEvent { id, payment_id, attempt, answer: answer.clone() });
        self.answers.insert(key, (payment.clone(), answer.clone()));
        Ok(answer)
    }

    fn refund(&mut self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure> {
        self.asked += 1;
        let key = refund.gateway_key();
        self.fault(&key, self.refund_answers.contains_key(&key))?;
        if let Some((first, answer)) = self.refund_answers.get(&key) {
            return if *first == refund.amount { Ok(answer.clone()) } else { Err(key_reused()) };
        }
        let answer = match self.refusal(payment, refund.amount) {
            Some(code) => RefundOutcome::Failed(code.to_owned()),
            None => RefundOutcome::Refunded(format!("re_{:06}", self.refunds.len() + 1)),
        };
        if let RefundOutcome::Refunded(transaction_id) = &answer {
            self.refunds.push(GatewayRefund {
                key: key.clone(),
                payment_id: payment.id,
                charge: payment.transaction_id.clone().unwrap_or_default(),
                amount: refund.amount,
                transaction_id: transaction_id.clone(),
                at: refund.requested_at,
            });
        }
        self.refund_answers.insert(key, (refund.amount, answer.clone()));
        Ok(answer)
    }

    /// Why `amount` does not go back.
    fn refusal(&self, payment: &Payment, amount: Money) -> Option<&'static str> {
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

    fn movements(&self) -> impl Iterator<Item = GatewayTransaction> {
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

/// What the gateway keeps of a charge: 2.9 % and 30 minor units, rounded half up.
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
        let known = |(_, answer): &(Payment, ChargeOutcome)| answer.clone();
        let look =
            self.0.look(Dependency::Gateway, |state| Ok(state.gateway.answers.get(&payment.gateway_key()).map(known)));
        look.await
    }

    async fn find_refund(&self, _: &Payment, refund: &Refund) -> Result<Option<RefundOutcome>, Failure> {
        let look = self.0.look(Dependency::Gateway, |state| {
            let known = state.gateway.refund_answers.get(&refund.gateway_key());
            // What was refused is not in the list of refunds.
            Ok(known.map(|(_, answer)| answer.clone()).filter(|answer| matches!(answer, RefundOutcome::Refunded(_))))
        });
        look.await
    }

    async fn movements(&self, from: Timestamp, to: Timestamp) -> Result<GatewayStatement, Failure> {
        let look = self.0.look(Dependency::Gateway, |state| {
            let all = state.gateway.movements();
            let mut movements: Vec<GatewayTransaction> = all.filter(|one| (from..to).contains(&one.at)).collect();
            movements.sort_by_key(|one| one.at);
            Ok(GatewayStatement { transactions: movements, unreadable: state.gateway.unread.clone() })
        });
        look.await
    }
}

/// What the gateway tells by itself, in JSON.
#[derive(Debug, Clone, Copy)]
pub struct WebhookVerifier;

impl WebhookVerifier {
    /// The signature of what the gateway tells.
    pub const VALID_SIGNATURE: &str = "good";

    /// The body of a piece of news.
    pub fn body(news: &GatewayEvent) -> Value {
        let mut body = json!({ "id": news.id, "payment_id": news.payment_id, "attempt": news.attempt });
        match &news.answer {
            ChargeOutcome::Charged(name) => body["charged"] = name.as_str().into(),
            ChargeOutcome::Declined(code) => body["declined"] = code.as_str().into(),
        }
        body
    }
}

impl ports::WebhookVerifier for WebhookVerifier {
    /// Reads `{"id": …, "payment_id": …, "attempt": …, "charged": name}`, or `"declined": code` instead. Without a payment it is no news.
    async fn verify(
        &self,
        signature: Option<&str>,
        body: &[u8],
        _: Timestamp,
    ) -> Result<Option<GatewayEvent>, Failure> {
        if signature != Some(Self::VALID_SIGNATURE) {
            let detail = "This is not signed by the gateway.";
            return Err(Failure::new(FailureKind::Unauthenticated, "signature-invalid", detail));
        }
        let unreadable = || Failure::new(FailureKind::Malformed, "malformed", "This cannot be read.");
        let body: Value = serde_json::from_slice(body).map_err(|_| unreadable())?;
        let text = |name: &str| body[name].as_str();
        let id = text("id").and_then(|id| id.parse().ok()).ok_or_else(unreadable)?;
        let Some(payment) = text("payment_id") else { return Ok(None) };
        let payment_id = payment.parse().map_err(|_| unreadable())?;
        let attempt = body["attempt"].as_u64().and_then(|attempt| attempt.try_into().ok()).ok_or_else(unreadable)?;
        let charged = text("charged").map(|name| ChargeOutcome::Charged(name.to_owned()));
        let answer = charged.or_else(|| text("declined").map(|code| ChargeOutcome::Declined(code.to_owned())));
        Ok(answer.map(|answer| GatewayEvent { id, payment_id, attempt, answer }))
    }
}

impl CircuitBreaker {
    /// Where the circuit stands.
    pub fn circuit(&self) -> Circuit {
        self.0.see(|state| state.breaker)
    }
}

impl ports::CircuitBreaker for CircuitBreaker {
    async fn check(&self, now: Timestamp) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Cache, "breaker.check", |state| {
            let admitted = state.breaker.check(now);
            Ok(admitted.map(|circuit| state.breaker = circuit))
        });
        // Where its state cannot be read it is in nobody's way.
        step.await.unwrap_or(Ok(())).map_err(circuit_breaker::rejection)
    }

    async fn record(&self, answered: bool, now: Timestamp) -> Option<CircuitOpened> {
        let step = self.0.step(Dependency::Cache, "breaker.record", |state| {
            let before = state.breaker;
            state.breaker = before.record(answered, now);
            let until = state.breaker.opened_since(before);
            Ok(until.map(|until| CircuitOpened { failures: state.breaker.failures, until }))
        });
        step.await.unwrap_or_default()
    }
}
