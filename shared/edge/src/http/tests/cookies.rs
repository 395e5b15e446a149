//! Credentials in cookies: from which requests they count, and how they are set.

use super::*;

const CHANGES: Route = Route::new("thing-do", Access::Public);
const OURS: (&str, &str) = ("x-requested-with", "fetch");

fn credential() -> CredentialCookie {
    CredentialCookie { name: "__Host-key", max_age_s: 60, origins: vec!["https://shop.example".to_owned()] }
}

/// Status of a request with these headers and cookies, and the credential that the handler read.
async fn read(headers: &[(&str, &str)], cookies: &[&str]) -> (i64, Value) {
    let event = headers.iter().fold(http_event("POST", "/things"), |event, (name, value)| event.header(name, value));
    let mut event = event.build();
    event["cookies"] = cookies.into();
    let response =
        send(CHANGES, event, async |call: Call<NoBody>| Ok(Reply::ok(credential().read(&call)?.map(str::to_owned))));
    let response = response.await;
    (response.status, response.body())
}

#[tokio::test]
async fn cookie_counts_only_from_a_script_of_an_origin_that_may_use_it() {
    let cookie = ["other=1", "__Host-key=secret=="];
    let accepted = (200, json!("secret=="));
    assert_eq!(read(&[OURS], &cookie).await, accepted, "a program that is no browser");
    assert_eq!(read(&[OURS, ("origin", "https://shop.example")], &cookie).await, accepted);
    for headers in [
        &[][..],
        &[("x-requested-with", "")],
        &[("origin", "https://shop.example")],
        &[OURS, ("origin", "https://evil.example")],
        &[OURS, ("origin", "https://shop.example.evil.example")],
        &[OURS, ("origin", "http://shop.example")],
        &[OURS, ("origin", "https://shop.example:8443")],
        &[OURS, ("origin", "https://shop.example,https://evil.example")],
        &[OURS, ("origin", "null")],
        &[OURS, ("origin", "")],
    ] {
        let (status, body) = read(headers, &cookie).await;
        assert_eq!((status, &body["type"]), (403, &json!("/problems/cross-site-request")), "{headers:?}");
    }
}

#[tokio::test]
async fn cookie_that_is_missing_or_ambiguous_is_no_credential() {
    for cookies in [&[][..], &["__Host-keys=x"], &["__host-key=x"], &["__Host-key"], &["__Host-key=a", "__Host-key=b"]]
    {
        assert_eq!(read(&[OURS], cookies).await, (200, json!(null)), "{cookies:?}");
    }
    assert_eq!(read(&[], &["__Host-key=a", "__Host-key=b"]).await.0, 403);
}

#[tokio::test]
async fn cookies_that_an_emulator_leaves_in_the_headers_are_read() {
    let headers = [OURS, ("cookie", "other=1; __Host-key=secret")];
    assert_eq!(read(&headers, &[]).await, (200, json!("secret")));
}

#[tokio::test]
async fn credential_is_in_the_body_or_in_a_cookie_that_no_script_reads() {
    let event = |cookie: &str| http_event("POST", "/things").header("cookie", cookie).build();
    let set = async |in_cookie: bool| {
        let handler = async |_: Call<NoBody>| {
            let (shown, cookie) = credential().deliver("secret".to_owned(), in_cookie);
            Ok(Reply::ok(shown).cookie(cookie))
        };
        let response = respond(&CHANGES, event(""), &clock(), &handler).await;
        (response["body"].clone(), response["cookies"].clone())
    };
    assert_eq!(set(false).await, (json!("\"secret\""), json!([])));
    let cookie = "__Host-key=secret; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Strict";
    assert_eq!(set(true).await, (json!("null"), json!([cookie])));
    let remove = async |cookie: &str| {
        let handler = async |call: Call<NoBody>| Ok(Reply::<()>::no_content().cookie(credential().removed_from(&call)));
        respond(&CHANGES, event(cookie), &clock(), &handler).await["cookies"].clone()
    };
    assert_eq!(remove("other=1").await, json!([]));
    let removed = "__Host-key=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict";
    assert_eq!(remove("__Host-key=x").await, json!([removed]));
}
