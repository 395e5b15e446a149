//! Verification of tokens, and how often the keys are read.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{SessionId, UserId};
use domain::user::Role;
use kernel::Uuid;
use ports::{RefreshTokens as _, SigningKeys as _, TokenVerifier as _, Tokens as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};

/// A secret in memory that counts reads and can be made to fail.
#[derive(Default)]
pub(super) struct Secret {
    pub(super) text: RefCell<Option<String>>,
    reads: Cell<u32>,
    broken: Cell<bool>,
}

/// The two halves of the keys.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) private: Secret,
    public: Secret,
}

impl KeySource for &Secret {
    async fn read(&self) -> Result<Option<String>, Failure> {
        self.reads.set(self.reads.get() + 1);
        match self.broken.get() {
            true => Err(Failure::unavailable("secrets", "broken")),
            false => Ok(self.text.borrow().clone()),
        }
    }

    async fn write(&self, text: String) -> Result<(), Failure> {
        *self.text.borrow_mut() = Some(text);
        Ok(())
    }
}

const ISSUER: &str = "quayside-test";

/// What three functions have each for itself.
pub(super) struct Tokens<'a> {
    signer: JwtTokens<&'a Secret>,
    verifier: JwtVerifier<&'a Secret>,
    keys: JwtKeys<&'a Secret>,
}

impl Tokens<'_> {
    pub(super) async fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        self.signer.issue(claims).await
    }

    pub(super) async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Failure> {
        self.verifier.verify(token, now).await
    }

    async fn jwks(&self) -> Result<String, Failure> {
        self.verifier.jwks().await
    }

    async fn rotate(&self) -> Result<String, Failure> {
        self.keys.rotate().await
    }
}

fn tokens(memory: &Memory) -> Tokens<'_> {
    Tokens {
        signer: JwtTokens::new(&memory.private, ISSUER.to_owned()),
        verifier: JwtVerifier::new(&memory.public, ISSUER.to_owned()),
        keys: JwtKeys::new(&memory.private, &memory.public),
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn claims() -> Claims {
    let (user_id, session_id) = (UserId(Uuid::from_u128(7)), SessionId(Uuid::from_u128(8)));
    Claims { user_id, session_id, role: Role::Customer, issued_at: at(1_000), expires_at: at(4_600) }
}

/// The parts of a token, decoded.
pub(super) fn parts(token: &str) -> (Value, Value) {
    let decode = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let mut parts = token.split('.');
    (decode(parts.next().unwrap()), decode(parts.next().unwrap()))
}

pub(super) async fn rotated(memory: &Memory) -> Tokens<'_> {
    let tokens = tokens(memory);
    tokens.rotate().await.unwrap();
    tokens
}

#[tokio::test]
async fn token_is_valid_until_the_second_it_expires() {
    let memory = Memory::default();
    let tokens = rotated(&memory).await;
    let token = tokens.issue(&claims()).await.unwrap();
    assert_eq!(tokens.verify(&token, at(4_599)).await, Ok(Some(claims())));
    assert_eq!(tokens.verify(&token, at(4_600)).await, Ok(None));
    let (header, body) = parts(&token);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
    assert_eq!((&body["iss"], &body["aud"], &body["role"]), (&json!(ISSUER), &json!(ISSUER), &json!("customer")));
}

#[tokio::test]
async fn token_of_another_key_under_a_known_key_id_is_invalid() {
    let (memory, other) = (Memory::default(), Memory::default());
    let (ours, theirs) = (rotated(&memory).await, rotated(&other).await);
    let kid = parts(&ours.issue(&claims()).await.unwrap()).0["kid"].as_str().unwrap().to_owned();
    let mut stored: Value = serde_json::from_str(other.private.text.borrow().as_deref().unwrap()).unwrap();
    stored["keys"][0]["kid"] = json!(kid);
    *other.private.text.borrow_mut() = Some(stored.to_string());
    drop(theirs);
    let forged = tokens(&other).issue(&claims()).await.unwrap();
    assert_eq!(ours.verify(&forged, at(2_000)).await, Ok(None));
}

#[tokio::test]
async fn token_of_another_issuer_is_invalid_despite_a_known_key() {
    let memory = Memory::default();
    rotated(&memory).await;
    let token = JwtTokens::new(&memory.private, "quayside-other".to_owned()).issue(&claims()).await.unwrap();
    assert_eq!(tokens(&memory).verify(&token, at(2_000)).await, Ok(None));
}

/// A time when every key that a test creates may sign.
fn late() -> Timestamp {
    at(4_000_000_000)
}

fn late_claims() -> Claims {
    Claims { issued_at: late(), expires_at: at(4_000_003_600), ..claims() }
}

