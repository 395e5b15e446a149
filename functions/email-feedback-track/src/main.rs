//! Wires email-feedback-track.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let wiring = adapters::Wiring::start(catalog::EMAIL_FEEDBACK_TRACK)?;
    let contacts = adapters_postgres::contacts(&wiring, adapters_postgres::NoEvents)?;
    edge::queue::run_raw(wiring.consumer()?, &adapters_sqs::dead_letters(&wiring)?, async |message| {
        email_feedback_track::handle(&contacts, adapters_ses::parse_email_feedback, message).await
    })
    .await
}
