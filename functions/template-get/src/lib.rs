//! `GET /api/v1/message-templates/{name}/{locale}`: the texts of a message in one language, with the versions that there are, for staff.
//!
//! Shows the texts that apply, or those of `version`; 0 is the text before the first edit. The ETag is the version that applies.

use api::MessageTemplateView;
use domain::message_template::TemplateKey;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{MessageTemplates, TemplateEdits};

pub async fn handle(
    edits: &impl TemplateEdits,
    templates: &impl MessageTemplates,
    call: Call<NoBody>,
) -> Result<Reply<MessageTemplateView>, Failure> {
    let key = TemplateKey { template: call.path("name")?, locale: call.path("locale")? };
    let asked = call.query::<u32>("version")?.map(u64::from);
    let history = edits.template_history(key, asked).await?;
    let shown = asked.unwrap_or_else(|| history.version());
    if !history.has(shown) {
        return Err(Failure::not_found("version of the message template"));
    }
    let view = MessageTemplateView::new(key, shown, &history, &templates.built_in(key)?);
    Ok(Reply::ok(view).etag(history.version()))
}
