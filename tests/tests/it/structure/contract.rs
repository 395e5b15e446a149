//! The OpenAPI document says of each route what its handler takes, returns and reads, and has every problem type.

use super::{
    calls::Argument,
    expect_none,
    sources::{Source, with_extension},
    syntax::{RustFile, parse_all, rust_files},
};
use api::problems::PROBLEMS;
use catalog::{FUNCTIONS, Trigger};
use serde_json::Value;
use std::{collections::BTreeSet, fs};
use xtask::codegen::openapi::{IfMatch, Operation, Request, Response, routes};

/// Failures that never answer a request: of consumers, of operators' functions and between stores and handlers.
const INTERNAL: &[&str] = &[
    "email-rejected",
    "gateway-list-too-long",
    "gateway-pending",
    "gateway-replayed-error",
    "gateway-retry-later",
    "invalid-order-transition",
    "invalid-reservation-transition",
    "invalid-subject",
    "newer-event",
    "newer-item",
    "order-stuck",
    "partitions-differ",
    "price-outdated",
    "product-malformed",
    "record-rejected",
    "unexpected-event",
    "unreadable",
    "unreadable-item",
    "wrong-source",
];

/// Members of responses that are absent where others are `null`: docs/api-conventions.md says why.
const ABSENT: &[&str] = &[
    "Address.city",
    "Address.line2",
    "Address.name",
    "Address.postal_code",
    "Address.region",
    "CreditNoteView.cancels",
    "OrderLine.tax",
    "PaymentView.disputes",
    "PaymentView.mismatches",
    "PaymentView.next_action",
    "PaymentView.refund_approvals",
    "Problem.enrolment_token",
    "Problem.errors",
    "Problem.mfa_token",
    "Problem.prices",
];

/// Ids that others give: the gateway, and traces.
const FOREIGN_IDS: &[&str] = &[
    "DeadLetterView.record_id",
    "DisputeView.id",
    "MismatchView.transaction_id",
    "PaymentView.transaction_id",
    "Problem.trace_id",
    "TimelineEntryView.trace_id",
];

#[test]
fn every_route_has_one_entry_in_the_contract() {
    let described: Vec<&str> = routes().iter().map(|operation| operation.function.name).collect();
    let rows = FUNCTIONS.iter().filter(|row| matches!(row.trigger, Trigger::Http { .. }));
    let wrong = rows.filter(|row| described.iter().filter(|name| **name == row.name).count() != 1);
    let complaints: Vec<_> = wrong.map(|row| row.name.to_owned()).collect();
    expect_none(&complaints, "describe the route in scripts/xtask/src/codegen/openapi/operations.rs");
}

#[test]
fn contract_has_the_types_and_parameters_of_the_handlers() {
    let sources = with_extension("rs");
    let mut complaints = Vec::new();
    for operation in routes() {
        let path = format!("functions/{}/src/lib.rs", operation.function.name);
        match sources.iter().find(|source| source.path == path) {
            Some(source) => complaints.extend(differences(&operation, source)),
            None => complaints.push(format!("{path} does not exist")),
        }
    }
    expect_none(&complaints, "let scripts/xtask/src/codegen/openapi/operations.rs say what the handler does");
}

fn differences(operation: &Operation, source: &Source) -> Vec<String> {
    let name = operation.function.name;
    let signature = source.text.split("pub async fn handle").nth(1).and_then(|rest| rest.split(" {\n").next());
    let signature = signature.unwrap_or_default();
    let mut differences = Vec::new();
    let mut expect = |what: &str, found: String, described: String| {
        if found != described {
            differences.push(format!("{name}: the {what} is {found}, and the contract says {described}"));
        }
    };
    let request = match operation.request {
        Request::Nothing => "NoBody".to_owned(),
        Request::Json(body) => body.name(),
        Request::Form(body) => format!("Form<{}>", body.name()),
        Request::Signed => "RawBody".to_owned(),
    };
    expect("request", argument(signature, "Call<"), request);
    let found = argument(signature, "Reply<");
    let response = match operation.response {
        Response::Json(body) => body.name(),
        Response::Document if found == "Value" => "Value".to_owned(),
        Response::Nothing | Response::Document | Response::Html => "()".to_owned(),
    };
    expect("response", found, response);
    let described: BTreeSet<&str> = operation.query.iter().map(|parameter| parameter.name).collect();
    expect("query", format!("{:?}", parameters(&source.text)), format!("{described:?}"));
    let success = BTreeSet::from([operation.status]);
    expect("status", format!("{:?}", statuses(&source.text)), format!("{success:?}"));
    let evaluated = match (source.text.contains(".optional_if_match()"), source.text.contains(".if_match()")) {
        (true, _) => IfMatch::Honoured,
        (false, true) => IfMatch::Required,
        (false, false) => IfMatch::Ignored,
    };
    expect("use of If-Match", format!("{evaluated:?}"), format!("{:?}", operation.if_match));
    differences
}

