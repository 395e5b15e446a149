//! Types shared by every crate: failures, the CloudEvents envelope, trace context, idempotency records, ids, the
//! circuit breaker and rate limits.
//!
//! **Invariant:** no I/O and no clock; no dependency on Lambda or the AWS SDK.

#![warn(missing_docs)]

pub mod circuit_breaker;
mod claim;
mod cloud_event;
mod event_context;
mod failure;
mod idempotency;
mod ids;
pub mod network;
mod page;
mod principal;
pub mod rate_limit;
pub mod time;
mod trace_context;

pub use claim::Claim;
pub use cloud_event::{CloudEvent, EventPayload, SPEC_VERSION};
pub use event_context::EventContext;
pub use failure::{Failure, FailureKind, FieldError};
pub use idempotency::{IDEMPOTENCY_KEY_REUSED, IdempotencyKey, IdempotencyOutcome, StoredReply};
pub use ids::Ids;
pub use page::Page;
pub use principal::Principal;
pub use time::seconds_after;
pub use trace_context::TraceContext;

/// An instant in UTC. It is always passed in as a value; only the runners in `edge` read a clock.
pub use jiff::Timestamp;
/// A calendar date, and the rules by which an instant is on one.
pub use jiff::{civil::Date, tz::TimeZone};
pub use uuid::Uuid;
