//! Logs and metrics of one function: JSON lines on standard error, which Lambda hands to CloudWatch.
//!
//! A failure is logged once, by the runner that it reaches, with code, detail and internal cause; bodies, tokens and keys never are.
//! Environment: `LOG_LEVEL` (`info`; also `info,my_crate=debug`), `POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_METRICS_NAMESPACE`.

mod lines;
pub mod metrics;

#[cfg(test)]
pub(crate) use lines::tests::lines_of;

use crate::catch_panic;
use kernel::{Failure, FailureKind};
use lines::JsonLines;
use std::sync::OnceLock;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Names that every line and every metric carries.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub service: String,
    pub function: &'static str,
    pub namespace: String,
}

static IDENTITY: OnceLock<Identity> = OnceLock::new();

/// Who this process is, once [`init`] has said so.
pub(crate) fn identity() -> Option<&'static Identity> {
    IDENTITY.get()
}

/// Starts logs and metrics for `function`; the first thing that `main` does. A second call changes nothing.
pub fn init(function: &'static str) {
    let service = std::env::var("POWERTOOLS_SERVICE_NAME").unwrap_or_else(|_| "service_undefined".to_owned());
    let namespace = std::env::var("POWERTOOLS_METRICS_NAMESPACE").unwrap_or_else(|_| service.clone());
    let identity = Identity { service, function, namespace };
    if IDENTITY.set(identity.clone()).is_err() {
        return;
    }
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let lines = JsonLines::new(identity, Box::new(write_line));
    if tracing_subscriber::registry().with(levels(&level)).with(lines).try_init().is_err() {
        write_line(b"{\"level\":\"WARN\",\"message\":\"another subscriber was installed first; it keeps the logs\"}\n");
    }
    std::panic::set_hook(Box::new(|panic| {
        if !catch_panic::reports(panic) {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(
                panic.message = catch_panic::message(panic.payload()),
                panic.location = location,
                "panicked outside of a handler"
            );
        }
    }));
}

/// `LOG_LEVEL` for our own crates; libraries speak up from warnings on, unless `LOG_LEVEL` names them.
fn levels(level: &str) -> Targets {
    let asked: Targets = level.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let named: Vec<String> = asked.iter().map(|(target, _)| target.to_owned()).collect();
    let quiet = ["aws", "hyper", "h2", "lambda_", "redis", "reqwest", "rskafka", "rustls", "tokio", "tower"];
    let levels = quiet
        .into_iter()
        .filter(|library| !named.iter().any(|name| name.starts_with(library)))
        .fold(asked, |levels, library| levels.with_target(library, LevelFilter::WARN));
    // The runtime would log a function error again, which its runner has logged already.
    levels.with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
}

/// One line, in one write: lines of several threads do not mix.
pub(crate) fn write_line(line: &[u8]) {
    use std::io::Write;
    if std::io::stderr().lock().write_all(line).is_err() {
        // Standard error is where complaints go. There is nobody left to tell.
    }
}

/// Logs `failure`, which reached the runner as the outcome of `what`. A client's mistake is information, a defect of ours an error.
pub fn log_failure(what: &'static str, failure: &Failure) {
    let pointers = failure.fields.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>().join(" ");
    let fields = (!pointers.is_empty()).then_some(pointers);
    if matches!(failure.kind, FailureKind::Internal | FailureKind::Unavailable) {
        tracing::error!(
            failure.code = failure.code,
            failure.detail = failure.detail,
            failure.internal = failure.internal,
            failure.fields = fields,
            "{what} failed"
        );
    } else {
        // The detail of a refused field may repeat what the client sent, and that may be personal.
        let detail = fields.is_none().then_some(failure.detail.as_str());
        tracing::info!(
            failure.code = failure.code,
            failure.detail = detail,
            failure.internal = failure.internal,
            failure.fields = fields,
            "{what} refused"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    fn log_of(failure: &Failure) -> String {
        lines::tests::lines_of(|| log_failure("request", failure))[0].to_string()
    }

    #[test]
    fn a_defect_is_an_error_with_its_internal_cause() {
        let line = log_of(&Failure::unavailable("database", "connection refused"));
        assert!(line.contains("ERROR") && line.contains("request failed"));
        assert!(line.contains("unavailable") && line.contains("database: connection refused"));
    }

    #[test]
    fn a_refused_field_is_logged_by_name_and_what_was_sent_is_not() {
        let line = log_of(&Failure::field("/email", "ann@example.com is taken"));
        assert!(line.contains("INFO") && line.contains("request refused") && line.contains("/email"));
        assert!(!line.contains("ann@example.com"));
    }

    #[test]
    fn our_own_crates_log_at_the_level_asked_for_and_libraries_only_their_warnings() {
        let levels = levels("debug");
        assert!(levels.would_enable("order_place", &Level::DEBUG));
        assert!(!levels.would_enable("aws_smithy_runtime::client", &Level::INFO));
        assert!(levels.would_enable("aws_smithy_runtime::client", &Level::WARN));
        assert!(!levels.would_enable("lambda_runtime::layers::panic", &Level::ERROR));
    }

    #[test]
    fn a_library_that_is_named_logs_at_the_level_it_was_given() {
        assert!(levels("info,aws_smithy=trace").would_enable("aws_smithy_runtime", &Level::TRACE));
    }
}
