//! Wires template-update.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TEMPLATE_UPDATE)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    let templates = adapters_templates::JinjaMessageTemplates::new()?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        template_update::handle(&contacts, &templates, call).await
    })
    .await
}
