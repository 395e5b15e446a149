//! `DELETE /api/v1/webhook-endpoints/{id}`: deletes an endpoint of webhooks with the log of its deliveries.

use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::WebhookEndpoints;

pub async fn handle(endpoints: &impl WebhookEndpoints, call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    match endpoints.delete_endpoint(call.path("id")?).await? {
        true => Ok(Reply::no_content()),
        false => Err(Failure::not_found("webhook endpoint")),
    }
}
