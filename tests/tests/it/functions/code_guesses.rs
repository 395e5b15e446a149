//! Guesses of the code of a second factor from many sources: limited for each account.

use super::{
    USER, sample,
    second_factors::{at, body, code, finish, platform, route},
};
use catalog::USER_LOGIN_MFA;
use domain::login_throttle::{CODE_BURST, CODE_INTERVAL_S};
use edge::{Clock, http::respond};
use ports::{FactorStore as _, RefreshTokens as _};
use serde_json::{Value, json};
use testkit::Platform;

/// Status, problem and `Retry-After` of a proof from a source, with the password proven `seconds` after the time of the samples.
async fn prove(platform: &Platform, source: &str, proof: (&str, &str), seconds: i64) -> (i64, String, Value) {
    let (token, digest) = platform.tokens().refresh_token().expect("a token");
    let checked = platform.users().credentials(USER).expect("an account");
    assert_eq!(platform.users().store_login(&digest, &checked, at(seconds), at(seconds + 60)).await, Ok(true));
    let mut event = sample(USER_LOGIN_MFA, "ok");
    event["body"] = json!({ "mfa_token": token, (proof.0): proof.1 }).to_string().into();
    event["requestContext"]["http"]["sourceIp"] = source.into();
    let handler = async |call| finish(platform, call).await;
    let response = respond(&route(USER_LOGIN_MFA), event, &Clock::at(at(seconds), 7), &handler).await;
    let problem = body(&response)["type"].as_str().unwrap_or_default().replace("/problems/", "");
    (response["statusCode"].as_i64().expect("a status"), problem, response["headers"]["retry-after"].clone())
}

const OWNER: &str = "203.0.113.7";

#[tokio::test]
async fn wrong_codes_from_many_sources_are_limited_and_recovery_codes_are_not() {
    let (platform, recovery) = platform().await;
    let right = code(&platform, 0).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    for number in 0..CODE_BURST {
        let guessed = prove(&platform, &format!("198.51.100.{number}"), ("code", wrong), 0).await;
        assert_eq!((guessed.0, guessed.1.as_str()), (401, "wrong-code"), "{number}");
    }
    let refused = (429, "too-many-logins".to_owned(), json!(CODE_INTERVAL_S.to_string()));
    for proof in [wrong, &right, &right, &right, &right, &right, &right] {
        assert_eq!(prove(&platform, OWNER, ("code", proof), 0).await, refused);
    }
    assert_eq!(prove(&platform, OWNER, ("recovery_code", &recovery[0]), 0).await.0, 200, "it is not delayed");
    let later = i64::from(CODE_INTERVAL_S);
    let next = code(&platform, later).await;
    assert_eq!(prove(&platform, OWNER, ("code", &next), later).await.0, 200);
    let after = code(&platform, later + 30).await;
    assert_eq!(prove(&platform, OWNER, ("code", &after), later + 30).await.0, 200, "a right code counts nothing");
    let guessed = prove(&platform, "198.51.100.77", ("code", wrong), later + 30).await;
    assert_eq!((guessed.0, guessed.1.as_str()), (401, "wrong-code"));
    assert_eq!(prove(&platform, "198.51.100.78", ("code", wrong), later + 30).await.0, 429);
}
