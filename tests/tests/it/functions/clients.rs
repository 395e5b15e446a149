//! Service clients: created, listed and deleted by admins, their secrets replaced, and tokens issued for these.

use super::{clock, http::assert_responses, sample, sample_time, second_factors::route};
use api::{ClientSecretView, ServiceTokenView};
use catalog::{AUTHORIZER, CLIENT_CREATE, CLIENT_DELETE, CLIENT_LIST, CLIENT_SECRET_ROTATE, TOKEN_ISSUE};
use domain::{
    client::{Client, CreateClient, OVERLAP_S, TokenRequest},
    id::{ClientId, UserId},
    login_throttle,
    text::ClientName,
};
use edge::http::{Call, Form, NoBody, Reply, respond};
use kernel::{Failure, Timestamp, Uuid};
use ports::{ClientSecrets as _, ClientStore as _};
use serde_json::{Value, json};
use services::LoginThrottle;
use testkit::Platform;

/// The client of the samples.
const CLIENT: ClientId = ClientId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00f1));
const AS_STAFF: &str = r#"set /requestContext/authorizer/lambda/role = "staff""#;

/// The platform with the client of the samples, whose secret is `secret-1`.
async fn platform() -> Platform {
    let platform = Platform::new();
    let (secret, digest) = platform.tokens().client_secret().expect("a secret");
    assert_eq!(secret, "secret-1");
    let name = ClientName::parse("Warehouse").expect("a name");
    let (created_by, created_at) = (UserId(Uuid::from_u128(9)), sample_time());
    let client = Client { id: CLIENT, name, created_by, created_at, previous_valid_until: None };
    platform.users().create_client(&client, &digest, None).await.expect("stored");
    platform
}

pub(crate) async fn issue(
    platform: &Platform,
    call: Call<Form<TokenRequest>>,
) -> Result<Reply<ServiceTokenView>, Failure> {
    let (clients, tokens, sources) = (&platform.users(), &platform.tokens(), &platform.request_sources());
    token_issue::handle(&LoginThrottle::new(clients, tokens, sources), tokens, call).await
}

async fn create(platform: &Platform, call: Call<CreateClient>) -> Result<Reply<ClientSecretView>, Failure> {
    client_create::handle(&platform.users(), &platform.tokens(), &platform.sealer(), call).await
}

async fn rotate(platform: &Platform, call: Call<NoBody>) -> Result<Reply<ClientSecretView>, Failure> {
    client_secret_rotate::handle(&platform.users(), &platform.tokens(), &platform.sealer(), call).await
}

/// The response to a request for a token, `seconds` after the time of the samples.
async fn token_at(platform: &Platform, edits: &str, seconds: i64) -> Value {
    let at = Timestamp::from_second(sample_time().as_second() + seconds).expect("a time");
    let handler = async |call| issue(platform, call).await;
    respond(&route(TOKEN_ISSUE), sample(TOKEN_ISSUE, edits), &edge::Clock::at(at, 7), &handler).await
}

async fn token(platform: &Platform, edits: &str) -> Value {
    token_at(platform, edits, 0).await
}

fn body(response: &Value) -> Value {
    serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON")
}

