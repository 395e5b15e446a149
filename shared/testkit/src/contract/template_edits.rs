//! Contract of [`TemplateEdits`], observed also through [`ContactStore::find_for`].

use super::{Fixture, a_claim, fresh, now};
use crate::build;
use domain::{
    id::UserId,
    message_template::{MAX_LISTED_EDITS, TemplateEdit, TemplateHistory, TemplateKey, TemplateTexts},
    notification::{Channel, Locale, Preferences, Template},
    text::{ActionReason, HtmlTemplate, ShortTemplate, SubjectTemplate, TextTemplate},
};
use futures_util::future::join_all;
use ports::{ContactStore, PreferenceStore, TemplateEdits};

/// Generates one test per rule. The expression is a future of a `Fixture<impl TemplateEdits + ContactStore + PreferenceStore>` in which nothing
/// was edited.
#[macro_export]
macro_rules! contract_template_edits {
    ($fixture:expr) => {
        $crate::each_rule! { template_edits, $fixture;
            template_that_was_never_edited_has_no_history
            newest_edit_applies_and_earlier_ones_can_be_read
            version_is_stored_once
            one_of_concurrent_edits_of_a_version_is_stored
            newest_edits_are_listed_with_the_one_that_was_asked_for
            recipient_gets_the_newest_texts_in_their_language
        }
    };
}

const KEY: TemplateKey = TemplateKey { template: Template::OrderShipped, locale: Locale::En };

fn edit(version: u64, is_built_in: bool) -> TemplateEdit {
    TemplateEdit {
        version,
        is_built_in,
        reason: ActionReason::parse("summer sale").expect("a reason"),
        edited_by: UserId(fresh()),
        edited_at: now(),
    }
}

fn texts(mark: &str) -> TemplateTexts {
    TemplateTexts {
        subject: SubjectTemplate::parse(&format!("{mark}: {{{{ number }}}}")).expect("a subject"),
        txt: TextTemplate::parse(&format!("{mark}\n\nYour order")).expect("a text"),
        html: HtmlTemplate::parse(&format!("<p>{mark}</p>\n<p>Your order</p>")).expect("HTML"),
        short: ShortTemplate::parse(mark).expect("a short text"),
    }
}

async fn history(store: &impl TemplateEdits, key: TemplateKey, version: Option<u64>) -> TemplateHistory {
    store.template_history(key, version).await.expect("the store responds")
}

pub async fn template_that_was_never_edited_has_no_history(fixture: &Fixture<impl TemplateEdits>) {
    for version in [None, Some(0), Some(1)] {
        assert_eq!(history(fixture.port(), KEY, version).await, TemplateHistory::default());
    }
}

pub async fn newest_edit_applies_and_earlier_ones_can_be_read(fixture: &Fixture<impl TemplateEdits>) {
    let store = fixture.port();
    let edits = [edit(1, false), edit(2, false), edit(3, true)];
    let written = [Some(texts("first")), Some(texts("second")), None];
    for (edit, texts) in edits.iter().zip(&written) {
        assert_eq!(store.add_edit(KEY, edit, texts.as_ref()).await, Ok(true));
        fixture.wait_for_propagation().await;
        let found = history(store, KEY, None).await;
        assert_eq!((found.edits.first(), &found.texts), (Some(edit), texts));
    }
    let found = history(store, KEY, Some(1)).await;
    assert_eq!((found.version(), found.texts), (3, Some(texts("first"))));
    assert_eq!(found.edits, edits.into_iter().rev().collect::<Vec<_>>());
    for none in [0, 4] {
        assert_eq!(history(store, KEY, Some(none)).await.texts, None);
    }
    let other = TemplateKey { locale: Locale::De, ..KEY };
    assert_eq!(history(store, other, None).await, TemplateHistory::default(), "another language");
}

pub async fn version_is_stored_once(fixture: &Fixture<impl TemplateEdits>) {
    let (store, first) = (fixture.port(), edit(1, false));
    assert_eq!(store.add_edit(KEY, &first, Some(&texts("first"))).await, Ok(true));
    assert_eq!(store.add_edit(KEY, &edit(1, false), Some(&texts("late"))).await, Ok(false));
    let found = history(store, KEY, None).await;
    assert_eq!((found.edits, found.texts), (vec![first], Some(texts("first"))));
}

pub async fn one_of_concurrent_edits_of_a_version_is_stored(fixture: &Fixture<impl TemplateEdits>) {
    let add = async |store| TemplateEdits::add_edit(store, KEY, &edit(1, false), Some(&texts("mine"))).await;
    let added = join_all(fixture.concurrent(8).map(add)).await;
    assert_eq!(added.iter().filter(|one| **one == Ok(true)).count(), 1, "{added:?}");
    assert_eq!(added.iter().filter(|one| **one == Ok(false)).count(), 7, "{added:?}");
}

pub async fn newest_edits_are_listed_with_the_one_that_was_asked_for(fixture: &Fixture<impl TemplateEdits>) {
    let most = u64::try_from(MAX_LISTED_EDITS).expect("small");
    for version in 1..=most + 5 {
        fixture.port().add_edit(KEY, &edit(version, false), Some(&texts("again"))).await.expect("stored");
    }
    let listed = |found: &TemplateHistory| found.edits.iter().map(|edit| edit.version).collect::<Vec<_>>();
    let newest = history(fixture.port(), KEY, None).await;
    assert_eq!(listed(&newest), (6..=most + 5).rev().collect::<Vec<_>>());
    let old = history(fixture.port(), KEY, Some(2)).await;
    assert_eq!(listed(&old), (7..=most + 5).rev().chain([2]).collect::<Vec<_>>());
    assert_eq!((old.version(), old.texts), (most + 5, Some(texts("again"))));
}

pub async fn recipient_gets_the_newest_texts_in_their_language(
    fixture: &Fixture<impl TemplateEdits + ContactStore + PreferenceStore>,
) {
    let (store, contact) = (fixture.port(), build::user().id(UserId(fresh())).contact());
    store.save(a_claim(catalog::CONTACT_TRACK.name), &contact, 1).await.expect("stored");
    let found = async |template| {
        let (to, texts) = store.find_for(contact.user_id, template).await.expect("a response").expect("a contact");
        assert_eq!(Ok(Some(to)), store.find(contact.user_id).await);
        texts
    };
    assert_eq!(found(KEY.template).await, None);
    store.add_edit(KEY, &edit(1, false), Some(&texts("English"))).await.expect("stored");
    let german = TemplateKey { locale: Locale::De, ..KEY };
    store.add_edit(german, &edit(1, false), Some(&texts("old"))).await.expect("stored");
    store.add_edit(german, &edit(2, false), Some(&texts("German"))).await.expect("stored");
    fixture.wait_for_propagation().await;
    assert_eq!(found(KEY.template).await, Some(texts("English")));
    assert_eq!(found(Template::OrderWaiting).await, None);
    let preferences = Preferences { channels: [Channel::Email].into(), locale: Locale::De };
    store.set_preferences(contact.user_id, &preferences).await.expect("stored");
    assert_eq!(found(KEY.template).await, Some(texts("German")));
    store.add_edit(german, &edit(3, true), None).await.expect("stored");
    assert_eq!(found(KEY.template).await, None, "the built-in texts again");
    assert_eq!(store.find_for(UserId(fresh()), KEY.template).await, Ok(None));
}
