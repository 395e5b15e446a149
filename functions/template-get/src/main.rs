//! Wires template-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::TEMPLATE_GET)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    let templates = adapters_templates::JinjaMessageTemplates::new()?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| {
        template_get::handle(&contacts, &templates, call).await
    })
    .await
}