fn form(id: &str, secret: &str) -> String {
    format!(r#"set /body = "grant_type=client_credentials&client_id={id}&client_secret={secret}""#)
}

/// The context that the authorizer returns for an access token.
async fn authorized(platform: &Platform, token: &Value) -> Value {
    let mut event = sample(AUTHORIZER, "ok");
    event["headers"]["authorization"] = format!("Bearer {}", token.as_str().expect("a token")).into();
    let (tokens, revocations) = (platform.tokens(), platform.revocations());
    let handler = async |request| authorizer::handle(&tokens, &revocations, request).await;
    edge::authorizer::decide(event, &clock(), &handler).await.expect("a decision")["context"].clone()
}

#[tokio::test]
async fn client_create_shows_the_secret_once_and_stores_its_digest() {
    let expected = [
        (AS_STAFF, 403, "forbidden", ""),
        ("bad_unknown_field", 422, "validation", "/scope"),
        (r#"set /body/name = " ""#, 422, "validation", "/name"),
        ("ok", 201, "", ""),
    ];
    let platform = Platform::new();
    assert_responses(CLIENT_CREATE, &expected, async |_, call| {
        let reply = create(&platform, call).await?;
        let created: Value = serde_json::from_str(&reply.to_stored()?.body).expect("JSON");
        assert_eq!((&created["secret"], &created["role"]), (&json!("secret-1"), &json!("service")));
        Ok(reply)
    })
    .await;
    assert_eq!(platform.users().clients(10, None).await.expect("a page").items.len(), 1);
}

#[tokio::test]
async fn client_list_shows_clients_to_admins_without_secrets() {
    let expected =
        [(AS_STAFF, 403, "forbidden", ""), ("bad_cursor", 422, "validation", "?cursor"), ("ok", 200, "", "")];
    let platform = platform().await;
    assert_responses(CLIENT_LIST, &expected, async |_, call| {
        let reply = client_list::handle(&platform.users(), call).await?;
        let listed: Value = serde_json::from_str(&reply.to_stored()?.body).expect("JSON");
        assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["secret"]), (&json!(CLIENT), &Value::Null));
        Ok(reply)
    })
    .await;
}

#[tokio::test]
async fn token_issue_gives_a_token_of_the_role_service_for_form_and_header() {
    let platform = platform().await;
    let basic = r#"set /body = "grant_type=client_credentials"; set /headers/authorization = "Basic MDE5MmYwYzEtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGYxOnNlY3JldC0x""#;
    for case in ["ok", basic] {
        let response = token(&platform, case).await;
        assert_eq!(response["statusCode"], 200, "{response}");
        assert_eq!(
            (&response["headers"]["cache-control"], &response["headers"]["pragma"]),
            (&json!("no-store"), &json!("no-cache"))
        );
        let issued = body(&response);
        assert_eq!((&issued["token_type"], &issued["expires_in"]), (&json!("Bearer"), &json!(3600)));
        let known = json!({ "sub": CLIENT, "role": "service", "sid": CLIENT });
        assert_eq!(authorized(&platform, &issued["access_token"]).await, known);
    }
}

