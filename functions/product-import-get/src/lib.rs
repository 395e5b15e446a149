//! `GET /api/v1/products/imports/{id}`: how far an import has come, with the first rejected lines and a link to all of them, for staff; 404 for an
//! unknown import.

use api::{LineErrorView, ProductImportView};
use domain::{
    id::ImportId,
    product_import::{Import, LineError},
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{JobStore, ProductFiles};

/// Rejected lines that are shown, and bytes of the list that are read for them.
const MAX_SHOWN: usize = 100;
const SHOWN_BYTES: u64 = 128 * 1024;
/// Seconds for which the link to the list is valid.
const LINK_SECONDS: u32 = 900;

pub async fn handle(
    jobs: &impl JobStore,
    files: &impl ProductFiles,
    call: Call<NoBody>,
) -> Result<Reply<ProductImportView>, Failure> {
    let id: ImportId = call.path("id")?;
    let import: Import = jobs.get(id.0).await?.ok_or_else(|| Failure::not_found("import"))?;
    let mut view = ProductImportView::from(&import);
    if import.progress.error_bytes > 0 {
        view.errors = first_errors(files, &import).await?;
        view.errors_url = Some(files.link(&import.errors_key(), LINK_SECONDS).await?);
    }
    Ok(Reply::ok(view))
}

async fn first_errors(files: &impl ProductFiles, import: &Import) -> Result<Vec<LineErrorView>, Failure> {
    let length = import.progress.error_bytes.min(SHOWN_BYTES);
    let list = files.read(&import.errors_key(), None, 0, length).await?.unwrap_or_default();
    // The last line may be cut.
    let whole = list.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let read = |line| serde_json::from_slice::<LineError>(line).map(Into::into).map_err(Failure::internal);
    whole.take(MAX_SHOWN).map(read).collect()
}
