//! `GET /api/v1/users/{id}/preferences`: notification preferences, for the user and for admins; 403 for staff, 404 for other
//! customers.

use api::PreferencesView;
use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::PreferenceStore;

/// Returns the preferences; the defaults, if the user set none.
pub async fn handle(preferences: &impl PreferenceStore, call: Call<NoBody>) -> Result<Reply<PreferencesView>, Failure> {
    let owner = call.owner_from_path("id", user::check_owner)?;
    Ok(Reply::ok(PreferencesView::from(&preferences.preferences(owner).await?)))
}
