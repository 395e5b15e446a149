//! Where to write to, and what was written.

use super::{
    Database, Relay,
    fragments::{announce, claim},
    params::params,
    rows::{get, only, parsed, parsed_if},
};
use domain::{
    Event,
    id::UserId,
    text::{Email, FullName},
};
use kernel::Failure;
use ports::{Bus, Claim, Contact, ContactBook};
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

const SENT: &str =
    concat!("WITH ", claim!(), ", ", announce!("$3", from "claim"), " SELECT EXISTS (SELECT FROM claim) AS is_new",);

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
