//! Second factors over HTTP: set up with an authenticator app, used at a login, lost, and removed by an admin.

use super::stack::{ApiClient, User, shared_stack, var};
use aws_lc_rs::hmac;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const PASSWORD: &str = "correct horse battery staple";

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().expect("text")
}

/// What an authenticator app shows, `steps` of 30 seconds from now.
fn code(secret: &str, steps: u64) -> String {
    let digit = |letter: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("base32") as u64;
    let digits: Vec<u64> = secret.chars().map(digit).collect();
    let group = |group: &[u64]| group.iter().fold(0, |bits, digit| bits << 5 | digit).to_be_bytes()[3..].to_vec();
    let key: Vec<u8> = digits.chunks(8).flat_map(group).collect();
    let step = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs() / 30 + steps;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &step.to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(*tag.as_ref()[offset..].first_chunk().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The token of a login that is to be finished.
async fn mfa_token(api: &ApiClient, user: &User) -> String {
    let body = json!({ "email": user.email, "password": PASSWORD });
    let problem = api.post("/api/v1/users/login").json(&body).send().await.problem(401, "mfa-required");
    text(&problem, "mfa_token").to_owned()
}

#[tokio::test]
async fn login_with_a_second_factor_needs_a_code_until_it_is_removed() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let user = api.customer().await;
    let path = format!("/api/v1/users/{}/totp", user.id);
    let begin =
        |password: &str| api.post(&path).token(&user.token).json(&json!({ "current_password": password })).send();
    begin("wrong").await.problem(422, "validation");
    let begun = begin(PASSWORD).await.expect(200);
    let secret = text(&begun, "secret");
    api.login(&user.email, PASSWORD).await;
    let confirm = json!({ "code": code(secret, 0) });
    let confirmed = api.post(&format!("{path}/confirm")).token(&user.token).json(&confirm).send().await.expect(200);
    let recovery = confirmed["recovery_codes"].as_array().expect("codes");
    assert_eq!(recovery.len(), 10);

    let finish = async |body: Value| api.post("/api/v1/users/login/mfa").json(&body).send().await;
    let token = mfa_token(&api, &user).await;
    let used = confirm["code"].clone();
    finish(json!({ "mfa_token": token, "code": used })).await.problem(401, "wrong-code");
    // The clock of the device is a step ahead, which is accepted, and which no code before has used.
    let pair = finish(json!({ "mfa_token": token, "code": code(secret, 1) })).await.expect(200);
    api.get("/api/v1/orders").token(text(&pair, "access_token")).send().await.expect(200);
    finish(json!({ "mfa_token": token, "recovery_code": recovery[0] })).await.problem(401, "invalid-mfa-token");
    let token = mfa_token(&api, &user).await;
    finish(json!({ "mfa_token": token, "recovery_code": recovery[0] })).await.expect(200);

    let admin = api.login(&var("ADMIN_EMAIL"), &var("ADMIN_PASSWORD")).await;
    let removed = api.request(Method::DELETE, &path).token(&admin).send().await;
    assert_eq!(removed.status, 204, "{}", removed.text);
    api.login(&user.email, PASSWORD).await;
}

#[tokio::test]
async fn renewed_recovery_codes_are_accepted_and_old_ones_are_not() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let user = api.customer().await;
    let path = format!("/api/v1/users/{}/totp", user.id);
    let send = async |path: &str, body: Value| api.post(path).token(&user.token).json(&body).send().await;
    let begun = send(&path, json!({ "current_password": PASSWORD })).await.expect(200);
    let secret = text(&begun, "secret");
    let confirmed = send(&format!("{path}/confirm"), json!({ "code": code(secret, 0) })).await.expect(200);
    let renew = format!("{path}/recovery-codes");
    send(&renew, json!({ "code": code(secret, 0) })).await.problem(422, "validation");
    let renewed = send(&renew, json!({ "code": code(secret, 1) })).await.expect(200);
    assert_eq!(renewed["recovery_codes"].as_array().map(Vec::len), Some(10));
    let token = mfa_token(&api, &user).await;
    let finish = async |recovery: &Value| {
        let body = json!({ "mfa_token": token, "recovery_code": recovery });
        api.post("/api/v1/users/login/mfa").json(&body).send().await
    };
    finish(&confirmed["recovery_codes"][0]).await.problem(401, "wrong-code");
    finish(&renewed["recovery_codes"][0]).await.expect(200);
}
