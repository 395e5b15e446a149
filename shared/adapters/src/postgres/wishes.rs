//! How people want to be told, their devices, and the addresses that take no more mail.

use super::{
    PgContacts,
    params::params,
    rows::{get, only},
};
use domain::{
    id::{DeviceId, UserId},
    notification::{Channel, Locale, Preferences, Suppression},
    text::Email,
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Bus, DeviceBook, FeedbackBook, PreferenceBook};
use tokio_postgres::Row;

const PREFERENCES: &str = "SELECT channels, locale FROM preferences WHERE user_id = $1";

const PREFER: &str = "
    INSERT INTO preferences (user_id, channels, locale) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET channels = excluded.channels, locale = excluded.locale";

const KEEP: &str = "
    INSERT INTO devices (id, user_id, endpoint) VALUES ($1, $2, $3)
    ON CONFLICT (endpoint) DO UPDATE SET user_id = excluded.user_id
    RETURNING id";

const DROP: &str = "DELETE FROM devices WHERE user_id = $1 AND id = $2 RETURNING endpoint";

const FORGET: &str = "DELETE FROM devices WHERE endpoint = $1";

const RETURNED: &str = "
    WITH noted AS (
        INSERT INTO feedback (delivery, why, at) SELECT $1, $3, $4 WHERE $1 IS NOT NULL ON CONFLICT DO NOTHING
    )
    INSERT INTO suppressions (email, why, since) VALUES ($2, $3, $4) ON CONFLICT DO NOTHING";

/// What the columns of a person's preferences say; the usual where they are null.
pub(super) fn wishes(row: &Row) -> Result<Preferences, Failure> {
    let (channels, locale): (Option<Vec<String>>, Option<String>) = (get(row, "channels")?, get(row, "locale")?);
    let (Some(channels), Some(locale)) = (channels, locale) else { return Ok(Preferences::default()) };
    let unknown = |word: &str| Failure::internal(format!("preferences hold no word of ours: {word:?}"));
    let channel = |word: &String| Channel::parse(word).ok_or_else(|| unknown(word));
    Ok(Preferences {
        channels: channels.iter().map(channel).collect::<Result<_, _>>()?,
        locale: Locale::parse(&locale).ok_or_else(|| unknown(&locale))?,
    })
}

impl<B: Bus> PreferenceBook for PgContacts<B> {
    async fn preferences(&self, user: UserId) -> Result<Preferences, Failure> {
        let rows = self.database().query(PREFERENCES, &params![user.0]).await?;
        rows.first().map_or_else(|| Ok(Preferences::default()), wishes)
    }

    async fn prefer(&self, user: UserId, preferences: &Preferences) -> Result<(), Failure> {
        let channels: Vec<&str> = preferences.channels.iter().map(|channel| channel.name()).collect();
        self.database().query(PREFER, &params![user.0, channels, preferences.locale.name()]).await.map(drop)
    }
}

impl<B: Bus> DeviceBook for PgContacts<B> {
    async fn keep_device(&self, user: UserId, id: DeviceId, endpoint: &str) -> Result<DeviceId, Failure> {
        let rows = self.database().query(KEEP, &params![id.0, user.0, endpoint]).await?;
        get(only(&rows)?, "id").map(DeviceId)
    }

    async fn drop_device(&self, user: UserId, id: DeviceId) -> Result<Option<String>, Failure> {
        let rows = self.database().query(DROP, &params![user.0, id.0]).await?;
        rows.first().map(|row| get(row, "endpoint")).transpose()
    }

    async fn forget_device(&self, endpoint: &str) -> Result<(), Failure> {
        self.database().query(FORGET, &params![endpoint]).await.map(drop)
    }
}

impl<B: Bus> FeedbackBook for PgContacts<B> {
    async fn returned(
        &self,
        delivery: Option<Uuid>,
        address: &Email,
        why: Suppression,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let params = params![delivery, address.as_str(), why.name(), now];
        self.database().query(RETURNED, &params).await.map(drop)
    }
}
