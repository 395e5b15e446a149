//! `PUT /api/v1/users/{id}/preferences`: keeps how somebody wants to be told of things, for themselves and for an admin.

use api::PreferencesView;
use domain::{id::UserId, notification::Preferences, user};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PreferenceStore;

/// Keeps them, in place of those before. Somebody else's are not to be found.
pub async fn handle(book: &impl PreferenceStore, call: Call<Preferences>) -> Result<Reply<PreferencesView>, Failure> {
    let (wish, call) = call.into_parts();
    let principal = call.principal()?;
    let whose: UserId = call.path("id")?;
    user::check_owner(whose, principal.id, &principal.role)?;
    book.set_preferences(whose, &wish).await?;
    Ok(Reply::ok(PreferencesView::from(&wish)))
}
