//! `POST /api/v1/orders/{id}/notes`: staff add a note about an order, which customers see in their export alone.
//!
//! Returns 201 with the note; a repeated `Idempotency-Key` adds no second one.

use api::NoteView;
use domain::{
    id::{NoteId, UserId},
    order::{AddNote, Note},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::OrderNotes;

pub async fn handle(orders: &impl OrderNotes, call: Call<AddNote>) -> Result<Reply<NoteView>, Failure> {
    let note = Note {
        id: NoteId(call.ids.next()),
        order_id: call.path("id")?,
        author: UserId(call.principal()?.id),
        text: call.body.text.clone(),
        created_at: call.now,
    };
    let reply = Reply::created(NoteView::from(&note));
    let outcome = orders.add_note(&note, call.idempotency.as_ref(), &reply.to_stored()?).await?;
    Ok(reply.or_replay(outcome.ok_or_else(|| Failure::not_found("order"))?))
}
