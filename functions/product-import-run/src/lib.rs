//! Every minute, imports some thousands of lines of products, from the import that has waited longest.
//!
//! A step reads a part of the file, writes its products, appends its errors to their list and stores where it ended. An invocation that is
//! killed leaves the import to the next one after the end of its lease, which repeats the step: a product is written once under its key, and
//! the list of errors is cut to what was stored before.

mod line;

use domain::{
    job::LEASE_SECONDS,
    json_lines::{self, Start},
    product_import::{Import, ImportFailure, LineError, MAX_LINES, Status},
};
use edge::schedule::Tick;
use kernel::{Failure, Timestamp, seconds_after};
use ports::{JobStore, LeasedJob, ProductFiles, ProductStore};
use serde::Serialize;

/// Steps of one run. At about ten milliseconds a line they take five seconds, ten lines at a time, and 50 seconds if a SKU is repeated in each
/// step, whose lines are then written one after the other: less than the timeout.
const MAX_STEPS: u32 = 25;
/// Lines of a step at most.
const STEP_LINES: u64 = 200;
/// Bytes of a step at most: more than the longest line.
const STEP_BYTES: u64 = 256 * 1024;
/// Seconds between checks whether the file is uploaded.
const UPLOAD_CHECK_SECONDS: i64 = 30;

/// Counts of one run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Steps that were made.
    pub steps: u32,
    pub ended: u32,
}

pub async fn handle(
    jobs: &impl JobStore,
    files: &impl ProductFiles,
    products: &impl ProductStore,
    tick: Tick,
) -> Result<Summary, Failure> {
    let leased_until = seconds_after(tick.now, LEASE_SECONDS)?;
    let mut summary = Summary::default();
    while summary.steps < MAX_STEPS
        && let Some(mut leased) = jobs.lease::<Import>(tick.now, leased_until).await?
    {
        begin(files, &mut leased.job, tick.now).await?;
        // A check for a missing file counts as a step, so that a run ends.
        summary.steps += 1;
        let mut is_ours = jobs.save(&leased, due_at(&leased, leased_until, tick.now)?).await?;
        while is_ours && leased.job.status == Status::Running {
            step(files, products, &mut leased.job, &tick).await?;
            summary.steps += 1;
            let is_over = summary.steps >= MAX_STEPS;
            is_ours = jobs.save(&leased, if is_over { tick.now } else { leased_until }).await?;
            if is_over {
                break;
            }
        }
        summary.ended += u32::from(is_ours && !leased.job.is_open());
    }
    Ok(summary)
}

fn due_at(leased: &LeasedJob<Import>, leased_until: Timestamp, now: Timestamp) -> Result<Timestamp, Failure> {
    match leased.job.status {
        Status::AwaitingUpload => seconds_after(now, UPLOAD_CHECK_SECONDS),
        _ => Ok(leased_until),
    }
}

/// Looks for the file of an import that awaits it.
async fn begin(files: &impl ProductFiles, import: &mut Import, now: Timestamp) -> Result<(), Failure> {
    if import.is_overdue(now) {
        import.fail(ImportFailure::TimedOut, now);
    } else if import.status == Status::AwaitingUpload {
        let file = files.state(&import.file_key()).await?;
        import.begin(file.map(|file| (file.size, file.etag)), now);
    }
    Ok(())
}

/// Reads one part of the file and writes its products.
async fn step(
    files: &impl ProductFiles,
    products: &impl ProductStore,
    import: &mut Import,
    tick: &Tick,
) -> Result<(), Failure> {
    let mut progress = import.progress;
    let lines_left = MAX_LINES.saturating_sub(progress.lines);
    if lines_left == 0 {
        import.fail(ImportFailure::TooManyLines, tick.now);
        return Ok(());
    }
    let length = STEP_BYTES.min(import.size.saturating_sub(progress.position));
    let part = files.read(&import.file_key(), import.etag.as_deref(), progress.position, length).await?;
    let Some(part) = part.filter(|part| part.len() as u64 == length) else {
        import.fail(ImportFailure::FileChanged, tick.now);
        return Ok(());
    };
    let start = Start { is_first: progress.position == 0, is_within_line: progress.is_within_line };
    let is_last = progress.position + length >= import.size;
    let most = usize::try_from(STEP_LINES.min(lines_left)).map_err(Failure::internal)?;
    let split = json_lines::split(&part, start, is_last, most);
    let mut errors = Vec::new();
    for (number, written) in line::write_all(products, import, &split.lines, tick).await? {
        progress.count(written.as_ref().ok().copied());
        errors.extend(written.err().map(|failure| LineError::new(number, failure)));
    }
    progress.position += split.taken as u64;
    progress.lines += split.lines.len() as u64;
    progress.is_within_line = split.is_within_line;
    if !errors.is_empty() {
        progress.error_bytes = append(files, import, &errors).await?;
    }
    import.advance(progress, tick.now);
    Ok(())
}

/// Appends to the list of errors. Returns its length.
async fn append(files: &impl ProductFiles, import: &Import, errors: &[LineError]) -> Result<u64, Failure> {
    let (key, stored) = (import.errors_key(), import.progress.error_bytes);
    let mut list = match stored {
        0 => Vec::new(),
        _ => files.read(&key, None, 0, stored).await?.unwrap_or_default(),
    };
    if list.len() as u64 != stored {
        return Err(Failure::internal("the list of errors is shorter than it was"));
    }
    for error in errors {
        serde_json::to_writer(&mut list, error).map_err(Failure::internal)?;
        list.push(b'\n');
    }
    let length = list.len() as u64;
    files.put(&key, list).await?;
    Ok(length)
}
