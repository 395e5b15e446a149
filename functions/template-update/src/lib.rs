//! `PUT /api/v1/message-templates/{name}/{locale}`: admins edit the texts of a message, return to earlier ones, or to the built-in ones.
//!
//! `If-Match` names the version that applies; 412 for another one. The texts are rendered with samples of all that their message may be about:
//! 422 with the field and the line for what cannot be rendered or is not allowed. No version is lost.

use api::MessageTemplateView;
use domain::{
    id::UserId,
    message_template::{self, TemplateEdit, TemplateHistory, TemplateKey, UpdateMessageTemplate},
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{MessageTemplates, TemplateEdits};

pub async fn handle(
    edits: &impl TemplateEdits,
    templates: &impl MessageTemplates,
    call: Call<UpdateMessageTemplate>,
) -> Result<Reply<MessageTemplateView>, Failure> {
    let key = TemplateKey { template: call.path("name")?, locale: call.path("locale")? };
    let wanted = call.if_match()?;
    let TemplateHistory { edits: mut known, .. } = edits.template_history(key, None).await?;
    let version = known.first().map_or(0, |edit| edit.version);
    if !wanted.matches(version) {
        return Err(message_template::version_mismatch());
    }
    let texts = call.body.texts()?;
    if let Some(texts) = &texts {
        templates.preview(key, texts)?;
    }
    let edit = TemplateEdit {
        version: version + 1,
        is_built_in: texts.is_none(),
        reason: call.body.reason.clone(),
        edited_by: UserId(call.principal()?.id),
        edited_at: call.now,
    };
    if !edits.add_edit(key, &edit, texts.as_ref()).await? {
        return Err(message_template::version_mismatch());
    }
    let version = edit.version;
    known.insert(0, edit);
    let history = TemplateHistory { edits: known, texts };
    let view = MessageTemplateView::new(key, version, &history, &templates.built_in(key)?);
    Ok(Reply::ok(view).etag(version))
}
