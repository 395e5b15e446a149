//! Verification of Stripe's webhook signatures (<https://docs.stripe.com/webhooks#verify-manually>), and parsing of the events.

use super::classify::{Intent, Metadata, Refunds, StripeRefund};
use super::{metadata, secrets};
use adapters_secrets::SecretValue;
use aws_lc_rs::hmac;
use domain::id::PaymentId;
use domain::payment::ChargeOutcome;
use edge::telemetry::metrics;
use kernel::{Failure, FailureKind, Timestamp, Uuid};
use ports::{GatewayEvent, GatewayReport};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

mod disputes;
#[cfg(test)]
mod tests;

/// Tolerated difference between the time of the signature and now, in seconds, as in Stripe's own libraries.
const TOLERANCE_S: i64 = 300;
/// Minimum time between two reads that signatures cause which do not match: forged ones cause at most one read in it. A rotated secret is
/// noticed at the first signature that needs it, or within this time if a forged one came before.
const MIN_BETWEEN_READS: Duration = Duration::from_secs(60);

/// Verifies webhooks with the signing secrets of the endpoint: the current one and, while it is rotated, the previous one, on a line each.
#[derive(Debug)]
pub struct StripeWebhooks {
    secret: SecretValue,
    cached: Mutex<Option<CachedKeys>>,
}

#[derive(Debug)]
struct CachedKeys {
    keys: Vec<hmac::Key>,
    /// When a signature last caused a read.
    read_again_at: Option<Instant>,
}

impl StripeWebhooks {
    pub fn new(secret: SecretValue) -> Self {
        Self { secret, cached: Mutex::default() }
    }

    async fn keys(&self) -> Result<Vec<hmac::Key>, Failure> {
        let secrets = secrets::require(self.secret.read().await?, "payment gateway's webhooks")?;
        Ok(secrets.split_whitespace().map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())).collect())
    }

    /// The lock is held while the secret is read, so that concurrent calls share one read.
    async fn check_signature(&self, signature: &Signature<'_>, body: &[u8]) -> Result<(), Failure> {
        let mut cached = self.cached.lock().await;
        let was_read = cached.is_some();
        let cached = match &mut *cached {
            Some(cached) => cached,
            none => none.insert(CachedKeys { keys: self.keys().await?, read_again_at: None }),
        };
        if signature.matches(&cached.keys, body) {
            return Ok(());
        }
        if was_read && cached.read_again_at.is_none_or(|at| at.elapsed() >= MIN_BETWEEN_READS) {
            // Set before the read, so that a failing read is not repeated for each call either.
            cached.read_again_at = Some(Instant::now());
            cached.keys = self.keys().await?;
            if signature.matches(&cached.keys, body) {
                return Ok(());
            }
        }
        Err(forged("The signature does not match."))
    }
}

impl ports::WebhookVerifier for StripeWebhooks {
    async fn verify(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<GatewayEvent>, Failure> {
        let signature = signature.ok_or_else(|| forged("The signature header is missing."))?;
        let signature = Signature::parse(signature).ok_or_else(|| forged("The signature header is malformed."))?;
        if now.as_second().abs_diff(signature.at) > TOLERANCE_S.unsigned_abs() {
            return Err(forged("The time of the signature is outside the tolerance."));
        }
        self.check_signature(&signature, body).await?;
        parse_event(body)
    }
}

fn forged(detail: &str) -> Failure {
    Failure::new(FailureKind::Unauthenticated, "signature-invalid", detail)
}

/// The header `t=<Unix time>,v1=<hex>`, with one `v1` for each secret while the secret is rotated. Other schemes are ignored, as Stripe
/// recommends.
struct Signature<'a> {
    at: i64,
    /// The time as written in the header, which is part of what was signed.
    time: &'a str,
    digests: Vec<[u8; 32]>,
}

