//! What every crate of the house agrees on: how a failure is told, what an event looks like on the wire, which request it
//! belongs to, and how a first answer is kept for a repeated request. No I/O, no clock, nothing of Lambda or AWS.

pub mod circuit_breaker;
mod claim;
mod cloud_event;
mod failure;
mod idempotency;
mod ids;
mod trace_context;

pub use claim::Claim;
pub use cloud_event::{CloudEvent, EventPayload, SPEC_VERSION};
pub use failure::{Failure, FailureKind, FieldError};
pub use idempotency::{IdempotencyKey, IdempotencyOutcome, StoredReply};
pub use ids::Ids;
pub use trace_context::TraceContext;

/// An instant in UTC. It always comes in as a value; only the runners of `edge` read a clock.
pub use jiff::Timestamp;
pub use uuid::Uuid;
