//! One order is one trace, over every function that works on it.

use super::stack::{ApiClient, eventually, id, run_script, shared_stack};
use catalog::Function;
use serde_json::Value;
use std::collections::BTreeSet;

/// From the request to the archive, over the bus, queues, a topic, Kinesis and Kafka.
const FUNCTIONS: &[&Function] = &[
    catalog::ORDER_PLACE,
    catalog::STOCK_RESERVE,
    catalog::PAYMENT_CHARGE,
    catalog::STOCK_ALLOCATE,
    catalog::ORDER_ADVANCE,
    catalog::UPDATE_SEND,
    catalog::INVOICE_ISSUE,
    catalog::ANALYTICS_FEED,
    catalog::WINDOW_AGGREGATE,
    catalog::EVENT_FORWARD,
    catalog::EVENT_ARCHIVE,
    catalog::EVENT_RECORD,
];

#[tokio::test]
async fn order_is_one_trace_in_which_every_span_has_its_cause() {
    let (_stack, api) = (shared_stack().await, ApiClient::new());
    let (customer, lantern) = (api.customer().await, api.product(1999, 5).await);
    let placed = api.place(&customer, &lantern, 1, "pm_card_visa").await;
    let expected: BTreeSet<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    let order = id(&placed).to_owned();
    eventually("every function has logged its span", async || {
        // It fails if a span has no cause in the trace; a span may be logged before the one that caused it.
        let output = run_script("trace", &[&order, "--json"]).await;
        let spans: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let found: BTreeSet<&str> = spans.iter().filter_map(|span| span["function"].as_str()).collect();
        (output.status.success() && expected.is_subset(&found)).then_some(())
    })
    .await;
}
