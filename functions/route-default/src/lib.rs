//! The `$default` route: every request that matches no route of the API.
//!
//! Returns 404, or 405 with `Allow` if the path has routes for other methods. A path with a trailing slash is another path than the one
//! without it, and has no routes; the problem says so.

use catalog::Trigger;
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, FailureKind};

/// Rejects one request.
pub async fn handle(call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    let path = call.request_path();
    let allowed = methods_of(path);
    if !allowed.is_empty() {
        let detail = format!("This path does not support the method; it supports {allowed}.");
        let failure = Failure::new(FailureKind::MethodNotAllowed, "method-not-allowed", detail);
        return Ok(call.refuse(&failure, &[("allow", &allowed)]));
    }
    let shorter = path.trim_end_matches('/');
    let detail = match shorter != path && !methods_of(shorter).is_empty() {
        true => "There is no such path: leave out the slash at its end.".to_owned(),
        false => "There is no such path.".to_owned(),
    };
    Err(Failure::new(FailureKind::NotFound, "route-not-found", detail))
}

/// The methods with a route for `path`, as in `Allow`; empty if there are none.
fn methods_of(path: &str) -> String {
    let methods: Vec<_> = catalog::FUNCTIONS
        .iter()
        .filter_map(|function| match function.trigger {
            Trigger::Http { method, path: template, .. } if matches(template, path) => Some(method.name()),
            _ => None,
        })
        .collect();
    methods.join(", ")
}

/// Whether `path` has the form of `template`, whose parameters are in braces and stand for one segment that is not empty.
fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want == have || (want.starts_with('{') && !have.is_empty()) => {}
            _ => return false,
        }
    }
}
