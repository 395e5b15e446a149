//! `DELETE /api/v1/webhook-endpoints/{id}`: deletes an endpoint of webhooks with the log of its deliveries.
//!
//! Returns 204. With `If-Match`, only that version is deleted (otherwise 412). A delivery that has failed or succeeded since does not count.

use api::WebhookEndpointView;
use domain::{id::EndpointId, webhook};
use edge::http::{Call, IfMatch, NoBody, Reply};
use kernel::Failure;
use ports::WebhookEndpoints;

pub async fn handle(endpoints: &impl WebhookEndpoints, call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    let id: EndpointId = call.path("id")?;
    let missing = || Failure::not_found("webhook endpoint");
    let mut version = None;
    if let Some(wanted) = call.optional_if_match()? {
        let known = endpoints.endpoint(id).await?.ok_or_else(missing)?;
        if !wanted.matches_any(|tag| WebhookEndpointView::is_tag_of(tag, known.version)) {
            return Err(webhook::version_mismatch());
        }
        version = (wanted != IfMatch::Any).then_some(known.version);
    }
    match (endpoints.delete_endpoint(id, version).await?, version) {
        (true, _) => Ok(Reply::no_content()),
        (false, None) => Err(missing()),
        (false, Some(_)) => Err(webhook::version_mismatch()),
    }
}
