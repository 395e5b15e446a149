//! `GET /api/v1/products/exports/{id}`: how far an export has come, with a link to its file once it is completed, for staff; 404 for an unknown
//! export.

use api::ProductExportView;
use domain::{id::ExportId, product_export::Export};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{JobStore, ProductFiles};

/// Seconds for which the link to the file is valid.
const LINK_SECONDS: u32 = 900;

pub async fn handle(
    jobs: &impl JobStore,
    files: &impl ProductFiles,
    call: Call<NoBody>,
) -> Result<Reply<ProductExportView>, Failure> {
    let id: ExportId = call.path("id")?;
    let export: Export = jobs.get(id.0).await?.ok_or_else(|| Failure::not_found("export"))?;
    let url = match export.is_open() {
        true => None,
        false => Some(files.link(&export.file_key(), LINK_SECONDS).await?),
    };
    Ok(Reply::ok(ProductExportView::new(&export, url)))
}
