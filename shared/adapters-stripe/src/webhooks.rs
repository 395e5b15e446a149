//! What the gateway tells by itself: Stripe's webhooks, signed as <https://docs.stripe.com/webhooks#verify-manually> says.

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

/// Seconds by which it may have been signed earlier or later than now, as Stripe's own libraries have it.
const TOLERANCE_S: i64 = 300;
/// How often the secret is read again because a signature does not fit it: often enough for one that was replaced, and seldom enough
/// for somebody who sends forged ones.
const READ_AGAIN: Duration = Duration::from_secs(60);

/// Stripe's webhooks.
#[derive(Debug)]
pub struct StripeWebhooks {
    secret: SecretValue,
    kept: Mutex<Option<Kept>>,
}

/// The secret as it was read.
#[derive(Debug)]
struct Kept {
    key: hmac::Key,
    read_at: Instant,
}

impl StripeWebhooks {
    /// Webhooks that are signed with `secret`.
    pub fn new(secret: SecretValue) -> Self {
        Self { secret, kept: Mutex::default() }
    }

    async fn key(&self) -> Result<hmac::Key, Failure> {
        let secret = secrets::usable(self.secret.read().await?, "payment gateway's webhooks")?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// Whether the signature is the gateway's. The lock is held while the secret is read, so that it is read once for all who wait.
    async fn check_signature(&self, signature: &Signature<'_>, body: &[u8]) -> Result<(), Failure> {
        let mut slot = self.kept.lock().await;
        let kept = match &mut *slot {
            Some(kept) => kept,
            none => none.insert(Kept { key: self.key().await?, read_at: Instant::now() }),
        };
        if signature.fits(&kept.key, body) {
            return Ok(());
        }
        if kept.read_at.elapsed() >= READ_AGAIN {
            // Before it is read: where that fails it is not tried by everybody who asks, either.
            kept.read_at = Instant::now();
            kept.key = self.key().await?;
            if signature.fits(&kept.key, body) {
                return Ok(());
            }
        }
        Err(forged("The signature does not fit."))
    }
}

impl ports::WebhookVerifier for StripeWebhooks {
    async fn verify(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<GatewayEvent>, Failure> {
        let signature = signature.ok_or_else(|| forged("There is no signature."))?;
        let signature = Signature::parse(signature).ok_or_else(|| forged("The signature cannot be read."))?;
        if now.as_second().abs_diff(signature.at) > TOLERANCE_S.unsigned_abs() {
            return Err(forged("It was signed at another time."));
        }
        self.check_signature(&signature, body).await?;
        news(body)
    }
}

fn forged(detail: &str) -> Failure {
    Failure::new(FailureKind::Unauthenticated, "signature-invalid", detail)
}

/// The header: `t=<Unix time>,v1=<hex>`, and `v1` once more for each further secret while one replaces another. Other schemes are
/// left alone, as Stripe asks for.
struct Signature<'a> {
    at: i64,
    /// As it was written, for that is what was signed.
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

    /// Whether one of the digests is `key`'s. They are compared in constant time.
    fn fits(&self, key: &hmac::Key, body: &[u8]) -> bool {
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

/// An event, as far as we need it.
#[derive(Deserialize)]
struct Told {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: About,
}

#[derive(Deserialize)]
struct About {
    object: serde_json::Value,
}

/// What an event says of a payment of ours, if it is about one.
fn news(body: &[u8]) -> Result<Option<GatewayEvent>, Failure> {
    let unreadable = |_| Failure::new(FailureKind::Malformed, "event-malformed", "The event cannot be read.");
    let Told { id, kind, data } = serde_json::from_slice(body).map_err(unreadable)?;
    let charged = match kind.as_str() {
        "payment_intent.succeeded" => true,
        "payment_intent.payment_failed" => false,
        _ => return Ok(None),
    };
    let intent: Intent = serde_json::from_value(data.object).map_err(unreadable)?;
    // Others may charge for other things under the same account.
    let named = |name| intent.metadata.get(name).map(String::as_str).unwrap_or_default();
    let payment_id = Uuid::try_parse(named(metadata::PAYMENT_ID));
    let (Ok(payment_id), Ok(attempt)) = (payment_id, named(metadata::ATTEMPT).parse()) else { return Ok(None) };
    let answer = if charged { ChargeOutcome::Charged(intent.id) } else { ChargeOutcome::Declined(intent.refusal()) };
    Ok(Some(GatewayEvent { id: uuid_of(&id), payment_id: PaymentId(payment_id), attempt, answer }))
}

/// The gateway's name for an event as an id of ours.
fn uuid_of(name: &str) -> Uuid {
    let digest = Sha256::digest(name);
    let mut first = [0; 16];
    first.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    uuid::Builder::from_custom_bytes(first).into_uuid()
}
