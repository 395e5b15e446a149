//! Wires window-aggregate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WINDOW_AGGREGATE)?;
    let windows = adapters_postgres::windows(&wiring)?;
    edge::kinesis::run(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |batch| {
        window_aggregate::handle(&windows, batch).await
    })
    .await
}
