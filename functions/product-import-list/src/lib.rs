//! `GET /api/v1/products/imports`: the imports of the last thirty days, newest first, for staff.

use api::{ListView, ProductImportView};
use domain::product_import::Import;
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, Page};
use ports::JobStore;

/// Lists one page of imports.
pub async fn handle(jobs: &impl JobStore, call: Call<NoBody>) -> Result<Reply<ListView<ProductImportView>>, Failure> {
    let page = call.page()?;
    let found: Page<Import> = jobs.list(page.limit, page.cursor.as_deref()).await?;
    Ok(Reply::ok(ListView {
        items: found.items.iter().map(ProductImportView::from).collect(),
        next_cursor: found.next,
    }))
}
