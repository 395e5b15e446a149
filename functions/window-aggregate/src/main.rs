//! Wires window-aggregate.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WINDOW_AGGREGATE)?;
    let windows = wiring.windows()?;
    edge::kinesis::run(wiring.consumer()?, &wiring.dead_letters()?, async |batch| {
        window_aggregate::handle(&windows, batch).await
    })
    .await
}
