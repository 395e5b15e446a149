//! The texts of messages that staff wrote.

use super::{
    PgContacts,
    params::params,
    rows::{bigint, count, get, parsed, parsed_if},
};
use domain::{
    id::UserId,
    message_template::{MAX_LISTED_EDITS, TemplateEdit, TemplateHistory, TemplateKey, TemplateTexts},
    text::{ActionReason, HtmlTemplate, ShortTemplate, SubjectTemplate, TextTemplate},
};
use kernel::Failure;
use ports::{Bus, TemplateEdits};
use std::cmp::Reverse;
use tokio_postgres::Row;

/// The newest edits and that of version `$3`; the texts of that version, or else of the newest.
const HISTORY: &str = "
    SELECT e.version, e.reason, e.edited_by, e.edited_at, e.subject IS NULL AS is_built_in, t.subject, t.txt, t.html, t.short
    FROM message_templates AS e
    LEFT JOIN message_templates AS t ON t.template = e.template AND t.locale = e.locale AND t.version = e.version
        AND t.version = coalesce($3, (SELECT max(version) FROM message_templates WHERE template = $1 AND locale = $2))
    WHERE e.template = $1 AND e.locale = $2
    ORDER BY e.version IS DISTINCT FROM $3, e.version DESC LIMIT $4";

const ADD_EDIT: &str = "
    INSERT INTO message_templates (template, locale, version, subject, txt, html, short, reason, edited_by, edited_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING RETURNING version";

impl<B: Bus> TemplateEdits for PgContacts<B> {
    async fn template_history(&self, key: TemplateKey, version: Option<u64>) -> Result<TemplateHistory, Failure> {
        let most = i64::try_from(MAX_LISTED_EDITS).map_err(Failure::internal)?;
        let params = params![key.template.name(), key.locale.name(), version.map(bigint).transpose()?, most];
        let rows = self.database().query(HISTORY, &params).await?;
        let mut edits: Vec<TemplateEdit> = rows.iter().map(edit).collect::<Result<_, _>>()?;
        edits.sort_by_key(|edit| Reverse(edit.version));
        let mut written = None;
        for row in &rows {
            written = written.or(texts(row)?);
        }
        Ok(TemplateHistory { edits, texts: written })
    }

    async fn add_edit(
        &self,
        key: TemplateKey,
        edit: &TemplateEdit,
        texts: Option<&TemplateTexts>,
    ) -> Result<bool, Failure> {
        let params = params![
            key.template.name(),
            key.locale.name(),
            bigint(edit.version)?,
            texts.map(|texts| texts.subject.as_str()),
            texts.map(|texts| texts.txt.as_str()),
            texts.map(|texts| texts.html.as_str()),
            texts.map(|texts| texts.short.as_str()),
            edit.reason.as_str(),
            edit.edited_by.0,
            edit.edited_at,
        ];
        Ok(!self.database().query(ADD_EDIT, &params).await?.is_empty())
    }
}

fn edit(row: &Row) -> Result<TemplateEdit, Failure> {
    Ok(TemplateEdit {
        version: count(row, "version")?,
        is_built_in: get(row, "is_built_in")?,
        reason: parsed(row, "reason", ActionReason::parse)?,
        edited_by: UserId(get(row, "edited_by")?),
        edited_at: get(row, "edited_at")?,
    })
}

/// The texts in a row; `None` if its columns are null.
pub(super) fn texts(row: &Row) -> Result<Option<TemplateTexts>, Failure> {
    let subject = parsed_if(row, "subject", SubjectTemplate::parse)?;
    let (txt, html) = (parsed_if(row, "txt", TextTemplate::parse)?, parsed_if(row, "html", HtmlTemplate::parse)?);
    let short = parsed_if(row, "short", ShortTemplate::parse)?;
    Ok(match (subject, txt, html, short) {
        (Some(subject), Some(txt), Some(html), Some(short)) => Some(TemplateTexts { subject, txt, html, short }),
        _ => None,
    })
}
