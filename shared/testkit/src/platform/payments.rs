//! Payments, and a gateway with Stripe's manners: one charge a key, and test tokens that are declined.

use super::{Gateway, Part, Payments};
use domain::{
    Event, Money,
    id::{OrderId, PaymentId},
    payment::{Answer, Payment, Status},
};
use kernel::Failure;
use ports::Claim;
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct PaymentsState {
    pub by_order: HashMap<OrderId, Payment>,
    answers: HashMap<PaymentId, Answer>,
}

#[derive(Default)]
pub(super) struct GatewayState {
    answers: BTreeMap<String, (Payment, Answer)>,
    charges: Vec<Charge>,
    asked: u64,
}

/// A charge that the gateway made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The key that it was asked for under.
    pub key: String,
    /// For which order.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// The gateway's name for it.
    pub transaction_id: String,
}

impl Payments {
    /// The payment of an order.
    pub fn of(&self, order: OrderId) -> Option<Payment> {
        self.0.see(|state| state.payments.by_order.get(&order).cloned())
    }

    /// The answer that was kept of a payment.
    pub fn answer(&self, payment: PaymentId) -> Option<Answer> {
        self.0.see(|state| state.payments.answers.get(&payment).cloned())
    }
}

impl ports::PaymentStore for Payments {
    async fn begin(&self, payment: &Payment) -> Result<Payment, Failure> {
        let commit = self.0.commit("payments.begin", |state| {
            let held = state.payments.by_order.entry(payment.order_id).or_insert_with(|| payment.clone());
            Ok(held.clone())
        });
        commit.await
    }

    async fn conclude(
        &self,
        claim: Claim,
        payment: &Payment,
        status: Status,
        answer: &Answer,
        event: &Event,
    ) -> Result<bool, Failure> {
        let commit = self.0.commit("payments.conclude", |state| {
            let held = state.payments.by_order.get_mut(&payment.order_id).filter(|held| held.id == payment.id);
            let held = held.ok_or_else(|| Failure::internal(format!("the payment {} was never begun", payment.id)))?;
            if !state.claims.insert(claim) || held.status != Status::Pending {
                return Ok(false);
            }
            held.status = status;
            held.version += 1;
            state.payments.answers.insert(payment.id, answer.clone());
            state.outbox.add(event);
            Ok(true)
        });
        commit.await
    }
}

impl Gateway {
    /// Every charge that was made, in order.
    pub fn charges(&self) -> Vec<Charge> {
        self.0.see(|state| state.gateway.charges.clone())
    }

    /// How often it was asked and got the question.
    pub fn asked(&self) -> u64 {
        self.0.see(|state| state.gateway.asked)
    }
}

impl ports::Gateway for Gateway {
    async fn charge(&self, payment: &Payment) -> Result<Answer, Failure> {
        let step = self.0.step(Part::Gateway, "gateway.charge", |state| {
            let gateway = &mut state.gateway;
            gateway.asked += 1;
            let key = payment.gateway_key();
            if let Some((first, answer)) = gateway.answers.get(&key) {
                let same = (first.amount, &first.method, first.order_id)
                    == (payment.amount, &payment.method, payment.order_id);
                return match same {
                    true => Ok(answer.clone()),
                    false => Err(Failure::internal("gateway: the key was used with other parameters")),
                };
            }
            let answer = match payment.method.as_str() {
                "pm_card_visa_chargeDeclined" | "pm_card_chargeCustomerFail" => {
                    Answer::Declined("card_declined".to_owned())
                }
                _ => Answer::Charged(format!("pi_{:06}", gateway.charges.len() + 1)),
            };
            if let Answer::Charged(transaction_id) = &answer {
                gateway.charges.push(Charge {
                    key: key.clone(),
                    order_id: payment.order_id,
                    amount: payment.amount,
                    transaction_id: transaction_id.clone(),
                });
            }
            gateway.answers.insert(key, (payment.clone(), answer.clone()));
            Ok(answer)
        });
        step.await
    }
}
