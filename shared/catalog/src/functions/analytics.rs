//! The functions of analytics.

use super::*;

functions! {
    /// Writes what analytics uses of orders, payments and erasures to the analytics stream.
    ANALYTICS_FEED = Function::new("analytics-feed", Analytics).on(ANALYTICS_EVENTS)
        .uses(&[Uses::Postgres, Uses::Stream(&ANALYTICS, &[PutRecord])]).timeout(15).batched(100, 60).concurrency(20).by_version();
    /// Aggregates the records of the stream in five-minute windows.
    WINDOW_AGGREGATE = Function::new("window-aggregate", Analytics)
        .triggered(Stream(&ANALYTICS, ANALYTICS_EVENTS))
        .uses(&[Uses::Postgres]).timeout(30).batched(100, 60);
    /// Lists the analytics windows.
    WINDOW_LIST = Function::new("window-list", Analytics).http(Get, "/api/v1/analytics/windows", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);
    /// Sums up the windows of a period by day.
    ANALYTICS_SUMMARY_GET = Function::new("analytics-summary-get", Analytics)
        .http(Get, "/api/v1/analytics/summary", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Lists the anomalies that were found in windows.
    ANOMALY_LIST = Function::new("anomaly-list", Analytics).http(Get, "/api/v1/analytics/anomalies", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);
    /// Publishes windows that are complete, or corrected, and those that are unusual.
    WINDOW_CLOSE = Function::new("window-close", Analytics).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[WINDOW_CLOSED, ANOMALY_DETECTED]).timeout(60);
}
