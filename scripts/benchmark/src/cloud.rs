//! Fakes of AWS and of the catalogue's API in this process. They respond at once and store only secrets.

use crate::http::{self, Request, Response};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use xtask::Result;

/// Starts the fakes and returns their common base URL.
pub fn start() -> Result<String> {
    start_with_bus(Duration::ZERO)
}

/// Like [`start`], with a bus that responds after `delay`.
pub fn start_with_bus(delay: Duration) -> Result<String> {
    let secrets = Mutex::new(BTreeMap::<String, String>::new());
    let respond = move |request: Request| match request.target.as_str() {
        "" => products(&request.path),
        "AWSEvents.PutEvents" => {
            #[expect(clippy::disallowed_methods, reason = "a bus that is slow by this time")]
            std::thread::sleep(delay);
            put_events(&serde_json::from_slice(&request.body).unwrap_or_default())
        }
        target => aws(target, &serde_json::from_slice(&request.body).unwrap_or_default(), &secrets),
    };
    http::serve(respond).map(|address| format!("http://{address}")).map_err(|error| format!("fake of AWS: {error}"))
}

/// Returns a product for any id of a list, at the price of the sample events.
fn products(path: &str) -> Response {
    let ids = path.rsplit_once("ids=").map(|(_, ids)| ids).unwrap_or_default();
    let price = json!({ "amount": 1999, "currency": "USD" });
    let items = ids
        .split(',')
        .map(|id| json!({ "id": id, "name": "Storm lantern", "category": "lanterns", "price": price, "version": 1 }));
    Response::json(200, json!({ "items": items.collect::<Vec<_>>(), "next_cursor": null }))
}

fn put_events(body: &Value) -> Response {
    let count = body["Entries"].as_array().map_or(0, Vec::len);
    let entries: Vec<_> = (0..count).map(|number| json!({ "EventId": number.to_string() })).collect();
    Response::json(200, json!({ "FailedEntryCount": 0, "Entries": entries }))
}

fn aws(target: &str, body: &Value, secrets: &Mutex<BTreeMap<String, String>>) -> Response {
    let mut secrets = secrets.lock().unwrap_or_else(PoisonError::into_inner);
    let id = body["SecretId"].as_str().unwrap_or_default().to_owned();
    match target.rsplit('.').next().unwrap_or_default() {
        "PutSecretValue" => {
            secrets.insert(id.clone(), body["SecretString"].as_str().unwrap_or_default().to_owned());
            Response::json(200, json!({ "ARN": id, "Name": id, "VersionId": "1", "VersionStages": ["AWSCURRENT"] }))
        }
        "GetSecretValue" => {
            // As the template creates them.
            let initial = if id.ends_with("keys") { r#"{"keys":[]}"# } else { "unset" };
            let text = secrets.get(&id).cloned().unwrap_or_else(|| initial.to_owned());
            Response::json(200, json!({ "ARN": id, "Name": id, "VersionId": "1", "SecretString": text }))
        }
        other => Response::json(400, json!({ "__type": "UnknownOperationException", "message": other })),
    }
}
