//! `GET /api/v1/orders/{id}/notes`: the notes about an order, newest first, for staff.

use api::{ListView, NoteView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderNotes;

/// Lists one page of notes.
pub async fn handle(orders: &impl OrderNotes, call: Call<NoBody>) -> Result<Reply<ListView<NoteView>>, Failure> {
    let page = call.page()?;
    let found = orders.notes(call.path("id")?, page.limit, page.cursor.as_deref()).await?;
    Ok(Reply::ok(ListView::of(&found.ok_or_else(|| Failure::not_found("order"))?)))
}
