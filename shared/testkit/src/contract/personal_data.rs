//! Contract of [`PersonalData`], over the stores that register users, begin their sessions and keep their orders.

use super::{Fixture, an_event, credentials, fresh, later, now};
use crate::build::{self, a_reply, usd};
use domain::{
    event::UserDeleted,
    id::{NoteId, OrderId, ProductId, SessionId, UserId},
    order::{Note, Order},
    text::MessageText,
    user::User,
};
use kernel::{IdempotencyKey, Timestamp};
use ports::{
    AccountStore, LoginCounters, OrderNotes, OrderStore, PersonalData, PlacementConditions, RefreshToken, UserStore,
};
use serde_json::{Value, json};

/// Generates one test per rule. The expression is a future of a
/// `Fixture<UsersAndExport<impl UserStore + AccountStore, impl OrderStore + OrderNotes, impl PersonalData>>`.
#[macro_export]
macro_rules! contract_personal_data {
    ($fixture:expr) => {
        $crate::each_rule! { personal_data, $fixture;
            export_has_the_profile_and_the_sessions_without_their_digests
            export_of_an_unknown_account_is_none
            deleted_account_is_exported
            notes_of_staff_are_exported_with_their_order_and_without_their_author
        }
    };
}

/// Users, orders, and the export as the function that reads it has it.
#[derive(Debug)]
pub struct UsersAndExport<U, O, E> {
    pub users: U,
    pub orders: O,
    pub export: E,
}

type Port<U, O, E> = Fixture<UsersAndExport<U, O, E>>;

/// A user with a session.
async fn a_user(users: &impl UserStore) -> (User, SessionId) {
    let id = fresh();
    let name = format!("u{}", &id.simple().to_string()[18..]);
    let user = build::user().id(UserId(id)).name(&name).registered();
    users.register(&user, "$the hash$", &an_event(build::user().event())).await.expect("registered");
    let token = RefreshToken { digest: format!("digest {id}"), issued_at: now(), expires_at: later(60) };
    let counters = LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() };
    let session = SessionId(fresh());
    let begun = users.begin_session(session, &credentials(user.id, "$the hash$"), &counters, &token).await;
    assert_eq!(begun, Ok(true));
    (user, session)
}

pub async fn export_has_the_profile_and_the_sessions_without_their_digests(
    fixture: &Port<impl UserStore, impl Sized, impl PersonalData>,
) {
    let UsersAndExport { users, export, .. } = fixture.port();
    let ((user, session), _other) = (a_user(users).await, a_user(users).await);
    let part = export.export(user.id, None).await.expect("exported").expect("an account");
    let identity = &part.contexts["identity"];
    assert_eq!(identity.about["profile"]["email"], user.email.as_str());
    assert_eq!(identity.about["profile"]["username"], user.username.as_str());
    assert_eq!(identity.about["profile"]["full_name"], json!(user.full_name));
    assert_eq!(identity.records.iter().map(|one| &one["session_id"]).collect::<Vec<_>>(), [&json!(session)]);
    assert!(part.contexts.contains_key("orders"));
    assert_eq!(part.next, None);
    let text = format!("{:?} {:?}", identity.about, identity.records);
    assert!(!text.contains("digest") && !text.contains("hash"), "{text}");
}

pub async fn export_of_an_unknown_account_is_none(fixture: &Port<impl UserStore, impl Sized, impl PersonalData>) {
    assert_eq!(fixture.port().export.export(UserId(fresh()), None).await, Ok(None));
}

pub async fn deleted_account_is_exported(fixture: &Port<impl UserStore + AccountStore, impl Sized, impl PersonalData>) {
    let UsersAndExport { users, export, .. } = fixture.port();
    let (user, _) = a_user(users).await;
    let event = an_event(UserDeleted { user_id: user.id });
    users.delete_account(user.id, user.version, &event).await.expect("deleted").expect("at this version");
    let part = export.export(user.id, None).await.expect("exported").expect("an account");
    assert_eq!(part.contexts["identity"].about["profile"]["email"], user.email.as_str());
    assert_eq!(part.contexts["identity"].records, [] as [serde_json::Value; 0]);
}

/// Places an order.
async fn placed(orders: &impl OrderStore, owner: UserId) -> Order {
    let order = build::order().id(OrderId(fresh())).owner(owner).at(now()).line_of(ProductId(fresh()), 1, usd(1_000));
    let (placed, event) = (order.placed(), an_event(order.order_placed()));
    let key = IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "one".to_owned() };
    orders.place(&placed, &key, &a_reply("{}"), &event, &PlacementConditions::default()).await.expect("placed");
    placed
}

/// Adds a note to an order.
async fn noted(orders: &impl OrderNotes, order: &Order, text: &str, created_at: Timestamp) -> Note {
    let text = MessageText::parse(text).expect("a text");
    let note = Note { id: NoteId(fresh()), order_id: order.id, author: UserId(fresh()), text, created_at };
    orders.add_note(&note, None, &a_reply("{}")).await.expect("noted");
    note
}

pub async fn notes_of_staff_are_exported_with_their_order_and_without_their_author(
    fixture: &Port<impl UserStore, impl OrderStore + OrderNotes, impl PersonalData>,
) {
    let UsersAndExport { users, orders, export } = fixture.port();
    let ((user, _), (other, _)) = (a_user(users).await, a_user(users).await);
    let (order, of_other) = (placed(orders, user.id).await, placed(orders, other.id).await);
    let first = noted(orders, &order, "Rings twice", later(1)).await;
    let second = noted(orders, &order, "Called again", later(2)).await;
    noted(orders, &of_other, "Somebody else", later(3)).await;
    let part = export.export(user.id, None).await.expect("exported").expect("an account");
    let records = &part.contexts["orders"].records;
    assert_eq!(records.len(), 1, "{records:?}");
    let notes = records[0]["notes_of_staff"].as_array().expect("a list");
    assert_eq!(notes.iter().map(|note| &note["text"]).collect::<Vec<_>>(), ["Rings twice", "Called again"]);
    let at = |note: &Value| note["created_at"].as_str().expect("a time").parse::<Timestamp>().expect("a time");
    assert_eq!(notes.iter().map(at).collect::<Vec<_>>(), [first.created_at, second.created_at]);
    let text = format!("{records:?}");
    assert!(!text.contains(&first.author.to_string()) && !text.contains(&second.author.to_string()), "{text}");
}
