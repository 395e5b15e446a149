//! How a consumer marks an event as processed.

use crate::Uuid;

/// The claim of one consumer on one event. A store inserts it in the transaction of the effect, so that a redelivery of the event
/// changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Name of the consuming function.
    pub consumer: &'static str,
    /// Id of the event.
    pub event_id: Uuid,
}
