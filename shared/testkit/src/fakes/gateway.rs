//! In-memory fake of a Stripe-like payment gateway. A key charges once in a day, some
//! test tokens are declined, and refunds never exceed the charge.

mod keys;
mod port;
mod statement;

use super::Gateway;
use crate::ids;
use domain::{
    Money,
    id::{OrderId, PaymentId, RefundId},
    payment::{
        ChargeOutcome, CustomerAction, Payment, Refund, RefundOutcome, ReportedRefund, ReportedTransaction,
        StatedAmount,
    },
};
use kernel::{Failure, FailureKind, Timestamp};
use ports::{GATEWAY_REPLAYED_ERROR, GatewayEvent, GatewayReport};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

/// First number of the ids of gateway events, far above those that tests use.
const FIRST_EVENT: u64 = 1_000_000;

#[derive(Default)]
pub(super) struct GatewayState {
    outcomes: BTreeMap<String, (Payment, ChargeOutcome)>,
    refund_outcomes: BTreeMap<String, (Money, RefundOutcome)>,
    charges: Vec<Charge>,
    refunds: Vec<GatewayRefund>,
    requests: u64,
    /// The first response to each charge request, and each refund, in order.
    events: Vec<GatewayEvent>,
    keys: keys::Keys,
    /// Charges of other environments on the same account, by the gateway's id.
    foreign: BTreeSet<String>,
    /// Number of new keys that will store an error.
    keys_to_fail: u32,
    /// What the gateway says it moved, whatever was asked.
    stated: Option<StatedAmount>,
    undecodable: Vec<(Timestamp, String)>,
    /// The search shows nothing yet.
    search_lags: bool,
    /// How often the list of all charges was asked for.
    list_count: Cell<u32>,
    list_is_too_long: bool,
}

/// The code of an attempt that was cancelled.
const CANCELED: &str = "canceled";

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
    /// The id that this platform gave it; `None` if it was made in the dashboard.
    pub refund_id: Option<RefundId>,
    /// The code with which it failed after it was made.
    pub failure: Option<String>,
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

    /// Makes a refund in the gateway's dashboard.
    pub fn refund_in_dashboard(&self, charge: &str, amount: Money, at: Timestamp) {
        self.0.arrange(|state| state.gateway.refund_in_dashboard(charge, amount, at));
    }

    /// Makes a refund fail after it was made.
    pub fn return_refund(&self, transaction_id: &str, code: &str) {
        self.0.arrange(|state| state.gateway.return_refund(transaction_id, code));
    }

    /// The customer consents to the attempt that waits for it, or does not.
    pub fn authenticate(&self, payment: &Payment, consents: bool) {
        self.0.arrange(|state| {
            let Some((payment, ChargeOutcome::ActionRequired(answer, _))) =
                state.gateway.outcomes.get(&payment.gateway_key()).cloned()
            else {
                panic!("the attempt does not wait for the customer");
            };
            let refused = || ChargeOutcome::Declined("payment_intent_authentication_failure".to_owned());
            let outcome = if consents { ChargeOutcome::Charged(answer) } else { refused() };
            state.gateway.conclude(&payment, outcome);
        });
    }

    /// The customer consents to an attempt in a page that was left open. Whether the gateway takes it: not if it is charged or cancelled.
    pub fn consent_in_open_page(&self, attempt: &Payment) -> bool {
        self.0.arrange(|state| state.gateway.consent_in_open_page(attempt))
    }

    /// Number of charge and refund requests received.
    pub fn request_count(&self) -> u64 {
        self.0.inspect(|state| state.gateway.requests)
    }

    /// Makes the next `count` new keys fail without an effect, and replays that error for the same keys.
    pub fn fail_next_keys(&self, count: u32) {
        self.0.arrange(|state| state.gateway.keys_to_fail = count);
    }

    /// Makes the gateway say that it moved `amount`, whatever it was asked, in every answer from now on. `None` ends that.
    pub fn state_amount(&self, amount: Option<StatedAmount>) {
        self.0.arrange(|state| state.gateway.stated = amount);
    }

    /// Makes the search show nothing, or everything again.
    pub fn delay_search(&self, search_lags: bool) {
        self.0.arrange(|state| state.gateway.search_lags = search_lags);
    }

    /// Makes a charge one of another environment on the same account.
    pub fn disown(&self, charge: &str) {
        self.0.arrange(|state| state.gateway.foreign.insert(charge.to_owned()));
    }

    /// Makes the list of all charges too long to be read.
    pub fn lengthen_list(&self) {
        self.0.arrange(|state| state.gateway.list_is_too_long = true);
    }

    /// How often the list of all charges was asked for.
    pub fn list_count(&self) -> u32 {
        self.0.inspect(|state| state.gateway.list_count.get())
    }

    /// Adds a transaction with this id that cannot be parsed.
    pub fn put_unreadable(&self, name: &str, at: Timestamp) {
        self.0.arrange(|state| state.gateway.undecodable.push((at, name.to_owned())));
    }
}