/// The type between `open`, which ends with `<`, and its closing bracket.
fn argument(text: &str, open: &str) -> String {
    let Some((_, rest)) = text.split_once(open) else { return String::new() };
    let mut depth = 1;
    let end = rest.find(|letter| {
        depth += i32::from(letter == '<') - i32::from(letter == '>');
        depth == 0
    });
    let whole = rest.get(..end.unwrap_or_default()).unwrap_or_default();
    whole.split_whitespace().collect::<String>().trim_end_matches(',').to_owned()
}

/// The query parameters that a handler reads: `call.query("name")`, `call.parsed("name", …)`, `call.time("name")`.
fn parameters(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    if text.contains("call.page()") {
        names.extend(["cursor", "limit"]);
    }
    for read in ["call.query(", "call.parsed(", "call.time("] {
        names.extend(text.split(read).skip(1).filter_map(literal));
    }
    // `call.query::<String>("name")`.
    names.extend(text.split("call.query::<").skip(1).filter_map(|rest| literal(rest.split_once('(')?.1)));
    names
}

/// The statuses of the replies that a handler makes, beside replayed ones.
fn statuses(text: &str) -> BTreeSet<u16> {
    let replies = [
        ("Reply::ok(", 200),
        ("Reply::text(", 200),
        (".reply()", 200),
        ("Reply::created(", 201),
        ("Reply::accepted(", 202),
        ("Reply::no_content(", 204),
        ("Reply::found(", 302),
    ];
    replies.into_iter().filter(|(reply, _)| text.contains(reply)).map(|(_, status)| status).collect()
}

/// The string literal that `rest` begins with.
fn literal(rest: &str) -> Option<&str> {
    rest.strip_prefix('"')?.split('"').next()
}

/// serde reads flattened members from a buffer, which hides unknown members and the path of an error.
#[test]
fn request_types_flatten_no_other_type() {
    let flattens =
        |source: &Source| source.path.starts_with("shared/domain/") && source.text.contains("serde(flatten)");
    let complaints: Vec<_> = with_extension("rs").into_iter().filter(flattens).map(|source| source.path).collect();
    expect_none(&complaints, "repeat the members, so that problems can name them");
}

#[test]
fn every_json_response_of_success_has_an_example() {
    let document = document();
    let operations = document["paths"].as_object().unwrap().values().filter_map(Value::as_object).flatten();
    let (mut successes, mut complaints) = (0, Vec::new());
    for (_, operation) in operations {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let body = &response["content"]["application/json"];
            if status.starts_with('2') && body.is_object() {
                successes += 1;
                if body.get("example").is_none() {
                    complaints.push(format!("{}: {status}", operation["operationId"]));
                }
            }
        }
    }
    assert!(successes > 0);
    expect_none(&complaints, "add an example to scripts/xtask/src/codegen/openapi/examples");
}

pub(super) fn document() -> Value {
    serde_json::from_str(&fs::read_to_string(xtask::root().join(xtask::codegen::openapi::PATH)).unwrap()).unwrap()
}

