//! The call that a handler of a route gets: body, time, ids, principal and parameters of one request.

use super::basic::{Basic, MalformedBasic};
use super::body::{Body, NoBody};
use super::conditions::IfMatch;
use super::reply::{Rendered, Reply};
use super::request::{RequestHead, ValidatedRequest};
use super::route::unauthenticated;
use kernel::{
    CloudEvent, EventContext, EventPayload, Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, Ids, Principal,
    StoredReply, Timestamp, TraceContext, Uuid,
};
use serde::Serialize;
use std::str::FromStr;

/// One request that passed the checks of its route.
#[derive(Debug)]
pub struct Call<B> {
    /// The parsed body.
    pub body: B,
    /// Time at which the request came in; a handler knows no other.
    pub now: Timestamp,
    /// Source of new ids.
    pub ids: Ids,
    /// Correlation id and trace of the request.
    pub trace: TraceContext,
    /// The authenticated caller; `None` on public routes.
    pub principal: Option<Principal>,
    /// The client's idempotency key; present if the route requires one, or honours it and one was sent.
    pub idempotency: Option<IdempotencyKey>,
    head: RequestHead,
}

/// The page of a list that the client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Maximum number of items on the page: 1–100, by default 20.
    pub limit: u32,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl<B: Body> Call<B> {
    pub(crate) fn new(request: ValidatedRequest) -> Result<Self, Failure> {
        let ValidatedRequest { head, content, now, ids, idempotency } = request;
        let body = B::read(content)?;
        Ok(Self { body, now, ids, trace: head.trace.clone(), principal: head.principal.clone(), idempotency, head })
    }
}

impl<B> Call<B> {
    /// Splits the call into its body and a call without one, which has everything else.
    pub fn into_parts(self) -> (B, Call<NoBody>) {
        let Self { body, now, ids, trace, principal, idempotency, head } = self;
        (body, Call { body: NoBody, now, ids, trace, principal, idempotency, head })
    }

