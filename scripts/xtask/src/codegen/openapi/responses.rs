//! The responses of a route: its success, and the problems that follow from its row, its parameters and its own rules.

use super::{Cookie, IfMatch, Operation, Request, Response, Route, examples::SIGNED_TOKEN, types::Types};
use crate::Result;
use api::problems::{self, Problem};
use catalog::{Auth, Idempotency};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Problems that every route may have.
const EVERYWHERE: [&str; 3] = ["internal", "malformed-request", "unavailable"];

pub(super) fn of(operation: &Operation, route: &Route, types: &mut Types) -> Result<Map<String, Value>> {
    let mut success = success(operation, route, types);
    let mut responses = Map::new();
    if operation.unhealthy {
        responses.insert("503".to_owned(), success.clone());
    }
    if let Some(example) = operation.example {
        success["content"]["application/json"]["example"] = example()?;
    }
    responses.insert(operation.status.to_string(), success);
    if route.method == "get" {
        let description = "The client has this representation already.";
        responses.insert("304".to_owned(), json!({ "description": description }));
    }
    let mut by_status: BTreeMap<u16, Vec<&Problem>> = BTreeMap::new();
    for problem in codes(operation, route).into_iter().filter_map(problems::find) {
        by_status.entry(edge::http::status(problem.kind)).or_default().push(problem);
    }
    for (status, problems) in by_status {
        responses.entry(status.to_string()).or_insert_with(|| described(status, &problems));
    }
    if let Some((statuses, body)) = operation.rejections {
        let schema = types.response(body);
        for status in statuses {
            let response = responses.entry(status.to_string()).or_insert_with(|| json!({ "content": {} }));
            response["content"]["application/json"] = json!({ "schema": schema });
            if response["description"].is_null() {
                response["description"] = "Rejected; `error` says why.".into();
            }
        }
    }
    if operation.cookie != Cookie::None
        && let Some(success) = responses.get_mut(&operation.status.to_string())
    {
        success["headers"]["Set-Cookie"] = json!({ "$ref": "#/components/headers/Set-Cookie" });
    }
    let limits: &[&str] = if operation.function.limits_clients() { &RATE_LIMIT_FIELDS } else { &[] };
    for response in responses.values_mut() {
        for name in limits.iter().chain([&REQUEST_ID]) {
            response["headers"][name] = header(name);
        }
    }
    Ok(responses)
}

