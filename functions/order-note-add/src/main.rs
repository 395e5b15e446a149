//! Wires order-note-add.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::ORDER_NOTE_ADD)?;
    let orders = adapters_postgres::orders(&wiring, adapters_postgres::NoEvents)?;
    edge::http::run(adapters_redis::limited_route(&wiring)?, async |call| order_note_add::handle(&orders, call).await)
        .await
}
