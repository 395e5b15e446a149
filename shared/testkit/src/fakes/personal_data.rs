//! In-memory fake of what is held about a person: the account, its sessions, orders and contact.

use super::{Dependency, State, Users};
use domain::{
    id::UserId,
    personal_data::{ExportCursor, ExportPart, ExportedContext},
};
use kernel::Failure;
use serde_json::{Map, Value, json};

/// As an object.
fn about(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

impl State {
    fn identity(&self, user: UserId) -> Option<ExportedContext> {
        let account = self.users.accounts.get(&user)?;
        let profile = json!({
            "id": user, "email": account.user.email.as_str(), "username": account.user.username.as_str(),
            "full_name": account.user.full_name, "phone": account.user.phone, "address": account.user.address,
        });
        let mine = self.users.sessions.iter().filter(|(_, one)| one.user_id == user);
        let records = mine.map(|(id, one)| json!({ "session_id": id, "created_at": one.begun_at.to_string() }));
        Some(ExportedContext { about: about(json!({ "profile": profile })), records: records.collect() })
    }

    fn orders(&self, user: UserId) -> ExportedContext {
        let mut mine: Vec<_> = self.orders.orders.values().filter(|order| order.user_id == user).collect();
        mine.sort_by_key(|order| order.id);
        let record =
            |order: &&domain::order::Order| json!({ "order_id": order.id, "shipping_address": order.shipping_address });
        let records = mine.iter().map(record).collect();
        ExportedContext { about: about(json!({ "orders": mine.len() })), records }
    }
}

impl ports::PersonalData for Users {
    async fn export(&self, user: UserId, after: Option<&ExportCursor>) -> Result<Option<ExportPart>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let Some(identity) = state.identity(user) else { return Ok(None) };
            let all = [("identity", identity), ("orders", state.orders(user))];
            // Lists do not go on, so there is nothing after a cursor.
            let contexts = all.into_iter().filter(|_| after.is_none());
            let contexts = contexts.map(|(name, context)| (name.to_owned(), context)).collect();
            Ok(Some(ExportPart { contexts, next: None }))
        });
        query.await
    }
}
