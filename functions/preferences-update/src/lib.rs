//! `PUT /api/v1/users/{id}/preferences`: keeps how somebody wants to be told of things, for themselves and for an admin.

use api::PreferencesView;
use domain::{id::UserId, notification::Preferences, user};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PreferenceBook;

/// Keeps them, in place of those before. Somebody else's are not to be found.
pub async fn handle(book: &impl PreferenceBook, call: Call<Preferences>) -> Result<Reply<PreferencesView>, Failure> {
    let (wish, call) = call.into_parts();
    let principal = call.principal()?;
    let whose: UserId = call.path("id")?;
    user::may_see(whose, principal.id, &principal.role)?;
    book.prefer(whose, &wish).await?;
    Ok(Reply::ok(PreferencesView::from(&wish)))
}
