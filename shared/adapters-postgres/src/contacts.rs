//! Contacts of customers, and the log of notifications.

use super::{
    Database, Relay,
    fragments::{claim, insert_event, insert_idempotency_record, select_idempotency_outcome},
    idempotency, message_budgets,
    params::params,
    preferences::decode_preferences,
    rows::{bigint, get, known, only, parsed, parsed_if, word},
    template_edits,
};
use domain::{
    Event,
    event::{ContactVerified, NotificationSent},
    id::{DeviceId, OrderId, UserId},
    message_limits::MessageBudgets,
    message_template::TemplateTexts,
    notification::{self, Channel, DeliveryLogEntry, Locale, NotificationOutcome, Suppression, Template},
    text::{Email, FullName, Phone},
    verification::ContactKind,
};
use edge::telemetry::metrics;
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Bus, Claim, Contact, ContactStore, Device, NotificationRequests, Page, Recipient};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

const SAVE: &str = concat!(
    "WITH ",
    claim!(),
    " INSERT INTO contacts AS known (user_id, email, name, phone, version) SELECT $3, $4, $5, $6, $7 FROM claim
    ON CONFLICT (user_id) DO UPDATE
    SET email = excluded.email, name = excluded.name, phone = excluded.phone, version = excluded.version
    WHERE known.version < excluded.version",
);

const REMOVE_DEVICES: &str =
    concat!("WITH ", claim!(), " DELETE FROM devices WHERE user_id = $3 AND EXISTS (SELECT FROM claim)");

const ERASE: &str = "SELECT erase($1, $2, $3, $4)";

const IS_ERASED: &str = "SELECT EXISTS (SELECT FROM contacts WHERE user_id = $1 AND email IS NULL) AS is_erased";

const RECORD_VERIFIED: &str = concat!(
    "WITH ",
    claim!(),
    " INSERT INTO verified_addresses AS known (user_id, kind, address, version) SELECT $3, $4, $5, $6 FROM claim
    ON CONFLICT (user_id, kind) DO UPDATE SET address = excluded.address, version = excluded.version
    WHERE known.version < excluded.version",
);

/// `$2` is null for a recipient of no message.
const FIND: &str = "
    SELECT e.subject, e.txt, e.html, e.short, ARRAY(SELECT v.kind FROM verified_addresses AS v
            WHERE v.user_id = c.user_id AND v.address = CASE v.kind WHEN 'email' THEN c.email ELSE c.phone END) AS verified,
        c.email, c.name, c.phone, p.channels, p.locale, s.reason AS suppressed_for,
        ARRAY(SELECT d.id FROM devices AS d WHERE d.user_id = c.user_id ORDER BY d.id) AS devices,
        ARRAY(SELECT d.endpoint FROM devices AS d WHERE d.user_id = c.user_id ORDER BY d.id) AS endpoints,
        ARRAY(SELECT d.registered_at FROM devices AS d WHERE d.user_id = c.user_id ORDER BY d.id) AS registered
    FROM contacts AS c
    LEFT JOIN preferences AS p ON p.user_id = c.user_id
    LEFT JOIN suppressions AS s ON s.email = c.email
    LEFT JOIN LATERAL (
        SELECT t.subject, t.txt, t.html, t.short FROM message_templates AS t
        WHERE t.template = $2 AND t.locale = coalesce(p.locale, $3) ORDER BY t.version DESC LIMIT 1
    ) AS e ON true
    WHERE c.user_id = $1 AND c.email IS NOT NULL";

const WAS_SENT: &str = "SELECT EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = $2) AS known";

const SENT: &str = concat!(
    "WITH ",
    claim!(),
    ", logged AS (
        INSERT INTO deliveries (id, user_id, order_id, channel, template, sent_at)
        SELECT $2, ($3 #>> '{data,user_id}')::uuid, ($3 #>> '{data,order_id}')::uuid, $3 #>> '{data,channel}',
            $3 #>> '{data,template}', ($3 ->> 'time')::timestamptz
        FROM claim
        ON CONFLICT DO NOTHING
    ), ",
    insert_event!("$3", from "claim"),
    " SELECT EXISTS (SELECT FROM claim) AS is_new",
);

