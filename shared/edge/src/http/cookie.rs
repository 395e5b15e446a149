//! Credentials that browsers keep in cookies, and the check that a page which may use them sent the request.
//!
//! A browser adds cookies to a request whoever causes it. So a request with one counts only with a header that no form and no page of another
//! origin can add without a preflight (`X-Requested-With`), and from an origin that may use the credential.

use super::call::Call;
use kernel::{Failure, FailureKind};

const REQUESTED_WITH: &str = "x-requested-with";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// A credential in a cookie of the host of the API, which no script can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialCookie {
    /// Name of the cookie. Browsers keep one that begins with `__Host-` from all other hosts and from plain HTTP.
    pub name: &'static str,
    /// Seconds for which a browser keeps it.
    pub max_age_s: i64,
    /// The origins whose pages may use it, as browsers spell them in `Origin`.
    pub origins: Vec<String>,
}

impl CredentialCookie {
    /// Checks that a script of a page that may use the credential sent the request. Programs other than browsers send no `Origin`.
    pub fn check_sender<B>(&self, call: &Call<B>) -> Result<(), Failure> {
        let is_ours = |origin: &str| self.origins.iter().any(|known| known == origin);
        let has_header = call.header(REQUESTED_WITH).is_some_and(|value| !value.is_empty());
        match has_header && call.headers("origin").all(is_ours) {
            true => Ok(()),
            false => Err(cross_site()),
        }
    }

    /// The credential of the request, after [`CredentialCookie::check_sender`]; `None` without the cookie, and with several of its name, of
    /// which nobody knows who set them.
    pub fn read<'a, B>(&self, call: &'a Call<B>) -> Result<Option<&'a str>, Failure> {
        let mut values = call.cookies(self.name);
        let (first, second) = (values.next(), values.next());
        if first.is_some() {
            self.check_sender(call)?;
        }
        Ok(first.filter(|_| second.is_none()))
    }

    /// What makes the browser forget the credential, if the request has the cookie.
    pub fn removed_from<B>(&self, call: &Call<B>) -> Option<String> {
        call.cookies(self.name).next().map(|_| format!("{}=; Max-Age=0; {ATTRIBUTES}", self.name))
    }

    /// Where the client gets a new credential: in the body of the response, or in the cookie.
    pub fn deliver(&self, credential: String, in_cookie: bool) -> (Option<String>, Option<String>) {
        match in_cookie {
            true => (None, Some(format!("{}={credential}; Max-Age={}; {ATTRIBUTES}", self.name, self.max_age_s))),
            false => (Some(credential), None),
        }
    }
}

fn cross_site() -> Failure {
    let detail =
        "A request with a cookie needs the header X-Requested-With, and must come from a page that may use it.";
    Failure::new(FailureKind::Forbidden, "cross-site-request", detail)
}
