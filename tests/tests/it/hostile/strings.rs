//! Every string of every request body that the contract leaves open, with texts that are none: each answer is exact and none is a 500.
//!
//! The strings come from the OpenAPI document, so that a new member of a body is sent these texts, too. A member with a pattern, a format or
//! listed values is not among them.

use super::{access::world, routes::Answer};
use crate::functions::sample;
use catalog::{
    CONTACT_VERIFY, Function, PASSWORD_CHANGE, PASSWORD_RESET_CONFIRM, PRODUCT_CREATE, PRODUCT_UPDATE, TOKEN_ISSUE,
    TOKEN_REFRESH, TOTP_BEGIN, TOTP_REMOVE, USER_ERASE, USER_LOGIN, USER_LOGIN_MFA, USER_UPDATE,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nul,
    OtherControl,
    Override,
    NothingVisible,
    MarkAlone,
    TooLong,
}

use Kind::*;

const KINDS: [Kind; 6] = [Nul, OtherControl, Override, NothingVisible, MarkAlone, TooLong];

/// Characters of a text that is too long for a member whose limit the contract does not state.
const LONG: usize = 10_000;

impl Kind {
    fn text(self, member: &Member) -> String {
        match self {
            Nul => "a\0b".to_owned(),
            OtherControl => "a\u{1b}b".to_owned(),
            Override => "\u{202e}ab".to_owned(),
            NothingVisible => "\u{200b}\u{2060}".to_owned(),
            MarkAlone => "\u{301}".to_owned(),
            TooLong => "a".repeat(member.most.map_or(LONG, |most| most + 1)),
        }
    }
}

/// A string of a request body.
#[derive(Debug)]
struct Member {
    function: &'static Function,
    pointer: String,
    /// The most characters, if the contract states it.
    most: Option<usize>,
}

/// Members that are compared with a secret or a name, and never stored: a text that is none is answered like any other wrong one, with this
/// status, and this pointer or code. NUL is 422 all the same.
const COMPARED: [(&Function, &str, u16, &str); 15] = [
    (USER_LOGIN, "/email", 401, "wrong-credentials"),
    (USER_LOGIN, "/username", 401, "wrong-credentials"),
    (USER_LOGIN, "/password", 401, "wrong-credentials"),
    (USER_LOGIN_MFA, "/mfa_token", 401, "invalid-mfa-token"),
    (USER_LOGIN_MFA, "/recovery_code", 401, "invalid-mfa-token"),
    (TOKEN_REFRESH, "/refresh_token", 401, "invalid-refresh-token"),
    (TOKEN_ISSUE, "/client_secret", 401, "invalid_client"),
    (TOKEN_ISSUE, "/grant_type", 400, "unsupported_grant_type"),
    (TOKEN_ISSUE, "/scope", 400, "invalid_scope"),
    (USER_ERASE, "/current_password", 422, "/current_password"),
    (PASSWORD_CHANGE, "/current_password", 422, "/current_password"),
    (TOTP_BEGIN, "/current_password", 422, "/current_password"),
    (TOTP_REMOVE, "/current_password", 422, "/current_password"),
    (PASSWORD_RESET_CONFIRM, "/token", 422, "/token"),
    (CONTACT_VERIFY, "/token", 422, "/token"),
];

/// Members that may be empty, so that a text of which nothing is visible is stored as it is.
const MAY_BE_EMPTY: [(&Function, &str); 2] = [(PRODUCT_CREATE, "/description"), (PRODUCT_UPDATE, "/description")];

/// Members that are not looked at in the request of the sample: the e-mail address stays, so that no password is needed.
const UNREAD: [(&Function, &str); 1] = [(USER_UPDATE, "/current_password")];

/// Members that are sent in place of another one.
const IN_PLACE_OF: [(&Function, &str, &str); 2] =
    [(USER_LOGIN, "/username", "email"), (USER_LOGIN_MFA, "/recovery_code", "code")];

impl Member {
    fn is(&self, (function, pointer): (&Function, &str)) -> bool {
        self.function.name == function.name && self.pointer == pointer
    }

    /// The status, and the pointer or the code.
    fn expected(&self, kind: Kind) -> (u16, &str) {
        let compared = COMPARED.iter().find(|(function, pointer, ..)| self.is((*function, *pointer)));
        let is_unseen = matches!(kind, NothingVisible | MarkAlone);
        match compared {
            _ if kind == Nul => (422, self.pointer.as_str()),
            Some((_, _, status, what)) => (*status, *what),
            None if UNREAD.iter().any(|member| self.is(*member)) => (200, ""),
            None if is_unseen && MAY_BE_EMPTY.iter().any(|member| self.is(*member)) => {
                (if self.function.name == PRODUCT_CREATE.name { 201 } else { 200 }, "")
            }
            None => (422, self.pointer.as_str()),
        }
    }

