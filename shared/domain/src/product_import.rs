//! Imports of products: a file of JSON lines, one product a line, that staff upload and a function works through in steps.
//!
//! A step reads a part of the file, writes its products and stores where it ended. A step that is repeated finds what it wrote: each product
//! is written under the key of its SKU and its line ([`Import::key`]).

use crate::{
    id::ImportId,
    product::{CreateProduct, Product},
    text::Sku,
};
use kernel::{Failure, FailureKind, FieldError, IdempotencyKey, StoredReply, Timestamp, seconds_after};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Maximum size of a file in bytes.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Maximum number of lines of a file, empty ones included.
pub const MAX_LINES: u64 = 100_000;
/// Maximum number of rejected lines; the import fails at one more.
pub const MAX_REJECTED: u64 = 10_000;
/// Seconds for which an upload link is valid.
pub const UPLOAD_SECONDS: u32 = 900;
/// Seconds after its creation after which an import that has not ended fails: well before the products table forgets its keys.
pub const MAX_SECONDS: i64 = 12 * 3600;
/// Members of a rejected line that are named at most, and characters of each text about them.
const MAX_FIELDS: usize = 10;
const MAX_SHOWN: usize = 200;
/// The media type of files: JSON lines.
pub const MEDIA_TYPE: &str = "application/x-ndjson";

words! {
    /// How a line with an existing SKU is handled.
    pub enum Mode {
        /// The line is rejected.
        Create,
        /// It replaces the members of the product that staff edit; the stock stays.
        Upsert,
    }
    /// State of an import.
    pub enum Status {
        /// The file has not been uploaded yet.
        AwaitingUpload,
        Running,
        /// Every line was written.
        Completed,
        /// Every line was read, and some were rejected.
        CompletedWithErrors,
        /// It ended before the end of the file; what was written stays.
        Failed,
        /// The file was not uploaded in time.
        Expired,
    }
    /// Why an import failed.
    pub enum ImportFailure {
        /// The file was replaced or deleted while it was read.
        FileChanged,
        /// The file has another size than was stated.
        OtherSize,
        /// The file has more than [`MAX_LINES`] lines.
        TooManyLines,
        /// More than [`MAX_REJECTED`] lines were rejected.
        TooManyErrors,
        /// It took longer than [`MAX_SECONDS`].
        TimedOut,
    }
    /// Result of a line.
    pub enum ImportLineOutcome {
        Created,
        Updated,
        /// The product has what the line states.
        Unchanged,
    }
}

/// A request to import products.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateImport {
    /// Size of the file in bytes.
    pub size: FileSize,
    /// `create` if absent: a line whose SKU a product has is rejected. `upsert`: it replaces the members of the product
    /// that staff edit.
    #[serde(default)]
    pub mode: Option<Mode>,
}

/// Size of a file: 1 to [`MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct FileSize(u64);

impl FileSize {
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl JsonSchema for FileSize {
    fn schema_name() -> Cow<'static, str> {
        "FileSize".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_BYTES })
    }
}

