//! The texts of messages: edited, previewed, taken back, and used by the next message.

use super::{USER, clock, http::assert_responses, sample, seeded_platform};
use adapters::{Wiring, config::Config};
use adapters_templates::JinjaMessageTemplates;
use catalog::Function;
use domain::{
    message_limits::MessageLimits,
    text::{Email, FullName},
};
use edge::Consumer;
use ports::{Contact, EmailMessage};
use serde_json::{Value, json};
use services::Channels;
use testkit::{Platform, build};

fn templates() -> JinjaMessageTemplates {
    JinjaMessageTemplates::new().expect("the templates can be read")
}

/// Status, ETag and body of the response to an event.
async fn respond(platform: &Platform, function: &'static Function, event: Value) -> (u64, String, Value) {
    let (route, templates) = (Wiring::new(function, Config::from_vars([])).route().expect("a route"), templates());
    let response = match function.name {
        name if name == catalog::TEMPLATE_GET.name => {
            let handler = async |call| template_get::handle(&platform.contacts(), &templates, call).await;
            edge::http::respond(&route, event, &clock(), &handler).await
        }
        _ => {
            let handler = async |call| template_update::handle(&platform.contacts(), &templates, call).await;
            edge::http::respond(&route, event, &clock(), &handler).await
        }
    };
    let body = serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON");
    let tag = response["headers"]["etag"].as_str().unwrap_or_default().to_owned();
    (response["statusCode"].as_u64().expect("a status"), tag, body)
}

const SHIPPED: (&str, &str) = ("order_shipped", "en");
const BUILT_IN: &str = r#"set /body = "{\"reason\": \"as it was\"}""#;

/// Edits the English message about a shipped order: the sample with edits.
async fn edit(platform: &Platform, edits: &str) {
    let mut event = sample(catalog::TEMPLATE_UPDATE, edits);
    event["pathParameters"] = json!({ "name": SHIPPED.0, "locale": SHIPPED.1 });
    let (status, _, body) = respond(platform, catalog::TEMPLATE_UPDATE, event).await;
    assert_eq!(status, 200, "{body}");
}

async fn read(platform: &Platform, (name, locale): (&str, &str), query: &str) -> (u64, String, Value) {
    let mut event = sample(catalog::TEMPLATE_GET, "ok");
    event["rawQueryString"] = query.into();
    event["pathParameters"] = json!({ "name": name, "locale": locale });
    respond(platform, catalog::TEMPLATE_GET, event).await
}

