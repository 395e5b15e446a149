//! Wires setting-list.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::SETTING_LIST)?;
    let settings = wiring.config().settings();
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| setting_list::handle(&settings, call).await)
        .await
}