    /// Parses the path parameter `name`; `NotFound` if it cannot be parsed, since no resource has such an id.
    pub fn path<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        let Some(value) = self.head.path_parameters.get(name) else {
            return Err(Failure::internal(format!("the route has no path parameter {name}")));
        };
        let value = percent_decoded(value).filter(|value| !value.contains('\0')).and_then(|value| value.parse().ok());
        value.ok_or_else(|| Failure::not_found("resource"))
    }

    /// Parses the path parameter `name`, which identifies the owner of the resource, and lets `check` decide whether the caller,
    /// given by id and role, may access it.
    pub fn owner_from_path<T: FromStr + Copy>(
        &self,
        name: &str,
        check: impl FnOnce(T, Uuid, &str) -> Result<(), Failure>,
    ) -> Result<T, Failure> {
        let principal = self.principal()?;
        let owner = self.path(name)?;
        check(owner, principal.id, &principal.role)?;
        Ok(owner)
    }

    /// Parses the query parameter `name`, if it is given.
    pub fn query<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let reject = |detail| Err(Failure::field(format!("?{name}"), detail));
        match self.head.query.all(name).as_deref() {
            None | Some([]) => Ok(None),
            // No value is meant to contain one, and not every store can represent it.
            Some([one]) if one.contains('\0') => reject("must not contain NUL"),
            Some([one]) => one.parse().map(Some).or_else(|_| reject("cannot be parsed")),
            Some(_) => reject("is given more than once"),
        }
    }

    /// Parses the query parameter `name` with `parse`, if it is given; its error says what is wrong with the value, to follow the name.
    pub fn parsed<T, D: Into<String>>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, D>,
    ) -> Result<Option<T>, Failure> {
        let Some(text) = self.query::<String>(name)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|detail| Failure::field(format!("?{name}"), detail))
    }

    /// Parses the query parameter `name` as a time, if it is given; see [`kernel::time::parse`].
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        self.parsed(name, kernel::time::parse)
    }

    /// The query parameters `limit` and `cursor`.
    pub fn page(&self) -> Result<PageRequest, Failure> {
        let limit = self.query("limit")?.unwrap_or(20);
        match (1..=100).contains(&limit) {
            true => Ok(PageRequest { limit, cursor: self.query("cursor")? }),
            false => Err(Failure::field("?limit", "must be from 1 to 100")),
        }
    }

    /// The header `name`, case-insensitive, if it is given and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The values of all headers of this name that are text.
    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default())
    }

    /// The values of all cookies of this name.
    pub(super) fn cookies(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head
            .cookies
            .iter()
            .filter_map(move |cookie| cookie.split_once('='))
            .filter(move |(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim())
    }

    /// The credentials of `Authorization: Basic`; `None` without that scheme.
    pub fn basic(&self) -> Option<Result<Basic, MalformedBasic>> {
        Basic::parse(self.header("authorization")?)
    }

    /// The client's IP address: as the distribution in front of API Gateway saw it, if the request has the secret that `is_ours` knows,
    /// otherwise as API Gateway saw it. The header with the address proves nothing without the secret.
    pub async fn client_address(
        &self,
        is_ours: impl AsyncFnOnce(&str) -> Result<bool, Failure>,
    ) -> Result<Option<&str>, Failure> {
        self.head.client_address(is_ours).await
    }

    /// Parses a claim of the access token that the authorizer passed on, such as its session; `Unauthenticated` without it.
    pub fn token_claim<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.head.claims.get(name).and_then(|value| value.parse().ok()).ok_or_else(unauthenticated)
    }

    /// The authenticated caller; `Unauthenticated` if there is none.
    pub fn principal(&self) -> Result<&Principal, Failure> {
        self.principal.as_ref().ok_or_else(unauthenticated)
    }

    /// Applies `f` to the id and the role of the authenticated caller; `Unauthenticated` if there is none.
    pub fn with_principal<T>(&self, f: impl FnOnce(Uuid, &str) -> T) -> Result<T, Failure> {
        self.principal().map(|principal| f(principal.id, &principal.role))
    }

    /// The client's idempotency key; `Internal` if the route is not declared idempotent.
    pub fn idempotency_key(&self) -> Result<&IdempotencyKey, Failure> {
        self.idempotency.as_ref().ok_or_else(|| Failure::internal("the route is not declared idempotent"))
    }

    /// The condition in `If-Match`; `PreconditionRequired` if the header is missing.
    pub fn if_match(&self) -> Result<IfMatch, Failure> {
        let detail = "An If-Match header with the ETag of the version to change is required.";
        let missing = || Failure::new(FailureKind::PreconditionRequired, "if-match-missing", detail);
        self.optional_if_match()?.ok_or_else(missing)
    }

    /// The condition in `If-Match`, for a route that does not require it. A route that asks for neither ignores the header.
    pub fn optional_if_match(&self) -> Result<Option<IfMatch>, Failure> {
        // Several header lines are one list (RFC 9110, section 5.2).
        let lines = self.head.headers.get_all("if-match").iter().map(|line| line.to_str().unwrap_or_default());
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() { Ok(None) } else { IfMatch::read(&lines.join(",")).map(Some) }
    }

    /// The context of the new events that this call causes. Their actor is the authenticated caller.
    pub fn context(&self) -> EventContext<'_> {
        EventContext { now: self.now, ids: &self.ids, trace: &self.trace, actor: self.principal.as_ref() }
    }

    /// A new event that this call caused: it brought the aggregate `subject` to version `sequence`.
    pub fn event<P: EventPayload>(
        &self,
        subject: impl ToString,
        sequence: u64,
        payload: impl Into<P>,
    ) -> CloudEvent<P> {
        self.context().event(subject, sequence, payload)
    }

    /// One event for each of `payloads`, all of one transition; otherwise as [`Call::event`].
    pub fn events<P: EventPayload + Clone>(
        &self,
        subject: impl ToString,
        sequence: u64,
        payloads: &[P],
    ) -> Vec<CloudEvent<P>> {
        self.context().events(subject, sequence, payloads)
    }

    /// The problem response that `failure` gets on this call, in the form in which it is stored for the idempotency key.
    pub fn problem(&self, failure: &Failure) -> StoredReply {
        Rendered::problem(failure, &self.head.path, &self.trace).stored()
    }

    /// The problem response that `failure` gets on this call, with further headers.
    pub fn refuse<T>(&self, failure: &Failure, headers: &[(&'static str, &str)]) -> Reply<T> {
        let problem = Reply::stored(self.problem(failure));
        headers.iter().fold(problem, |reply, (name, value)| reply.header(name, *value))
    }

    /// The path of the request, as it was sent.
    pub fn request_path(&self) -> &str {
        &self.head.path
    }

    /// Rejects the request permanently: `store` stores the rejection as the response to the idempotency key. Replays the first response
    /// if the key has one already.
    pub async fn reject<T>(
        &self,
        rejection: Failure,
        store: impl AsyncFnOnce(&StoredReply) -> Result<IdempotencyOutcome, Failure>,
    ) -> Result<Reply<T>, Failure> {
        let outcome = store(&self.problem(&rejection)).await?;
        Reply::rejected(rejection, outcome)
    }

    /// Responds to a request with an idempotency key whose commit ended with `outcome`: with `reply`, or with the first response if the
    /// key has one already. A failure that `is_final` holds for is stored by `store`, as [`Call::reject`] says.
    pub async fn respond_idempotently<T>(
        &self,
        reply: Reply<T>,
        outcome: Result<IdempotencyOutcome, Failure>,
        is_final: impl FnOnce(&Failure) -> bool,
        store: impl AsyncFnOnce(&StoredReply) -> Result<IdempotencyOutcome, Failure>,
    ) -> Result<Reply<T>, Failure> {
        match outcome {
            Err(rejection) if is_final(&rejection) => self.reject(rejection, store).await,
            outcome => Ok(reply.or_replay(outcome?)),
        }
    }

    /// Responds to a request with an idempotency key: `commit` commits what was decided, with the response; a rejection is stored by
    /// `store`, as [`Call::reject`] says. Replays the first response if the key has one already. `None` if `commit` returns it, which
    /// stands for a version conflict.
    pub async fn commit_idempotently<D, T: Serialize>(
        &self,
        decision: Result<(D, Reply<T>), Failure>,
        store: impl AsyncFnOnce(&StoredReply) -> Result<IdempotencyOutcome, Failure>,
        commit: impl AsyncFnOnce(D, &StoredReply) -> Result<Option<IdempotencyOutcome>, Failure>,
    ) -> Result<Option<Reply<T>>, Failure> {
        match decision {
            Ok((decided, reply)) => {
                let outcome = commit(decided, &reply.to_stored()?).await?;
                Ok(outcome.map(|outcome| reply.or_replay(outcome)))
            }
            Err(rejection) => self.reject(rejection, store).await.map(Some),
        }
    }
}

/// Decodes `%41` as `A`; `None` if the encoding is malformed or the result is not UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (high, low) = (char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_percent_encodings_do_not_decode() {
        assert_eq!(percent_decoded("caf%C3%A9%20x"), Some("café x".to_owned()));
        for broken in ["%", "%4", "%zz", "%C3"] {
            assert_eq!(percent_decoded(broken), None, "{broken}");
        }
    }
}
