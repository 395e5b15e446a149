//! User accounts as their users and admins see and change them.

use super::{
    PgUsers,
    fragments::insert_event,
    params::params,
    personal_data,
    rows::{bigint, count, get, json_if, only, parsed, parsed_if, word},
    sessions::parse_cursor,
    users::taken,
};
use domain::{
    Event,
    id::{SessionId, UserId},
    profile,
    text::{Email, FullName, Phone, Username},
    user::{AccountStatus, Role, User},
    verification::ContactKind,
};
use kernel::{Failure, Uuid};
use ports::{AccountStore, Bus, Page};
use tokio_postgres::{Row, types::Json};

/// The columns of an account.
macro_rules! columns {
    () => {
        "id, email, username, full_name, phone, address, role, status, version, created_at,
        email_verified_at IS NOT NULL AS has_email, phone_verified_at IS NOT NULL AS has_phone"
    };
}

const GET: &str = concat!("SELECT ", columns!(), " FROM users WHERE id = $1 AND status <> 'deleted'");

/// An address that stays the same stays verified. The account is locked first, so that version and password are those that are changed.
const UPDATE: &str = concat!(
    "WITH stored AS MATERIALIZED (
        SELECT id, version, password_hash FROM users WHERE id = $1 AND status <> 'deleted' FOR NO KEY UPDATE
    ), updated AS (
        UPDATE users SET email = $3, username = $4, full_name = $5, phone = $6, address = $7, role = $8, status = $9,
            version = version + 1,
            email_verified_at = CASE WHEN email = $3 THEN email_verified_at END,
            phone_verified_at = CASE WHEN phone = $6 THEN phone_verified_at END
        WHERE id = (SELECT id FROM stored WHERE version = $2 - 1 AND password_hash = coalesce($11, password_hash))
        RETURNING id
    ), ",
    insert_event!("$10", from "updated"),
    " SELECT EXISTS (SELECT FROM updated) AS is_updated, EXISTS (SELECT FROM stored WHERE password_hash <> $11) AS has_another_password",
);

/// The last active admin is not changed, nor by [`DELETE`]: `identity.is_last_admin`, which is asked before the account is read.
const ADMINISTER: &str = concat!(
    "WITH guard AS MATERIALIZED (
        SELECT CASE WHEN $3 = 'admin' AND $4 = 'active' THEN false ELSE is_last_admin($1) END AS is_last_admin
    ), updated AS (
        UPDATE users SET role = $3, status = $4, version = version + 1
        WHERE id = $1 AND version = $2 - 1 AND status <> 'deleted' AND NOT (SELECT is_last_admin FROM guard)
        RETURNING id
    ), ended AS (
        SELECT end_logins(id, NULL) AS sessions FROM updated
    ), ",
    insert_event!("$5", from "updated"),
    " SELECT is_last_admin, (SELECT sessions FROM ended) AS ended FROM guard",
);

/// `$1` is a pattern of `LIKE`; each of the three columns has an index for it.
const SEARCH: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM users
    WHERE (email LIKE $1 OR username LIKE $1 OR lower(full_name) LIKE $1) AND status <> 'deleted'
        AND ($2::uuid IS NULL OR id > $2)
    ORDER BY id LIMIT $3",
);

const DELETE: &str = concat!(
    "WITH guard AS MATERIALIZED (
        SELECT is_last_admin($1) AS is_last_admin
    ), deleted AS (
        UPDATE users SET status = 'deleted', deleted_at = ($3 ->> 'time')::timestamptz, version = version + 1
        WHERE id = $1 AND version = $2 AND status <> 'deleted' AND NOT (SELECT is_last_admin FROM guard)
        RETURNING id
    ), ended AS (
        SELECT end_logins(id, NULL) AS sessions FROM deleted
    ), unverified AS (
        DELETE FROM verifications WHERE user_id = (SELECT id FROM deleted)
    ), ",
    insert_event!("$3", from "deleted"),
    " SELECT is_last_admin, (SELECT sessions FROM ended) AS ended FROM guard",
);

