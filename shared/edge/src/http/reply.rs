//! Responses: what a handler returns, how it is stored for a repeated request, and how API Gateway receives it.

use super::conditions::none_match_names;
use super::problem;
use kernel::{Failure, FailureKind, IdempotencyOutcome, StoredReply, TraceContext};
use lambda_http::Body as LambdaBody;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

/// The response of a handler.
#[derive(Clone)]
pub struct Reply<T> {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    cookies: Vec<String>,
    content: Content<T>,
}

impl<T> fmt::Debug for Reply<T> {
    /// Shows the status alone: headers, cookies and body may contain secrets and personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({})", self.status)
    }
}

/// A text that never changes, such as a document inside of the binary: its `ETag` is computed once, and a client that has it costs no copy.
#[derive(Debug)]
pub struct Document {
    media_type: &'static str,
    text: &'static str,
    tag: OnceLock<String>,
}

impl Document {
    /// A document of a media type.
    pub const fn new(media_type: &'static str, text: &'static str) -> Self {
        Self { media_type, text, tag: OnceLock::new() }
    }

    /// 200 with the document.
    pub fn reply<T>(&self) -> Reply<T> {
        Reply::text(self.media_type, self.text).etag(self.tag.get_or_init(|| digest(self.text)))
    }
}

#[derive(Clone)]
enum Content<T> {
    Nothing,
    Json(T),
    Stored(StoredReply),
    Text { media_type: &'static str, text: Cow<'static, str> },
}

impl<T> Reply<T> {
    /// 200 with `body` as JSON.
    pub fn ok(body: T) -> Self {
        Self::new(StatusCode::OK, Content::Json(body))
    }

    /// 200 with a text of a media type, such as a page.
    pub fn text(media_type: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::OK, Content::Text { media_type, text: text.into() })
    }

    /// 201 with the created resource as JSON.
    pub fn created(body: T) -> Self {
        Self::new(StatusCode::CREATED, Content::Json(body))
    }

    /// 202 with `body` as JSON: the request is processed asynchronously.
    pub fn accepted(body: T) -> Self {
        Self::new(StatusCode::ACCEPTED, Content::Json(body))
    }

    /// 204 without a body.
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Content::Nothing)
    }

    /// 302: the content is at `url` for the time being.
    pub fn found(url: impl Into<String>) -> Self {
        Self::new(StatusCode::FOUND, Content::Nothing).location(url)
    }

    /// A rejection in the form of another protocol than RFC 9457, with `body` as JSON.
    pub fn rejection(status: u16, body: &impl Serialize) -> Result<Self, Failure> {
        let text = serde_json::to_string(body).map_err(Failure::internal)?;
        let status = StatusCode::from_u16(status).map_err(Failure::internal)?;
        Ok(Self::new(status, Content::Text { media_type: "application/json", text: text.into() }))
    }

    /// Replays the stored response of the first request byte for byte, marked `Idempotent-Replayed: true`.
    pub fn replay(first: StoredReply) -> Self {
        Self::stored(first).header("idempotent-replayed", "true")
    }

    /// A response in its stored form.
    pub(crate) fn stored(reply: StoredReply) -> Self {
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let names = reply.headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.clone())));
        Self { headers: names.collect(), ..Self::new(status, Content::Stored(reply)) }
    }

    /// The response to a request that was rejected: `rejection`, or the response that was already stored under the idempotency key.
    /// `outcome` is that of storing the rejection, or of looking up a response if the rejection is not stored.
    pub fn rejected(rejection: Failure, outcome: impl Into<Option<IdempotencyOutcome>>) -> Result<Self, Failure> {
        match outcome.into() {
            None | Some(IdempotencyOutcome::Committed) => Err(rejection),
            Some(IdempotencyOutcome::Replayed(first)) => Ok(Self::replay(first)),
        }
    }

    /// This response if the command was committed now, else the stored response of the first request.
    #[must_use]
    pub fn or_replay(self, outcome: IdempotencyOutcome) -> Self {
        match outcome {
            IdempotencyOutcome::Committed => self,
            IdempotencyOutcome::Replayed(first) => Self::replay(first),
        }
    }

    /// The same response with status 503, for a health check that failed.
    #[must_use]
    pub fn unhealthy(self) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, ..self }
    }

    /// Sets a strong `ETag`, such as `"3"`, from the version of the resource, or from all that its representation depends on. A response to
    /// GET without one gets an `ETag` from its body.
    #[must_use]
    pub fn etag(self, tag: impl std::fmt::Display) -> Self {
        self.with(ETAG, format!("\"{tag}\""))
    }

    /// Sets `Location` and `ETag` to the path and the tag of the resource.
    #[must_use]
    pub fn resource(self, path: impl Into<String>, tag: impl std::fmt::Display) -> Self {
        self.location(path).etag(tag)
    }

    /// Sets `Location`.
    #[must_use]
    pub fn location(self, path: impl Into<String>) -> Self {
        self.with(LOCATION, path.into())
    }

    /// Sets `Cache-Control`; the default is `no-store`.
    #[must_use]
    pub fn cache_control(self, directives: impl Into<String>) -> Self {
        self.with(CACHE_CONTROL, directives.into())
    }

    /// Sets a header.
    ///
    /// # Panics
    ///
    /// If `name` is not lower case, like `HeaderName::from_static`.
    #[must_use]
    pub fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(HeaderName::from_static(name), value.into())
    }

    /// Sets a cookie, if one is given. It is no part of the response that is stored for an idempotency key.
    #[must_use]
    pub fn cookie(mut self, cookie: Option<String>) -> Self {
        self.cookies.extend(cookie);
        self
    }

    fn new(status: StatusCode, content: Content<T>) -> Self {
        Self { status, headers: Vec::new(), cookies: Vec::new(), content }
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl<T: Serialize> Reply<T> {
    /// The response to store under the idempotency key, in the transaction of the effect.
    ///
    /// It includes the headers that the handler set. Media type and common headers are added again on replay.
    pub fn to_stored(&self) -> Result<StoredReply, Failure> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
        let body = self.content.text()?.unwrap_or_default().into_owned();
        Ok(StoredReply { status: self.status.as_u16(), headers, body })
    }

    pub(crate) fn render(self) -> Result<Rendered, Failure> {
        let media_type = match &self.content {
            Content::Nothing => None,
            Content::Json(_) => Some("application/json"),
            Content::Text { media_type, .. } => Some(*media_type),
            Content::Stored(first) if first.body.is_empty() => None,
            Content::Stored(first) if first.status >= 400 => Some(problem::MEDIA_TYPE),
            Content::Stored(_) => Some("application/json"),
        };
        let body = self.content.into_text()?;
        let rendered = Rendered { status: self.status, headers: HeaderMap::new(), cookies: self.cookies, body };
        rendered.with_headers(media_type, self.headers)
    }
}

