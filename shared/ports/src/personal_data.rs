//! Ports of what is held about a person.

use domain::{
    id::UserId,
    personal_data::{ExportCursor, PersonalDataPart},
};
use kernel::{Claim, Failure, Timestamp};

/// Everything that is held about a person, in all contexts.
pub trait PersonalData {
    /// The part of it that begins at `after`; without one, the first part. `None` if there is no such account. Deleted accounts are exported,
    /// too. The parts together are everything; a part is small enough for one response.
    async fn export(&self, user: UserId, after: Option<&ExportCursor>) -> Result<Option<PersonalDataPart>, Failure>;
}

/// What orders say about people whose accounts were erased.
pub trait OrderErasure {
    /// Erases the final orders of a customer, and remembers the customer for [`Self::erase_due`], once per claim: address, tracking and notes.
    async fn erase_customer(&self, claim: Claim, user: UserId, at: Timestamp) -> Result<(), Failure>;

    /// Erases the orders of erased customers that have become final: delivered, cancelled, or shipped
    /// [`domain::personal_data::SHIPPED_DAYS`] ago.
    async fn erase_due(&self, now: Timestamp) -> Result<DueErasures, Failure>;
}

/// What a run of [`OrderErasure::erase_due`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueErasures {
    /// Orders that it erased.
    pub erased: u64,
    /// Customers with an order that is not final, or who were erased less than a day ago.
    pub open: u64,
}
