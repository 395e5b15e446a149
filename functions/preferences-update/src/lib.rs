//! `PUT /api/v1/users/{id}/preferences`: replaces notification preferences, for the user and for admins; 403 for staff, 404 for other
//! customers.

use api::PreferencesView;
use domain::{notification::Preferences, user};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::PreferenceStore;

pub async fn handle(
    preferences: &impl PreferenceStore,
    call: Call<Preferences>,
) -> Result<Reply<PreferencesView>, Failure> {
    let owner = call.owner_from_path("id", user::check_owner)?;
    preferences.set_preferences(owner, &call.body).await?;
    Ok(Reply::ok(PreferencesView::from(&call.body)))
}
