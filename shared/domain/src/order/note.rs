//! Notes of staff about orders. Customers see them in the export of their data alone.

use crate::{
    id::{NoteId, OrderId, UserId},
    text::MessageText,
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

/// A request to add a note.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddNote {
    /// 1 to 4000 characters.
    pub text: MessageText,
}

/// A note; never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub id: NoteId,
    pub order_id: OrderId,
    pub author: UserId,
    pub text: MessageText,
    pub created_at: Timestamp,
}