#[tokio::test]
async fn token_issue_refuses_in_the_form_of_rfc_6749() {
    let platform = platform().await;
    let id = CLIENT.to_string();
    let both = r#"set /headers/authorization = "Basic YTpz""#;
    for (case, status, error) in [
        ("bad_grant", 400, "unsupported_grant_type"),
        (r#"set /body = "client_id=a""#, 400, "invalid_request"),
        (both, 400, "invalid_request"),
        (r#"set /headers/authorization = "Basic !""#, 400, "invalid_request"),
        (r#"set /body = "grant_type=client_credentials&scope=admin""#, 400, "invalid_scope"),
        (r#"set /body = "grant_type=client_credentials""#, 401, "invalid_client"),
        (form(&id, "secret-2").as_str(), 401, "invalid_client"),
        (form("nobody", "secret-1").as_str(), 401, "invalid_client"),
        (form("0192f0c1-0000-7000-8000-0000000000f9", "secret-1").as_str(), 401, "invalid_client"),
    ] {
        let response = token(&platform, case).await;
        assert_eq!(
            (response["statusCode"].as_i64(), &body(&response)["error"]),
            (Some(status), &json!(error)),
            "{case}"
        );
        let headers = &response["headers"];
        assert_eq!(
            (&headers["content-type"], &headers["cache-control"]),
            (&json!("application/json"), &json!("no-store"))
        );
        assert_eq!(headers["www-authenticate"].is_string(), status == 401, "{case}");
    }
    assert_eq!(token(&platform, "bad_json").await["statusCode"], 415);
}

#[tokio::test]
async fn client_secret_rotate_keeps_the_old_secret_for_a_day() {
    let expected = [(AS_STAFF, 403, "forbidden", ""), ("bad_unknown", 404, "not-found", ""), ("ok", 200, "", "")];
    let platform = platform().await;
    assert_responses(CLIENT_SECRET_ROTATE, &expected, async |_, call| rotate(&platform, call).await).await;
    let new = form(&CLIENT.to_string(), "secret-2");
    for (case, after, status) in
        [(new.as_str(), 0, 200), ("ok", OVERLAP_S - 1, 200), (new.as_str(), OVERLAP_S, 200), ("ok", OVERLAP_S, 401)]
    {
        assert_eq!(token_at(&platform, case, after).await["statusCode"], status, "{case} after {after} seconds");
    }
}

#[tokio::test]
async fn repeated_rotation_under_a_key_shows_the_same_secret_and_keeps_the_one_in_use() {
    let platform = platform().await;
    let send = async |key: &str| {
        let mut event = sample(CLIENT_SECRET_ROTATE, &format!(r#"set /pathParameters/id = "{CLIENT}""#));
        event["headers"]["idempotency-key"] = key.into();
        let handler = async |call| rotate(&platform, call).await;
        respond(&route(CLIENT_SECRET_ROTATE), event, &clock(), &handler).await
    };
    let (first, again) = (send("lost").await, send("lost").await);
    assert_eq!((&first["statusCode"], &first["body"]), (&json!(200), &again["body"]));
    assert_eq!(again["headers"]["idempotent-replayed"], "true");
    let new = form(&CLIENT.to_string(), body(&first)["secret"].as_str().expect("a secret"));
    for secret in ["ok", &new] {
        assert_eq!(token(&platform, secret).await["statusCode"], 200, "{secret}");
    }
    assert_eq!(send("on-purpose").await["statusCode"], 200);
    assert_eq!(token(&platform, "ok").await["statusCode"], 401, "replaced twice");
    assert_eq!(token(&platform, &new).await["statusCode"], 200);
}

#[tokio::test]
async fn repeated_creation_under_a_key_creates_one_client_and_shows_its_secret_again() {
    let platform = Platform::new();
    let send = async || {
        let handler = async |call| create(&platform, call).await;
        respond(&route(CLIENT_CREATE), sample(CLIENT_CREATE, "ok"), &clock(), &handler).await
    };
    let (first, again) = (send().await, send().await);
    assert_eq!((&first["statusCode"], &first["body"]), (&json!(201), &again["body"]));
    assert_eq!(platform.users().clients(10, None).await.expect("a page").items.len(), 1);
    let created = body(&first);
    let known = form(created["id"].as_str().expect("an id"), created["secret"].as_str().expect("a secret"));
    assert_eq!(token(&platform, &known).await["statusCode"], 200);
}

#[tokio::test]
async fn client_delete_revokes_the_tokens_of_the_client() {
    let expected = [
        (AS_STAFF, 403, "forbidden", ""),
        ("bad_unknown", 404, "not-found", ""),
        ("ok", 204, "", ""),
        ("ok", 404, "not-found", ""),
    ];
    let platform = platform().await;
    let issued = body(&token(&platform, "ok").await);
    assert_responses(CLIENT_DELETE, &expected, async |_, call| {
        client_delete::handle(&platform.users(), &platform.revocations(), call).await
    })
    .await;
    assert_eq!(authorized(&platform, &issued["access_token"]).await, json!({}));
    assert_eq!(token(&platform, "ok").await["statusCode"], 401);
}

#[tokio::test]
async fn wrong_secrets_are_delayed_and_the_right_one_is_refused_meanwhile() {
    let platform = platform().await;
    let wrong = form(&CLIENT.to_string(), "wrong");
    for _ in 0..login_throttle::FREE_FAILURES {
        assert_eq!(token(&platform, &wrong).await["statusCode"], 401);
    }
    let refused = token(&platform, "ok").await;
    assert_eq!((&refused["statusCode"], &refused["headers"]["retry-after"]), (&json!(429), &json!("30")));
    let elsewhere = r#"set /requestContext/http/sourceIp = "198.51.100.9""#;
    assert_eq!(token(&platform, elsewhere).await["statusCode"], 200);
}
