//! Secrets that change while the functions are warm, and what is not trusted because it may be changed: the cache.

use super::stack::{ApiClient, eventually, exclusive_stack, id, order_request, shared_stack, unique, var};
use adapters::{Wiring, config::Config};
use adapters_redis::RedisCache;
use aws_lc_rs::hmac;
use catalog::Secret;
use kernel::Timestamp;
use ports::{Cache as _, SigningKeys as _};
use serde_json::{Value, json};

/// The configuration of a function that uses the secret, with the rights of an operator.
fn config(secrets: [&Secret; 2]) -> Config {
    let name = |secret: &Secret| format!("{}/local/{}", catalog::PREFIX, secret.name);
    Config::from_vars([
        ("STAGE", "local"),
        ("AWS_REGION", &var("AWS_REGION")),
        ("AWS_ENDPOINT_URL", &var("AWS_ENDPOINT_URL")),
        ("AWS_ACCESS_KEY_ID", &var("AWS_ACCESS_KEY_ID")),
        ("AWS_SECRET_ACCESS_KEY", &var("AWS_SECRET_ACCESS_KEY")),
        (secrets[0].env, &name(secrets[0])),
        (secrets[1].env, &name(secrets[1])),
    ])
}

pub(super) fn stored(secret: &'static Secret) -> adapters_secrets::SecretValue {
    let wiring = Wiring::new(catalog::PAYMENT_WEBHOOK, config([&catalog::GATEWAY_KEY, &catalog::WEBHOOK_SECRET]));
    adapters_secrets::secret(&wiring, secret).expect("a secret")
}

#[tokio::test]
async fn signing_keys_rotated_under_load_fail_no_request() {
    let (_stack, api) = (exclusive_stack().await, ApiClient::new());
    let before = api.customer().await;
    let keys = config([&catalog::SIGNING_KEYS, &catalog::VERIFICATION_KEYS]);
    let keys = adapters_auth::signing_keys(&Wiring::new(catalog::KEY_ROTATE, keys)).expect("the keys");
    let load = async {
        for _ in 0..8 {
            let customer = api.customer().await;
            for token in [&before.token, &customer.token] {
                api.get("/api/v1/orders").token(token).send().await.expect(200);
            }
        }
    };
    let (rotated, (), ()) = tokio::join!(keys.rotate(), load, async {
        for _ in 0..8 {
            api.get("/.well-known/jwks.json").send().await.expect(200);
            api.get("/api/v1/orders").token(&before.token).send().await.expect(200);
        }
    });
    rotated.expect("rotated");
    let after = api.customer().await;
    for token in [&before.token, &after.token] {
        api.get("/api/v1/orders").token(token).send().await.expect(200);
    }
}

/// Sends a genuine event that is about nothing of this platform, signed with `secret`.
async fn webhook(api: &ApiClient, secret: &str) -> u16 {
    let body = json!({ "id": unique("evt"), "type": "customer.created", "data": { "object": {} } }).to_string();
    signed_webhook(api, secret, &body).await
}

/// Sends `body` as a webhook that is signed with `secret`. Returns the status.
pub(super) async fn signed_webhook(api: &ApiClient, secret: &str, body: &str) -> u16 {
    let at = Timestamp::now().as_second();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let digest = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = api.post("/api/v1/webhooks/payments").header("content-type", "application/json");
    let request = request.header("stripe-signature", &format!("t={at},v1={digest}")).text(body);
    request.send().await.status.as_u16()
}

#[tokio::test]
async fn secrets_of_the_gateway_rotated_under_load_fail_no_request() {
    let (_stack, api) = (exclusive_stack().await, ApiClient::new());
    let (webhooks, gateway) = (stored(&catalog::WEBHOOK_SECRET), stored(&catalog::GATEWAY_KEY));
    let old = webhooks.read().await.expect("a response").expect("a secret");
    let key = gateway.read().await.expect("a response").expect("a key");
    let new = unique("whsec");
    let (customer, lantern) = (api.customer().await, api.product(1999, 8).await);
    assert_eq!(webhook(&api, &old).await, 204, "a warm function has the old secret");

    webhooks.write(format!("{new}\n{old}")).await.expect("written");
    gateway.write(unique("sk_test").replace('-', "_")).await.expect("written");
    for secret in [&old, &new, &old, &new] {
        let (status, placed) = tokio::join!(webhook(&api, secret), api.place(&customer, &lantern, 1, "pm_card_visa"));
        assert_eq!(status, 204);
        assert_eq!(api.wait_until_decided(&customer, &placed).await["status"], "processing", "order {}", id(&placed));
    }
    // Back to what the local gateway signs with.
    webhooks.write(old.clone()).await.expect("written");
    gateway.write(key).await.expect("written");
    assert_eq!(webhook(&api, &old).await, 204);
}

#[tokio::test]
async fn wrong_price_in_the_cache_is_never_charged() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 3).await);
    let path = catalog::PRODUCT_GET.path_of(id(&lantern));
    let mut wrong: Value = api.get(&path).send().await.expect(200);
    wrong["price"]["amount"] = json!(1);
    let key = ports::product_cache_key(id(&lantern).parse().expect("an id"));
    let cache = RedisCache::new(&var("REDIS_URL")).expect("a cache");
    // The stock of a new product invalidates what is cached of it.
    eventually("the wrong price is shown", async || {
        cache.put(&key, &wrong.to_string(), 300).await;
        (api.get(&path).send().await.expect(200)["price"]["amount"] == 1).then_some(())
    })
    .await;
    let request = order_request(&lantern, 2, "pm_card_visa");
    cache.put(&key, &wrong.to_string(), 300).await;
    let placed = api.post("/api/v1/orders").token(&customer.token).key(&unique("key")).json(&request).send().await;
    let placed = placed.expect(201);
    assert_eq!(placed["total_amount"]["amount"], 3998, "{placed}");
    assert_eq!(api.wait_until_decided(&customer, &placed).await["status"], "processing");
    let paid = api.get(&catalog::PAYMENT_GET_ORDER.path_of(id(&placed)));
    assert_eq!(paid.token(&customer.token).send().await.expect(200)["amount"]["amount"], 3998);
}
