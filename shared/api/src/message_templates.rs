//! The texts of messages, which staff edit.

use crate::{id, rfc3339};
use domain::{
    message_template::{TemplateEdit, TemplateHistory, TemplateKey, TemplatePreview, TemplateTexts},
    notification::{Locale, Template},
    text::ActionReason,
};
use schemars::JsonSchema;
use serde::Serialize;

/// The texts of a message in one language, and who edited them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MessageTemplateView {
    /// Name of the message.
    pub name: Template,
    /// Language, as a BCP 47 tag.
    pub locale: Locale,
    /// Version of the texts that are shown; 0 for those before the first edit.
    pub version: u64,
    /// Whether these are the built-in texts.
    pub built_in: bool,
    /// Template of the subject.
    pub subject: String,
    /// Template of the plain text.
    pub txt: String,
    /// Template of the HTML.
    pub html: String,
    /// Template of text messages and push notifications.
    pub short: String,
    /// The edits, newest first: the newest hundred, and the one that was asked for.
    pub versions: Vec<TemplateVersionView>,
}

/// An edit of the texts of a message.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TemplateVersionView {
    /// Version, from 1.
    pub version: u64,
    /// Whether it returned to the built-in texts.
    pub built_in: bool,
    /// Why it was edited.
    pub reason: ActionReason,
    /// Id of who edited it.
    #[schemars(extend("format" = "uuid"))]
    pub edited_by: String,
    /// When it was edited.
    #[schemars(extend("format" = "date-time"))]
    pub edited_at: String,
}

impl MessageTemplateView {
    /// The texts of `version` of a message: those of `history`, or else the built-in ones.
    pub fn new(key: TemplateKey, version: u64, history: &TemplateHistory, built_in: &TemplateTexts) -> Self {
        let texts = history.texts.as_ref().unwrap_or(built_in);
        Self {
            name: key.template,
            locale: key.locale,
            version,
            built_in: history.texts.is_none(),
            subject: texts.subject.as_str().to_owned(),
            txt: texts.txt.as_str().to_owned(),
            html: texts.html.as_str().to_owned(),
            short: texts.short.as_str().to_owned(),
            versions: history.edits.iter().map(TemplateVersionView::from).collect(),
        }
    }
}

impl From<&TemplateEdit> for TemplateVersionView {
    fn from(edit: &TemplateEdit) -> Self {
        Self {
            version: edit.version,
            built_in: edit.is_built_in,
            reason: edit.reason.clone(),
            edited_by: id(edit.edited_by.0),
            edited_at: rfc3339(edit.edited_at),
        }
    }
}

/// A message as its recipient gets it, with sample data.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TemplatePreviewView {
    /// Subject of an e-mail, and title of a push notification.
    pub subject: String,
    /// Plain text of an e-mail.
    pub txt: String,
    /// HTML of an e-mail.
    pub html: String,
    /// Text message, and text of a push notification.
    pub short: String,
}

impl From<TemplatePreview> for TemplatePreviewView {
    fn from(rendered: TemplatePreview) -> Self {
        let TemplatePreview { subject, txt, html, short } = rendered;
        Self { subject, txt, html, short }
    }
}
