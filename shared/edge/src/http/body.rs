//! Bodies: what a route takes, and how it is read. A route that names a `Deserialize` type takes JSON.

use crate::json;
use kernel::{Failure, FailureKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Containers in containers in …: deeper than this is an attack or a mistake.
const MAX_DEPTH: usize = 32;

/// What a body is sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// No body is read.
    Nothing,
    /// `application/json`, or a type that ends with `+json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Anything, byte for byte.
    Raw,
}

/// A body that has been read as far as its media type says how.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// There is no body.
    Nothing,
    /// The document, or the members of a form.
    Tree(Value),
    /// The bytes as they came.
    Bytes(RawBody),
}

/// A type that a handler takes as body. Every type that is `Deserialize` is one, from JSON.
pub trait Body: Sized {
    /// What it is sent as.
    const MEDIA: Media;

    /// Reads it. Fails with the members at fault.
    fn read(content: Content) -> Result<Self, Failure>;
}

impl<T: DeserializeOwned> Body for T {
    const MEDIA: Media = Media::Json;

    fn read(content: Content) -> Result<Self, Failure> {
        match content {
            Content::Tree(value) => json::read(value),
            // `()` and `Option` are content with nothing; everything else needs a document.
            _ => T::deserialize(Value::Null).map_err(|_| malformed("This needs a JSON body.")),
        }
    }
}

/// The body of a route that has none; one that is sent all the same is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBody;

impl Body for NoBody {
    const MEDIA: Media = Media::Nothing;

    fn read(_: Content) -> Result<Self, Failure> {
        Ok(Self)
    }
}

/// A body byte for byte, as signatures need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBody {
    /// The bytes, decoded from base64 if the gateway had encoded them.
    pub bytes: Vec<u8>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
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

/// A body sent as an HTML form, whose members are all strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> Body for Form<T> {
    const MEDIA: Media = Media::Form;

    fn read(content: Content) -> Result<Self, Failure> {
        match content {
            Content::Tree(members) => json::read(members).map(Self),
            _ => Err(malformed("This needs a form as body.")),
        }
    }
}

impl Content {
    /// Reads `bytes` as `media`.
    pub(crate) fn read(media: Media, content_type: Option<&str>, bytes: Vec<u8>) -> Result<Self, Failure> {
        match media {
            Media::Nothing => Ok(Self::Nothing),
            Media::Raw => Ok(Self::Bytes(RawBody { bytes, content_type: content_type.map(str::to_owned) })),
            _ if bytes.is_empty() => Ok(Self::Nothing),
            Media::Json => {
                expect(content_type, "application/json", |essence| {
                    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
                })?;
                document(&bytes).map(Self::Tree)
            }
            Media::Form => {
                let form = "application/x-www-form-urlencoded";
                expect(content_type, form, |essence| essence == form)?;
                members(&bytes).map(Self::Tree)
            }
        }
    }
}

fn document(bytes: &[u8]) -> Result<Value, Failure> {
    // What serde_json says names a line and a column, and nothing of the document.
    let value = serde_json::from_slice(bytes).map_err(|cause| {
        Failure::new(FailureKind::Malformed, "malformed-json", format!("The body is not JSON: {cause}."))
    })?;
    match json::depth(&value) > MAX_DEPTH {
        true => Err(malformed(&format!("The body is nested deeper than {MAX_DEPTH} levels."))),
        false => Ok(value),
    }
}

fn members(bytes: &[u8]) -> Result<Value, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("The form is not UTF-8."))?;
    let form: lambda_http::aws_lambda_events::query_map::QueryMap = text.parse().unwrap_or_default();
    let mut members = Map::new();
    for (name, value) in form.iter() {
        if members.insert(name.to_owned(), value.into()).is_some() {
            return Err(Failure::field(format!("/{name}"), "is given more than once"));
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
