//! `GET /api/v1/products/exports`: the exports of the last thirty days, newest first, for staff.

use api::{ListView, ProductExportView};
use domain::product_export::Export;
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, Page};
use ports::JobStore;

/// Lists one page of exports.
pub async fn handle(jobs: &impl JobStore, call: Call<NoBody>) -> Result<Reply<ListView<ProductExportView>>, Failure> {
    let page = call.page()?;
    let found: Page<Export> = jobs.list(page.limit, page.cursor.as_deref()).await?;
    Ok(Reply::ok(ListView {
        items: found.items.iter().map(|export| ProductExportView::new(export, None)).collect(),
        next_cursor: found.next,
    }))
}