#[test]
fn every_response_declares_the_headers_that_the_runner_sends() {
    let document = document();
    let mut complaints = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            for (status, response) in operation["responses"].as_object().expect("responses") {
                if response["headers"]["X-Request-Id"].is_null() {
                    complaints.push(format!("{method} {path} {status}"));
                }
            }
        }
    }
    expect_none(&complaints, "declare X-Request-Id");
    let headers = &document["components"]["responses"]["MethodNotAllowed"]["headers"];
    assert_eq!(headers["Allow"]["$ref"], "#/components/headers/Allow");
    assert!(document["components"]["headers"]["Allow"]["schema"].is_object());
}

#[test]
fn routes_of_service_clients_name_the_scheme_of_their_token() {
    let document = document();
    let flow = &document["components"]["securitySchemes"]["client_credentials"]["flows"]["clientCredentials"];
    let Trigger::Http { path, .. } = catalog::TOKEN_ISSUE.trigger else { panic!("no route issues tokens") };
    assert_eq!(flow["tokenUrl"].as_str(), Some(format!(".{path}").as_str()));
    // The token endpoint refuses every scope.
    assert_eq!(flow["scopes"], serde_json::json!({}));
    let requirement = serde_json::json!({ "client_credentials": [] });
    let mut count = 0;
    for row in FUNCTIONS {
        let Trigger::Http { method, path, auth, .. } = row.trigger else { continue };
        let security = document["paths"][path][method.name().to_lowercase()]["security"].as_array().expect("an array");
        let is_for_services = auth.roles().contains(&catalog::role::SERVICE);
        assert_eq!(security.contains(&requirement), is_for_services, "{}: {security:?}", row.name);
        count += usize::from(is_for_services);
    }
    assert!(count > 0);
}

#[test]
fn members_of_responses_are_always_present_but_for_those_listed() {
    let document = document();
    let operations = document["paths"].as_object().unwrap().values().filter_map(Value::as_object).flatten();
    let responses = operations.flat_map(|(_, operation)| operation["responses"].as_object().unwrap().values());
    let mut found = BTreeSet::new();
    let mut schemas: Vec<String> = responses.flat_map(|response| named_schemas(&response["content"])).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = schemas.pop() {
        let schema = &document["components"]["schemas"][&name];
        if seen.insert(name.clone()) {
            schemas.extend(named_schemas(schema));
            let required = schema["required"].as_array().into_iter().flatten().collect::<Vec<_>>();
            let members = schema["properties"].as_object().into_iter().flat_map(|members| members.keys());
            let optional = members.filter(|member| !required.iter().any(|one| **one == **member));
            found.extend(optional.map(|member| format!("{name}.{member}")));
        }
    }
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ABSENT, "be null, or be listed with a reason");
}

/// The names of the schemas that a part of the document refers to.
fn named_schemas(part: &Value) -> Vec<String> {
    match part {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            let own = own.and_then(|path| path.strip_prefix("#/components/schemas/")).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(named_schemas)).collect()
        }
        Value::Array(items) => items.iter().flat_map(named_schemas).collect(),
        _ => vec![],
    }
}

#[test]
fn ids_and_times_of_responses_have_a_format() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let members = schemas.iter().flat_map(|(name, schema)| {
        let members = schema["properties"].as_object().into_iter().flatten();
        members.map(move |(member, schema)| (format!("{name}.{member}"), member, schema))
    });
    let complaints: Vec<_> = members.filter_map(|(path, member, schema)| lacks_format(&path, member, schema)).collect();
    expect_none(&complaints, "add #[schemars(extend(\"format\" = \"…\"))] to the field, or name it in FOREIGN_IDS");
}

/// A complaint about an id or a time that is text without the format that its name promises.
fn lacks_format(path: &str, member: &str, schema: &Value) -> Option<String> {
    let is_text =
        schema["type"] == "string" || schema["type"].as_array().is_some_and(|all| all.contains(&"string".into()));
    let format = match member {
        _ if FOREIGN_IDS.contains(&path) => return None,
        "id" => "uuid",
        "at" => "date-time",
        _ if member.ends_with("_id") => "uuid",
        _ if member.ends_with("_at") => "date-time",
        _ => return None,
    };
    (is_text && schema["format"] != format).then(|| format!("{path} is text without the format {format}"))
}