impl<'a> Signature<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let (mut time, mut digests) = (None, Vec::new());
        for (name, value) in header.split(',').filter_map(|element| element.trim().split_once('=')) {
            match name {
                "t" => time = Some(value),
                "v1" => digests.extend(unhex(value)),
                _ => {}
            }
        }
        let time = time?;
        if digests.is_empty() { None } else { Some(Self { at: time.parse().ok()?, time, digests }) }
    }

    /// Whether one of the digests was made with one of the keys. Each comparison takes constant time.
    fn matches(&self, keys: &[hmac::Key], body: &[u8]) -> bool {
        let signed = [self.time.as_bytes(), b".", body].concat();
        let is_made_with =
            |key: &hmac::Key| self.digests.iter().any(|digest| hmac::verify(key, &signed, digest).is_ok());
        keys.iter().any(is_made_with)
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The members of an event that are used. All may be missing: events of Stripe's API v2 are thin and have no `data`, and a newer
/// version of the API may change anything.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StripeEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    api_version: Option<String>,
    data: EventData,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EventData {
    object: Value,
}

/// Why a genuine event is not processed.
enum Ignored {
    /// Its type is not one that the platform follows, or it is not about an object of this platform.
    Unrelated,
    /// Its type is followed, and its content is missing or has another form.
    Unreadable,
}

/// The report of an event; `None` for an event that is not processed. Stripe gets a success for both, since it would send a rejected
/// event again for days and then disable the endpoint.
fn parse_event(body: &[u8]) -> Result<Option<GatewayEvent>, Failure> {
    let not_json = |_| Failure::new(FailureKind::Malformed, "event-malformed", "The event is not JSON.");
    let event: Value = serde_json::from_slice(body).map_err(not_json)?;
    let StripeEvent { id, kind, api_version, data } = serde_json::from_value(event).unwrap_or_default();
    match report(&kind, data.object) {
        Ok(report) => return Ok(Some(GatewayEvent { id: uuid_of(&id), report })),
        Err(Ignored::Unrelated) => {
            metrics::count("WebhooksIgnored", 1);
            tracing::info!(event.id = id, event.type = kind, "gateway event ignored");
        }
        Err(Ignored::Unreadable) => {
            metrics::count("WebhooksUnreadable", 1);
            tracing::error!(event.id = id, event.type = kind, api_version, "gateway event is unreadable");
        }
    }
    Ok(None)
}

fn report(kind: &str, object: Value) -> Result<GatewayReport, Ignored> {
    match kind {
        "payment_intent.succeeded" => charge(object, |intent| Some(ChargeOutcome::Charged(intent.into_answer()))),
        "payment_intent.requires_action" => charge(object, |intent| intent.into_action()),
        "payment_intent.payment_failed" | "payment_intent.canceled" => {
            charge(object, |intent| Some(ChargeOutcome::Declined(intent.decline_code())))
        }
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => refund(object),
        "charge.refunded" => refunded_charge(object),
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.closed"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated" => disputes::report(read(object)?),
        _ => Err(Ignored::Unrelated),
    }
}

fn refund(object: Value) -> Result<GatewayReport, Ignored> {
    let refund: StripeRefund = read(object)?;
    // Other systems may refund with the same Stripe account what is no payment intent.
    let charge = refund.payment_intent.clone().ok_or(Ignored::Unrelated)?;
    let refund = refund.into_report(&charge).ok_or(Ignored::Unrelated)?;
    Ok(GatewayReport::Refunds { charge, payment_id: None, refunds: Some(vec![refund]) })
}

/// The members of a charge that are used.
#[derive(Deserialize)]
struct StripeCharge {
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    /// Not included since version 2022-11-15 of the API.
    refunds: Option<Refunds>,
}

fn refunded_charge(object: Value) -> Result<GatewayReport, Ignored> {
    let StripeCharge { payment_intent, metadata, refunds } = read(object)?;
    let charge = payment_intent.ok_or(Ignored::Unrelated)?;
    let payment_id = metadata.get(super::metadata::PAYMENT_ID).and_then(|id| Uuid::try_parse(id).ok()).map(PaymentId);
    let whole = refunds.filter(|page| !page.has_more && !page.data.is_empty()).map(|page| page.data);
    let refunds = whole.map(|all| all.into_iter().filter_map(|refund| refund.into_report(&charge)).collect());
    Ok(GatewayReport::Refunds { charge, payment_id, refunds })
}

fn read<T: DeserializeOwned>(object: Value) -> Result<T, Ignored> {
    serde_json::from_value(object).map_err(|_| Ignored::Unreadable)
}

fn charge(object: Value, outcome: impl FnOnce(Intent) -> Option<ChargeOutcome>) -> Result<GatewayReport, Ignored> {
    let intent: Intent = read(object)?;
    // Other systems may charge with the same Stripe account.
    let metadata_of = |name| intent.metadata.get(name).map(String::as_str).unwrap_or_default();
    let payment_id = Uuid::try_parse(metadata_of(metadata::PAYMENT_ID));
    let (Ok(payment_id), Ok(attempt)) = (payment_id, metadata_of(metadata::ATTEMPT).parse()) else {
        return Err(Ignored::Unrelated);
    };
    let outcome = outcome(intent).ok_or(Ignored::Unreadable)?;
    Ok(GatewayReport::Charge { payment_id: PaymentId(payment_id), attempt, outcome })
}

/// A UUID derived from Stripe's id of an event.
fn uuid_of(id: &str) -> Uuid {
    let digest = Sha256::digest(id);
    let mut first = [0; 16];
    first.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    uuid::Builder::from_custom_bytes(first).into_uuid()
}
