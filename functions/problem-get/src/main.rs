//! Wires problem-get.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::PROBLEM_GET)?;
    edge::http::run(wiring.route()?, async |call| problem_get::handle(call).await).await
}
