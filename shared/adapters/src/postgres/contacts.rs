//! Where to write to, and what was written.

use super::{
    Database, Relay,
    fragments::{announce, claim, take_key, what_was_kept},
    keys,
    params::params,
    rows::{get, only, parsed, parsed_if, word},
};
use domain::{
    Event,
    event::NotificationSent,
    id::{OrderId, UserId},
    notification::{Channel, Logged, Template},
    text::{Email, FullName},
};
use kernel::{Failure, Idempotency, Settled, StoredReply, Uuid};
use ports::{Bus, Claim, Contact, ContactBook, NotificationDesk, Page};
use std::sync::Arc;
use tokio_postgres::types::Json;

const REMEMBER: &str = concat!(
    "WITH ",
    claim!(),
    " INSERT INTO contacts (user_id, email, name) SELECT $3, $4, $5 FROM claim
    ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, name = excluded.name",
);

const FIND: &str = "SELECT email, name FROM contacts WHERE user_id = $1";

const WAS_SENT: &str = "SELECT EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = $2) AS known";

const SENT: &str = concat!(
    "WITH ",
    claim!(),
    ", logged AS (
        INSERT INTO deliveries (id, user_id, order_id, channel, template, sent_at)
        SELECT $2, ($3 #>> '{data,user_id}')::uuid, ($3 #>> '{data,order_id}')::uuid, $3 #>> '{data,channel}',
            $3 #>> '{data,template}', ($3 ->> 'time')::timestamptz
        FROM claim
    ), ",
    announce!("$3", from "claim"),
    " SELECT EXISTS (SELECT FROM claim) AS is_new",
);

const REQUEST: &str = concat!("WITH ", take_key!(), ", ", announce!("$6", from "taken"), what_was_kept!());

/// Ids are drawn in the order of time.
const LOG: &str = "
    SELECT id, user_id, channel, template, sent_at FROM deliveries
    WHERE order_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3";

/// Contacts in the schema of notifications.
#[derive(Debug)]
pub struct PgContacts<B> {
    relay: Relay<B>,
}

impl<B: Bus> PgContacts<B> {
    /// Over `database`, as the role of notifications.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(database, bus) }
    }
}

impl<B: Bus> ContactBook for PgContacts<B> {
    async fn remember(&self, claim: Claim, contact: &Contact) -> Result<(), Failure> {
        let params = params![
            claim.consumer,
            claim.event_id,
            contact.user_id.0,
            contact.email.as_str(),
            contact.name.as_ref().map(|name| name.as_str()),
        ];
        self.relay.database().query(REMEMBER, &params).await.map(drop)
    }

    async fn find(&self, user: UserId) -> Result<Option<Contact>, Failure> {
        let rows = self.relay.database().query(FIND, &params![user.0]).await?;
        let contact = |row| {
            Ok(Contact {
                user_id: user,
                email: parsed(row, "email", Email::parse)?,
                name: parsed_if(row, "name", FullName::parse)?,
            })
        };
        rows.first().map(contact).transpose()
    }

    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure> {
        let rows = self.relay.database().query(WAS_SENT, &params![claim.consumer, claim.event_id]).await?;
        get(only(&rows)?, "known")
    }

    async fn sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure> {
        let params = params![claim.consumer, claim.event_id, Json(event)];
        let rows = self.relay.database().query(SENT, &params).await?;
        let is_new = get(only(&rows)?, "is_new")?;
        if is_new {
            self.relay.send(std::slice::from_ref(event)).await;
        }
        Ok(is_new)
    }
}

impl<B: Bus> NotificationDesk for PgContacts<B> {
    async fn request(&self, key: &Idempotency, reply: &StoredReply, event: &Event) -> Result<Settled, Failure> {
        let params = params![&key.scope, &key.key, &key.fingerprint, keys::head(reply), &reply.body, Json(event)];
        let settled = keys::settle(self.relay.database(), key, REQUEST, &params).await?;
        if settled == Settled::Now {
            self.relay.send(std::slice::from_ref(event)).await;
        }
        Ok(settled)
    }

    async fn refuse(&self, key: &Idempotency, reply: &StoredReply) -> Result<Settled, Failure> {
        keys::refuse(self.relay.database(), key, reply).await
    }

    async fn log(&self, order: OrderId, limit: u32, cursor: Option<&str>) -> Result<Page<Logged>, Failure> {
        let not_ours = |_| Failure::field("?cursor", "is not a cursor of this list");
        let after = cursor.map(|cursor| cursor.parse::<Uuid>().map_err(not_ours)).transpose()?;
        let shown = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.relay.database().query(LOG, &params![order.0, after, i64::from(limit) + 1]).await?;
        let logged = |row| {
            let sent = NotificationSent {
                order_id: Some(order),
                user_id: UserId(get(row, "user_id")?),
                channel: word(row, "channel", Channel::parse)?,
                template: word(row, "template", Template::parse)?,
            };
            Ok(Logged { id: get(row, "id")?, sent, at: get(row, "sent_at")? })
        };
        let items: Vec<Logged> = rows.iter().take(shown).map(logged).collect::<Result<_, Failure>>()?;
        let next = if rows.len() > shown { items.last().map(|last| last.id.to_string()) } else { None };
        Ok(Page { items, next })
    }
}
