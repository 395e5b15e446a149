//! The `$default` route: every request that matches no route of the API.
//!
//! Returns 404, or 405 with `Allow` if the path has routes for other methods. A path with a trailing slash is another path than the one
//! without it, and has no routes; the problem says so.

use catalog::methods_of;
use edge::http::{Call, NoBody, Reply};
use kernel::{Failure, FailureKind};

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