fn key_reused() -> Failure {
    let detail = "The idempotency key was used with other parameters.";
    Failure::new(FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR, detail)
}

impl GatewayState {
    /// Fails if the key has a stored error, or if it is a new key that has to store one.
    fn fault(&mut self, key: &str, is_known: bool) -> Result<(), Failure> {
        if self.keys.failing.contains(key) {
            let detail = "The gateway replays the error stored for this key.";
            return Err(Failure::new(FailureKind::Unavailable, GATEWAY_REPLAYED_ERROR, detail));
        }
        if self.keys_to_fail == 0 || is_known {
            return Ok(());
        }
        self.keys_to_fail -= 1;
        self.keys.failing.insert(key.to_owned());
        Err(Failure::unavailable("payment gateway", "an error that it stores for the key"))
    }

    fn charge(&mut self, payment: &Payment, is_rejected: bool) -> Result<ChargeOutcome, Failure> {
        self.requests += 1;
        let Some(method) = &payment.method else {
            return Err(Failure::internal("gateway: the payment has no payment method"));
        };
        let key = payment.gateway_key();
        let is_known = self.receive(&key);
        if self.keys.withdrawn.contains(&key) {
            return Err(key_reused());
        }
        self.fault(&key, is_known && self.outcomes.contains_key(&key))?;
        if let Some((first, outcome)) = self.outcomes.get(&key).filter(|_| is_known) {
            let is_same = (first.amount, &first.method, &first.customer, first.order_id)
                == (payment.amount, &payment.method, &payment.customer, payment.order_id);
            return if is_same { Ok(outcome.clone()) } else { Err(key_reused()) };
        }
        let is_declined = |token| method.as_str().starts_with(token);
        let outcome = match method.as_str() {
            _ if is_rejected => ChargeOutcome::Declined("invalid_payment_method".to_owned()),
            _ if payment.is_free() => ChargeOutcome::Declined("amount_too_small".to_owned()),
            // A longer token stands for another card.
            _ if ["pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail"].into_iter().any(is_declined) => {
                ChargeOutcome::Declined("card_declined".to_owned())
            }
            "pm_card_authenticationRequired" | "pm_card_threeDSecure2Required" => {
                let answer = self.answer(format!("pi_wait_{:06}", self.events.len() + 1), payment.amount);
                let client_secret = format!("{}_secret", answer.transaction_id);
                ChargeOutcome::ActionRequired(answer, CustomerAction { client_secret, redirect_url: None })
            }
            _ => ChargeOutcome::Charged(self.answer(format!("pi_{:06}", self.charges.len() + 1), payment.amount)),
        };
        self.conclude(payment, outcome.clone());
        Ok(outcome)
    }

    fn outcome(&self, payment: &Payment) -> Option<ChargeOutcome> {
        self.outcomes.get(&payment.gateway_key()).map(|(_, outcome)| outcome.clone())
    }

