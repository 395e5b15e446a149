//! The texts of notifications, which staff edit.
//!
//! Each edit is a version of its own. The newest one applies, so that going back to an earlier one is another edit with its texts.

use crate::{
    channel::Template,
    id::UserId,
    notification::Locale,
    text::{ActionReason, HtmlTemplate, ShortTemplate, SubjectTemplate, TextTemplate},
};
use kernel::{Failure, FailureKind, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

/// Most edits that are listed, the newest first.
pub const MAX_LISTED_EDITS: usize = 100;

/// Which message, in which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateKey {
    pub template: Template,
    pub locale: Locale,
}

/// The texts of a message, in the syntax of Jinja.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateTexts {
    /// Subject of an e-mail and title of a push notification: one line.
    pub subject: SubjectTemplate,
    /// Plain text of an e-mail.
    pub txt: TextTemplate,
    /// HTML of an e-mail. Values are escaped.
    pub html: HtmlTemplate,
    /// Text message, and text of a push notification.
    pub short: ShortTemplate,
}

/// The forms of a message as a recipient gets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplatePreview {
    pub subject: String,
    pub txt: String,
    pub html: String,
    pub short: String,
}

/// A request to edit the texts of a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMessageTemplate {
    /// As in a preview; `null` in all four returns to the built-in texts.
    #[serde(default)]
    pub subject: Option<SubjectTemplate>,
    #[serde(default)]
    pub txt: Option<TextTemplate>,
    #[serde(default)]
    pub html: Option<HtmlTemplate>,
    #[serde(default)]
    pub short: Option<ShortTemplate>,
    /// Why; it is kept with the version. 3 to 500 characters.
    pub reason: ActionReason,
}

impl UpdateMessageTemplate {
    /// The texts; `None` for the built-in ones.
    pub fn texts(&self) -> Result<Option<TemplateTexts>, Failure> {
        let Self { subject, txt, html, short, .. } = self;
        if subject.is_none() && txt.is_none() && html.is_none() && short.is_none() {
            return Ok(None);
        }
        let missing = |field: &'static str| {
            move || {
                Failure::field(field, "is required with the other texts; without all four, the built-in texts apply")
            }
        };
        Ok(Some(TemplateTexts {
            subject: subject.clone().ok_or_else(missing("/subject"))?,
            txt: txt.clone().ok_or_else(missing("/txt"))?,
            html: html.clone().ok_or_else(missing("/html"))?,
            short: short.clone().ok_or_else(missing("/short"))?,
        }))
    }
}

/// An edit: who made it, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateEdit {
    /// 1 for the first edit.
    pub version: u64,
    /// Whether it returned to the built-in texts.
    pub is_built_in: bool,
    pub reason: ActionReason,
    pub edited_by: UserId,
    pub edited_at: Timestamp,
}

/// The edits of a message, and the texts of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateHistory {
    /// Newest first; at most [`MAX_LISTED_EDITS`].
    pub edits: Vec<TemplateEdit>,
    /// The texts of the version that was asked for; `None` if it is built-in or does not exist.
    pub texts: Option<TemplateTexts>,
}

impl TemplateHistory {
    /// The version that applies; 0 if the texts were never edited.
    pub fn version(&self) -> u64 {
        self.edits.first().map_or(0, |edit| edit.version)
    }

    /// Whether there is such a version; 0 stands for the texts before the first edit.
    pub fn has(&self, version: u64) -> bool {
        version == 0 || self.edits.iter().any(|edit| edit.version == version)
    }
}

/// The failure of an edit of a version that is not the newest one.
pub fn version_mismatch() -> Failure {
    let detail = "The texts have changed; fetch them and retry with their current version.";
    Failure::new(FailureKind::PreconditionFailed, "precondition-failed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(body: serde_json::Value) -> UpdateMessageTemplate {
        serde_json::from_value(body).expect("parses")
    }

    #[test]
    fn texts_are_given_together_or_not_at_all() {
        let built_in = update(serde_json::json!({ "reason": "back to the start", "subject": null }));
        assert_eq!(built_in.texts(), Ok(None));
        let mut body =
            serde_json::json!({ "reason": "shorter", "subject": "s", "txt": "t", "html": "h", "short": "m" });
        assert_eq!(update(body.clone()).texts().expect("texts").expect("edited").html.as_str(), "h");
        for field in ["subject", "txt", "html", "short"] {
            let text = std::mem::take(&mut body[field]);
            let refused = update(body.clone()).texts().expect_err("one is missing");
            assert_eq!(refused.fields[0].pointer, format!("/{field}"));
            body[field] = text;
        }
    }
}
