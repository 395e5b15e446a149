//! Wires mail-feedback-track.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::MAIL_FEEDBACK_TRACK)?;
    let contacts = wiring.silent().contacts()?;
    edge::queue::run_notices(wiring.consumer()?, &wiring.dead_letters()?, async |notice| {
        mail_feedback_track::handle(&contacts, adapters::returned_mail, notice).await
    })
    .await
}
