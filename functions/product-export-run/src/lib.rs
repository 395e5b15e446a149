//! Every minute, writes some parts of exports of products, of the export that has waited longest.
//!
//! The products on sale are read from the read model in the order of their ids, a page at a time: each is as it is when its page is read. A
//! part that is repeated, because an invocation was killed, replaces itself.

use domain::{
    job::LEASE_SECONDS,
    product_export::{self, Export, PART_BYTES},
};
use edge::schedule::Tick;
use kernel::{Failure, seconds_after};
use ports::{JobStore, LeasedJob, ProductFiles, ProductIndex};
use serde::Serialize;

/// Parts that one run writes, the end of a file included.
const MAX_PARTS: u32 = 4;
/// Products that are read at once.
const PAGE: u32 = 500;

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Parts that were written.
    pub parts: u32,
    /// Exports that were completed.
    pub ended: u32,
}

pub async fn handle(
    jobs: &impl JobStore,
    files: &impl ProductFiles,
    index: &impl ProductIndex,
    tick: Tick,
) -> Result<Summary, Failure> {
    let leased_until = seconds_after(tick.now, LEASE_SECONDS)?;
    let mut summary = Summary::default();
    while summary.parts < MAX_PARTS
        && let Some(mut leased) = jobs.lease::<Export>(tick.now, leased_until).await?
    {
        let mut is_ours = true;
        while is_ours && leased.job.is_open() && summary.parts < MAX_PARTS {
            let part = read_part(index, &mut leased.job).await?;
            summary.parts += 1;
            if !part.is_last && leased.job.upload.is_none() {
                leased.job.upload = Some(files.begin(&leased.job.file_key()).await?);
            }
            store(files, &mut leased, part, &tick).await?;
            let due_at = if summary.parts < MAX_PARTS { leased_until } else { tick.now };
            is_ours = jobs.save(&leased, due_at).await?;
        }
        summary.ended += u32::from(is_ours && !leased.job.is_open());
    }
    Ok(summary)
}

struct UploadPart {
    lines: Vec<u8>,
    is_last: bool,
}

/// Reads the next part, and moves the export behind it.
async fn read_part(index: &impl ProductIndex, export: &mut Export) -> Result<UploadPart, Failure> {
    let mut part = UploadPart { lines: Vec::new(), is_last: false };
    while !part.is_last && part.lines.len() < PART_BYTES {
        let page = index.on_sale_after(export.after, PAGE).await?;
        for product in &page {
            part.lines.extend_from_slice(product_export::line(product)?.as_bytes());
            (export.after, export.products) = (Some(product.id), export.products + 1);
        }
        part.is_last = page.is_empty();
    }
    Ok(part)
}

/// Stores a part; one without lines completes the export. A file of one part needs no upload in parts.
async fn store(
    files: &impl ProductFiles,
    leased: &mut LeasedJob<Export>,
    part: UploadPart,
    tick: &Tick,
) -> Result<(), Failure> {
    let export = &mut leased.job;
    let key = export.file_key();
    let Some(upload) = export.upload.clone() else {
        files.put(&key, part.lines).await?;
        export.complete(tick.now);
        return Ok(());
    };
    // A step of its own completes the upload, because a completed one takes no part again.
    if part.lines.is_empty() {
        files.complete(&key, &upload, &export.parts).await?;
        export.complete(tick.now);
    } else {
        let number = export.parts.len() + 1;
        export.parts.push(files.put_part(&key, &upload, number, part.lines).await?);
    }
    Ok(())
}