impl<T: Serialize> Content<T> {
    fn text(&self) -> Result<Option<Cow<'_, str>>, Failure> {
        Ok(match self {
            Self::Nothing => None,
            Self::Json(body) => Some(serde_json::to_string(body).map_err(Failure::internal)?.into()),
            Self::Stored(first) => Some(first.body.as_str().into()).filter(|body: &Cow<'_, str>| !body.is_empty()),
            Self::Text { text, .. } => Some(text.as_ref().into()),
        })
    }

    /// As [`Content::text`], without a copy of what exists.
    fn into_text(self) -> Result<Option<Cow<'static, str>>, Failure> {
        Ok(match self {
            Self::Stored(first) => Some(first.body.into()).filter(|body: &Cow<'_, str>| !body.is_empty()),
            Self::Text { text, .. } => Some(text),
            content => content.text()?.map(|text| text.into_owned().into()),
        })
    }
}

/// A serialized response.
#[derive(Clone)]
pub(crate) struct Rendered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Values of `Set-Cookie`.
    pub cookies: Vec<String>,
    pub body: Option<Cow<'static, str>>,
}

impl fmt::Debug for Rendered {
    /// As for [`Reply`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rendered({})", self.status)
    }
}

impl Rendered {
    fn with_headers(
        mut self,
        media_type: Option<&'static str>,
        headers: Vec<(HeaderName, String)>,
    ) -> Result<Self, Failure> {
        if let Some(media_type) = media_type {
            self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        for (name, value) in headers {
            let value = HeaderValue::from_str(&value)
                .map_err(|cause| Failure::internal(format!("the value of the header {name} is invalid: {cause}")))?;
            self.headers.insert(name, value);
        }
        Ok(self)
    }

    /// The response to a GET request with this `If-None-Match`: 304 without a body if the client has this representation already.
    pub fn into_get(mut self, if_none_match: Option<&str>) -> Self {
        let Some(body) = self.body.as_ref().filter(|_| self.status == StatusCode::OK) else { return self };
        if !self.headers.contains_key(ETAG)
            && let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", digest(body)))
        {
            self.headers.insert(ETAG, tag);
        }
        let tag = self.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        if if_none_match.is_some_and(|header| none_match_names(header, tag)) {
            self.status = StatusCode::NOT_MODIFIED;
            self.body = None;
            self.headers.remove(CONTENT_TYPE);
        }
        self
    }

    pub fn problem(failure: &Failure, instance: &str, trace: &TraceContext) -> Self {
        let (status, body) = problem::document(failure, instance, trace);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
        if let Some(seconds) = failure.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if failure.kind == FailureKind::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Self { status, headers, cookies: Vec::new(), body: Some(body.into()) }
    }

    pub fn stored(self) -> StoredReply {
        // The headers of a problem follow from its status, except Retry-After, which no stored rejection has.
        StoredReply {
            status: self.status.as_u16(),
            headers: Vec::new(),
            body: self.body.unwrap_or_default().into_owned(),
        }
    }
}

/// The first half of the SHA-256 of a body, in hexadecimal.
fn digest(body: &str) -> String {
    Sha256::digest(body).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Headers that every response carries.
pub(crate) struct Envelope<'a> {
    pub trace: &'a TraceContext,
    pub request_id: &'a str,
}

impl Envelope<'_> {
    /// The response in API Gateway's format.
    pub fn response(&self, rendered: Rendered) -> Value {
        let mut headers = rendered.headers;
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        let correlation_id = self.trace.correlation_id.to_string();
        let request_id = if self.request_id.is_empty() { &correlation_id } else { self.request_id };
        for (name, value) in [("x-correlation-id", correlation_id.as_str()), ("x-request-id", request_id)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let mut response = ApiGatewayV2httpResponse::default();
        response.status_code = i64::from(rendered.status.as_u16());
        response.headers = headers;
        response.cookies = rendered.cookies;
        response.body = rendered.body.map(|body| LambdaBody::Text(body.into_owned()));
        // Strings and numbers always serialize; for an empty response, API Gateway would respond with 500.
        serde_json::to_value(response).unwrap_or_default()
    }
}