#[tokio::test]
async fn key_signs_after_five_minutes_and_the_oldest_signs_before() {
    let memory = Memory::default();
    rotated(&memory).await.rotate().await.unwrap();
    let kid = |second: u64| {
        let id = kernel::Ids::seeded(second, at(i64::try_from(second).unwrap())).next();
        id.to_string()
    };
    let mut stored: Value = serde_json::from_str(memory.private.text.borrow().as_deref().unwrap()).unwrap();
    stored["keys"][0]["kid"] = json!(kid(2_000));
    stored["keys"][1]["kid"] = json!(kid(1_000));
    *memory.private.text.borrow_mut() = Some(stored.to_string());
    let tokens = tokens(&memory);
    for (now, made_at) in [(1_000, 1_000), (1_299, 1_000), (1_300, 1_000), (2_299, 1_000), (2_300, 2_000)] {
        let token = tokens.issue(&Claims { issued_at: at(now), ..claims() }).await.unwrap();
        assert_eq!(parts(&token).0["kid"], json!(kid(made_at)), "at {now}");
    }
}

#[tokio::test(start_paused = true)]
async fn new_key_is_published_by_every_process_within_seconds() {
    let memory = Memory::default();
    let publishing = rotated(&memory).await;
    publishing.jwks().await.unwrap();
    let kid = tokens(&memory).rotate().await.unwrap();
    assert!(!publishing.jwks().await.unwrap().contains(&kid));
    tokio::time::advance(MIN_AGE).await;
    assert!(publishing.jwks().await.unwrap().contains(&kid));
}

#[tokio::test(start_paused = true)]
async fn token_stays_valid_for_one_rotation_of_its_key() {
    let memory = Memory::default();
    let rotating = rotated(&memory).await;
    let verifying = tokens(&memory);
    let first = rotating.issue(&claims()).await.unwrap();
    assert!(verifying.verify(&first, at(2_000)).await.unwrap().is_some());
    rotating.rotate().await.unwrap();
    // A signer that has cached the first key alone goes on with it; one that reads the keys now signs with the second.
    let second = tokens(&memory).issue(&late_claims()).await.unwrap();
    tokio::time::advance(MIN_AGE).await;
    // The verifier learns of the new key by the token that names it.
    assert!(verifying.verify(&second, late()).await.unwrap().is_some());
    assert!(verifying.verify(&first, at(2_000)).await.unwrap().is_some());
    rotating.rotate().await.unwrap();
    tokio::time::advance(MAX_AGE).await;
    assert!(verifying.verify(&first, at(2_000)).await.unwrap().is_none());
    assert!(verifying.verify(&second, late()).await.unwrap().is_some());
    let jwks: Value = serde_json::from_str(&verifying.jwks().await.unwrap()).unwrap();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    assert!(jwks["keys"][0].get("d").is_none(), "private parts stay private");
}

