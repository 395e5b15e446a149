//! LOCAL ONLY: stands in for the Kafka triggers that AWS has (event source mappings of MSK) and the emulator has not.
//!
//! It makes the catalog's topics where they are missing, follows each partition of the topics that a function is triggered by,
//! and invokes the function with the event that MSK's trigger would give it. A batch is done when the function says so: until then
//! it comes again, with a growing pause, and nothing behind it goes past it. How far each function has come is kept in a file.
//! Kafka and the emulator may go away and come back.
//!
//! Environment: `KAFKA_BROKERS`, `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`; also
//! `FUNCTION_PREFIX` (`quayside-local-`) and `OFFSETS_FILE` (`.local/data/kafka-offsets.json` of this clone).

mod event;
mod lambda;
mod offsets;
mod partition;
mod settings;
mod topics;

use catalog::Trigger;
use lambda::Lambda;
use offsets::Offsets;
use partition::{Mapping, Shared};
use settings::Settings;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say(&trouble);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let settings = Settings::from_env()?;
    let lambda = Lambda::new(&settings)?;
    let offsets = Offsets::load(settings.offsets_file.clone());
    let shared = Arc::new(Shared { settings, lambda, offsets });
    let ended = |kind| signal(kind).map_err(|cause| format!("signals cannot be caught: {cause}"));
    let (mut terminated, mut interrupted) = (ended(SignalKind::terminate())?, ended(SignalKind::interrupt())?);
    tokio::select! {
        () = follow_all(&shared) => Err("nothing is left to follow".to_owned()),
        _ = terminated.recv() => Ok(()),
        _ = interrupted.recv() => Ok(()),
    }
}

/// Follows every partition of every topic that triggers a function. Ends only when there is none.
async fn follow_all(shared: &Arc<Shared>) {
    topics::make(&shared.settings.brokers).await;
    let mut followers = JoinSet::new();
    for mapping in mappings() {
        followers.spawn(partition::follow_for_ever(Arc::clone(shared), mapping));
    }
    say(&format!("following {} partitions", followers.len()));
    while followers.join_next().await.is_some() {}
}

/// What the catalog says of Kafka triggers, partition by partition.
fn mappings() -> impl Iterator<Item = Mapping> {
    catalog::FUNCTIONS.iter().flat_map(|function| {
        let topics = if let Trigger::Kafka(topics) = function.trigger { topics } else { &[] };
        topics.iter().flat_map(|topic| {
            (0..topic.partitions).map(|partition| Mapping { function: function.name, topic: topic.name, partition })
        })
    })
}

/// One line for whoever looks at the log.
fn say(line: &str) {
    eprintln!("kafka-trigger: {line}");
}
