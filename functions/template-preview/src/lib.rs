//! `POST /api/v1/message-templates/{name}/{locale}/preview`: renders texts with sample data, for staff who edit them. Nothing is stored.
//!
//! They are checked as when they are stored: 422 with the field and the line for what cannot be rendered or is not allowed.

use api::TemplatePreviewView;
use domain::message_template::{TemplateKey, TemplateTexts};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::MessageTemplates;

pub async fn handle(
    templates: &impl MessageTemplates,
    call: Call<TemplateTexts>,
) -> Result<Reply<TemplatePreviewView>, Failure> {
    let key = TemplateKey { template: call.path("name")?, locale: call.path("locale")? };
    Ok(Reply::ok(TemplatePreviewView::from(templates.preview(key, &call.body)?)))
}