#[tokio::test]
async fn template_get_shows_known_messages_and_versions_to_staff() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_unknown_name", 404, "not-found", ""),
        (r#"set /pathParameters/locale = "fr""#, 404, "not-found", ""),
        (r#"set /rawQueryString = "version=0""#, 200, "", ""),
        (r#"set /rawQueryString = "version=1""#, 404, "not-found", ""),
        (r#"set /rawQueryString = "version=-1""#, 422, "validation", "?version"),
        (r#"set /rawQueryString = "version=4294967296""#, 422, "validation", "?version"),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        ("remove /requestContext/authorizer", 401, "unauthenticated", ""),
    ];
    let platform = seeded_platform();
    assert_responses(catalog::TEMPLATE_GET, &expected, async |_, call| {
        template_get::handle(&platform.contacts(), &templates(), call).await
    })
    .await;
}

#[tokio::test]
async fn template_update_stores_a_version_or_names_the_field() {
    let expected = [
        (r#"set /requestContext/authorizer/lambda/role = "staff""#, 403, "forbidden", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        ("remove /headers/if-match", 428, "if-match-missing", ""),
        ("bad_filter", 422, "validation", "/html"),
        (r#"set /pathParameters/name = "password_reset""#, 404, "not-found", ""),
        (r#"set /pathParameters/locale = "EN""#, 404, "not-found", ""),
        (r#"set /body/txt = "Ahoy,\n\n{% if name %}""#, 422, "validation", "/txt"),
        (r#"set /body/subject = "two\nlines""#, 422, "validation", "/subject"),
        (r#"set /body/subject = """#, 422, "validation", "/subject"),
        (r#"set /body/subject = "{{ tracking_number }}""#, 422, "validation", "/subject"),
        (r#"set /body/short = "{{ lines_of_another_message }}""#, 422, "validation", "/short"),
        ("set /body/short = null", 422, "validation", "/short"),
        ("remove /body/html", 422, "validation", "/html"),
        (r#"set /body/html = "{% autoescape false %}{{ number }}{% endautoescape %}""#, 422, "validation", "/html"),
        ("remove /body/reason", 422, "validation", "/reason"),
        (r#"set /body/version = 1"#, 422, "validation", "/version"),
        (r#"set /headers/if-match = "\"1\"""#, 412, "precondition-failed", ""),
        (r#"set /headers/if-match = "\"0\"""#, 200, "", ""),
        (r#"set /headers/if-match = "\"0\"""#, 412, "precondition-failed", ""),
        (BUILT_IN, 200, "", ""),
        ("ok", 200, "", ""),
    ];
    let platform = seeded_platform();
    assert_responses(catalog::TEMPLATE_UPDATE, &expected, async |_, call| {
        template_update::handle(&platform.contacts(), &templates(), call).await
    })
    .await;
    let (_, tag, view) = read(&platform, ("order_waiting", "de"), "").await;
    assert_eq!((tag.as_str(), &view["version"]), ("\"3\"", &json!(3)), "what was refused left no version");
}

#[tokio::test]
async fn text_that_is_too_long_is_refused() {
    for (length, status, pointer) in
        [(60_000, 200, json!(null)), (60_001, 422, json!("/html")), (256 * 1024, 413, json!(null))]
    {
        let event = sample(catalog::TEMPLATE_UPDATE, &format!("set /body/html = \"{}\"", "x".repeat(length)));
        let (answered, _, body) = respond(&seeded_platform(), catalog::TEMPLATE_UPDATE, event).await;
        assert_eq!((answered, &body["errors"][0]["pointer"]), (status, &pointer), "{length}");
    }
}

#[tokio::test]
async fn template_preview_renders_or_names_field_and_line() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_syntax", 422, "validation", "/short"),
        (r#"set /body/html = "<p>\n{{ number|tojson }}""#, 422, "validation", "/html"),
        (r#"set /body/reason = "none""#, 422, "validation", "/reason"),
        (r#"set /pathParameters/name = "verification""#, 404, "not-found", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (
            r#"set /body/html = "{% for a in lines %}{% for b in order_id %}{% for c in order_id %}{% for d in order_id %}x{% endfor %}{% endfor %}{% endfor %}{% endfor %}""#,
            422,
            "validation",
            "/html",
        ),
    ];
    assert_responses(catalog::TEMPLATE_PREVIEW, &expected, async |case, call| {
        let reply = template_preview::handle(&templates(), call).await;
        if case == "ok" {
            let body = reply.as_ref().expect("a preview").to_stored()?.body;
            assert!(body.contains(r#""subject":"Order 0123456789AB has left""#), "{body}");
        } else if case.contains("tojson") {
            let refused = reply.as_ref().expect_err("refused");
            assert!(refused.fields[0].detail.starts_with("line 2: "), "{:?}", refused.fields);
        }
        reply
    })
    .await;
}

#[tokio::test]
async fn earlier_version_can_be_read_and_used_again() {
    let platform = seeded_platform();
    let (_, tag, built_in) = read(&platform, SHIPPED, "").await;
    assert_eq!((tag.as_str(), &built_in["version"], &built_in["built_in"]), ("\"0\"", &json!(0), &json!(true)));
    edit(&platform, "ok").await;
    edit(&platform, r#"set /headers/if-match = "\"1\""; set /body/short = "Gone.""#).await;
    let (_, tag, first) = read(&platform, SHIPPED, "version=1").await;
    assert_eq!((tag.as_str(), &first["short"]), ("\"2\"", &json!("Order {{ number }} has left.")));
    assert_eq!(first["versions"].as_array().expect("versions").len(), 2);
    edit(&platform, r#"set /headers/if-match = "\"2\"""#).await;
    let (_, _, again) = read(&platform, SHIPPED, "").await;
    assert_eq!((&again["short"], &again["version"]), (&first["short"], &json!(3)));
    edit(&platform, BUILT_IN).await;
    let (_, _, end) = read(&platform, SHIPPED, "").await;
    for member in ["subject", "txt", "html", "short", "built_in"] {
        assert_eq!(end[member], built_in[member], "{member}");
    }
    let (_, _, start) = read(&platform, SHIPPED, "version=0").await;
    assert_eq!((&start["version"], &start["short"]), (&json!(0), &built_in["short"]));
    assert_eq!(end["versions"][0]["reason"], "as it was");
    assert_eq!(end["versions"][0]["edited_by"], "0192f0c1-0000-7000-8000-000000000002");
}

/// The e-mail about a shipped order.
async fn mail(platform: &Platform) -> EmailMessage {
    let (email, sms, push) = (&platform.email_sender(), &platform.sms_sender(), &platform.push_sender());
    let limits = MessageLimits::default();
    let handler = async |delivery| {
        let channels = Channels { email, sms, push, limits: &limits };
        update_send::handle(&platform.contacts(), &templates(), channels, delivery).await
    };
    let consumer = Consumer::new(catalog::UPDATE_SEND.name, catalog::MAX_RECEIVES);
    let event = sample(catalog::UPDATE_SEND, "ok_shipped");
    let response = edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
    assert_eq!(response.expect("a batch")["batchItemFailures"], json!([]));
    email.sent().pop().expect("an e-mail")
}

fn platform_with_hostile_name() -> Platform {
    let platform = seeded_platform();
    let name = FullName::parse("<img src=x onerror=alert(1)> {{ 7 * 7 }}").expect("a name");
    let email = Email::parse("ada@example.com").expect("an address");
    platform.contacts().put(&Contact { name: Some(name), email, ..build::user().id(USER).contact() });
    platform
}

#[tokio::test]
async fn next_message_uses_the_edited_texts_and_escapes_what_customers_wrote() {
    let platform = platform_with_hostile_name();
    edit(
        &platform,
        r#"set /body/html = "{% extends \"en/layout.html\" %}{% block body %}<p title=\"{{ name or 'you' }}\">Ahoy {{ name or 'you' }}</p>{% endblock %}""#,
    )
    .await;
    let sent = mail(&platform).await;
    assert!(sent.subject.starts_with("Order ") && sent.subject.ends_with(" has left"), "{}", sent.subject);
    assert!(sent.text.starts_with("Ahoy,\n\norder "), "{}", sent.text);
    assert!(sent.html.contains("<p title=\"&lt;img src=x onerror=alert(1)&gt; {{ 7 * 7 }}\">"), "{}", sent.html);
    assert!(!sent.html.contains("<img") && sent.html.contains("QUAYSIDE"), "in the layout: {}", sent.html);
}

#[tokio::test]
async fn message_is_sent_with_the_built_in_texts_after_the_return_to_them() {
    let platform = platform_with_hostile_name();
    edit(&platform, "ok").await;
    edit(&platform, BUILT_IN).await;
    assert!(mail(&platform).await.subject.ends_with(" is on its way"));
}
