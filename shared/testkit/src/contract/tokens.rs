//! Contract of [`Tokens`], [`TokenVerifier`] and [`SigningKeys`] over the same keys.

use super::{Fixture, fresh, later, now};
use crate::hex;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    id::{SessionId, UserId},
    session::CLOCK_SKEW_S,
    user::Role,
};
use kernel::{Failure, Timestamp};
use ports::{Claims, RefreshTokens, SigningKeys, TokenVerifier, Tokens};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Signer, verifier and rotation of the same keys.
#[derive(Debug)]
pub struct AllTokens<T, V, K> {
    pub tokens: T,
    pub verifier: V,
    pub keys: K,
}

impl<T: Tokens, V, K> Tokens for AllTokens<T, V, K> {
    async fn ready(&self) -> Result<(), Failure> {
        self.tokens.ready().await
    }

    async fn issue(&self, claims: &Claims) -> Result<String, Failure> {
        self.tokens.issue(claims).await
    }
}

impl<T: RefreshTokens, V, K> RefreshTokens for AllTokens<T, V, K> {
    fn refresh_token(&self) -> Result<(String, String), Failure> {
        self.tokens.refresh_token()
    }

    fn digest(&self, refresh_token: &str) -> String {
        self.tokens.digest(refresh_token)
    }
}

impl<T, V: TokenVerifier, K> TokenVerifier for AllTokens<T, V, K> {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Failure> {
        self.verifier.verify(token, now).await
    }

    async fn jwks(&self) -> Result<String, Failure> {
        self.verifier.jwks().await
    }
}

impl<T, V, K: SigningKeys> SigningKeys for AllTokens<T, V, K> {
    async fn rotate(&self) -> Result<String, Failure> {
        self.keys.rotate().await
    }
}

/// Generates one test per rule. The expression is a future of a `Fixture<impl Tokens + TokenVerifier + SigningKeys>`.
#[macro_export]
macro_rules! contract_tokens {
    ($fixture:expr) => {
        $crate::each_rule! { tokens, $fixture;
            verified_token_returns_its_claims
            expired_token_is_invalid
            token_of_the_future_is_invalid
            modified_token_is_invalid
            unsigned_token_is_invalid_whatever_its_algorithm
            token_signed_with_the_public_key_as_hmac_secret_is_invalid
            token_with_an_unknown_key_id_is_invalid
            malformed_token_is_invalid
            new_key_signs_after_five_minutes_and_the_old_one_stays_valid
            token_signed_by_another_process_with_a_newer_key_is_valid
            jwks_contains_the_signing_keys_and_no_private_members
            refresh_tokens_are_long_unique_and_stored_as_digests
        }
    };
}

fn claims() -> Claims {
    let (user_id, session_id) = (UserId(fresh()), SessionId(fresh()));
    Claims { user_id, session_id, role: Role::Staff, issued_at: now(), expires_at: later(3_600) }
}

/// Claims issued when a key created now has been published for five minutes.
fn later_claims() -> Claims {
    Claims { issued_at: later(302), ..claims() }
}

async fn issue(tokens: &impl Tokens, claims: &Claims) -> String {
    tokens.issue(claims).await.expect("a token")
}

async fn verify(tokens: &impl TokenVerifier, token: &str) -> Option<Claims> {
    verify_at(tokens, token, now()).await
}

async fn verify_at(tokens: &impl TokenVerifier, token: &str, at: Timestamp) -> Option<Claims> {
    tokens.verify(token, at).await.expect("a response")
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Header, payload and signing input of a token.
fn decode(token: &str) -> (Value, Value, String) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = parts[..] else { panic!("a JWT has three parts") };
    let json = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON");
    (json(header), json(payload), format!("{header}.{payload}"))
}

/// HMAC-SHA256 as in RFC 2104.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    match key.len() {
        0..=64 => block[..key.len()].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

pub async fn verified_token_returns_its_claims(fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>) {
    for role in [Role::Customer, Role::Staff, Role::Admin, Role::Service] {
        let claims = Claims { role, ..claims() };
        let token = issue(fixture.port(), &claims).await;
        assert_eq!(verify(fixture.port(), &token).await, Some(claims));
    }
}

pub async fn expired_token_is_invalid(fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>) {
    let claims = claims();
    let token = issue(fixture.port(), &claims).await;
    let just_before = Timestamp::from_second(claims.expires_at.as_second() - 1).expect("within the calendar");
    assert!(fixture.port().verify(&token, just_before).await.expect("a response").is_some());
    for at in [claims.expires_at, later(3_601), later(1_000_000)] {
        assert_eq!(fixture.port().verify(&token, at).await, Ok(None), "{at}");
    }
}

pub async fn token_of_the_future_is_invalid(fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>) {
    for (ahead, is_valid) in [(CLOCK_SKEW_S, true), (CLOCK_SKEW_S + 1, false)] {
        let token = issue(fixture.port(), &Claims { issued_at: later(ahead), ..claims() }).await;
        assert_eq!(verify(fixture.port(), &token).await.is_some(), is_valid, "{ahead}");
    }
}

pub async fn modified_token_is_invalid(fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>) {
    let token = issue(fixture.port(), &claims()).await;
    let (header, mut payload, _) = decode(&token);
    let signature = token.rsplit('.').next().expect("a signature");
    payload["role"] = json!("admin");
    let raised = format!("{}.{}.{signature}", encode(&header), encode(&payload));
    assert_eq!(verify(fixture.port(), &raised).await, None);
    let other = issue(fixture.port(), &claims()).await;
    let swapped = format!("{}.{}", token.rsplit_once('.').expect("parts").0, other.rsplit('.').next().expect("parts"));
    assert_eq!(verify(fixture.port(), &swapped).await, None);
}

