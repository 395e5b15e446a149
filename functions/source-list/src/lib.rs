//! `GET /api/v1/data/sources`: the sources of records, by name.

use api::{ListView, SourceItemView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::SourceStore;

/// Lists one page of sources.
pub async fn handle(
    sources: &impl SourceStore,
    call: Call<NoBody>,
) -> Result<Reply<ListView<SourceItemView>>, Failure> {
    let page = call.page()?;
    Ok(Reply::ok(ListView::of(&sources.sources(page.limit, page.cursor.as_deref()).await?)))
}