const NOT_SENT: &str = concat!(
    "WITH ",
    claim!(),
    " INSERT INTO deliveries (id, user_id, order_id, channel, template, sent_at, outcome)
    SELECT $2, $3, $4, $5, $6, $7, $8 FROM claim
    ON CONFLICT DO NOTHING",
);

const REQUEST: &str = concat!(
    "WITH ",
    insert_idempotency_record!(),
    ", ",
    insert_event!("$6", from "recorded"),
    select_idempotency_outcome!()
);

/// Ids ascend with time. Only e-mail has feedback after it was sent.
const DELIVERY_LOG: &str = "
    SELECT d.id, d.user_id, d.channel, d.template, d.sent_at, coalesce(f.reason, d.outcome) AS outcome
    FROM deliveries AS d
    LEFT JOIN email_feedback AS f ON f.delivery_id = d.id AND d.channel = $4
    WHERE d.order_id = $1 AND ($2 IS NULL OR (d.id, d.channel) > ($2, $3))
    ORDER BY d.id, d.channel LIMIT $5";

#[derive(Debug)]
pub struct PgContacts<B> {
    pub(super) relay: Relay<B>,
}

impl<B: Bus> PgContacts<B> {
    /// `database` logs in as the role of notifications.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Notifications, database, bus) }
    }

    pub(super) fn database(&self) -> &Database {
        self.relay.database()
    }

    /// The row of a recipient, with the texts of `template` in their language.
    async fn find_row(&self, user: UserId, template: Option<Template>) -> Result<Option<Row>, Failure> {
        let params = params![user.0, template.map(Template::name), Locale::default().name()];
        Ok(self.relay.database().query(FIND, &params).await?.into_iter().next())
    }
}

impl<B: Bus> ContactStore for PgContacts<B> {
    async fn save(&self, claim: Claim, contact: &Contact, version: u64) -> Result<(), Failure> {
        let params = params![
            claim.consumer,
            claim.event_id,
            contact.user_id.0,
            contact.email.as_str(),
            contact.name.as_ref().map(|name| name.as_str()),
            contact.phone.as_ref().map(|phone| phone.as_str()),
            bigint(version)?,
        ];
        self.relay.database().query(SAVE, &params).await.map(drop)
    }

    async fn remove_devices(&self, claim: Claim, user: UserId) -> Result<(), Failure> {
        let params = params![claim.consumer, claim.event_id, user.0];
        self.relay.database().query(REMOVE_DEVICES, &params).await.map(drop)
    }

    async fn erase(&self, claim: Claim, user: UserId, version: u64) -> Result<(), Failure> {
        let params = params![claim.consumer, claim.event_id, user.0, bigint(version)?];
        self.relay.database().query(ERASE, &params).await.map(drop)
    }

    async fn is_erased(&self, user: UserId) -> Result<bool, Failure> {
        get(only(&self.relay.database().query(IS_ERASED, &params![user.0]).await?)?, "is_erased")
    }

    async fn record_verified(&self, claim: Claim, verified: &ContactVerified, version: u64) -> Result<(), Failure> {
        let (user, kind) = (verified.user_id.0, verified.channel.name());
        let params = params![claim.consumer, claim.event_id, user, kind, &verified.address, bigint(version)?];
        self.relay.database().query(RECORD_VERIFIED, &params).await.map(drop)
    }

    async fn find(&self, user: UserId) -> Result<Option<Recipient>, Failure> {
        self.find_row(user, None).await?.map(|row| recipient(user, &row)).transpose()
    }

    async fn find_for(
        &self,
        user: UserId,
        template: Template,
    ) -> Result<Option<(Recipient, Option<TemplateTexts>)>, Failure> {
        let Some(row) = self.find_row(user, Some(template)).await? else { return Ok(None) };
        let to = recipient(user, &row)?;
        // A message is sent with the built-in texts rather than not at all.
        let texts = template_edits::texts(&row).unwrap_or_else(|failure| {
            metrics::count("EditedTextsUnused", 1);
            tracing::error!(
                failure.code,
                failure.detail,
                failure.internal,
                "an edited text cannot be read: the built-in texts are used"
            );
            None
        });
        Ok(Some((to, texts)))
    }

    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure> {
        let rows = self.relay.database().query(WAS_SENT, &params![claim.consumer, claim.event_id]).await?;
        get(only(&rows)?, "known")
    }

