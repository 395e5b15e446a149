//! Request bodies. A route whose handler takes a `Deserialize` type expects JSON.

use crate::json::{self, DocumentError};
use kernel::{Failure, FailureKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;

/// Maximum nesting depth of a JSON body.
const MAX_DEPTH: usize = 32;

/// Media type that a route expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// No body; one that is sent is ignored.
    Nothing,
    /// `application/json`, or a type that ends with `+json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Any media type, as bytes.
    Raw,
}

/// A body, parsed according to its media type.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// No body.
    Nothing,
    /// A JSON document, or the members of a form.
    Tree(Value),
    /// The bytes as received.
    Bytes(RawBody),
}

impl fmt::Debug for Content {
    /// Shows nothing of the body, which may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Tree(_) => "Tree(…)",
            Self::Bytes(_) => "Bytes(…)",
        })
    }
}

/// A type that a handler accepts as its body. Implemented for every `Deserialize` type, as JSON.
pub trait Body: Sized {
    /// Media type of the body.
    const MEDIA: Media;

    /// Deserializes the body. The failure names the invalid members.
    fn read(content: Content) -> Result<Self, Failure>;
}

impl<T: DeserializeOwned> Body for T {
    const MEDIA: Media = Media::Json;

    fn read(content: Content) -> Result<Self, Failure> {
        match content {
            Content::Tree(value) => json::read_request(value),
            // `()` and `Option` accept a missing body; other types require one. Any other way to read it would compile `T` a second time.
            _ => json::read_request(Value::Null).map_err(|_| malformed("A JSON body is required.")),
        }
    }
}

/// The body of a route without one; a body that is sent is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBody;

impl Body for NoBody {
    const MEDIA: Media = Media::Nothing;

    fn read(_: Content) -> Result<Self, Failure> {
        Ok(Self)
    }
}

/// An unparsed body, for instance to verify its signature.
#[derive(Clone, PartialEq, Eq)]
pub struct RawBody {
    /// The bytes, decoded if API Gateway had encoded them as base64.
    pub bytes: Vec<u8>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
}

impl fmt::Debug for RawBody {
    /// Shows nothing of the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawBody").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

impl Body for RawBody {
    const MEDIA: Media = Media::Raw;

    fn read(content: Content) -> Result<Self, Failure> {
        match content {
            Content::Bytes(raw) => Ok(raw),
            _ => Ok(Self { bytes: Vec::new(), content_type: None }),
        }
    }
}

/// A body sent as an HTML form; all members are strings. Members that `T` does not know are ignored, as OAuth 2.0 demands of the one route that
/// takes a form (RFC 6749, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> Body for Form<T> {
    const MEDIA: Media = Media::Form;

    fn read(content: Content) -> Result<Self, Failure> {
        match content {
            Content::Tree(members) => json::read(members).map(Self),
            _ => Err(malformed("A form body is required.")),
        }
    }
}

impl Content {
    /// Parses `bytes` as `media`.
    pub(crate) fn read(media: Media, content_type: Option<&str>, bytes: Vec<u8>) -> Result<Self, Failure> {
        match media {
            Media::Nothing => Ok(Self::Nothing),
            Media::Raw => Ok(Self::Bytes(RawBody { bytes, content_type: content_type.map(str::to_owned) })),
            _ if bytes.is_empty() => Ok(Self::Nothing),
            Media::Json => {
                expect(content_type, "application/json", |essence| {
                    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
                })?;
                document(&bytes, "body").and_then(without_nul).map(Self::Tree)
            }
            Media::Form => {
                let form = "application/x-www-form-urlencoded";
                expect(content_type, form, |essence| essence == form)?;
                members(&bytes).and_then(without_nul).map(Self::Tree)
            }
        }
    }
}

/// Deserializes one line of a file of JSON lines as strictly as a JSON body.
pub fn read_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, Failure> {
    document(line, "line").and_then(without_nul).and_then(json::read_request)
}

/// Parses a document, which messages call `what`.
fn document(bytes: &[u8], what: &str) -> Result<Value, Failure> {
    let value = json::parse(bytes).map_err(|error| match error {
        DocumentError::Syntax(cause) => malformed(&format!("The {what} is not JSON: {cause}.")),
        DocumentError::Duplicate(cause) => {
            Failure::new(FailureKind::Malformed, "duplicate-member", format!("The {what} is ambiguous: {cause}."))
        }
    })?;
    match json::depth(&value) > MAX_DEPTH {
        true => Err(malformed(&format!("The {what} is nested deeper than {MAX_DEPTH} levels."))),
        false => Ok(value),
    }
}

/// Rejects strings that contain NUL, with the pointer to the first one.
fn without_nul(value: Value) -> Result<Value, Failure> {
    match json::find_nul(&value) {
        Some(pointer) => Err(Failure::field(pointer, "must not contain control characters")),
        None => Ok(value),
    }
}

fn members(bytes: &[u8]) -> Result<Value, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("The form is not UTF-8."))?;
    let form: lambda_http::aws_lambda_events::query_map::QueryMap = text.parse().unwrap_or_default();
    let mut members = Map::new();
    for (name, value) in form.iter() {
        if members.insert(name.to_owned(), value.into()).is_some() {
            return Err(Failure::field(format!("/{name}"), "occurs more than once"));
        }
    }
    Ok(Value::Object(members))
}

fn expect(content_type: Option<&str>, wanted: &str, acceptable: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match acceptable(&essence) {
        true => Ok(()),
        false => Err(Failure::new(
            FailureKind::UnsupportedMedia,
            "unsupported-media-type",
            format!("The body must be {wanted}."),
        )),
    }
}

fn malformed(detail: &str) -> Failure {
    Failure::new(FailureKind::Malformed, "malformed-json", detail)
}
