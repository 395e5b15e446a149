//! `GET /api/v1/users/{id}/sessions`: the caller's sessions, newest first.

use api::{ListView, SessionView};
use domain::{id::SessionId, user};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{Page, SESSION_CLAIM, SessionStore};

/// Lists one page of sessions.
pub async fn handle(sessions: &impl SessionStore, call: Call<NoBody>) -> Result<Reply<ListView<SessionView>>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self)?;
    let current: SessionId = call.token_claim(SESSION_CLAIM)?;
    let page = call.page()?;
    let Page { items, next } = sessions.sessions(user_id, call.now, page.limit, page.cursor.as_deref()).await?;
    let items = items.iter().map(|session| SessionView::new(session, session.id == current)).collect();
    Ok(Reply::ok(ListView { items, next_cursor: next }))
}
