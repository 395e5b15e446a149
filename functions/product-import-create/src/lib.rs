//! `POST /api/v1/products/imports`: a link to upload a file of products with, for staff.
//!
//! Returns 202 with the import and the link, which ends after a quarter of an hour and takes a file of the stated size only. The file has JSON
//! lines, each as the body of `POST /api/v1/products`; `product-import-run` works through it once it is there.

use api::{ImportUploadView, ProductImportView};
use domain::{
    id::ImportId,
    product_import::{self, CreateImport, MEDIA_TYPE, UPLOAD_SECONDS},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{JobStore, ProductFiles};

pub async fn handle(
    jobs: &impl JobStore,
    files: &impl ProductFiles,
    call: Call<CreateImport>,
) -> Result<Reply<ProductImportView>, Failure> {
    let import = product_import::create(ImportId(call.ids.next()), &call.body, call.now)?;
    let url = files.upload_link(&import.file_key(), MEDIA_TYPE, import.size, UPLOAD_SECONDS).await?;
    jobs.create(&import, call.now).await?;
    let upload = Some(ImportUploadView::new(&import, url));
    let view = ProductImportView { upload, ..ProductImportView::from(&import) };
    Ok(Reply::accepted(view).location(catalog::PRODUCT_IMPORT_GET.path_of(import.id)))
}
