//! `GET /api/v1/users?query=`: staff find accounts by the beginning of an e-mail address, a username or a full name.

use api::{ListView, UserView};
use domain::profile;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{AccountStore, Page};

/// Lists one page of accounts.
pub async fn handle(users: &impl AccountStore, call: Call<NoBody>) -> Result<Reply<ListView<UserView>>, Failure> {
    let page = call.page()?;
    let prefix = profile::search_prefix(call.query::<String>("query")?.as_deref())?;
    let Page { items, next } = users.search_accounts(&prefix, page.limit, page.cursor.as_deref()).await?;
    Ok(Reply::ok(ListView { items: items.iter().map(UserView::from).collect(), next_cursor: next }))
}
