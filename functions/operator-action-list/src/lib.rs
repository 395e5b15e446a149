//! `GET /api/v1/ops/audit`: what operators did, newest first, with who, why and what came of it, for admins.

use api::{ListView, OperatorActionView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OperatorLog;

/// Lists one page of actions.
pub async fn handle(
    log: &impl OperatorLog,
    call: Call<NoBody>,
) -> Result<Reply<ListView<OperatorActionView>>, Failure> {
    let page = call.page()?;
    Ok(Reply::ok(ListView::of(&log.list(page.limit, page.cursor.as_deref()).await?)))
}
