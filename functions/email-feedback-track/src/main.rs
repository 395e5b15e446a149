//! Wires email-feedback-track.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EMAIL_FEEDBACK_TRACK)?;
    let contacts = wiring.without_bus().contacts()?;
    edge::queue::run_raw(wiring.consumer()?, &wiring.dead_letters()?, async |notice| {
        email_feedback_track::handle(&contacts, adapters::parse_email_feedback, notice).await
    })
    .await
}