#[test]
fn every_code_of_a_failure_has_a_problem_type() {
    let known: BTreeSet<&str> = PROBLEMS.iter().map(|problem| problem.code).chain(INTERNAL.iter().copied()).collect();
    let is_code =
        |path: &str| path.starts_with("functions/") || (path.starts_with("shared/") && !path.contains("testkit"));
    let files: Vec<&RustFile> = rust_files().iter().filter(|file| is_code(&file.path)).collect();
    let unknown = codes(&files).into_iter().filter(|code| !known.contains(code.as_str()));
    expect_none(&unknown.collect::<Vec<_>>(), "add the code to shared/api/src/problems.rs");
}

#[test]
fn every_problem_type_is_used() {
    let is_code =
        |path: &str| path.starts_with("shared/") && !path.contains("problems.rs") && !path.contains("testkit");
    let used: BTreeSet<&str> = rust_files()
        .iter()
        .filter(|file| is_code(&file.path) || file.path.starts_with("functions/"))
        .flat_map(|file| file.literals.iter().filter(|literal| !literal.is_in_test_code))
        .map(|literal| literal.text.as_str())
        .collect();
    let all = PROBLEMS.iter().map(|problem| problem.code).chain(INTERNAL.iter().copied());
    let complaints: Vec<_> = all.filter(|code| !used.contains(code)).map(str::to_owned).collect();
    expect_none(&complaints, "delete the problem type: nothing fails with it");
}

/// The codes of failures outside of tests: literals and constants in `Failure::new(FailureKind::Kind, code, …)`, in `Self::new(…)` with
/// the same arguments, and in `Failure { code: "code", … }`. A code that a variable holds is not seen.
fn codes(files: &[&RustFile]) -> BTreeSet<String> {
    let constants = files.iter().flat_map(|file| &file.constants);
    // Codes are in kebab case, unlike SQLSTATEs.
    let is_code = |text: &str| text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
    let constants: Vec<_> = constants.filter(|(_, text)| !text.is_in_test_code && is_code(&text.text)).collect();
    let mut codes = BTreeSet::new();
    for call in files.iter().flat_map(|file| &file.calls).filter(|call| !call.is_in_test_code) {
        let [Argument::Path(kind), code, ..] = call.arguments.as_slice() else { continue };
        let is_failure =
            call.function == "Failure::new" || (call.function == "Self::new" && kind.contains("FailureKind::"));
        match code {
            Argument::Literal(code) if is_failure => {
                codes.insert(code.clone());
            }
            Argument::Path(path) if is_failure => {
                let name = path.rsplit(':').next().unwrap_or_default();
                let named = constants.iter().filter(|(constant, _)| constant == name);
                codes.extend(named.map(|(_, text)| text.text.clone()));
            }
            _ => {}
        }
    }
    let members = files.iter().flat_map(|file| &file.members);
    let members = members.filter(|(name, text)| name == "code" && !text.is_in_test_code);
    codes.extend(members.map(|(_, text)| text.text.clone()));
    codes
}

#[test]
fn codes_are_found_in_every_form_and_below_a_test_module() {
    let text = r#"
#[cfg(test)]
mod tests { fn a() { Failure::new(FailureKind::Invalid, "of-a-test", "A."); } }
const NAMED: &str = "named";
fn b(detail: String) -> Failure { Failure::new(FailureKind::Invalid, "literal", detail) }
fn c(failure: Failure) -> Failure { Failure { code: "member", ..failure } }
fn d() -> Failure { Failure::new(kernel::FailureKind::Conflict, crate::NAMED, "D.") }
impl From<Other> for Failure {
    fn from(_: Other) -> Self { Self::new(
        FailureKind::Conflict,
        "own",
        "E.",
    ) }
}
impl Name { fn f() -> Self { Self::new(3, "no code") } }
"#;
    let files = parse_all(&[Source { path: "shared/a/src/lib.rs".to_owned(), text: text.to_owned() }]);
    let found = codes(&files.iter().collect::<Vec<_>>());
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["literal", "member", "named", "own"]);
}
