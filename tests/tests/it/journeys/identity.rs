//! Accounts and sessions through the real gateway, authorizer and stores.

use super::stack::{ApiClient, User, eventually, shared_stack, token_in, unique, var};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";

/// The token pair of a new session.
async fn login(api: &ApiClient, user: &User) -> Value {
    let body = json!({ "email": user.email, "password": PASSWORD });
    api.post("/api/v1/users/login").json(&body).send().await.expect(200)
}

fn text<'a>(pair: &'a Value, member: &str) -> &'a str {
    pair[member].as_str().expect("a token")
}

async fn refresh(api: &ApiClient, pair: &Value) -> super::stack::ApiResponse {
    let body = json!({ "refresh_token": pair["refresh_token"] });
    api.post("/api/v1/users/token/refresh").json(&body).send().await
}

#[tokio::test]
async fn refresh_rotates_the_pair_and_reuse_revokes_the_session() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let first = login(&api, &customer).await;
    let second = refresh(&api, &first).await.expect(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let orders = async |pair: &Value| api.get("/api/v1/orders").token(text(pair, "access_token")).send().await;
    orders(&second).await.expect(200);
    refresh(&api, &first).await.problem(401, "invalid-refresh-token");
    refresh(&api, &second).await.problem(401, "invalid-refresh-token");
    orders(&second).await.problem(401, "unauthenticated");
    api.get("/api/v1/orders").token(&customer.token).send().await.expect(200);
}

/// The value of the cookie that a response sets; empty if it removes it.
fn refresh_cookie(response: &super::stack::ApiResponse) -> String {
    let cookie = response.header("set-cookie").expect("a cookie");
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    assert!(attributes.ends_with("Path=/; Secure; HttpOnly; SameSite=Strict"), "{attributes}");
    // Without TLS browsers refuse the prefix.
    pair.trim_start_matches("__Host-").strip_prefix("refresh_token=").expect("its name").to_owned()
}

#[tokio::test]
async fn browser_keeps_its_session_in_a_cookie_that_other_sites_cannot_use() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let own: String = var("API_URL").split('/').take(3).collect::<Vec<_>>().join("/");
    let body = json!({ "email": customer.email, "password": PASSWORD });
    let log_in = async || {
        let request = api.post("/api/v1/users/login?session=cookie").header("x-requested-with", "fetch");
        request.header("origin", &own).json(&body).send().await
    };
    let begun = log_in().await;
    let first = refresh_cookie(&begun);
    let pair = begun.expect(200);
    assert_eq!(pair["refresh_token"], Value::Null);
    let prefix = if own.starts_with("https") { "__Host-" } else { "" };
    let refresh = async |token: &str, origin: &str| {
        let request = api.post("/api/v1/users/token/refresh").header("x-requested-with", "fetch");
        request.header("cookie", &format!("{prefix}refresh_token={token}")).header("origin", origin).send().await
    };
    refresh(&first, "https://evil.example").await.problem(403, "cross-site-request");
    let next = refresh(&first, &own).await;
    let second = refresh_cookie(&next);
    assert_ne!(first, second);
    let access = next.expect(200);
    // CORS_ORIGIN of scripts/local/deploy.py.
    let listed = refresh(&second, "http://localhost:5173").await;
    assert_eq!(listed.header("access-control-allow-credentials"), Some("true"));
    let third = refresh_cookie(&listed);
    let logout = api.post("/api/v1/users/logout").token(text(&access, "access_token"));
    let logout = logout.header("cookie", &format!("{prefix}refresh_token={third}")).send().await;
    assert_eq!((logout.status.as_u16(), refresh_cookie(&logout).as_str()), (204, ""));
    let refused = refresh(&third, &own).await;
    assert_eq!(refresh_cookie(&refused), "");
    refused.problem(401, "invalid-refresh-token");

    // Without an access token, as after a while away.
    let token = refresh_cookie(&log_in().await);
    let log_out = async |origin: &str| {
        let request = api.post("/api/v1/users/logout").header("x-requested-with", "fetch");
        request.header("cookie", &format!("{prefix}refresh_token={token}")).header("origin", origin).send().await
    };
    log_out("https://evil.example").await.problem(403, "cross-site-request");
    let logout = log_out(&own).await;
    assert_eq!((logout.status.as_u16(), refresh_cookie(&logout).as_str()), (204, ""));
    refresh(&token, &own).await.problem(401, "invalid-refresh-token");
    api.post("/api/v1/users/logout").send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn logout_ends_one_session_and_the_list_shows_the_others() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let path = format!("/api/v1/users/{}/sessions", customer.id);
    let pair = login(&api, &customer).await;
    let sessions = api.get(&path).token(&customer.token).send().await.expect(200);
    assert_eq!(sessions["items"].as_array().map(Vec::len), Some(2), "{sessions}");
    let logout = api.post("/api/v1/users/logout").token(text(&pair, "access_token")).send().await;
    assert_eq!((logout.status.as_u16(), logout.text.as_str()), (204, ""));
    api.get(&path).token(text(&pair, "access_token")).send().await.problem(401, "unauthenticated");
    refresh(&api, &pair).await.problem(401, "invalid-refresh-token");
    let sessions = api.get(&path).token(&customer.token).send().await.expect(200);
    assert_eq!(
        (sessions["items"].as_array().map(Vec::len), &sessions["items"][0]["is_current"]),
        (Some(1), &json!(true))
    );
    let other = api.customer().await;
    api.get(&path).token(&other.token).send().await.problem(404, "not-found");
    let pair = login(&api, &customer).await;
    let sessions = api.get(&path).token(&customer.token).send().await.expect(200);
    let newest = format!("{path}/{}", text(&sessions["items"][0], "id"));
    api.request(Method::DELETE, &newest).token(&other.token).send().await.problem(404, "not-found");
    let ended = api.request(Method::DELETE, &newest).token(&customer.token).send().await;
    assert_eq!(ended.status.as_u16(), 204);
    api.get(&path).token(text(&pair, "access_token")).send().await.problem(401, "unauthenticated");
    refresh(&api, &pair).await.problem(401, "invalid-refresh-token");
    api.request(Method::DELETE, &newest).token(&customer.token).send().await.problem(404, "not-found");
    let ended = api.request(Method::DELETE, &path).token(&customer.token).send().await;
    assert_eq!(ended.status.as_u16(), 204);
    api.get("/api/v1/orders").token(&customer.token).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn profile_is_changed_by_version_and_the_account_deleted() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.customer().await;
    let path = format!("/api/v1/users/{}", customer.id);
    let read = api.get(&path).token(&customer.token).send().await;
    let tag = read.header("etag").expect("a tag").to_owned();
    let user = read.expect(200);
    assert_eq!((&user["status"], &user["email_verified"]), (&json!("active"), &json!(false)));
    let put = async |tag: &str, body: &Value| {
        api.request(Method::PUT, &path).token(&customer.token).header("if-match", tag).json(body).send().await
    };
    let mut body = json!({ "email": user["email"], "username": user["username"], "full_name": "Ada King" });
    let updated = put(&tag, &body).await;
    let next = updated.header("etag").expect("a tag").to_owned();
    assert_eq!(updated.expect(200)["full_name"], "Ada King");
    put(&tag, &body).await.problem(412, "precondition-failed");
    body["email"] = json!(format!("new-{}", customer.email));
    put(&next, &body).await.problem(422, "validation");
    body["current_password"] = json!(PASSWORD);
    put(&next, &body).await.expect(200);
    let moved = User { email: body["email"].as_str().expect("an address").to_owned(), ..customer };
    let pair = login(&api, &moved).await;
    let deleted = api.request(Method::DELETE, &path).token(&moved.token).send().await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    api.get(&path).token(text(&pair, "access_token")).send().await.problem(401, "unauthenticated");
    let body = json!({ "email": moved.email, "password": PASSWORD });
    api.post("/api/v1/users/login").json(&body).send().await.problem(401, "wrong-credentials");
}

