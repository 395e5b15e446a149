//! What is asked of each function, and what has to be there before.

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

/// The functions that prepare the ground, in development builds.
pub const HELPERS: [&Function; 5] =
    [catalog::DATABASE_MIGRATE, catalog::KEY_ROTATE, catalog::USER_REGISTER, catalog::USER_LOGIN, catalog::STOCK_OPEN];

/// More pieces than a bench can sell.
const PIECES: u32 = 1_000_000;

/// One function and what it is asked.
pub struct Scenario {
    /// Its binary.
    pub binary: &'static str,
    /// Its row; the bare function has none.
    pub row: Option<&'static Function>,
    /// What it does.
    pub what: &'static str,
    /// The next event.
    pub event: Box<dyn Fn() -> Value>,
    /// Whether an answer is the right one.
    pub is_good: fn(&Value) -> bool,
}

/// Makes database, key, token and stock, and says what to ask.
pub fn prepare(root: &Path, helpers: &Binaries, measured: &Binaries, stage: &Stage<'_>) -> Result<Vec<Scenario>> {
    let sample = |row: &Function| sample(root, row);
    let ask = |binaries: &Binaries, row: &Function, event: &Value| {
        let mut process = Process::start(&binaries[row.name], row.memory_mb, &stage.variables(row))?;
        let (_, answer) = process.ask(event).map_err(|problem| format!("{}: {problem}", row.name))?;
        Ok::<_, String>(answer)
    };
    ask(helpers, catalog::DATABASE_MIGRATE, &json!({}))?;
    ask(helpers, catalog::KEY_ROTATE, &json!({}))?;
    let mut stock = sample(catalog::STOCK_OPEN)?;
    change_event(&mut stock, |event| event["data"]["stock_quantity"] = json!(PIECES))?;
    ask(helpers, catalog::STOCK_OPEN, &stock)?;

    let register = sample(catalog::USER_REGISTER)?;
    let registered = ask(helpers, catalog::USER_REGISTER, &register)?;
    let account = body(&register["body"])?;
    let mut login = sample(catalog::USER_LOGIN)?;
    login["body"] = json!({ "email": account["email"], "password": account["password"] }).to_string().into();
    let session = ask(helpers, catalog::USER_LOGIN, &login)?;
    let token = body(&session["body"])?["access_token"].clone();
    let token = token.as_str().ok_or_else(|| format!("no token: {registered} {session}"))?.to_owned();

    let place = sample(catalog::ORDER_PLACE)?;
    let placed = ask(measured, catalog::ORDER_PLACE, &place)?;
    let id = body(&placed["body"])?["id"].clone();
    let id = id.as_str().ok_or_else(|| format!("no order: {placed}"))?.to_owned();
    let mut get = sample(catalog::ORDER_GET)?;
    get["requestContext"]["authorizer"] = place["requestContext"]["authorizer"].clone();
    get["pathParameters"]["id"] = json!(id);

    let mut authorize = sample(catalog::AUTHORIZER)?;
    authorize["identitySource"] = json!([format!("Bearer {token}")]);
    authorize["headers"]["authorization"] = json!(format!("Bearer {token}"));
    Ok(vec![
        scenario(None, "answers a constant", move || json!({}), |answer| answer["statusCode"] == 200),
        scenario(Some(MEASURED[0]), "reads an order", move || get.clone(), |answer| answer["statusCode"] == 200),
        scenario(Some(MEASURED[1]), "places an order", keyed(place), |answer| answer["statusCode"] == 201),
        scenario(Some(MEASURED[2]), "reserves an order's stock", renewed(sample(MEASURED[2])?)?, |answer| {
            answer["batchItemFailures"] == json!([])
        }),
        scenario(
            Some(MEASURED[3]),
            "verifies a token",
            move || authorize.clone(),
            |answer| answer["isAuthorized"] == true,
        ),
    ])
}

fn scenario(
    row: Option<&'static Function>,
    what: &'static str,
    event: impl Fn() -> Value + 'static,
    is_good: fn(&Value) -> bool,
) -> Scenario {
    Scenario { binary: row.map_or(BARE, |row| row.name), row, what, event: Box::new(event), is_good }
}

/// The sample of what triggers a function.
pub fn sample(root: &Path, row: &Function) -> Result<Value> {
    let path = format!("events/{}/ok.json", row.name);
    let text = fs::read_to_string(root.join(&path)).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
}

/// JSON in a string.
fn body(text: &Value) -> Result<Value> {
    serde_json::from_str(text.as_str().unwrap_or_default()).map_err(|error| format!("{text}: {error}"))
}

/// Changes the CloudEvent inside the first record of a queue's batch.
fn change_event(batch: &mut Value, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut message = body(&batch["Records"][0]["body"])?;
    change(&mut message["detail"]);
    batch["Records"][0]["body"] = message.to_string().into();
    Ok(())
}

/// The same order each time, under a key of its own.
pub fn keyed(place: Value) -> impl Fn() -> Value + Sync {
    let count = AtomicU64::new(0);
    move || {
        let mut event = place.clone();
        event["headers"]["idempotency-key"] = json!(format!("bench-{}", count.fetch_add(1, Ordering::Relaxed)));
        event
    }
}

/// The same event each time, of another order and with an id of its own.
fn renewed(batch: Value) -> Result<impl Fn() -> Value> {
    let message = body(&batch["Records"][0]["body"])?;
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