/// The response to a method that a path has no route for. It belongs to no operation.
pub(super) fn method_not_allowed() -> Value {
    let mut response = described(405, &problems::find("method-not-allowed").into_iter().collect::<Vec<_>>());
    for name in [ALLOW, REQUEST_ID] {
        response["headers"][name] = header(name);
    }
    response
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The header of every response of a function.
const REQUEST_ID: &str = "X-Request-Id";
const ALLOW: &str = "Allow";

const RATE_LIMIT_FIELDS: [&str; 2] = ["RateLimit", "RateLimit-Policy"];

/// The response fields that several routes have.
pub(super) fn headers() -> Value {
    let field = |about: &str, example: &str| json!({ "description": about, "schema": { "type": "string" }, "example": example });
    json!({
        ALLOW: field("The methods that the path has routes for.", "DELETE, GET, PATCH"),
        REQUEST_ID: field("Id of the request, to quote in a report; in every log line of it.", "JKJaXmPLvHcESHA="),
        "RateLimit": field(
            "What the client has left of each limit (`r`), and the seconds until more is free (`t`). Absent if requests cannot be counted.",
            r#""read-minute";r=1199;t=1, "read-day";r=199999;t=1"#,
        ),
        "RateLimit-Policy": field(
            "The limits of a client: requests (`q`) in a window of seconds (`w`).",
            r#""read-minute";q=1200;w=60, "read-day";q=200000;w=86400"#,
        ),
        "Set-Cookie": field(
            "The refresh token, for a session by cookie; empty if it is removed.",
            "__Host-refresh_token=…; Max-Age=2592000; Path=/; Secure; HttpOnly; SameSite=Strict",
        ),
    })
}

fn success(operation: &Operation, route: &Route, types: &mut Types) -> Value {
    let (media_type, schema) = match operation.response {
        Response::Nothing if operation.status == 302 => {
            let location = json!({ "description": "The URL.", "schema": { "type": "string", "format": "uri" } });
            return json!({ "description": "It is at another URL.", "headers": { "Location": location } });
        }
        Response::Nothing => return json!({ "description": "Done." }),
        Response::Json(body) => ("application/json", types.response(body)),
        Response::Document => ("application/json", json!({ "type": "object" })),
        Response::Html => ("text/html", json!({ "type": "string" })),
    };
    let text = |about: &str| json!({ "description": about, "schema": { "type": "string" } });
    let mut headers = json!({});
    if route.method == "get" || operation.if_match != IfMatch::Ignored {
        headers["ETag"] = text("Identifies this representation; for If-Match and If-None-Match.");
    }
    if operation.status == 201 {
        headers["Location"] = text("Path of the created resource.");
    }
    if route.idempotency != Idempotency::Ignored {
        headers["Idempotent-Replayed"] = text("`true` if this is the stored response of the first request.");
    }
    let description = match operation.status {
        201 => "Created.",
        202 => "Accepted; processed asynchronously.",
        _ => "The resource.",
    };
    let mut response =
        json!({ "description": description, "headers": headers, "content": { media_type: { "schema": schema } } });
    if operation.status == 201 {
        response["links"] = links(route).into();
    }
    response
}

/// The operations on the resource that a route creates.
fn links(route: &Route) -> Map<String, Value> {
    let resource = format!("{}/{{id}}", route.path);
    let is_below = |row: &&catalog::Function| {
        Route::of(row).is_some_and(|other| other.path.starts_with(&resource) && other.parameters().count() == 1)
    };
    let link = |row: &catalog::Function| {
        let link = json!({ "operationId": row.name, "parameters": { "id": "$response.body#/id" } });
        (row.name.to_owned(), link)
    };
    catalog::FUNCTIONS.iter().copied().filter(is_below).map(link).collect()
}

/// The codes of all problems of a route, each once.
fn codes(operation: &Operation, route: &Route) -> Vec<&'static str> {
    let mut codes = EVERYWHERE.to_vec();
    if route.auth != Auth::Public {
        codes.extend(["unauthenticated", "forbidden"]);
    }
    if route.parameters().next().is_some() {
        codes.push("not-found");
    }
    if operation.function.limits_clients() {
        codes.push("rate-limited");
    }
    if !operation.query.is_empty() {
        codes.push("validation");
    }
    match operation.request {
        Request::Nothing => {}
        Request::Json(_) | Request::Form(_) => codes.extend([
            "body-too-large",
            "duplicate-member",
            "malformed-body",
            "malformed-json",
            "unsupported-media-type",
            "validation",
        ]),
        Request::Signed => codes.extend(["body-too-large", "malformed-body", "malformed-json", "validation"]),
    }
    let takes_values = !operation.query.is_empty() || !matches!(operation.request, Request::Nothing);
    if takes_values && operation.function.database_role().is_some() {
        codes.push("unstorable-value");
    }
    if route.idempotency != Idempotency::Ignored {
        codes.extend(["idempotency-key-in-flight", "idempotency-key-invalid", "idempotency-key-reused"]);
    }
    if route.idempotency == Idempotency::Required {
        codes.push("idempotency-key-missing");
    }
    if operation.if_match != IfMatch::Ignored {
        codes.extend(["if-match-invalid", "precondition-failed"]);
    }
    if operation.if_match == IfMatch::Required {
        codes.push("if-match-missing");
    }
    if operation.cookie != Cookie::None {
        codes.push("cross-site-request");
    }
    codes.extend(&operation.problems);
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn described(status: u16, problems: &[&Problem]) -> Value {
    let lines: Vec<String> =
        problems.iter().map(|problem| format!("- `{}`: {}", problems::uri(problem.code), problem.meaning)).collect();
    let example = |problem: &&Problem| {
        (problem.code.to_owned(), json!({ "$ref": format!("#/components/examples/{}", problem.code) }))
    };
    let examples: Map<String, Value> = problems.iter().map(example).collect();
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let mut response = json!({
        "description": lines.join("\n"),
        "content": { "application/problem+json": { "schema": schema, "examples": examples } },
    });
    if status == 429 || status == 503 {
        response["headers"] = json!({
            "Retry-After": { "description": "Seconds after which to try again.", "schema": { "type": "integer" } },
        });
    }
    response
}

/// A document of each problem type.
pub(super) fn problem_examples() -> Map<String, Value> {
    let example = |problem: &Problem| {
        let mut document = json!({
            "type": problems::uri(problem.code),
            "title": edge::http::title(problem.kind),
            "status": edge::http::status(problem.kind),
            "detail": problem.meaning,
            "instance": "/api/v1/orders",
            // The trace id of the W3C's examples.
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        });
        if problem.code == "validation" {
            document["errors"] = json!([{ "pointer": "/items/0/quantity", "detail": "must be between 1 and 10000" }]);
        }
        for (_, name, _, example) in members().into_iter().filter(|(code, ..)| *code == problem.code) {
            document[name] = example;
        }
        (problem.code.to_owned(), json!({ "summary": problem.meaning, "value": document }))
    };
    problems::PROBLEMS.iter().map(example).collect()
}

/// The members that one problem type has: its code, the name, the schema and an example.
fn members() -> [(&'static str, &'static str, Value, Value); 3] {
    let token = |about: &str| json!({ "type": "string", "description": about });
    let money = json!({ "$ref": "#/components/schemas/Money" });
    let product = json!("0192f0c1-0000-7000-8000-00000000000a");
    let price = json!({
        "type": "object",
        "required": ["product_id", "expected_unit_price", "unit_price"],
        "properties": {
            "product_id": { "type": "string", "format": "uuid" }, "expected_unit_price": money, "unit_price": money,
        },
    });
    let about_prices = "Of `price-changed`: the lines whose price differs from the expected one.";
    let prices = json!({ "type": "array", "description": about_prices, "items": price });
    let [expected, actual] = [1_999, 2_499].map(|amount| json!({ "amount": amount, "currency": "USD" }));
    let mfa = "q2Zr0m6Yw1cJ8xTgVb4uLkHsNdPfAe3oIiRy7WzXt5E";
    [
        (
            "mfa-required",
            "mfa_token",
            token("Of `mfa-required`: finishes the login at `POST /api/v1/users/login/mfa`."),
            mfa.into(),
        ),
        (
            "mfa-enrolment-required",
            "enrolment_token",
            token("Of `mfa-enrolment-required`: an access token for the routes that set a second factor up."),
            SIGNED_TOKEN.into(),
        ),
        (
            "price-changed",
            "prices",
            prices,
            json!([{ "product_id": product, "expected_unit_price": expected, "unit_price": actual }]),
        ),
    ]
}

/// The schema of a problem document.
pub(super) fn problem_schema() -> Value {
    let mut schema = json!({
        "type": "object",
        "description": "A problem document (RFC 9457). `errors` and the members after it are those of some types.",
        "required": ["type", "title", "status", "detail", "instance", "trace_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "The problem type: a page that explains it." },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What is wrong with this request." },
            "instance": { "type": "string", "description": "Path of the request." },
            "trace_id": { "type": "string", "description": "Quote it when you report the problem." },
            "errors": {
                "type": "array",
                "description": "The invalid members.",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {
                        "pointer": {
                            "type": "string",
                            "description": "JSON pointer into the body, or `?` and the name of a query parameter.",
                        },
                        "detail": { "type": "string" },
                    },
                },
            },
        },
    });
    for (_, name, member, _) in members() {
        schema["properties"][name] = member;
    }
    schema
}
