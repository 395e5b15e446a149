//! `POST /api/v1/products/exports`: starts an export of all products on sale, for staff.
//!
//! Returns 202 with the export; `product-export-run` writes its file.

use api::ProductExportView;
use domain::{id::ExportId, product_export::Export};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::JobStore;

pub async fn handle(jobs: &impl JobStore, call: Call<NoBody>) -> Result<Reply<ProductExportView>, Failure> {
    let export = Export::new(ExportId(call.ids.next()), call.now);
    jobs.create(&export, call.now).await?;
    let location = catalog::PRODUCT_EXPORT_GET.path_of(export.id);
    Ok(Reply::accepted(ProductExportView::new(&export, None)).location(location))
}
