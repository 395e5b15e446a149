//! `GET /api/v1/users/{id}/preferences`: how somebody wants to be told of things, for themselves and for an admin.

use api::PreferencesView;
use domain::{id::UserId, user};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::PreferenceStore;

/// Shows them; the usual, for who never said. Somebody else's are not to be found.
pub async fn handle(book: &impl PreferenceStore, call: Call<NoBody>) -> Result<Reply<PreferencesView>, Failure> {
    let principal = call.principal()?;
    let whose: UserId = call.path("id")?;
    user::check_owner(whose, principal.id, &principal.role)?;
    Ok(Reply::ok(PreferencesView::from(&book.preferences(whose).await?)))
}
