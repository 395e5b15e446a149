//! One call of a route through its real runner, with the round trips that it took.

use super::Fixture;
use adapters::{Wiring, config::Config};
use catalog::{Function, Method, Trigger, Uses};
use edge::http::{Body, Call, Reply};
use kernel::Failure;
use serde::Serialize;
use serde_json::Value;

/// The routes of these methods that use PostgreSQL.
pub(super) fn routes_on_postgres(is_wanted: impl Fn(Method) -> bool) -> impl Iterator<Item = &'static str> {
    catalog::FUNCTIONS.iter().filter_map(move |row| {
        let Trigger::Http { method, .. } = row.trigger else { return None };
        let is_on_postgres =
            |uses: &Uses| matches!(uses, Uses::Postgres | Uses::PostgresRead | Uses::PostgresHandledEvents);
        (is_wanted(method) && row.resources().any(is_on_postgres)).then_some(row.name)
    })
}

/// The response of a route, and its round trips.
pub(super) async fn measured<B, T, F>(
    fixture: &Fixture,
    row: &'static Function,
    event: Value,
    handler: F,
) -> (Value, u64)
where
    B: Body,
    T: Serialize,
    F: AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
{
    let route = Wiring::new(row, Config::from_vars([])).route().expect("a route");
    let before = fixture.proxy.traffic.round_trips();
    let response = edge::http::respond(&route, event, &fixture.clock, &handler).await;
    (response, fixture.proxy.traffic.round_trips() - before)
}

/// The JSON in a response; null without any.
pub(super) fn body(response: &Value) -> Value {
    serde_json::from_str(response["body"].as_str().unwrap_or_default()).unwrap_or_default()
}