impl<B: Bus> AccountStore for PgUsers<B> {
    async fn account(&self, user: UserId) -> Result<Option<User>, Failure> {
        let rows = self.relay.database().query(GET, &params![user.0]).await?;
        rows.first().map(account).transpose()
    }

    async fn update_account(&self, user: &User, proven: Option<&str>, event: &Event) -> Result<bool, Failure> {
        let params = params![
            user.id.0,
            bigint(user.version)?,
            user.email.as_str(),
            user.username.as_str(),
            user.full_name.as_ref().map(|name| name.as_str()),
            user.phone.as_ref().map(|phone| phone.as_str()),
            user.address.as_ref().map(Json),
            user.role.name(),
            user.status.name(),
            Json(event),
            proven,
        ];
        let rows = self.relay.database().attempt(UPDATE, &params).await?.map_err(taken)?;
        let row = only(&rows)?;
        if get(row, "has_another_password")? {
            return Err(profile::wrong_current_password());
        }
        if !get::<bool>(row, "is_updated")? {
            return Ok(false);
        }
        self.relay.publish(std::slice::from_ref(event)).await;
        Ok(true)
    }

    async fn administer_account(&self, user: &User, event: &Event) -> Result<Option<Vec<SessionId>>, Failure> {
        let params = params![user.id.0, bigint(user.version)?, user.role.name(), user.status.name(), Json(event)];
        let ended = ended(only(&self.relay.database().query(ADMINISTER, &params).await?)?)?;
        if ended.is_some() {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(ended)
    }

    async fn search_accounts(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page<User>, Failure> {
        let after = cursor.map(parse_cursor).transpose()?;
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let params = params![pattern(prefix), after, i64::from(limit) + 1];
        let rows = self.relay.database().query(SEARCH, &params).await?;
        let items: Vec<User> = rows.iter().take(page_size).map(account).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > page_size).map(|last| last.id.to_string());
        Ok(Page { items, next })
    }

    async fn delete_account(
        &self,
        user: UserId,
        version: u64,
        event: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let params = params![user.0, bigint(version)?, Json(event)];
        let ended = ended(only(&self.relay.database().query(DELETE, &params).await?)?)?;
        if ended.is_some() {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(ended)
    }

    async fn erase_account(
        &self,
        user: UserId,
        proven: Option<&str>,
        deleted: &Event,
        erased: &Event,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        personal_data::erase_account(self, (user, proven), (deleted, erased)).await
    }
}

/// The sessions that [`ADMINISTER`] or [`DELETE`] has ended; `None` if the account has another version.
fn ended(row: &Row) -> Result<Option<Vec<SessionId>>, Failure> {
    if get(row, "is_last_admin")? {
        return Err(profile::last_admin());
    }
    let ended: Option<Vec<Uuid>> = get(row, "ended")?;
    Ok(ended.map(|ended| ended.into_iter().map(SessionId).collect()))
}

/// The pattern of texts that begin with `prefix`, whatever characters it has.
fn pattern(prefix: &str) -> String {
    let escape = |one: char| if matches!(one, '%' | '_' | '\\') { vec!['\\', one] } else { vec![one] };
    prefix.chars().flat_map(escape).chain(['%']).collect()
}

fn account(row: &Row) -> Result<User, Failure> {
    let (email, phone): (bool, bool) = (get(row, "has_email")?, get(row, "has_phone")?);
    let known = [(ContactKind::Email, email), (ContactKind::Phone, phone)];
    Ok(User {
        id: UserId(get(row, "id")?),
        email: parsed(row, "email", Email::parse)?,
        username: parsed(row, "username", Username::parse)?,
        full_name: parsed_if(row, "full_name", FullName::parse)?,
        phone: parsed_if(row, "phone", Phone::parse)?,
        address: json_if(row, "address")?,
        role: word(row, "role", Role::parse)?,
        status: word(row, "status", AccountStatus::parse)?,
        verified: known.into_iter().filter_map(|(kind, is_verified)| is_verified.then_some(kind)).collect(),
        version: count(row, "version")?,
        created_at: get(row, "created_at")?,
    })
}
