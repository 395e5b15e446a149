//! LOCAL ONLY: invokes functions with records of Kafka topics, as MSK event source mappings do on AWS. The emulator has none.
//!
//! The program polls every partition of the topics that trigger a function, and invokes the
//! function with the event of an MSK trigger. A batch that fails is retried with exponential backoff until the function succeeds;
//! later records of its partition wait. A function whose mappings in the emulator are disabled gets nothing. The committed offsets are stored in
//! a file. Kafka and the emulator may restart.
//!
//! Environment: `KAFKA_BROKERS`, `KAFKA_AUTH`, `KAFKA_LOGIN_SECRET` and `KAFKA_CA` as for functions; `AWS_ENDPOINT_URL`,
//! `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`. Optional:
//! `FUNCTION_PREFIX` (default `quayside-local-`) and `OFFSETS_FILE` (default `.local/data/kafka-offsets.json` of this clone).

mod event;
mod lambda;
mod offsets;
mod partition;
mod settings;

use adapters::config::Config;
use adapters_kafka::Cluster;
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
        Err(error) => {
            log(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let settings = Settings::from_env()?;
    let cluster = Cluster::from_config(&Config::from_env()).map_err(|error| error.to_string())?;
    let lambda = Lambda::new(&settings)?;
    let offsets = Offsets::load(settings.offsets_file.clone());
    let shared = Arc::new(Shared { settings, cluster, lambda, offsets });
    let on_signal = |kind| signal(kind).map_err(|cause| format!("signals cannot be handled: {cause}"));
    let (mut terminated, mut interrupted) = (on_signal(SignalKind::terminate())?, on_signal(SignalKind::interrupt())?);
    tokio::select! {
        () = poll_all(&shared) => Err("no function is triggered by a Kafka topic".to_owned()),
        _ = terminated.recv() => Ok(()),
        _ = interrupted.recv() => Ok(()),
    }
}

/// Polls every partition of every topic that triggers a function. Ends only if there is none.
async fn poll_all(shared: &Arc<Shared>) {
    let mut pollers = JoinSet::new();
    for mapping in mappings() {
        pollers.spawn(partition::poll_forever(Arc::clone(shared), mapping));
    }
    log(&format!("polling {} partitions", pollers.len()));
    while pollers.join_next().await.is_some() {}
}

/// One mapping for each partition of each Kafka trigger in the catalog.
fn mappings() -> impl Iterator<Item = Mapping> {
    catalog::FUNCTIONS.iter().flat_map(|function| {
        let topics = if let Trigger::Kafka(topics) = function.trigger { topics } else { &[] };
        topics.iter().flat_map(move |topic| {
            let batch = function.batch.size as usize;
            (0..topic.partitions).map(move |partition| Mapping {
                function: function.name,
                topic: topic.name,
                partition,
                batch,
            })
        })
    })
}

/// Writes a line to the log, which is standard error.
fn log(line: &str) {
    eprintln!("kafka-trigger: {line}");
}
