//! Wires template-preview.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TEMPLATE_PREVIEW)?;
    let templates = adapters_templates::JinjaMessageTemplates::new()?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        template_preview::handle(&templates, call).await
    })
    .await
}