impl TryFrom<i64> for FileSize {
    type Error = String;
    fn try_from(bytes: i64) -> Result<Self, String> {
        match u64::try_from(bytes) {
            Ok(bytes @ 1..=MAX_BYTES) => Ok(Self(bytes)),
            _ => Err(format!("must be between 1 and {MAX_BYTES} bytes")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    pub id: ImportId,
    pub mode: Mode,
    /// Size of the file in bytes, as stated.
    pub size: u64,
    pub status: Status,
    /// Why it failed.
    pub failure: Option<ImportFailure>,
    /// ETag of the file that is read.
    pub etag: Option<String>,
    pub progress: ImportProgress,
    pub created_at: Timestamp,
    pub upload_expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProgress {
    /// Where the next line, or the rest of a line that is too long, begins in the file.
    pub position: u64,
    /// Lines before it, empty ones included.
    pub lines: u64,
    /// Whether the position is within a line that is too long and has been rejected.
    pub is_within_line: bool,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub rejected: u64,
    /// Bytes of the list of errors.
    pub error_bytes: u64,
}

impl ImportProgress {
    pub fn count(&mut self, outcome: Option<ImportLineOutcome>) {
        let count = match outcome {
            Some(ImportLineOutcome::Created) => &mut self.created,
            Some(ImportLineOutcome::Updated) => &mut self.updated,
            Some(ImportLineOutcome::Unchanged) => &mut self.unchanged,
            None => &mut self.rejected,
        };
        *count += 1;
    }
}

/// Why a line was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// Number of the line in the file, from 1.
    pub line: u64,
    /// Code of the problem.
    pub code: String,
    pub detail: String,
    /// The invalid members.
    pub errors: Vec<FieldError>,
}

impl LineError {
    pub fn new(line: u64, failure: Failure) -> Self {
        let Failure { code, detail, fields, .. } = failure;
        let field = |FieldError { pointer, detail }| FieldError { pointer: shown(&pointer), detail: shown(&detail) };
        let errors = fields.into_iter().take(MAX_FIELDS).map(field).collect();
        Self { line, code: code.to_owned(), detail: shown(&detail), errors }
    }
}

/// The beginning of a text that may repeat what a line contains.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

pub fn create(id: ImportId, command: &CreateImport, now: Timestamp) -> Result<Import, Failure> {
    Ok(Import {
        id,
        mode: command.mode.unwrap_or(Mode::Create),
        size: command.size.bytes(),
        status: Status::AwaitingUpload,
        failure: None,
        etag: None,
        progress: ImportProgress::default(),
        created_at: now,
        upload_expires_at: seconds_after(now, UPLOAD_SECONDS.into())?,
        ended_at: None,
    })
}

impl Import {
    /// Key of the file.
    pub fn file_key(&self) -> String {
        format!("imports/{}/products.jsonl", self.id)
    }

    /// Key of the list of errors.
    pub fn errors_key(&self) -> String {
        format!("imports/{}/errors.jsonl", self.id)
    }

    /// Whether there is something left to do.
    pub const fn is_open(&self) -> bool {
        matches!(self.status, Status::AwaitingUpload | Status::Running)
    }

    /// Starts reading an uploaded file. `None`: it is not uploaded; the import expires if the upload link has.
    pub fn begin(&mut self, file: Option<(u64, String)>, now: Timestamp) {
        match file {
            _ if self.status != Status::AwaitingUpload => {}
            Some((size, _)) if size != self.size => self.fail(ImportFailure::OtherSize, now),
            Some((_, etag)) => (self.status, self.etag) = (Status::Running, Some(etag)),
            None if now > self.upload_expires_at => (self.status, self.ended_at) = (Status::Expired, Some(now)),
            None => {}
        }
    }

    /// Ends it before the end of the file.
    pub fn fail(&mut self, failure: ImportFailure, now: Timestamp) {
        (self.status, self.failure, self.ended_at) = (Status::Failed, Some(failure), Some(now));
    }

    /// Takes the progress of a step, and ends if there is nothing left to read or a limit is exceeded.
    pub fn advance(&mut self, progress: ImportProgress, now: Timestamp) {
        self.progress = progress;
        if progress.rejected > MAX_REJECTED {
            self.fail(ImportFailure::TooManyErrors, now);
        } else if progress.position >= self.size {
            let status = if progress.rejected == 0 { Status::Completed } else { Status::CompletedWithErrors };
            (self.status, self.ended_at) = (status, Some(now));
        }
    }

    /// Whether it has taken too long.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now.as_second() > self.created_at.as_second().saturating_add(MAX_SECONDS)
    }

    /// The key under which the product of a line is written. The next line with the same SKU has the same key with another fingerprint, and is
    /// therefore refused.
    pub fn key(&self, sku: &Sku, line: u64) -> IdempotencyKey {
        let scope = format!("product-import {}", self.id);
        IdempotencyKey { scope, key: sku.as_str().to_owned(), fingerprint: line.to_string() }
    }
}

/// What a key's record holds.
pub fn reply(outcome: ImportLineOutcome) -> StoredReply {
    StoredReply { status: 200, headers: Vec::new(), body: outcome.name().to_owned() }
}

/// The outcome that a key's record holds.
pub fn outcome(reply: &StoredReply) -> Result<ImportLineOutcome, Failure> {
    ImportLineOutcome::parse(&reply.body).ok_or_else(|| Failure::internal("the record of a line holds no outcome"))
}

/// Whether a product has what a line states. The stock has requests of its own.
pub fn is_stated(product: &Product, line: &CreateProduct) -> bool {
    let description = line.description.as_ref().map_or("", |text| text.as_str());
    (&product.name, product.description.as_str(), &product.category, product.price)
        == (&line.name, description, &line.category, line.price)
}

/// The rejection of a line whose SKU an earlier one has.
pub fn repeated_sku() -> Failure {
    sku_rejected("sku-repeated", "is in an earlier line of the file")
}

/// The rejection of a line whose SKU a product has that is withdrawn permanently.
pub fn withdrawn_sku() -> Failure {
    sku_rejected("sku-taken", "is taken by a product that was withdrawn")
}

/// The rejection of a line for whose SKU something is stored that cannot be read.
pub fn internal_error() -> Failure {
    let detail = "The line was not written because of an internal error. It is not retried.";
    Failure::new(FailureKind::Internal, "internal", detail)
}

fn sku_rejected(code: &'static str, detail: &str) -> Failure {
    let fields = vec![FieldError { pointer: "/sku".to_owned(), detail: detail.to_owned() }];
    Failure { fields, ..Failure::new(FailureKind::Conflict, code, format!("The SKU {detail}.")) }
}