    /// The sample with this text as the member.
    fn event(&self, text: &str) -> Value {
        let mut event = sample(self.function, if self.pointer.starts_with("/records/") { "ok_batch" } else { "ok" });
        let body = event["body"].as_str().expect("a body");
        event["body"] = match serde_json::from_str::<Value>(body) {
            Ok(mut document) => {
                put(&mut document, &self.pointer, text);
                for (function, pointer, other) in IN_PLACE_OF {
                    if self.is((function, pointer)) {
                        document.as_object_mut().expect("an object").remove(other);
                    }
                }
                document.to_string().into()
            }
            Err(_) => {
                let name = &self.pointer[1..];
                let others = body.split('&').filter(|pair| pair.split('=').next() != Some(name));
                let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
                others.map(str::to_owned).chain([format!("{name}={encoded}")]).collect::<Vec<_>>().join("&").into()
            }
        };
        event
    }
}

/// Sets the member at the pointer, with the objects and arrays around it.
fn put(document: &mut Value, pointer: &str, text: &str) {
    let mut at = document;
    for part in pointer.split('/').skip(1) {
        if part == "0" {
            if at.as_array().is_none_or(Vec::is_empty) {
                *at = json!([null]);
            }
            at = &mut at[0];
        } else {
            if !at.is_object() {
                *at = json!({});
            }
            at = &mut at[part];
        }
    }
    *at = text.into();
}

/// The strings of all request bodies, with neither pattern, format nor listed values.
fn members() -> Vec<Member> {
    let path = xtask::root().join(xtask::codegen::openapi::PATH);
    let document: Value = serde_json::from_str(&fs::read_to_string(path).expect("the contract")).expect("JSON");
    let operations = document["paths"].as_object().expect("paths").values().filter_map(Value::as_object).flatten();
    let mut members = Vec::new();
    for (_, operation) in operations {
        let function = operation["operationId"].as_str().and_then(catalog::find).expect("an operation of a function");
        for body in operation["requestBody"]["content"].as_object().into_iter().flat_map(|content| content.values()) {
            let mut found = BTreeMap::new();
            collect(&document["components"]["schemas"], &body["schema"], String::new(), &mut found);
            members.extend(found.into_iter().map(|(pointer, most)| Member { function, pointer, most }));
        }
    }
    members
}

/// Adds the strings of a schema, each with its most characters.
fn collect(schemas: &Value, schema: &Value, pointer: String, found: &mut BTreeMap<String, Option<usize>>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        collect(schemas, &schemas[name], pointer.clone(), found);
    }
    for combined in ["anyOf", "oneOf", "allOf"] {
        for one in schema[combined].as_array().into_iter().flatten() {
            collect(schemas, one, pointer.clone(), found);
        }
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        collect(schemas, member, format!("{pointer}/{name}"), found);
    }
    if schema["items"].is_object() {
        collect(schemas, &schema["items"], format!("{pointer}/0"), found);
    }
    let kind = &schema["type"];
    let is_text = kind == "string" || kind.as_array().is_some_and(|kinds| kinds.contains(&"string".into()));
    let is_open = ["pattern", "format", "enum", "const"].iter().all(|rule| schema[rule].is_null());
    if is_text && is_open {
        let most = schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok());
        found.insert(pointer, most);
    }
}

/// The first pointer of a problem, or the code of one without fields, or the error of OAuth.
fn said(answer: &Answer) -> &str {
    match (answer.pointer(), answer.code()) {
        ("", "") => answer.body["error"].as_str().unwrap_or_default(),
        ("", code) => code,
        (pointer, _) => pointer,
    }
}

#[tokio::test]
async fn every_string_of_every_body_has_an_exact_answer_to_a_text_that_is_none() {
    let members = members();
    assert!(members.len() > 80, "{} members", members.len());
    let mut complaints = Vec::new();
    for member in &members {
        for kind in KINDS {
            let (api, text) = (world::seeded(member.function).await, kind.text(member));
            let before = api.state();
            let answer = api.send(member.function, member.event(&text)).await;
            let (status, what) = member.expected(kind);
            let is_kept = || answer.body.pointer(&member.pointer).is_none_or(|kept| *kept == json!(text));
            let is_right = if status < 300 { is_kept() } else { api.state() == before };
            if (answer.status, said(&answer)) != (status, what) || !is_right {
                let Member { function, pointer, .. } = member;
                complaints.push(format!(
                    "{}{pointer} {kind:?}: {} {}, expected {status} {what}",
                    function.name, answer.status, answer.body
                ));
            }
        }
    }
    assert!(complaints.is_empty(), "\n  {}", complaints.join("\n  "));
}

#[test]
fn exceptions_name_strings_that_the_contract_has() {
    let members = members();
    let of_two = MAY_BE_EMPTY.into_iter().chain(UNREAD);
    let named = of_two
        .chain(COMPARED.iter().map(|(function, pointer, ..)| (*function, *pointer)))
        .chain(IN_PLACE_OF.iter().map(|(function, pointer, _)| (*function, *pointer)));
    for (function, pointer) in named {
        assert!(members.iter().any(|member| member.is((function, pointer))), "{} {pointer}", function.name);
    }
}
