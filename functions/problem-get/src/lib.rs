//! `GET /problems/{code}`: explains a problem type: what it means and what a client does about it.
//!
//! Problem documents carry this path as their `type`.

use api::problems::{self, ProblemTypeView};
use edge::http::{Call, NoBody, Reply, status};
use kernel::Failure;

/// Returns one problem type.
pub async fn handle(call: Call<NoBody>) -> Result<Reply<ProblemTypeView>, Failure> {
    let code: String = call.path("code")?;
    let problem = problems::find(&code).ok_or_else(|| Failure::not_found("problem type"))?;
    Ok(Reply::ok(ProblemTypeView::new(problem, status(problem.kind))).cache_control("public, max-age=300"))
}
