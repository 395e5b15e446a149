//! Text, numbers and times.

use super::routes::Api;
use crate::functions::{USER, sample};
use catalog::{Function, NOTIFICATION_SEND, ORDER_PLACE, PRODUCT_CREATE, USER_LOGIN, USER_REGISTER, WINDOW_LIST};
use edge::{Consumer, Delivery};
use serde_json::json;
use testkit::build;

/// An input as edits of `ok.json`, the function, the status, and the pointer of the problem.
type Row = (&'static Function, &'static str, u16, &'static str);

/// Sends each input to a platform of its own. A rejected one has written nothing.
async fn assert_rows(rows: &[Row]) {
    for (function, input, status, pointer) in rows {
        let api = Api::new();
        let before = api.state();
        let answer = api.sample(function, input).await;
        assert_eq!(
            (answer.status, answer.pointer()),
            (*status, *pointer),
            "{} {input}: {}",
            function.name,
            answer.body
        );
        assert_eq!(api.state() != before, *status < 400, "{} {input} wrote {:?}", function.name, api.state());
    }
}

#[tokio::test]
async fn nul_and_control_characters_are_422_from_every_route() {
    assert_rows(&[
        (USER_LOGIN, r#"set /body/email = "ada\u0000@example.com""#, 422, "/email"),
        (USER_LOGIN, r#"set /body/password = "correct\u0000horse""#, 422, "/password"),
        (USER_LOGIN, r#"remove /body/email; set /body/username = "ada\u0000""#, 422, "/username"),
        (USER_REGISTER, r#"set /body/email = "a\u0000b@example.com""#, 422, "/email"),
        (USER_REGISTER, r#"set /body/username = "ada\u0000""#, 422, "/username"),
        (USER_REGISTER, r#"set /body/full_name = "Ada\u0000""#, 422, "/full_name"),
        (USER_REGISTER, r#"set /body/full_name = "Ada\u0007""#, 422, "/full_name"),
        (USER_REGISTER, r#"set /body/phone = "+4917012345\u0000""#, 422, "/phone"),
        (PRODUCT_CREATE, r#"set /body/name = "La\u0000mp""#, 422, "/name"),
        (PRODUCT_CREATE, r#"set /body/description = "a\u001bb""#, 422, "/description"),
        (PRODUCT_CREATE, r#"set /body/sku = "A\u00001""#, 422, "/sku"),
        (ORDER_PLACE, r#"set /body/shipping_address/line1 = "1\u0000""#, 422, "/shipping_address/line1"),
        (ORDER_PLACE, r#"set /body/shipping_address/city = "a\u007fb""#, 422, "/shipping_address/city"),
        (ORDER_PLACE, r#"set /body/payment_method = "pm_\u0000""#, 422, "/payment_method"),
        (NOTIFICATION_SEND, r#"set /body/data/subject = "a\nb""#, 422, "/data/subject"),
        (NOTIFICATION_SEND, r#"set /body/data/text = "a\u0000b""#, 422, "/data/text"),
        (WINDOW_LIST, r#"set /rawQueryString = "cursor=a%00b""#, 422, "?cursor"),
    ])
    .await;
}

#[tokio::test]
async fn letters_that_case_mapping_turns_into_others_are_422() {
    assert_rows(&[
        (USER_REGISTER, r#"set /body/username = "\u212aate""#, 422, "/username"),
        (USER_REGISTER, r#"set /body/username = "\u017ftaff""#, 422, "/username"),
        (USER_REGISTER, r#"set /body/email = "\u212aate@example.com""#, 422, "/email"),
        (USER_REGISTER, r#"set /body/email = "kate@\u212aate.com""#, 422, "/email"),
        (PRODUCT_CREATE, r#"set /body/sku = "stra\u00dfe""#, 422, "/sku"),
        (PRODUCT_CREATE, r#"set /body/sku = "\ufb01x-1""#, 422, "/sku"),
        (PRODUCT_CREATE, r#"set /body/sku = "\u017fku-1""#, 422, "/sku"),
    ])
    .await;
}

#[tokio::test]
async fn names_of_invisible_or_bidi_characters_are_422() {
    assert_rows(&[
        (USER_REGISTER, r#"set /body/full_name = "\u200b\u2060""#, 422, "/full_name"),
        (USER_REGISTER, r#"set /body/full_name = "\u3164""#, 422, "/full_name"),
        (USER_REGISTER, r#"set /body/full_name = "\u202eadA""#, 422, "/full_name"),
        (PRODUCT_CREATE, r#"set /body/name = "\u2066Lamp""#, 422, "/name"),
        (PRODUCT_CREATE, r#"set /body/name = "\u2800\u00ad""#, 422, "/name"),
        (ORDER_PLACE, r#"set /body/shipping_address/city = "\u200d""#, 422, "/shipping_address/city"),
        (ORDER_PLACE, r#"set /body/shipping_address/name = "\u202eadA""#, 422, "/shipping_address/name"),
        (ORDER_PLACE, r#"set /body/shipping_address/name = "Nguyễn Thị Minh""#, 201, ""),
        (USER_REGISTER, r#"set /body/full_name = "محمد علي""#, 201, ""),
        (USER_REGISTER, r#"set /body/full_name = "Nguyễn Thị Minh""#, 201, ""),
    ])
    .await;
}

#[tokio::test]
async fn email_addresses_are_those_of_rfc_5321_in_any_script_of_the_domain() {
    assert_rows(&[
        (USER_REGISTER, r#"set /body/email = ".a@example.com""#, 422, "/email"),
        (USER_REGISTER, r#"set /body/email = "a.@example.com""#, 422, "/email"),
        (USER_REGISTER, r#"set /body/email = "a..b@example.com""#, 422, "/email"),
        (USER_REGISTER, r#"set /body/email = "a@example..com""#, 422, "/email"),
        (USER_REGISTER, r#"set /body/email = "a@127.0.0.1""#, 422, "/email"),
    ])
    .await;
    let api = Api::new();
    let registered = api.sample(USER_REGISTER, r#"set /body/email = "Max@m\u00fcller.de""#).await;
    assert_eq!((registered.status, registered.body["email"].as_str()), (201, Some("max@müller.de")));
    assert_eq!(api.platform.users().all()[0].email.as_str(), "max@xn--mller-kva.de", "delivered to the ASCII form");
    for typed in ["max@müller.de", "MAX@MÜLLER.DE", "max@xn--mller-kva.de", "max@mu\u{308}ller.de"] {
        let login = api.sample(USER_LOGIN, &format!("set /body/email = {}", json!(typed))).await;
        assert_eq!(login.status, 200, "{typed}");
    }
}

#[tokio::test]
async fn password_typed_composed_or_decomposed_is_the_same() {
    let api = Api::new();
    let registered = api.sample(USER_REGISTER, r#"set /body/password = "cr\u00e8me br\u00fbl\u00e9e""#).await;
    assert_eq!(registered.status, 201);
    for (typed, status) in
        [("cr\u{e8}me br\u{fb}l\u{e9}e", 200), ("cre\u{300}me bru\u{302}le\u{301}e", 200), ("creme brulee", 401)]
    {
        let login = api.sample(USER_LOGIN, &format!("set /body/password = {}", json!(typed))).await;
        assert_eq!(login.status, status, "{typed}");
    }
    // A hash from before the normalization, of the decomposed form.
    let api = Api::new();
    let decomposed = "cre\u{300}me bru\u{302}le\u{301}e";
    api.platform.users().put(&build::user().id(USER).registered(), decomposed);
    let login = api.sample(USER_LOGIN, &format!("set /body/password = {}", json!(decomposed))).await;
    assert_eq!(login.status, 200);
}

#[tokio::test]
async fn address_is_checked_by_its_country() {
    let country = |code: &str| format!("set /body/shipping_address/country = {}", json!(code));
    for unassigned in ["XX", "UK", "ZZ", "XK", "EU", "us", "USA", ""] {
        let api = Api::new();
        let answer = api.sample(ORDER_PLACE, &country(unassigned)).await;
        assert_eq!((answer.status, answer.pointer()), (422, "/shipping_address/country"), "{unassigned}");
        assert_eq!(api.platform.orders().all().len(), 0);
    }
    let without = "remove /body/shipping_address/postal_code";
    for (code, status, pointer) in [
        ("HK", 201, ""),
        ("AE", 201, ""),
        ("IE", 201, ""),
        ("US", 422, "/shipping_address/postal_code"),
        ("DE", 422, "/shipping_address/postal_code"),
        ("JP", 422, "/shipping_address/postal_code"),
    ] {
        let answer = Api::new().sample(ORDER_PLACE, &format!("{}; {without}", country(code))).await;
        assert_eq!((answer.status, answer.pointer()), (status, pointer), "{code}: {}", answer.body);
    }
    let region = "remove /body/shipping_address/region";
    for (code, status) in [("DE", 201), ("US", 422), ("AE", 422)] {
        let answer = Api::new().sample(ORDER_PLACE, &format!("{}; {region}", country(code))).await;
        assert_eq!(answer.status, status, "{code}: {}", answer.body);
    }
}

#[tokio::test]
async fn whole_number_with_a_point_is_accepted_and_a_fraction_is_not() {
    assert_rows(&[
        (ORDER_PLACE, "set /body/items/0/quantity = 1.0", 201, ""),
        (ORDER_PLACE, "set /body/items/0/quantity = 1e0", 201, ""),
        (ORDER_PLACE, "set /body/items/0/quantity = 1.5", 422, "/items/0/quantity"),
        (PRODUCT_CREATE, "set /body/price/amount = 1999.5", 422, "/price/amount"),
    ])
    .await;
    let mut event = sample(ORDER_PLACE, "ok");
    let body = event["body"].as_str().expect("a body").replace("\"quantity\": 2", "\"quantity\": 2.0");
    event["body"] = body.into();
    let api = Api::new();
    let (first, again) = (api.sample(ORDER_PLACE, "ok").await, api.send(ORDER_PLACE, event).await);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.headers["idempotent-replayed"], "true", "2 and 2.0 are the same request");
}

#[tokio::test]
async fn time_of_a_query_is_bounded_and_may_have_an_unescaped_plus() {
    let api = Api::new();
    for (query, status) in [
        ("from=-009999-01-05T00:00:00Z", 422),
        ("from=-009999-01-05T00:00:00Z&to=-009999-01-06T00:00:00Z", 422),
        ("to=9999-12-30T00:00:00Z", 422),
        ("from=1969-12-31T00:00:00Z&to=1970-01-01T12:00:00Z", 422),
        ("cursor=-377705116800-USD", 422),
        ("cursor=99999999999999999-USD", 422),
        ("from=2026-11-21T08:45:00+01:00&to=2026-11-21T09:00:00+01:00", 200),
        ("from=2026-11-21T08:45:00%2B01:00&to=2026-11-21T09:00:00%2B01:00", 200),
    ] {
        let answer = api.sample(WINDOW_LIST, &format!("set /rawQueryString = {}", json!(query))).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn sms_is_counted_in_segments_of_its_alphabet() {
    let message = |text: &str| format!(r#"set /body/channel = "sms"; set /body/data/text = {}"#, json!(text));
    let api = Api::new();
    let refused = api.sample(NOTIFICATION_SEND, &message(&"😀".repeat(460))).await;
    assert_eq!((refused.status, refused.pointer()), (422, "/data/text"));
    let detail = refused.body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("8 SMS segments of 67 units in UCS-2"), "{detail}");
    assert_eq!(api.platform.bus().published().len(), 0);
}

#[tokio::test]
async fn event_with_a_text_that_no_type_accepts_is_dead_lettered() {
    for (name, value) in [("email", "a\0@example.com"), ("full_name", "\0"), ("username", "\u{212a}ate")] {
        let api = Api::new();
        let mut event = sample(catalog::CONTACT_TRACK, "ok");
        let body = event["Records"][0]["body"].as_str().expect("a body");
        let mut bridge: serde_json::Value = serde_json::from_str(body).expect("JSON");
        bridge["detail"]["data"][name] = value.into();
        event["Records"][0]["body"] = bridge.to_string().into();
        let handler = async |delivery: Delivery<_>| contact_track::handle(&api.platform.contacts(), delivery).await;
        let consumer = Consumer::new(catalog::CONTACT_TRACK.name, catalog::MAX_RECEIVES);
        let clock = edge::Clock::at(crate::functions::sample_time(), 7);
        let dead_letters = api.platform.dead_letters();
        let response = edge::queue::batch(&consumer, event, &clock, &dead_letters, &handler).await.expect("a batch");
        assert_eq!(response, json!({ "batchItemFailures": [] }), "{name}");
        assert_eq!(dead_letters.messages().len(), 1, "{name}");
    }
}
