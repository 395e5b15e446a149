//! Verification of Stripe's webhook signatures (<https://docs.stripe.com/webhooks#verify-manually>), and parsing of the events.

use super::classify::Intent;
use super::{metadata, secrets};
use adapters_secrets::SecretValue;
use aws_lc_rs::hmac;
use domain::id::PaymentId;
use domain::payment::ChargeOutcome;
use kernel::{Failure, FailureKind, Timestamp, Uuid};
use ports::GatewayEvent;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Tolerated difference between the time of the signature and now, in seconds, as in Stripe's own libraries.
const TOLERANCE_S: i64 = 300;
/// Minimum age of the cached secret before a signature that does not match triggers another read: a rotated secret is noticed within
/// this time, and forged signatures cause at most one read in it.
const MIN_SECRET_AGE: Duration = Duration::from_secs(60);

/// Verifies webhooks with the signing secret of the endpoint.
#[derive(Debug)]
pub struct StripeWebhooks {
    secret: SecretValue,
    cached: Mutex<Option<CachedKey>>,
}

#[derive(Debug)]
struct CachedKey {
    key: hmac::Key,
    read_at: Instant,
}

impl StripeWebhooks {
    pub fn new(secret: SecretValue) -> Self {
        Self { secret, cached: Mutex::default() }
    }

    async fn key(&self) -> Result<hmac::Key, Failure> {
        let secret = secrets::require(self.secret.read().await?, "payment gateway's webhooks")?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// The lock is held while the secret is read, so that concurrent calls share one read.
    async fn check_signature(&self, signature: &Signature<'_>, body: &[u8]) -> Result<(), Failure> {
        let mut cached = self.cached.lock().await;
        let cached = match &mut *cached {
            Some(cached) => cached,
            none => none.insert(CachedKey { key: self.key().await?, read_at: Instant::now() }),
        };
        if signature.matches(&cached.key, body) {
            return Ok(());
        }
        if cached.read_at.elapsed() >= MIN_SECRET_AGE {
            // Set before the read, so that a failing read is not repeated for each call either.
            cached.read_at = Instant::now();
            cached.key = self.key().await?;
            if signature.matches(&cached.key, body) {
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

    /// Whether one of the digests was made with `key`. The comparison takes constant time.
    fn matches(&self, key: &hmac::Key, body: &[u8]) -> bool {
        let signed = [self.time.as_bytes(), b".", body].concat();
        self.digests.iter().any(|digest| hmac::verify(key, &signed, digest).is_ok())
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

/// The members of an event that are used.
#[derive(Deserialize)]
struct StripeEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: EventData,
}

#[derive(Deserialize)]
struct EventData {
    object: serde_json::Value,
}

/// The outcome of a charge; `None` for other event types and for charges that this platform did not make.
fn parse_event(body: &[u8]) -> Result<Option<GatewayEvent>, Failure> {
    let unreadable = |_| Failure::new(FailureKind::Malformed, "event-malformed", "The event is malformed.");
    let StripeEvent { id, kind, data } = serde_json::from_slice(body).map_err(unreadable)?;
    let charged = match kind.as_str() {
        "payment_intent.succeeded" => true,
        "payment_intent.payment_failed" => false,
        _ => return Ok(None),
    };
    let intent: Intent = serde_json::from_value(data.object).map_err(unreadable)?;
    // Other systems may charge with the same Stripe account.
    let metadata_of = |name| intent.metadata.get(name).map(String::as_str).unwrap_or_default();
    let payment_id = Uuid::try_parse(metadata_of(metadata::PAYMENT_ID));
    let (Ok(payment_id), Ok(attempt)) = (payment_id, metadata_of(metadata::ATTEMPT).parse()) else { return Ok(None) };
    let outcome =
        if charged { ChargeOutcome::Charged(intent.id) } else { ChargeOutcome::Declined(intent.decline_code()) };
    Ok(Some(GatewayEvent { id: uuid_of(&id), payment_id: PaymentId(payment_id), attempt, outcome }))
}

/// A UUID derived from Stripe's id of an event.
fn uuid_of(id: &str) -> Uuid {
    let digest = Sha256::digest(id);
    let mut first = [0; 16];
    first.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    uuid::Builder::from_custom_bytes(first).into_uuid()
}
