//! `GET /api/v1/oauth/clients`: the service clients, newest first, for admins.

use api::{ClientView, ListView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{ClientStore, Page};

/// Lists one page of clients.
pub async fn handle(clients: &impl ClientStore, call: Call<NoBody>) -> Result<Reply<ListView<ClientView>>, Failure> {
    let page = call.page()?;
    let Page { items, next } = clients.clients(page.limit, page.cursor.as_deref()).await?;
    let items = items.iter().map(ClientView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: next }))
}
