//! Notification preferences, devices, and suppressed e-mail addresses.

use super::{
    PgContacts,
    fragments::{insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    params::params,
    rows::{get, known, only},
};
use domain::{
    id::{DeviceId, UserId},
    notification::{Channel, Locale, Preferences},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Bus, Device, DeviceStore, EmailFeedback, EmailFeedbackStore, MAX_DEVICES, PreferenceStore};
use tokio_postgres::Row;

const PREFERENCES: &str = "SELECT channels, locale FROM preferences WHERE user_id = $1";

const SAVE_PREFERENCES: &str = "
    INSERT INTO preferences (user_id, channels, locale) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET channels = excluded.channels, locale = excluded.locale";

/// The snapshot of the statement does not contain the new row, which is why the offset is one below the limit.
const SAVE_DEVICE: &str = "
    WITH too_many AS (
        DELETE FROM devices WHERE id IN (
            SELECT id FROM devices WHERE user_id = $2 AND endpoint <> $3 ORDER BY registered_at DESC, id DESC OFFSET $5 - 1
        )
    )
    INSERT INTO devices (id, user_id, endpoint, registered_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (endpoint) DO UPDATE SET user_id = excluded.user_id, registered_at = excluded.registered_at
    RETURNING id";

/// Like `SAVE_DEVICE`, with the id in `$6`, the user in `$7`, the endpoint in `$8`, the time in `$9` and the limit in `$10`. The id of the
/// response is the one that the endpoint has.
const SAVE_DEVICE_ONCE: &str = concat!(
    "WITH known AS (
        SELECT FROM idempotency WHERE scope = $1 AND key = $2 AND expires_at > now()
    ), too_many AS (
        DELETE FROM devices WHERE NOT EXISTS (SELECT FROM known) AND id IN (
            SELECT id FROM devices WHERE user_id = $7 AND endpoint <> $8 ORDER BY registered_at DESC, id DESC OFFSET $10 - 1
        )
    ), saved AS (
        INSERT INTO devices (id, user_id, endpoint, registered_at) SELECT $6, $7, $8, $9 WHERE NOT EXISTS (SELECT FROM known)
        ON CONFLICT (endpoint) DO UPDATE SET user_id = excluded.user_id, registered_at = excluded.registered_at
        RETURNING id
    ), ",
    insert_idempotency_record!(body "replace($5, $6::text, saved.id::text)", from "saved"),
    select_idempotency_outcome!(with "(SELECT id FROM saved) AS device"),
);

const REMOVE_DEVICE: &str = "DELETE FROM devices WHERE user_id = $1 AND id = $2";

const REMOVE_ENDPOINT: &str = "DELETE FROM devices WHERE endpoint = $1 AND registered_at = $2";

const RECORD_FEEDBACK: &str = "
    WITH noted AS (
        INSERT INTO email_feedback (delivery_id, reason, received_at) SELECT $1, $3, $4 WHERE $1 IS NOT NULL ON CONFLICT DO NOTHING
    )
    INSERT INTO suppressions (email, reason, suppressed_at) SELECT DISTINCT email, $3, $4 FROM unnest($2) AS closed (email)
    ON CONFLICT DO NOTHING";

/// The preferences in a row; the defaults if its columns are null.
pub(super) fn decode_preferences(row: &Row) -> Result<Preferences, Failure> {
    let (channels, locale): (Option<Vec<String>>, Option<String>) = (get(row, "channels")?, get(row, "locale")?);
    let (Some(channels), Some(locale)) = (channels, locale) else { return Ok(Preferences::default()) };
    let channel = |word: &String| known("channels", word, Channel::parse);
    Ok(Preferences {
        channels: channels.iter().map(channel).collect::<Result<_, _>>()?,
        locale: known("locale", &locale, Locale::parse)?,
    })
}

impl<B: Bus> PreferenceStore for PgContacts<B> {
    async fn preferences(&self, user: UserId) -> Result<Preferences, Failure> {
        let rows = self.database().query(PREFERENCES, &params![user.0]).await?;
        rows.first().map_or_else(|| Ok(Preferences::default()), decode_preferences)
    }

    async fn set_preferences(&self, user: UserId, preferences: &Preferences) -> Result<(), Failure> {
        let channels: Vec<&str> = preferences.channels.iter().map(|channel| channel.name()).collect();
        self.database().query(SAVE_PREFERENCES, &params![user.0, channels, preferences.locale.name()]).await.map(drop)
    }
}

impl<B: Bus> DeviceStore for PgContacts<B> {
    async fn save_device(&self, user: UserId, device: &Device) -> Result<DeviceId, Failure> {
        let most = i64::try_from(MAX_DEVICES).map_err(Failure::internal)?;
        let params = params![device.id.0, user.0, &device.endpoint, device.registered_at, most];
        let rows = self.database().query(SAVE_DEVICE, &params).await?;
        get(only(&rows)?, "id").map(DeviceId)
    }

    async fn find_device_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        idempotency::find_response(self.database(), key).await
    }

    async fn save_device_once(
        &self,
        user: UserId,
        device: &Device,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<(DeviceId, IdempotencyOutcome), Failure> {
        let params = params![
            &key.scope,
            &key.key,
            &key.fingerprint,
            idempotency::reply_head(reply),
            &reply.body,
            device.id.0,
            user.0,
            &device.endpoint,
            device.registered_at,
            i64::try_from(MAX_DEVICES).map_err(Failure::internal)?,
        ];
        let rows = self.database().query(SAVE_DEVICE_ONCE, &params).await?;
        let id = get::<Option<Uuid>>(only(&rows)?, "device")?.map_or(device.id, DeviceId);
        Ok((id, idempotency::stored_outcome(self.database(), key, &rows).await?))
    }

    async fn remove_device(&self, user: UserId, id: DeviceId) -> Result<(), Failure> {
        self.database().query(REMOVE_DEVICE, &params![user.0, id.0]).await.map(drop)
    }

    async fn prune_device(&self, device: &Device) -> Result<(), Failure> {
        self.database().query(REMOVE_ENDPOINT, &params![&device.endpoint, device.registered_at]).await.map(drop)
    }
}

impl<B: Bus> EmailFeedbackStore for PgContacts<B> {
    async fn record_feedback(&self, feedback: &EmailFeedback, now: Timestamp) -> Result<(), Failure> {
        let suppress: Vec<&str> = feedback.suppress.iter().map(|address| address.as_str()).collect();
        self.database()
            .query(RECORD_FEEDBACK, &params![feedback.delivery, suppress, feedback.reason.name(), now])
            .await
            .map(drop)
    }
}
