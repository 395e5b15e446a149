//! The matrix of `access.txt`: every route, called by every role through its real handler, on a platform that has what the samples name.

pub(super) mod world;

use super::routes::Answer;
use crate::functions::{ORDER, PAYMENT, USER, sample, sessions::SESSION};
use catalog::{Auth, FUNCTIONS, Function, Trigger, role};
use kernel::Uuid;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use world::id;

const MATRIX: &str = include_str!("access.txt");

/// The columns of the matrix: name, and subject and role of the token.
const CALLERS: [(&str, Option<(Uuid, &str)>); 8] = [
    ("none", None),
    ("owner", Some((USER.0, role::CUSTOMER))),
    ("other", Some((id(9), role::CUSTOMER))),
    ("staff", Some((id(2), role::STAFF))),
    ("admin", Some((id(4), role::ADMIN))),
    ("service", Some((world::CLIENT.0, role::SERVICE))),
    ("unlisted", Some((id(0xf9), role::SERVICE))),
    ("enrolment", Some((USER.0, role::MFA_ENROLMENT))),
];

fn routes() -> impl Iterator<Item = (String, &'static Function, Auth)> {
    FUNCTIONS.iter().filter_map(|function| match function.trigger {
        Trigger::Http { method, path, auth, .. } => Some((format!("{} {path}", method.name()), *function, auth)),
        _ => None,
    })
}

/// The sample of a route as `who` sends it.
fn request(function: &Function, who: Option<(Uuid, &str)>) -> Value {
    let mut event = sample(function, "ok");
    event["requestContext"]["authorizer"] = match who {
        Some((subject, role)) => {
            let session = if role == role::SERVICE { subject } else { SESSION.0 };
            json!({ "lambda": { "sub": subject, "role": role, "sid": session } })
        }
        None => Value::Null,
    };
    event
}

/// The cell of an answer.
fn cell(answer: &Answer) -> String {
    match (answer.status, answer.code()) {
        (200..=399, _) | (401, "unauthenticated") | (403, "forbidden") | (404, "not-found") => {
            answer.status.to_string()
        }
        (status, code) => format!("{status}:{code}"),
    }
}

/// The rows by route. A single cell is that of all callers.
fn matrix() -> BTreeMap<String, Vec<&'static str>> {
    let mut rows = BTreeMap::new();
    for line in MATRIX.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let route = [words.next(), words.next()].map(Option::unwrap_or_default).join(" ");
        let cells: Vec<_> = words.collect();
        let cells = if let [cell] = cells[..] { vec![cell; CALLERS.len()] } else { cells };
        assert!(rows.insert(route, cells).is_none(), "{line}: the route has two rows");
    }
    rows
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_matrix_says() {
    let mut expected = matrix();
    let mut complaints = Vec::new();
    for (route, function, auth) in routes() {
        let mut found = Vec::new();
        for (name, who) in CALLERS {
            let api = world::seeded(function).await;
            let event = world::prepared(&api, function, request(function, who)).await;
            let before = api.state();
            let answer = api.send(function, event).await;
            if answer.status >= 400 && api.state() != before {
                complaints.push(format!("{route} refuses {name} and adds a user, an order, a product or an event"));
            }
            if name == "other" && auth.roles().contains(&role::CUSTOMER) && names_the_owner(&answer) {
                complaints.push(format!("{route} shows {name} what is the owner's: {}", answer.body));
            }
            found.push(cell(&answer));
        }
        if expected.remove(&route).is_none_or(|row| row != found) {
            complaints.push(format!("{route:<76} {}", found.join(" ")));
        }
    }
    complaints.extend(expected.into_keys().map(|route| format!("{route} is no route")));
    assert!(complaints.is_empty(), "hostile/access.txt differs from the answers:\n{}", complaints.join("\n"));
}

/// Whether a response has an id of the owner or of what is the owner's.
fn names_the_owner(answer: &Answer) -> bool {
    let body = answer.body.to_string();
    answer.status < 400 && [USER.0, ORDER.0, PAYMENT.0].iter().any(|id| body.contains(&id.to_string()))
}

#[test]
fn matrix_refuses_every_role_that_the_catalog_does_not_name() {
    let rows = matrix();
    for (route, _, auth) in routes() {
        let row = rows.get(&route).unwrap_or_else(|| panic!("{route} has no row in hostile/access.txt"));
        assert_eq!(row.len(), CALLERS.len(), "{route} has a cell for each caller");
        for ((name, who), cell) in CALLERS.into_iter().zip(row) {
            let refusal = match (auth, who) {
                (Auth::Public, _) | (Auth::Optional(_), None) => None,
                (Auth::Roles(_), None) => Some("401"),
                (_, Some((_, role))) => (!auth.roles().contains(&role)).then_some("403"),
            };
            assert!(refusal.is_none_or(|refusal| refusal == *cell), "{route}: {name} gets {cell}");
        }
    }
}
