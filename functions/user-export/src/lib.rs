//! `GET /api/v1/users/{id}/export`: everything that is held about a person, as one JSON document, for the person and for admins; 404 for everyone
//! else.
//!
//! A document that would be longer than a response may be comes in parts: `next_cursor` leads to the following one.

use api::ExportView;
use domain::{personal_data::ExportCursor, user};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::PersonalData;

/// Exports one part.
pub async fn handle(data: &impl PersonalData, call: Call<NoBody>) -> Result<Reply<ExportView>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self_or_admin)?;
    let after = call.query::<String>("cursor")?.as_deref().map(ExportCursor::parse).transpose()?;
    let part = data.export(user_id, after.as_ref()).await?.ok_or_else(|| Failure::not_found("user"))?;
    let disposition = format!("attachment; filename=\"personal-data-{user_id}.json\"");
    Ok(Reply::ok(ExportView::new(user_id, part, call.now)).header("content-disposition", disposition))
}