pub async fn unsigned_token_is_invalid_whatever_its_algorithm(
    fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>,
) {
    let (header, payload, input) = decode(&issue(fixture.port(), &claims()).await);
    for algorithm in ["none", "None", "NONE", "", "HS256"] {
        let mut header = header.clone();
        header["alg"] = json!(algorithm);
        let unsigned = format!("{}.{}.", encode(&header), encode(&payload));
        assert_eq!(verify(fixture.port(), &unsigned).await, None, "{algorithm}");
    }
    assert_eq!(verify(fixture.port(), &format!("{input}.")).await, None);
    assert_eq!(verify(fixture.port(), &input).await, None);
}

pub async fn token_signed_with_the_public_key_as_hmac_secret_is_invalid(
    fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>,
) {
    let (header, payload, _) = decode(&issue(fixture.port(), &claims()).await);
    let jwks = fixture.port().jwks().await.expect("keys");
    let keys: Value = serde_json::from_str(&jwks).expect("JSON");
    let mut secrets: Vec<Vec<u8>> = vec![jwks.into_bytes(), vec![]];
    for key in keys["keys"].as_array().expect("a list") {
        secrets.push(key.to_string().into_bytes());
        for value in key.as_object().expect("an object").values().filter_map(Value::as_str) {
            secrets.push(value.as_bytes().to_vec());
            secrets.extend(URL_SAFE_NO_PAD.decode(value).ok());
        }
    }
    let mut header = header;
    header["alg"] = json!("HS256");
    let input = format!("{}.{}", encode(&header), encode(&payload));
    for secret in secrets {
        let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(&secret, input.as_bytes()));
        assert_eq!(verify(fixture.port(), &format!("{input}.{signature}")).await, None);
    }
}

pub async fn token_with_an_unknown_key_id_is_invalid(fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>) {
    let token = issue(fixture.port(), &claims()).await;
    let (header, payload, _) = decode(&token);
    let signature = token.rsplit('.').next().expect("a signature");
    for kid in [json!("unknown"), json!(""), json!(7), Value::Null, json!("../../etc/passwd")] {
        let mut header = header.clone();
        header["kid"] = kid;
        let forged = format!("{}.{}.{signature}", encode(&header), encode(&payload));
        assert_eq!(verify(fixture.port(), &forged).await, None);
    }
}

pub async fn malformed_token_is_invalid(fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>) {
    for text in ["", ".", "..", "...", "a.b.c", "e30.e30.e30", "Bearer x", "\u{0}", &"x".repeat(100_000)] {
        assert_eq!(verify(fixture.port(), text).await, None, "{text:.20}");
    }
}

pub async fn new_key_signs_after_five_minutes_and_the_old_one_stays_valid(
    fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>,
) {
    let (first, second) = (claims(), later_claims());
    let old = issue(fixture.port(), &first).await;
    let kid = fixture.port().rotate().await.expect("a key");
    fixture.wait_for_propagation().await;
    let meanwhile = issue(fixture.port(), &first).await;
    let new = issue(fixture.port(), &second).await;
    assert_eq!(
        decode(&meanwhile).0["kid"],
        decode(&old).0["kid"],
        "a key that is not published long enough signs nothing"
    );
    assert_eq!(decode(&new).0["kid"], kid.as_str());
    assert_ne!(decode(&old).0["kid"], kid.as_str());
    assert_eq!(verify(fixture.port(), &old).await, Some(first));
    assert_eq!(verify_at(fixture.port(), &new, second.issued_at).await, Some(second));
}

pub async fn token_signed_by_another_process_with_a_newer_key_is_valid(
    fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>,
) {
    let mut processes = fixture.concurrent(2);
    let (one, other) = (processes.next().expect("one"), processes.next().expect("another"));
    let (first, second) = (claims(), later_claims());
    let old = issue(one, &first).await;
    assert_eq!(verify(one, &old).await, Some(first.clone()));
    let kid = other.rotate().await.expect("a key");
    issue(other, &first).await;
    let new = issue(other, &second).await;
    assert_eq!(decode(&new).0["kid"], kid.as_str());
    fixture.wait_for_propagation().await;
    assert_eq!(verify_at(one, &new, second.issued_at).await, Some(second));
    assert_eq!(verify(other, &old).await, Some(first));
}

pub async fn jwks_contains_the_signing_keys_and_no_private_members(
    fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>,
) {
    let old = decode(&issue(fixture.port(), &claims()).await).0;
    fixture.port().rotate().await.expect("a key");
    fixture.wait_for_propagation().await;
    issue(fixture.port(), &claims()).await;
    let new = decode(&issue(fixture.port(), &later_claims()).await).0;
    let keys: Value = serde_json::from_str(&fixture.port().jwks().await.expect("keys")).expect("JSON");
    let keys = keys["keys"].as_array().expect("a list");
    for header in [old, new] {
        let key = keys.iter().find(|key| key["kid"] == header["kid"]).expect("the key that signed is published");
        assert_eq!((&key["alg"], &key["use"]), (&header["alg"], &json!("sig")));
    }
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(keys.iter().all(|key| key.get(private).is_none()), "{private}");
    }
}

pub async fn refresh_tokens_are_long_unique_and_stored_as_digests(
    fixture: &Fixture<impl Tokens + TokenVerifier + SigningKeys>,
) {
    let mut tokens = Vec::new();
    for _ in 0..16 {
        let (token, digest) = fixture.port().refresh_token().expect("a token");
        assert_eq!(URL_SAFE_NO_PAD.decode(&token).expect("base64url").len(), 32);
        assert_eq!(digest, hex(&Sha256::digest(&token)));
        tokens.push(token);
    }
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 16);
}
