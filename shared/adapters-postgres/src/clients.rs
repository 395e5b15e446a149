//! Service clients.

use super::{
    PgUsers,
    fragments::{insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    params::{Param, params},
    rows::{get, only, parsed},
    sessions::parse_cursor,
    users::reserve_attempt,
};
use domain::{
    client::Client,
    id::{ClientId, UserId},
    login_throttle,
    text::ClientName,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{Bus, ClientAttempt, ClientStore, LoginCounters, Page};
use tokio_postgres::Row;

const CREATE: &str = "INSERT INTO clients (id, name, created_by, created_at, digest) VALUES ($1, $2, $3, $4, $5)";

/// Like [`CREATE`], with an idempotency record.
const CREATE_ONCE: &str = concat!(
    "WITH ",
    insert_idempotency_record!(),
    ", added AS (
        INSERT INTO clients (id, name, created_by, created_at, digest) SELECT $6, $7, $8, $9, $10 FROM recorded
    )",
    select_idempotency_outcome!(),
);

const FIND: &str = "SELECT id, name, created_by, created_at, previous_valid_until FROM clients WHERE id = $1";

/// Their ids are in the order of their creation.
const LIST: &str = "
    SELECT id, name, created_by, created_at, previous_valid_until FROM clients
    WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2";

const REPLACE: &str = "
    UPDATE clients SET digest = $2, previous_digest = digest, previous_valid_until = $3 WHERE id = $1
    RETURNING id";

/// Like [`REPLACE`], with an idempotency record; neither without the client. The lock makes the replacements of one client follow each other.
const REPLACE_ONCE: &str = concat!(
    "WITH known AS (SELECT id FROM clients WHERE id = $6 FOR UPDATE), ",
    insert_idempotency_record!(from "known"),
    ", replaced AS (
        UPDATE clients SET digest = $7, previous_digest = digest, previous_valid_until = $8 FROM recorded WHERE id = $6
    )",
    select_idempotency_outcome!(),
);

const DELETE: &str = "DELETE FROM clients WHERE id = $1 RETURNING id";

/// `$1` is the id of the client; the others are those of `reserve_attempt`.
const RESERVE: &str = concat!(
    reserve_attempt!(),
    "SELECT granted, until, array_remove(
        ARRAY[digest, CASE WHEN previous_valid_until > $4 THEN previous_digest END], NULL
    ) AS digests
    FROM attempt LEFT JOIN clients ON granted AND id = $1",
);

impl<B: Bus> ClientStore for PgUsers<B> {
    async fn create_client(
        &self,
        client: &Client,
        digest: &str,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<IdempotencyOutcome, Failure> {
        let Client { id, name, created_by, created_at, .. } = client;
        let columns = params![id.0, name.as_str(), created_by.0, *created_at, digest];
        let Some((key, reply)) = once else {
            self.relay.database().query(CREATE, &columns).await?;
            return Ok(IdempotencyOutcome::Committed);
        };
        let head = params![&key.scope, &key.key, &key.fingerprint, idempotency::reply_head(reply), &reply.body];
        let params: Vec<Param<'_>> = head.into_iter().chain(columns).collect();
        idempotency::execute(self.relay.database(), key, CREATE_ONCE, &params).await
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, Failure> {
        let rows = self.relay.database().query(FIND, &params![id.0]).await?;
        rows.first().map(client).transpose()
    }

    async fn clients(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Client>, Failure> {
        let after = cursor.map(parse_cursor).transpose()?;
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.relay.database().query(LIST, &params![after, i64::from(limit) + 1]).await?;
        let items: Vec<Client> = rows.iter().take(page_size).map(client).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > page_size).map(|last| last.id.to_string());
        Ok(Page { items, next })
    }

    async fn replace_secret(
        &self,
        id: ClientId,
        digest: &str,
        previous_valid_until: Timestamp,
        once: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let (database, columns) = (self.relay.database(), params![id.0, digest, previous_valid_until]);
        let Some((key, reply)) = once else {
            let rows = database.query(REPLACE, &columns).await?;
            return Ok(rows.first().map(|_| IdempotencyOutcome::Committed));
        };
        let head = params![&key.scope, &key.key, &key.fingerprint, idempotency::reply_head(reply), &reply.body];
        let params: Vec<Param<'_>> = head.into_iter().chain(columns).collect();
        let rows = database.query(REPLACE_ONCE, &params).await?;
        match idempotency::outcome(key, &rows)? {
            Some(outcome) => Ok(Some(outcome)),
            // Of a client that does not exist, or repeated at the same time.
            None => idempotency::find_response(database, key).await,
        }
    }

    async fn delete_client(&self, id: ClientId) -> Result<bool, Failure> {
        let rows = self.relay.database().query(DELETE, &params![id.0]).await?;
        Ok(!rows.is_empty())
    }

    async fn reserve_client(
        &self,
        id: Option<ClientId>,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<ClientAttempt, Failure> {
        let params = params![
            id.map(|id| id.0),
            &counters.name_and_source,
            &counters.source,
            now,
            login_throttle::delays(),
            f64::from(login_throttle::MEMORY_S),
            f64::from(login_throttle::SOURCE_INTERVAL_S),
            f64::from(login_throttle::SOURCE_INTERVAL_S * (login_throttle::SOURCE_BURST - 1)),
        ];
        let rows = self.relay.database().query(RESERVE, &params).await?;
        let row = only(&rows)?;
        match get(row, "granted")? {
            true => Ok(ClientAttempt::Granted(get(row, "digests")?)),
            false => Ok(ClientAttempt::Refused(get(row, "until")?)),
        }
    }
}

fn client(row: &Row) -> Result<Client, Failure> {
    Ok(Client {
        id: ClientId(get(row, "id")?),
        name: parsed(row, "name", ClientName::parse)?,
        created_by: UserId(get(row, "created_by")?),
        created_at: get(row, "created_at")?,
        previous_valid_until: get(row, "previous_valid_until")?,
    })
}
