//! What is held about a person: its export, for which each context decides in a function of the database what it shows, and its erasure.

use super::{
    PgOrders, PgUsers,
    params::params,
    rows::{count, get, json, json_if, only},
};
use domain::{
    Event,
    id::{SessionId, UserId},
    personal_data::{ExportCursor, PersonalDataPart},
    profile,
};
use kernel::{Claim, Failure, Timestamp, Uuid};
use ports::{Bus, DueErasures, OrderErasure, PersonalData};
use tokio_postgres::types::Json;

/// Bounds of each list of a part. The lists of all contexts together, and the longest record after that, stay below the 6 MB that Lambda returns.
const MAX_RECORDS: i32 = 1_000;
const MAX_BYTES: i64 = 700_000;

const EXPORT: &str = "SELECT export($1, $2, $3, $4) AS part";

impl<B: Bus> PersonalData for PgUsers<B> {
    async fn export(&self, user: UserId, after: Option<&ExportCursor>) -> Result<Option<PersonalDataPart>, Failure> {
        let params = params![user.0, after.map(Json), MAX_RECORDS, MAX_BYTES];
        json_if(only(&self.relay.database().query(EXPORT, &params).await?)?, "part")
    }
}

const ERASE_ACCOUNT: &str =
    "SELECT is_known, is_last_admin, has_another_password, ended, events FROM erase($1, $2, $3, $4)";

const ERASE_CUSTOMER: &str = "SELECT erase($1, $2, $3, $4)";

/// `$2` is the most customers of a run.
const ERASE_DUE: &str = "SELECT erased, open FROM erase_due($1, $2)";

const MAX_CUSTOMERS: i32 = 20;

/// Erases an account: see `AccountStore::erase_account`.
pub(super) async fn erase_account<B: Bus>(
    users: &PgUsers<B>,
    (user, proven): (UserId, Option<&str>),
    (deleted, erased): (&Event, &Event),
) -> Result<Option<Vec<SessionId>>, Failure> {
    let params = params![user.0, proven, Json(deleted), Json(erased)];
    let rows = users.relay.database().query(ERASE_ACCOUNT, &params).await?;
    let row = only(&rows)?;
    if !get::<bool>(row, "is_known")? {
        return Ok(None);
    }
    if get(row, "is_last_admin")? {
        return Err(profile::last_admin());
    }
    if get(row, "has_another_password")? {
        return Err(profile::wrong_current_password());
    }
    let (ended, events): (Vec<Uuid>, Vec<Event>) = (get(row, "ended")?, json(row, "events")?);
    users.relay.publish(&events).await;
    Ok(Some(ended.into_iter().map(SessionId).collect()))
}

impl<B: Bus> OrderErasure for PgOrders<B> {
    async fn erase_customer(&self, claim: Claim, user: UserId, at: Timestamp) -> Result<(), Failure> {
        let params = params![claim.consumer, claim.event_id, user.0, at];
        self.relay.database().query(ERASE_CUSTOMER, &params).await.map(drop)
    }

    async fn erase_due(&self, now: Timestamp) -> Result<DueErasures, Failure> {
        let rows = self.relay.database().query(ERASE_DUE, &params![now, MAX_CUSTOMERS]).await?;
        let row = only(&rows)?;
        Ok(DueErasures { erased: count(row, "erased")?, open: count(row, "open")? })
    }
}
