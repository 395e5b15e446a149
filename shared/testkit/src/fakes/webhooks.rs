//! In-memory fake of the gateway's webhooks.

use domain::payment::{ChargeOutcome, ReportedRefund, ReportedTransaction};
use kernel::{Failure, FailureKind, Timestamp};
use ports::{GatewayEvent, GatewayReport};
use serde_json::{Value, json};

/// Webhook verifier for events in plain JSON with a fixed signature.
#[derive(Debug, Clone, Copy)]
pub struct WebhookVerifier;

impl WebhookVerifier {
    /// The signature that is accepted.
    pub const VALID_SIGNATURE: &str = "good";

    /// The webhook body of an event.
    pub fn body(event: &GatewayEvent) -> Value {
        match &event.report {
            GatewayReport::Charge { payment_id, attempt, outcome } => {
                let mut body = json!({ "id": event.id, "payment_id": payment_id, "attempt": attempt });
                match outcome {
                    ChargeOutcome::Charged(answer) => {
                        body["charged"] = answer.transaction_id.as_str().into();
                        body["stated"] = json!(answer.amount);
                    }
                    ChargeOutcome::Declined(code) => body["declined"] = code.as_str().into(),
                    ChargeOutcome::ActionRequired(answer, action) => {
                        body["waits"] = answer.transaction_id.as_str().into();
                        body["stated"] = json!(answer.amount);
                        body["action"] = json!(action);
                    }
                }
                body
            }
            GatewayReport::Refunds { charge, payment_id, refunds } => {
                let refund = |one: &ReportedRefund| {
                    json!({
                        "transaction_id": one.transaction_id, "refund_id": one.refund_id, "stated": one.amount,
                        "failure": one.failure,
                    })
                };
                let refunds = refunds.as_ref().map(|all| all.iter().map(refund).collect::<Vec<_>>());
                json!({ "id": event.id, "charge": charge, "of_payment": payment_id, "refunds": refunds })
            }
            // The verifier of Stripe's webhooks is used where disputes are reported.
            GatewayReport::Dispute(dispute) => json!({ "id": event.id, "dispute": dispute.dispute_id }),
        }
    }
}

impl ports::WebhookVerifier for WebhookVerifier {
    /// Parses `{"id": …, "payment_id": …, "attempt": …, "charged": id, "stated": {"amount": …, "currency": …}}`, or
    /// `"declined": code` instead of the last two, or what [`Self::body`] writes for refunds. Events without either are
    /// ignored.
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
        if let Some(charge) = text("charge") {
            return Ok(Some(GatewayEvent { id, report: reported_refunds(charge, &body).ok_or_else(unreadable)? }));
        }
        let Some(payment) = text("payment_id") else { return Ok(None) };
        let payment_id = payment.parse().map_err(|_| unreadable())?;
        let attempt = body["attempt"].as_u64().and_then(|attempt| attempt.try_into().ok()).ok_or_else(unreadable)?;
        let amount = serde_json::from_value(body["stated"].clone()).map_err(|_| unreadable())?;
        let answer = |name: &str| ReportedTransaction { transaction_id: name.to_owned(), amount };
        if let (Some(name), Ok(action)) = (text("waits"), serde_json::from_value(body["action"].clone())) {
            let outcome = ChargeOutcome::ActionRequired(answer(name), action);
            return Ok(Some(GatewayEvent { id, report: GatewayReport::Charge { payment_id, attempt, outcome } }));
        }
        let charged = text("charged").map(|name| ChargeOutcome::Charged(answer(name)));
        let outcome = charged.or_else(|| text("declined").map(|code| ChargeOutcome::Declined(code.to_owned())));
        let report = |outcome| GatewayReport::Charge { payment_id, attempt, outcome };
        Ok(outcome.map(|outcome| GatewayEvent { id, report: report(outcome) }))
    }
}

fn reported_refunds(charge: &str, body: &Value) -> Option<GatewayReport> {
    let refund = |one: &Value| {
        Some(ReportedRefund {
            charge: charge.to_owned(),
            transaction_id: one["transaction_id"].as_str()?.to_owned(),
            refund_id: serde_json::from_value(one["refund_id"].clone()).ok()?,
            amount: serde_json::from_value(one["stated"].clone()).ok()?,
            failure: serde_json::from_value(one["failure"].clone()).ok()?,
        })
    };
    let refunds = match &body["refunds"] {
        Value::Array(all) => Some(all.iter().map(refund).collect::<Option<_>>()?),
        _ => None,
    };
    let payment_id = serde_json::from_value(body["of_payment"].clone()).ok()?;
    Some(GatewayReport::Refunds { charge: charge.to_owned(), payment_id, refunds })
}
