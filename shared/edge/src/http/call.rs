//! What a handler gets: the body, the time, the ids, who calls, and the parameters of the request.

use super::body::{Body, NoBody};
use super::reply::Rendered;
use super::request::{Checked, Head};
use super::route::{Principal, unauthenticated};
use kernel::{Failure, FailureKind, IdempotencyKey, Ids, StoredReply, Timestamp, TraceContext};
use std::str::FromStr;

/// One request that has passed its route's checks.
#[derive(Debug)]
pub struct Call<B> {
    /// The body, read.
    pub body: B,
    /// When the request came in; the only time that a handler knows.
    pub now: Timestamp,
    /// Where new ids come from.
    pub ids: Ids,
    /// What this request belongs to.
    pub trace: TraceContext,
    /// Who calls, where the caller proved to be someone.
    pub principal: Option<Principal>,
    /// The version that the client means to change, from `If-Match`.
    pub if_match: Option<u64>,
    /// The claim on the client's key; present where the route is idempotent.
    pub idempotency: Option<IdempotencyKey>,
    head: Head,
}

/// Which part of a list the client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Items at most, 1–100; 20 when the client does not say.
    pub limit: u32,
    /// Where the last page ended, as that page said it.
    pub cursor: Option<String>,
}

impl<B: Body> Call<B> {
    pub(crate) fn new(request: Checked) -> Result<Self, Failure> {
        let Checked { head, content, now, ids, if_match, idempotency } = request;
        let body = B::read(content)?;
        Ok(Self {
            body,
            now,
            ids,
            trace: head.trace.clone(),
            principal: head.principal.clone(),
            if_match,
            idempotency,
            head,
        })
    }
}

impl<B> Call<B> {
    /// The body by itself, and a call that can still be asked everything else.
    pub fn into_parts(self) -> (B, Call<NoBody>) {
        let Self { body, now, ids, trace, principal, if_match, idempotency, head } = self;
        (body, Call { body: NoBody, now, ids, trace, principal, if_match, idempotency, head })
    }

    /// The parameter `name` of the path. What cannot be read names nothing, so it is not found.
    pub fn path<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        let Some(value) = self.head.path_parameters.get(name) else {
            return Err(Failure::internal(format!("the route has no path parameter {name}")));
        };
        let value = percent_decoded(value).and_then(|value| value.parse().ok());
        value.ok_or_else(|| Failure::not_found("resource"))
    }

    /// The parameter `name` of the query, where it is given.
    pub fn query<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let refuse = |detail| Err(Failure::field(format!("?{name}"), detail));
        match self.head.query.all(name).as_deref() {
            None | Some([]) => Ok(None),
            Some([one]) => one.parse().map(Some).or_else(|_| refuse("cannot be read")),
            Some(_) => refuse("is given more than once"),
        }
    }

    /// `limit` and `cursor` of the query.
    pub fn page(&self) -> Result<Page, Failure> {
        let limit = self.query("limit")?.unwrap_or(20);
        match (1..=100).contains(&limit) {
            true => Ok(Page { limit, cursor: self.query("cursor")? }),
            false => Err(Failure::field("?limit", "must be from 1 to 100")),
        }
    }

    /// The header `name`, in any case, where it is given and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The address that the request came from, as the gateway saw it.
    pub fn source_ip(&self) -> Option<&str> {
        self.head.source_ip.as_deref()
    }

    /// Who calls; a failure where nobody proved to be anyone.
    pub fn principal(&self) -> Result<&Principal, Failure> {
        self.principal.as_ref().ok_or_else(unauthenticated)
    }

    /// The claim on the client's key; a defect where the route is not declared idempotent.
    pub fn idempotency_key(&self) -> Result<&IdempotencyKey, Failure> {
        self.idempotency.as_ref().ok_or_else(|| Failure::internal("the route is not declared idempotent"))
    }

    /// The version that the client means to change; a failure where it does not say.
    pub fn if_match(&self) -> Result<u64, Failure> {
        let missing =
            || Failure::new(FailureKind::PreconditionRequired, "if-match-missing", "This needs an If-Match header.");
        self.if_match.ok_or_else(missing)
    }

    /// The answer that `failure` gets here, to be kept under the client's key: what is decided once stays decided.
    pub fn problem(&self, failure: &Failure) -> StoredReply {
        Rendered::problem(failure, &self.head.path, &self.trace).stored()
    }
}

/// `%41` as `A`; none where the encoding is broken or the result is not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
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
    fn broken_percent_encodings_decode_to_nothing() {
        assert_eq!(percent_decoded("caf%C3%A9%20x"), Some("café x".to_owned()));
        for broken in ["%", "%4", "%zz", "%C3"] {
            assert_eq!(percent_decoded(broken), None, "{broken}");
        }
    }
}
