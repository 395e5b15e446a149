//! In-memory fake of the texts of messages that staff wrote.

use super::super::{Contacts, Dependency};
use domain::message_template::{MAX_LISTED_EDITS, TemplateEdit, TemplateHistory, TemplateKey, TemplateTexts};
use kernel::Failure;
use std::collections::BTreeMap;

/// Edits by message and version.
#[derive(Default)]
pub(super) struct TemplateEditsState(BTreeMap<(TemplateKey, u64), (TemplateEdit, Option<TemplateTexts>)>);

impl TemplateEditsState {
    /// The versions of a message, oldest first.
    fn of(&self, key: TemplateKey) -> impl DoubleEndedIterator<Item = &(TemplateEdit, Option<TemplateTexts>)> {
        self.0.range((key, 0)..=(key, u64::MAX)).map(|(_, edit)| edit)
    }

    /// The texts that apply, unless the built-in ones do.
    pub fn newest(&self, key: TemplateKey) -> Option<TemplateTexts> {
        self.of(key).next_back().and_then(|(_, texts)| texts.clone())
    }

    fn history(&self, key: TemplateKey, version: Option<u64>) -> TemplateHistory {
        let wanted = |edit: &TemplateEdit| version.is_none_or(|version| edit.version == version);
        let texts = self.of(key).rev().find(|(edit, _)| wanted(edit)).and_then(|(_, texts)| texts.clone());
        let mut edits: Vec<TemplateEdit> = self.of(key).rev().map(|(edit, _)| edit.clone()).collect();
        if edits.len() > MAX_LISTED_EDITS {
            let asked = edits.split_off(MAX_LISTED_EDITS).into_iter().find(|edit| version == Some(edit.version));
            if let Some(asked) = asked {
                edits.pop();
                edits.push(asked);
            }
        }
        TemplateHistory { edits, texts }
    }
}

impl ports::TemplateEdits for Contacts {
    async fn template_history(&self, key: TemplateKey, version: Option<u64>) -> Result<TemplateHistory, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.contacts.template_edits.history(key, version))).await
    }

    async fn add_edit(
        &self,
        key: TemplateKey,
        edit: &TemplateEdit,
        texts: Option<&TemplateTexts>,
    ) -> Result<bool, Failure> {
        let commit = self.0.commit("contacts.add_edit", |state| {
            let known = &mut state.contacts.template_edits.0;
            let is_new = !known.contains_key(&(key, edit.version));
            known.entry((key, edit.version)).or_insert_with(|| (edit.clone(), texts.cloned()));
            Ok(is_new)
        });
        commit.await
    }
}
