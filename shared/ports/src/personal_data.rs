//! Port of what is held about a person.

use domain::{
    id::UserId,
    personal_data::{ExportCursor, ExportPart},
};
use kernel::Failure;

/// Everything that is held about a person, in all contexts.
pub trait PersonalData {
    /// The part of it that begins at `after`; without one, the first part. `None` if there is no such account. Deleted accounts are exported,
    /// too. The parts together are everything; a part is small enough for one response.
    async fn export(&self, user: UserId, after: Option<&ExportCursor>) -> Result<Option<ExportPart>, Failure>;
}
