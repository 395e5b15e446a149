//! The request that each measured function serves, and the data that it needs.

use crate::{BARE, Binaries, environment::Stage, process::Process};
use catalog::Function;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};
use xtask::Result;

/// The functions that are measured: a read, a write, a consumer, the authorizer.
pub const MEASURED: [&Function; 4] =
    [catalog::ORDER_GET, catalog::ORDER_PLACE, catalog::STOCK_RESERVE, catalog::AUTHORIZER];

/// The functions that prepare the data, in development builds.
pub const HELPERS: [&Function; 5] =
    [catalog::DATABASE_MIGRATE, catalog::KEY_ROTATE, catalog::USER_REGISTER, catalog::USER_LOGIN, catalog::STOCK_OPEN];

/// More units than a run can sell.
const STOCK_UNITS: u32 = 1_000_000;

/// One function with the requests that it serves.
pub struct Scenario {
    pub binary: &'static str,
    /// Catalog row; the minimal function has none.
    pub row: Option<&'static Function>,
    pub description: &'static str,
    /// Returns the next event.
    pub event: Box<dyn Fn() -> Value>,
    /// Whether a response is the expected one.
    pub is_expected: fn(&Value) -> bool,
}

/// Creates schema, signing key, user, token, stock and one order, and returns the scenarios that use them.
pub fn prepare(root: &Path, helpers: &Binaries, measured: &Binaries, stage: &Stage<'_>) -> Result<Vec<Scenario>> {
    let sample = |row: &Function| sample(root, row);
    let invoke = |binaries: &Binaries, row: &Function, event: &Value| {
        let mut process = Process::start(&binaries[row.name], row.memory_mb, &stage.variables(row))?;
        let (_, response) = process.invoke(event).map_err(|error| format!("{}: {error}", row.name))?;
        Ok::<_, String>(response)
    };
    invoke(helpers, catalog::DATABASE_MIGRATE, &json!({}))?;
    invoke(helpers, catalog::KEY_ROTATE, &json!({}))?;
    let mut stock = sample(catalog::STOCK_OPEN)?;
    change_event(&mut stock, |event| event["data"]["stock_quantity"] = json!(STOCK_UNITS))?;
    invoke(helpers, catalog::STOCK_OPEN, &stock)?;

    let register = sample(catalog::USER_REGISTER)?;
    let registered = invoke(helpers, catalog::USER_REGISTER, &register)?;
    let account = parse_body(&register["body"])?;
    let mut login = sample(catalog::USER_LOGIN)?;
    login["body"] = json!({ "email": account["email"], "password": account["password"] }).to_string().into();
    let session = invoke(helpers, catalog::USER_LOGIN, &login)?;
    let token = parse_body(&session["body"])?["access_token"].clone();
    let token =
        token.as_str().ok_or_else(|| format!("user-login returned no token: {registered} {session}"))?.to_owned();

    let place = sample(catalog::ORDER_PLACE)?;
    let placed = invoke(measured, catalog::ORDER_PLACE, &place)?;
    let id = parse_body(&placed["body"])?["id"].clone();
    let id = id.as_str().ok_or_else(|| format!("order-place returned no order: {placed}"))?.to_owned();
    let mut get = sample(catalog::ORDER_GET)?;
    get["requestContext"]["authorizer"] = place["requestContext"]["authorizer"].clone();
    get["pathParameters"]["id"] = json!(id);

    let mut authorize = sample(catalog::AUTHORIZER)?;
    authorize["identitySource"] = json!([format!("Bearer {token}")]);
    authorize["headers"]["authorization"] = json!(format!("Bearer {token}"));
    Ok(vec![
        scenario(None, "returns a constant", move || json!({}), |response| response["statusCode"] == 200),
        scenario(Some(MEASURED[0]), "reads an order", move || get.clone(), |response| response["statusCode"] == 200),
        scenario(Some(MEASURED[1]), "places an order", with_new_keys(place), |response| response["statusCode"] == 201),
        scenario(Some(MEASURED[2]), "reserves an order's stock", with_new_orders(sample(MEASURED[2])?)?, |response| {
            response["batchItemFailures"] == json!([])
        }),
        scenario(
            Some(MEASURED[3]),
            "verifies a token",
            move || authorize.clone(),
            |response| response["isAuthorized"] == true,
        ),
    ])
}

fn scenario(
    row: Option<&'static Function>,
    description: &'static str,
    event: impl Fn() -> Value + 'static,
    is_expected: fn(&Value) -> bool,
) -> Scenario {
    Scenario { binary: row.map_or(BARE, |row| row.name), row, description, event: Box::new(event), is_expected }
}

/// Reads the sample event of a function.
pub fn sample(root: &Path, row: &Function) -> Result<Value> {
    let path = format!("events/{}/ok.json", row.name);
    let text = fs::read_to_string(root.join(&path)).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
}

/// Parses JSON that is the content of a JSON string.
fn parse_body(text: &Value) -> Result<Value> {
    serde_json::from_str(text.as_str().unwrap_or_default()).map_err(|error| format!("{text}: {error}"))
}

/// Changes the CloudEvent in the first record of an SQS batch.
fn change_event(batch: &mut Value, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut message = parse_body(&batch["Records"][0]["body"])?;
    change(&mut message["detail"]);
    batch["Records"][0]["body"] = message.to_string().into();
    Ok(())
}

/// Returns the same request each time, with a new idempotency key and of another customer: one has few open orders.
pub fn with_new_keys(place: Value) -> impl Fn() -> Value + Sync {
    let count = AtomicU64::new(0);
    move || {
        let mut event = place.clone();
        let number = count.fetch_add(1, Ordering::Relaxed);
        event["headers"]["idempotency-key"] = json!(format!("bench-{number}"));
        event["requestContext"]["authorizer"]["lambda"]["sub"] =
            json!(format!("0192f0c1-0000-7000-8003-{number:012x}"));
        event
    }
}

/// Returns the same event each time, with a new id and about a new order.
fn with_new_orders(batch: Value) -> Result<impl Fn() -> Value> {
    let message = parse_body(&batch["Records"][0]["body"])?;
    let count = AtomicU64::new(0);
    Ok(move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let (mut event, mut message) = (batch.clone(), message.clone());
        let order = format!("0192f0c1-0000-7000-8001-{number:012x}");
        message["detail"]["id"] = json!(format!("0192f0c1-0000-7000-8002-{number:012x}"));
        message["detail"]["subject"] = json!(order);
        message["detail"]["data"]["order_id"] = json!(order);
        event["Records"][0]["body"] = message.to_string().into();
        event
    })
}
