//! The documents of the API and of the events, the page that shows them, and the problem types.

use super::{assert_all_samples_run, clock, http::assert_responses, sample};
use adapters::{Wiring, config::Config};
use catalog::Function;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use serde_json::Value;

async fn get(function: &'static Function, handler: impl AsyncFn(Call<NoBody>) -> Result<Reply<()>, Failure>) -> Value {
    assert_all_samples_run(function, &["ok", "bad_body_is_ignored"]);
    let route = Wiring::new(function, Config::from_vars([])).route().expect("a route");
    edge::http::respond(&route, sample(function, "ok"), &clock(), &handler).await
}

fn body(response: &Value) -> &str {
    assert_eq!(response["statusCode"], 200, "{response}");
    response["body"].as_str().expect("a body")
}

#[tokio::test]
async fn openapi_document_has_every_route_of_the_catalog() {
    let response = get(catalog::OPENAPI_GET, openapi_get::handle).await;
    assert_eq!(response["headers"]["content-type"], "application/json");
    let document: Value = serde_json::from_str(body(&response)).expect("JSON");
    for row in catalog::FUNCTIONS {
        if let catalog::Trigger::Http { method, path, .. } = row.trigger {
            let operation = &document["paths"][path][method.name().to_lowercase()];
            assert_eq!(operation["operationId"], row.name, "{} {path}", method.name());
        }
    }
}

#[tokio::test]
async fn asyncapi_document_has_every_event_of_the_catalog() {
    let response = get(catalog::ASYNCAPI_GET, asyncapi_get::handle).await;
    let document: Value = serde_json::from_str(body(&response)).expect("JSON");
    for event in catalog::EVENTS {
        let reference = format!("#/components/messages/{}", event.name);
        assert_eq!(document["channels"]["bus"]["messages"][event.name]["$ref"], reference);
        assert_eq!(document["channels"][event.topic.name]["messages"][event.name]["$ref"], reference);
    }
}

#[tokio::test]
async fn documentation_page_runs_no_script_but_its_own() {
    let response = get(catalog::DOCS_GET, docs_get::handle).await;
    assert_eq!(response["headers"]["content-type"], "text/html; charset=utf-8");
    let policy = response["headers"]["content-security-policy"].as_str().expect("a policy");
    let scripts: Vec<_> = body(&response).split("<script>").skip(1).map(script_hash).collect();
    assert_eq!(scripts.len(), 2);
    assert!(policy.contains(&format!("script-src {};", scripts.join(" "))), "{policy} does not permit {scripts:?}");
    assert!(!body(&response).contains("src=\"http"), "the page loads nothing from another host");
}

fn script_hash(rest: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let script = rest.split("</script>").next().expect("a script");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, script.as_bytes());
    format!("'sha256-{}'", STANDARD.encode(digest))
}

#[tokio::test]
async fn problem_type_is_explained_by_its_code() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_code", 404, "not-found", ""),
        (r#"set /pathParameters/code = "Insufficient-Stock""#, 404, "not-found", ""),
    ];
    assert_responses(catalog::PROBLEM_GET, &expected, async |_, call| problem_get::handle(call).await).await;
}
