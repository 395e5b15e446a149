//! Wires window-close.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::WINDOW_CLOSE)?;
    let windows = adapters_postgres::window_closing(&wiring, adapters_eventbridge::bus(&wiring)?)?;
    edge::schedule::run(wiring.function().name, async |tick| window_close::handle(&windows, tick).await).await
}
