//! `GET /api/v1/ops/audit`: what operators did and what staff and admins changed, newest first, with who, why and the result, for admins.
//!
//! Actions on queues and consumers are listed for two years, changes for half a year. One of these actions that the role of its caller does not
//! permit is listed as `refused`, the first in an hour of each caller and operation. The refusal of any other request, such as the approval of a
//! refund by staff, is in the log of its function alone. A change is listed once for each event that its request caused, about half a minute
//! later. Commands that cause no event are not listed: addresses and notes of orders (a note says who of the staff changed an address),
//! notification preferences, message templates, webhook endpoints, service clients, sources and records, imports and exports of products, and
//! the caller's own password, second factor and sessions. Neither is the export of a customer's personal data by an admin, which changes nothing.
//! The products of an import are changed by nobody's request.

use api::{ListView, OperatorActionView};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OperatorLog;

/// Lists one page of the audit.
pub async fn handle(
    log: &impl OperatorLog,
    call: Call<NoBody>,
) -> Result<Reply<ListView<OperatorActionView>>, Failure> {
    let page = call.page()?;
    Ok(Reply::ok(ListView::of(&log.list(page.limit, page.cursor.as_deref()).await?)))
}
