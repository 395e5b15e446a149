//! Imports and exports of products.

use crate::{id, rfc3339};
use domain::{
    product_export::Export,
    product_import::{Import, LineError, MEDIA_TYPE},
};
use kernel::FieldError;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// An import of products.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProductImportView {
    /// Id of the import.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// `create` or `upsert`.
    pub mode: &'static str,
    /// `awaiting_upload`, `running`, `completed`, `completed_with_errors`, `failed`, or `expired` if the file was not uploaded in time.
    pub status: &'static str,
    /// Why it failed: `file_changed`, `other_size`, `too_many_lines`, `too_many_errors` or `timed_out`.
    pub reason: Option<&'static str>,
    /// Lines read so far, empty ones included.
    pub lines: u64,
    /// Products created.
    pub created: u64,
    /// Products updated.
    pub updated: u64,
    /// Products that had what their line states.
    pub unchanged: u64,
    /// Lines rejected.
    pub rejected: u64,
    /// The first rejected lines, at most a hundred; none in a list.
    pub errors: Vec<LineErrorView>,
    /// Link to the list of all rejected lines, as JSON lines; it ends after a quarter of an hour. Not in a list.
    pub errors_url: Option<String>,
    /// How to upload the file, while it is awaited and in the response that creates the import.
    pub upload: Option<ImportUploadView>,
    /// When the import was created.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Time at which the job ended; null while it is open.
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: Option<String>,
}

/// A link to upload a file with: a PUT request with these headers and the file as its body.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ImportUploadView {
    /// URL to send the file to.
    pub url: String,
    /// Headers that the request must have.
    pub headers: BTreeMap<String, String>,
    /// When the link ends.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
}

/// A rejected line.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LineErrorView {
    /// Number of the line in the file, from 1.
    pub line: u64,
    /// Code of the problem, the last part of its `type`.
    pub code: String,
    /// Why the line was rejected.
    pub detail: String,
    /// The invalid members.
    pub errors: Vec<LineFieldView>,
}

/// An invalid member of a line.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LineFieldView {
    /// JSON pointer into the line.
    pub pointer: String,
    /// What is wrong with the member.
    pub detail: String,
}

impl ImportUploadView {
    /// The link for the file of an import.
    pub fn new(import: &Import, url: String) -> Self {
        let headers = [("content-type", MEDIA_TYPE.to_owned()), ("content-length", import.size.to_string())];
        Self {
            url,
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            expires_at: rfc3339(import.upload_expires_at),
        }
    }
}

impl From<LineError> for LineErrorView {
    fn from(error: LineError) -> Self {
        let LineError { line, code, detail, errors } = error;
        let field = |FieldError { pointer, detail }| LineFieldView { pointer, detail };
        Self { line, code, detail, errors: errors.into_iter().map(field).collect() }
    }
}

impl From<&Import> for ProductImportView {
    fn from(import: &Import) -> Self {
        let progress = import.progress;
        Self {
            id: id(import.id.0),
            mode: import.mode.name(),
            status: import.status.name(),
            reason: import.failure.map(|failure| failure.name()),
            lines: progress.lines,
            created: progress.created,
            updated: progress.updated,
            unchanged: progress.unchanged,
            rejected: progress.rejected,
            errors: Vec::new(),
            errors_url: None,
            upload: None,
            created_at: rfc3339(import.created_at),
            ended_at: import.ended_at.map(rfc3339),
        }
    }
}

/// An export of products.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProductExportView {
    /// Id of the export.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// `running` or `completed`.
    pub status: &'static str,
    /// Products written so far.
    pub products: u64,
    /// Link to the file, once it is completed; it ends after a quarter of an hour. Not in a list.
    pub url: Option<String>,
    /// When the export was created.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// When it was completed.
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: Option<String>,
}

impl ProductExportView {
    /// An export, with a link to its file.
    pub fn new(export: &Export, url: Option<String>) -> Self {
        Self {
            id: id(export.id.0),
            status: export.status.name(),
            products: export.products,
            url,
            created_at: rfc3339(export.created_at),
            ended_at: export.ended_at.map(rfc3339),
        }
    }
}
