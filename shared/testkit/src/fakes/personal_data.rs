//! In-memory fakes of what is held about a person, and of the erasure of orders.

use super::{Dependency, Orders, State, Users, orders::OrdersState};
use domain::{
    id::UserId,
    order::{Order, Status},
    personal_data::{ExportCursor, ExportedContext, PersonalDataPart, SHIPPED_DAYS},
};
use kernel::{Claim, Failure, Timestamp, seconds_after};
use ports::DueErasures;
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
        let notes = |order: &Order| -> Vec<Value> {
            let about = self.orders.notes.iter().filter(|note| note.order_id == order.id);
            about.map(|note| json!({ "text": note.text.as_str(), "created_at": note.created_at })).collect()
        };
        let record = |order: &&Order| {
            let address = &order.shipping_address;
            json!({ "order_id": order.id, "shipping_address": address, "notes_of_staff": notes(order) })
        };
        let records = mine.iter().map(record).collect();
        ExportedContext { about: about(json!({ "orders": mine.len() })), records }
    }
}

impl ports::PersonalData for Users {
    async fn export(&self, user: UserId, after: Option<&ExportCursor>) -> Result<Option<PersonalDataPart>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let Some(identity) = state.identity(user) else { return Ok(None) };
            let all = [("identity", identity), ("orders", state.orders(user))];
            // Lists do not continue, so there is nothing after a cursor.
            let contexts = all.into_iter().filter(|_| after.is_none());
            let contexts = contexts.map(|(name, context)| (name.to_owned(), context)).collect();
            Ok(Some(PersonalDataPart { contexts, next: None }))
        });
        query.await
    }
}

const DAY_S: i64 = 24 * 3_600;

impl OrdersState {
    /// Erases the final orders of a customer, and returns how many.
    fn erase_final(&mut self, user: UserId, at: Timestamp) -> Result<u64, Failure> {
        let long_ago = seconds_after(at, -SHIPPED_DAYS * DAY_S)?;
        let mut count = 0;
        for order in self.orders.values_mut() {
            let is_final = match order.status {
                Status::Delivered | Status::Cancelled => true,
                Status::Shipped => order.updated_at < long_ago,
                Status::Pending | Status::Processing => false,
            };
            if order.user_id == user && is_final && self.erased.insert(order.id) {
                (order.shipping_address, order.tracking) = (order.shipping_address.erased(), None);
                order.version += 1;
                self.notes.retain(|note| note.order_id != order.id);
                count += 1;
            }
        }
        Ok(count)
    }
}

impl ports::OrderErasure for Orders {
    async fn erase_customer(&self, claim: Claim, user: UserId, at: Timestamp) -> Result<(), Failure> {
        let commit = self.0.commit("orders.erase_customer", |state| {
            if state.claim(claim) {
                state.orders.erasures.entry(user).or_insert(at);
                state.orders.erase_final(user, at)?;
            }
            Ok(())
        });
        commit.await
    }

    async fn erase_due(&self, now: Timestamp) -> Result<DueErasures, Failure> {
        let commit = self.0.commit("orders.erase_due", |state| {
            let (orders, a_day_ago) = (&mut state.orders, seconds_after(now, -DAY_S)?);
            let mut due = DueErasures { erased: 0, open: 0 };
            for (user, erased_at) in orders.erasures.clone() {
                due.erased += orders.erase_final(user, now)?;
                let is_left = |order: &Order| order.user_id == user && !orders.erased.contains(&order.id);
                due.open += u64::from(erased_at > a_day_ago || orders.orders.values().any(is_left));
            }
            Ok(due)
        });
        commit.await
    }
}