#[tokio::test(start_paused = true)]
async fn unknown_key_ids_cause_at_most_one_read_in_ten_seconds() {
    let (memory, other) = (Memory::default(), Memory::default());
    rotated(&memory).await;
    let forged = rotated(&other).await.issue(&claims()).await.unwrap();
    let verifying = tokens(&memory);
    memory.public.reads.set(0);
    for _ in 0..100 {
        assert_eq!(verifying.verify(&forged, at(2_000)).await, Ok(None));
    }
    assert_eq!(memory.public.reads.get(), 1);
    tokio::time::advance(MIN_AGE).await;
    assert_eq!(verifying.verify(&forged, at(2_000)).await, Ok(None));
    assert_eq!(memory.public.reads.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn cached_keys_remain_in_use_when_reading_fails() {
    let memory = Memory::default();
    let tokens = rotated(&memory).await;
    let token = tokens.issue(&claims()).await.unwrap();
    assert_eq!(tokens.verify(&token, at(2_000)).await, Ok(Some(claims())));
    memory.private.broken.set(true);
    memory.public.broken.set(true);
    tokio::time::advance(MAX_AGE).await;
    assert_eq!(tokens.verify(&token, at(2_000)).await, Ok(Some(claims())));
    assert!(tokens.issue(&claims()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn signer_that_is_ready_issues_while_the_keys_cannot_be_read() {
    let memory = Memory::default();
    rotated(&memory).await;
    memory.private.broken.set(true);
    let tokens = tokens(&memory);
    assert!(tokens.signer.ready().await.unwrap_err().is_retryable());
    memory.private.broken.set(false);
    assert_eq!(tokens.signer.ready().await, Ok(()));
    memory.private.broken.set(true);
    tokio::time::advance(MAX_AGE).await;
    assert!(tokens.issue(&claims()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_keys_no_token_is_issued_until_the_first_rotation() {
    let memory = Memory::default();
    *memory.private.text.borrow_mut() = Some("{}".to_owned());
    let tokens = tokens(&memory);
    assert!(tokens.issue(&claims()).await.unwrap_err().is_retryable());
    assert!(tokens.signer.ready().await.unwrap_err().is_retryable());
    assert_eq!(tokens.jwks().await.unwrap(), r#"{"keys":[]}"#);
    *memory.private.text.borrow_mut() = Some("secret but no JSON".to_owned());
    assert!(!tokens.rotate().await.unwrap_err().to_string().contains("secret but"), "it does not leak");
    *memory.private.text.borrow_mut() = None;
    let kid = tokens.rotate().await.unwrap();
    tokio::time::advance(MIN_AGE).await;
    assert!(tokens.jwks().await.unwrap().contains(&kid));
}

#[test]
fn refresh_token_has_256_bits_and_the_digest_of_its_text() {
    let memory = Memory::default();
    let (token, digest) = tokens(&memory).signer.refresh_token().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(&token).unwrap().len(), 32);
    assert_eq!(digest, format!("{:x}", Sha256::digest(&token)));
    assert_ne!(token, tokens(&memory).signer.refresh_token().unwrap().0);
}

/// A secret that writes into a log shared with another, and fails from a certain write on.
struct Logged<'a> {
    secret: &'a Secret,
    writes_left: &'a Cell<u32>,
}

impl KeySource for Logged<'_> {
    async fn read(&self) -> Result<Option<String>, Failure> {
        (&self.secret).read().await
    }

    async fn write(&self, text: String) -> Result<(), Failure> {
        match self.writes_left.get() {
            0 => Err(Failure::unavailable("secrets", "broken")),
            left => {
                self.writes_left.set(left - 1);
                (&self.secret).write(text).await
            }
        }
    }
}

#[tokio::test]
async fn rotation_that_stops_at_any_write_leaves_every_signature_verifiable() {
    for writes in 0..=3 {
        let memory = Memory::default();
        rotated(&memory).await;
        rotated(&memory).await;
        let before = tokens(&memory);
        // Tokens of both keys, whose verifiers are new.
        let valid = [before.issue(&claims()).await.unwrap(), before.issue(&late_claims()).await.unwrap()];
        let writes_left = Cell::new(writes);
        let logged = |secret| Logged { secret, writes_left: &writes_left };
        let result = JwtKeys::new(logged(&memory.private), logged(&memory.public)).rotate().await;
        assert_eq!(result.is_ok(), writes == 3, "{writes}");
        let after = tokens(&memory);
        let newest = after.issue(&late_claims()).await.unwrap();
        assert!(after.verify(&newest, late()).await.unwrap().is_some(), "{writes}: a signature of now");
        assert!(after.verify(&valid[1], late()).await.unwrap().is_some(), "{writes}: the previous key");
        if writes < 3 {
            assert!(after.verify(&valid[0], at(2_000)).await.unwrap().is_some(), "{writes}: the key before it");
        }
    }
}

#[tokio::test]
async fn published_keys_have_no_private_half() {
    let memory = Memory::default();
    rotated(&memory).await;
    let private: Value = serde_json::from_str(memory.private.text.borrow().as_deref().unwrap()).unwrap();
    let public = memory.public.text.borrow().clone().unwrap();
    assert!(!public.contains(private["keys"][0]["private_key"].as_str().unwrap()) && !public.contains("private"));
    let verifier = JwtTokens::new(&memory.public, ISSUER.to_owned());
    assert!(verifier.issue(&claims()).await.is_err(), "the public half signs nothing");
}

#[tokio::test(start_paused = true)]
async fn keys_rotated_under_load_fail_no_token() {
    let memory = Memory::default();
    rotated(&memory).await;
    let processes: Vec<_> = (0..3).map(|_| tokens(&memory)).collect();
    let began = Timestamp::now().as_second();
    let mut issued = Vec::new();
    // Twenty minutes, in which tokens live for ten, with a rotation after five.
    for step in 0..60_i64 {
        let now = at(began + step * 20);
        if step == 15 {
            processes[0].rotate().await.unwrap();
        }
        for process in &processes {
            let claims = Claims { issued_at: now, expires_at: at(now.as_second() + 600), ..claims() };
            issued.push((process.issue(&claims).await.unwrap(), claims));
        }
        issued.retain(|(_, claims)| claims.expires_at > now);
        for (token, claims) in &issued {
            for process in &processes {
                assert_eq!(process.verify(token, now).await, Ok(Some(claims.clone())), "step {step}");
            }
        }
        tokio::time::advance(Duration::from_secs(20)).await;
    }
    let signers: std::collections::BTreeSet<_> =
        issued.iter().map(|(token, _)| parts(token).0["kid"].as_str().unwrap().to_owned()).collect();
    assert_eq!(signers.len(), 1, "the new key signs now");
}
