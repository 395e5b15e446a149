//! Logs and metrics of a function: JSON lines on standard error, which Lambda forwards to CloudWatch.
//!
//! The runner logs each failure once, with code, detail and internal cause. Bodies, tokens and keys are never logged.
//! Environment: `LOG_LEVEL` (`info`; also `info,my_crate=debug`), `POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_METRICS_NAMESPACE`.

pub(crate) mod capture;
mod lines;
pub mod metrics;
pub(crate) mod spans;

#[cfg(test)]
pub(crate) use capture::lines_of;

use crate::catch_panic;
use kernel::{Failure, FailureKind};
use lines::JsonLines;
use std::fmt::Display;
use std::sync::OnceLock;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Target of the event that sums up an invocation. Its fields become members of the invocation's metrics line.
pub(crate) const SUMMARY: &str = "edge::summary";

/// Names on every log line and every metric.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub service: String,
    pub function: &'static str,
    pub namespace: String,
}

static IDENTITY: OnceLock<Identity> = OnceLock::new();

/// The identity set by [`init`].
pub(crate) fn identity() -> Option<&'static Identity> {
    IDENTITY.get()
}

/// Initializes logs and metrics of `function`. Call it first in `main`; a second call has no effect.
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
        write_line(b"{\"level\":\"WARN\",\"message\":\"another tracing subscriber is already installed and receives the logs\"}\n");
    }
    std::panic::set_hook(Box::new(|panic| {
        if !catch_panic::will_catch(panic) {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(
                panic.message = catch_panic::message(panic.payload()),
                panic.location = location,
                "panic outside of a handler"
            );
        }
    }));
}

/// `LOG_LEVEL` for the workspace's crates; libraries log warnings and errors only, unless `LOG_LEVEL` names them.
fn levels(level: &str) -> Targets {
    let requested: Targets = level.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let named: Vec<String> = requested.iter().map(|(target, _)| target.to_owned()).collect();
    let quiet = ["aws", "hyper", "h2", "lambda_", "redis", "reqwest", "rskafka", "rustls", "tokio", "tower"];
    let levels = quiet
        .into_iter()
        .filter(|library| !named.iter().any(|name| name.starts_with(library)))
        .fold(requested, |levels, library| levels.with_target(library, LevelFilter::WARN));
    // The runtime would log function errors again.
    levels.with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
}

/// Writes a line in one call, so that lines of several threads do not interleave.
pub(crate) fn write_line(line: &[u8]) {
    use std::io::Write;
    if std::io::stderr().lock().write_all(line).is_err() {
        // There is nowhere else to report that standard error failed.
    }
}

/// Logs `failure` as the result of `what`: client errors at level `INFO`, internal errors and unavailable dependencies at `ERROR`.
pub fn log_failure(what: &'static str, failure: &Failure) {
    let (detail, fields) = loggable(failure);
    if matches!(failure.kind, FailureKind::Internal | FailureKind::Unavailable) {
        tracing::error!(
            failure.code = failure.code,
            failure.detail = detail,
            failure.internal = failure.internal,
            failure.fields = fields,
            "{what} failed"
        );
    } else {
        tracing::info!(
            failure.code = failure.code,
            failure.detail = detail,
            failure.internal = failure.internal,
            failure.fields = fields,
            "{what} rejected"
        );
    }
}

/// Logs that `what` failed for `item`, one of several that are processed together, whose failure is not returned. Always at level `ERROR`,
/// because no caller reports it.
pub fn log_item_failure(what: &'static str, item: impl Display, failure: &Failure) {
    let (detail, fields) = loggable(failure);
    tracing::error!(
        failure.item = %item,
        failure.code = failure.code,
        failure.detail = detail,
        failure.internal = failure.internal,
        failure.fields = fields,
        "{what} failed"
    );
}

/// Detail and fields of a failure for the log. The detail of a rejected field may repeat a value from the request, which may be personal data.
fn loggable(failure: &Failure) -> (Option<&str>, Option<String>) {
    let pointers = failure.fields.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>().join(" ");
    let fields = (!pointers.is_empty()).then_some(pointers);
    (fields.is_none().then_some(failure.detail.as_str()), fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    fn log_of(failure: &Failure) -> String {
        lines_of(|| log_failure("request", failure))[0].to_string()
    }

    #[test]
    fn failure_of_an_item_is_an_error_that_names_it() {
        for failure in [
            Failure::internal("broken"),
            Failure::not_found("order"),
            Failure::field("/email", "ann@example.com is taken"),
        ] {
            let line = lines_of(|| log_item_failure("sweep of an order", 7, &failure)).remove(0);
            assert_eq!((&line["level"], &line["message"]), (&"ERROR".into(), &"sweep of an order failed".into()));
            assert_eq!((&line["failure.item"], &line["failure.code"]), (&"7".into(), &failure.code.into()));
            assert!(!line.to_string().contains("ann@example.com"));
        }
    }

    #[test]
    fn internal_failure_is_an_error_with_its_cause() {
        let line = log_of(&Failure::unavailable("database", "connection refused"));
        assert!(line.contains("ERROR") && line.contains("request failed"));
        assert!(line.contains("unavailable") && line.contains("database: connection refused"));
    }

    #[test]
    fn rejected_field_is_logged_by_name_without_its_value() {
        let line = log_of(&Failure::field("/email", "ann@example.com is taken"));
        assert!(line.contains("INFO") && line.contains("request rejected") && line.contains("/email"));
        assert!(!line.contains("ann@example.com"));
    }

    #[test]
    fn log_level_applies_to_the_workspace_and_libraries_log_warnings() {
        let levels = levels("debug");
        assert!(levels.would_enable("order_place", &Level::DEBUG));
        assert!(!levels.would_enable("aws_smithy_runtime::client", &Level::INFO));
        assert!(levels.would_enable("aws_smithy_runtime::client", &Level::WARN));
        assert!(!levels.would_enable("lambda_runtime::layers::panic", &Level::ERROR));
    }

    #[test]
    fn named_library_logs_at_its_own_level() {
        assert!(levels("info,aws_smithy=trace").would_enable("aws_smithy_runtime", &Level::TRACE));
    }
}