    /// Stores the outcome of an attempt and reports it.
    fn conclude(&mut self, payment: &Payment, outcome: ChargeOutcome) {
        let key = payment.gateway_key();
        if let ChargeOutcome::Charged(ReportedTransaction { transaction_id, .. }) = &outcome {
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
        let report = GatewayReport::Charge { payment_id, attempt, outcome: outcome.clone() };
        self.events.push(GatewayEvent { id, report });
        self.outcomes.insert(key, (payment.clone(), outcome));
    }

    fn withdraw_charge(&mut self, payment: &Payment) -> bool {
        let key = payment.gateway_key();
        let is_known = self.receive(&key);
        let is_received = is_known && (self.outcomes.contains_key(&key) || self.keys.failing.contains(&key));
        if !is_received {
            self.keys.withdrawn.insert(key);
        }
        !is_received
    }

    fn consent_in_open_page(&mut self, attempt: &Payment) -> bool {
        let (attempt, is_open) = match self.outcomes.get(&attempt.gateway_key()) {
            Some((attempt, ChargeOutcome::ActionRequired(..))) => (attempt.clone(), true),
            Some((attempt, ChargeOutcome::Declined(code))) => (attempt.clone(), code != CANCELED),
            _ => return false,
        };
        if is_open {
            let answer = self.answer(format!("pi_late_{:06}", self.events.len() + 1), attempt.amount);
            self.conclude(&attempt, ChargeOutcome::Charged(answer));
        }
        is_open
    }

    fn cancel_earlier_attempts(&mut self, payment: &Payment) {
        if self.search_lags {
            return;
        }
        let is_open = |(one, outcome): &&(Payment, ChargeOutcome)| {
            !matches!(outcome, ChargeOutcome::Charged(_)) && one.id == payment.id && one.attempts < payment.attempts
        };
        let open: Vec<Payment> = self.outcomes.values().filter(is_open).map(|(one, _)| one.clone()).collect();
        for attempt in open {
            self.conclude(&attempt, ChargeOutcome::Declined(CANCELED.to_owned()));
        }
    }

    fn refund(&mut self, payment: &Payment, refund: &Refund) -> Result<RefundOutcome, Failure> {
        let made = GatewayRefund {
            key: refund.gateway_key(),
            payment_id: payment.id,
            charge: payment.transaction_id.clone().unwrap_or_default(),
            amount: refund.amount,
            transaction_id: String::new(),
            at: refund.requested_at,
            refund_id: Some(refund.id),
            failure: None,
        };
        self.refund_once(made)
    }

    fn refund_unrecorded_charge(&mut self, charge: &str, left: Money) -> Result<RefundOutcome, Failure> {
        let Some(Charge { payment_id, at, .. }) = self.charges.iter().find(|one| one.transaction_id == charge).cloned()
        else {
            return Ok(RefundOutcome::Failed("resource_missing".to_owned()));
        };
        let (key, charge, transaction_id) = (format!("return-{charge}"), charge.to_owned(), String::new());
        let (amount, refund_id, failure) = (left, None, None);
        self.refund_once(GatewayRefund { key, payment_id, charge, amount, transaction_id, at, refund_id, failure })
    }

    /// Makes a refund, whose id is assigned here, once per key.
    fn refund_once(&mut self, refund: GatewayRefund) -> Result<RefundOutcome, Failure> {
        self.requests += 1;
        let key = refund.key.clone();
        let is_known = self.receive(&key);
        self.fault(&key, is_known && self.refund_outcomes.contains_key(&key))?;
        if let Some((first, outcome)) = self.refund_outcomes.get(&key).filter(|_| is_known) {
            return if *first == refund.amount { Ok(outcome.clone()) } else { Err(key_reused()) };
        }
        let amount = refund.amount;
        let outcome = match self.rejection_code(&refund.charge, amount) {
            Some(code) => RefundOutcome::Failed(code.to_owned()),
            None => RefundOutcome::Refunded(self.answer(format!("re_{:06}", self.refunds.len() + 1), amount)),
        };
        if let RefundOutcome::Refunded(ReportedTransaction { transaction_id, .. }) = &outcome {
            self.add_refund(GatewayRefund { transaction_id: transaction_id.clone(), ..refund });
        }
        self.refund_outcomes.insert(key, (amount, outcome.clone()));
        Ok(outcome)
    }

    fn refund_in_dashboard(&mut self, charge: &str, amount: Money, at: Timestamp) {
        let payment_id = self.charges.iter().find(|one| one.transaction_id == charge).expect("a charge").payment_id;
        let transaction_id = format!("re_{:06}", self.refunds.len() + 1);
        let (key, charge) = (format!("dashboard-{transaction_id}"), charge.to_owned());
        let (refund_id, failure) = (None, None);
        self.add_refund(GatewayRefund { key, payment_id, charge, amount, transaction_id, at, refund_id, failure });
    }

    fn return_refund(&mut self, transaction_id: &str, code: &str) {
        let refund = self.refunds.iter_mut().find(|refund| refund.transaction_id == transaction_id);
        let refund = refund.expect("a refund");
        refund.failure = Some(code.to_owned());
        let refund = refund.clone();
        self.report_refund(&refund);
    }

    fn add_refund(&mut self, refund: GatewayRefund) {
        self.report_refund(&refund);
        self.refunds.push(refund);
    }

    fn report_refund(&mut self, refund: &GatewayRefund) {
        let id = ids::event(FIRST_EVENT + self.events.len() as u64);
        let (charge, refunds) = (refund.charge.clone(), Some(vec![self.reported(refund)]));
        self.events.push(GatewayEvent { id, report: GatewayReport::Refunds { charge, payment_id: None, refunds } });
    }

    fn reported(&self, refund: &GatewayRefund) -> ReportedRefund {
        let answer = self.answer(refund.transaction_id.clone(), refund.amount);
        ReportedRefund {
            charge: refund.charge.clone(),
            transaction_id: answer.transaction_id,
            refund_id: refund.refund_id,
            amount: answer.amount,
            failure: refund.failure.clone(),
        }
    }

    fn answer(&self, transaction_id: String, asked: Money) -> ReportedTransaction {
        ReportedTransaction { transaction_id, amount: Some(self.stated.clone().unwrap_or_else(|| asked.into())) }
    }

    /// Error code of a refund of `amount`, if it is rejected.
    fn rejection_code(&self, charge: &str, amount: Money) -> Option<&'static str> {
        let Some(charge) = self.charges.iter().find(|one| one.transaction_id == charge) else {
            return Some("resource_missing");
        };
        let is_back = |one: &&GatewayRefund| one.charge == charge.transaction_id && one.failure.is_none();
        let back = self.refunds.iter().filter(is_back);
        let left = charge.amount.amount.get() - back.map(|one| one.amount.amount.get()).sum::<i64>();
        match amount.amount.get() {
            _ if left == 0 => Some("charge_already_refunded"),
            minor if minor > left => Some("amount_too_large"),
            _ => None,
        }
    }
}
