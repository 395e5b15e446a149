//! `GET /api/v1/ops/settings`: the policies, rates and limits of the environment, for admins.

use api::{ListView, SettingView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;

/// Lists all settings by name.
pub async fn handle(settings: &[(&str, String)], _call: Call<NoBody>) -> Result<Reply<ListView<SettingView>>, Failure> {
    let view = |(name, value): &(&str, String)| SettingView { name: (*name).to_owned(), value: value.clone() };
    Ok(Reply::ok(ListView { items: settings.iter().map(view).collect(), next_cursor: None }))
}