    async fn take_message(
        &self,
        claim: Claim,
        user: UserId,
        to: &Phone,
        quota: &MessageBudgets,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        message_budgets::take(self.relay.database(), claim, user, to, quota, now).await
    }

    async fn record_sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure> {
        let params = params![claim.consumer, claim.event_id, Json(event)];
        let rows = self.relay.database().query(SENT, &params).await?;
        let is_new = get(only(&rows)?, "is_new")?;
        if is_new {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(is_new)
    }

    async fn record_not_sent(
        &self,
        claim: Claim,
        about: &NotificationSent,
        reason: NotificationOutcome,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let params = params![
            claim.consumer,
            claim.event_id,
            about.user_id.0,
            about.order_id.map(|order| order.0),
            about.channel.name(),
            about.template.name(),
            now,
            reason.name(),
        ];
        self.relay.database().query(NOT_SENT, &params).await.map(drop)
    }
}

fn recipient(user: UserId, row: &Row) -> Result<Recipient, Failure> {
    let contact = Contact {
        user_id: user,
        email: parsed(row, "email", Email::parse)?,
        name: parsed_if(row, "name", FullName::parse)?,
        phone: parsed_if(row, "phone", Phone::parse)?,
    };
    let (ids, endpoints): (Vec<Uuid>, Vec<String>) = (get(row, "devices")?, get(row, "endpoints")?);
    let registered: Vec<Timestamp> = get(row, "registered")?;
    let device = |((id, endpoint), registered_at)| Device { id: DeviceId(id), endpoint, registered_at };
    let verified =
        get::<Vec<&str>>(row, "verified")?.into_iter().map(|kind| known("verified", kind, ContactKind::parse));
    Ok(Recipient {
        contact,
        verified: verified.collect::<Result<_, _>>()?,
        preferences: decode_preferences(row)?,
        suppressed: parsed_if(row, "suppressed_for", |why| Suppression::parse(why).ok_or("is an unknown reason"))?,
        devices: ids.into_iter().zip(endpoints).zip(registered).map(device).collect(),
    })
}

impl<B: Bus> NotificationRequests for PgContacts<B> {
    async fn request(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
    ) -> Result<IdempotencyOutcome, Failure> {
        let params =
            params![&key.scope, &key.key, &key.fingerprint, idempotency::reply_head(reply), &reply.body, Json(event)];
        let outcome = idempotency::execute(self.relay.database(), key, REQUEST, &params).await?;
        if outcome == IdempotencyOutcome::Committed {
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(outcome)
    }

    async fn find_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        idempotency::find_response(self.relay.database(), key).await
    }

    async fn delivery_log(
        &self,
        order: OrderId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<DeliveryLogEntry>, Failure> {
        let after = cursor.map(notification::parse_cursor).transpose()?;
        let (id, channel) = (after.map(|(id, _)| id), after.map(|(_, channel)| channel.name()));
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let params = params![order.0, id, channel, Channel::Email.name(), i64::from(limit) + 1];
        let rows = self.relay.database().query(DELIVERY_LOG, &params).await?;
        let entry = |row| {
            let sent = NotificationSent {
                order_id: Some(order),
                user_id: UserId(get(row, "user_id")?),
                channel: word(row, "channel", Channel::parse)?,
                template: word(row, "template", Template::parse)?,
            };
            Ok(DeliveryLogEntry {
                id: get(row, "id")?,
                sent,
                outcome: word(row, "outcome", NotificationOutcome::parse)?,
                at: get(row, "sent_at")?,
            })
        };
        let items: Vec<DeliveryLogEntry> = rows.iter().take(page_size).map(entry).collect::<Result<_, Failure>>()?;
        let next = if rows.len() > page_size { items.last().map(DeliveryLogEntry::cursor) } else { None };
        Ok(Page { items, next })
    }
}