#[tokio::test]
async fn password_is_changed_with_the_old_one_and_reset_by_mail() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let customer = api.reachable(json!({})).await;
    let pair = login(&api, &customer).await;
    let second = "another horse, a new battery";
    let path = format!("/api/v1/users/{}/password", customer.id);
    let body = json!({ "current_password": PASSWORD, "password": second });
    assert_eq!(api.post(&path).token(&customer.token).json(&body).send().await.status, 204);
    api.get("/api/v1/orders").token(text(&pair, "access_token")).send().await.problem(401, "unauthenticated");
    api.get("/api/v1/orders").token(&customer.token).send().await.expect(200);
    let body = json!({ "email": customer.email, "password": PASSWORD });
    api.post("/api/v1/users/login").json(&body).send().await.problem(401, "wrong-credentials");
    let known = api.emails_to(&customer.email).await.len();
    for email in [customer.email.clone(), format!("nobody-{}", customer.email)] {
        let request = api.post("/api/v1/users/password-reset").json(&json!({ "email": email })).send().await;
        assert_eq!(request.status, 202, "{}", request.text);
    }
    let token = eventually("the token for a new password arrives", async || {
        api.emails_to(&customer.email).await.iter().skip(known).find_map(|text| token_in(text))
    });
    let token = token.await;
    let confirm = async |password: &str| {
        let body = json!({ "token": token, "password": password });
        api.post("/api/v1/users/password-reset/confirm").json(&body).send().await
    };
    confirm("short").await.problem(422, "validation");
    let third = "a third horse without a battery";
    assert_eq!(confirm(third).await.status, 204);
    confirm(third).await.problem(422, "validation");
    api.get("/api/v1/orders").token(&customer.token).send().await.problem(401, "unauthenticated");
    api.login(&customer.email, third).await;
}

#[tokio::test]
async fn admin_invites_gives_roles_and_disables() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let admin = api.login(&var("ADMIN_EMAIL"), &var("ADMIN_PASSWORD")).await;
    let customer = api.customer().await;
    let name = unique("g");
    let body = json!({ "email": format!("{name}@example.com"), "username": name, "role": "staff" });
    let invited = api.post("/api/v1/users/invite").token(&admin).json(&body).send().await.expect(201);
    assert_eq!(invited["role"], "staff");
    let path = format!("/api/v1/users/{}", customer.id);
    let put = api.request(Method::PUT, &format!("{path}/role")).token(&admin).json(&json!({ "role": "staff" }));
    assert_eq!(put.send().await.expect(200)["role"], "staff");
    api.get(&path).token(&customer.token).send().await.problem(401, "unauthenticated");
    let pair = login(&api, &customer).await;
    let search = format!("/api/v1/users?query={}", name);
    let found = api.get(&search).token(text(&pair, "access_token")).send().await.expect(200);
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    let patch = json!({ "status": "disabled" });
    let patch = api.request(Method::PATCH, &format!("{path}/status")).token(&admin).json(&patch);
    assert_eq!(patch.send().await.expect(200)["status"], "disabled");
    refresh(&api, &pair).await.problem(401, "invalid-refresh-token");
    let body = json!({ "email": customer.email, "password": PASSWORD });
    api.post("/api/v1/users/login").json(&body).send().await.problem(401, "wrong-credentials");
}
