//! Adds a new signing key and a new sealing key. The previous key stays in the key set, so that the tokens that it signed remain valid until they
//! expire. All sealing keys stay. Makes the counter key if there is none; a rotation does not replace it, since that would reset the delays of
//! logins.

use edge::direct::Invocation;
use kernel::Failure;
use ports::{CounterKey, SealingKeys, SigningKeys};
use serde::{Deserialize, Serialize};

/// Takes no input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {}

#[derive(Debug, Serialize)]
pub struct Rotated {
    /// Id of the new signing key.
    pub kid: String,
}

/// Adds a signing and a sealing key, and makes the counter key if there is none.
pub async fn handle(
    keys: &impl SigningKeys,
    sealing: &impl SealingKeys,
    counter_key: &impl CounterKey,
    _call: Invocation<Rotate>,
) -> Result<Rotated, Failure> {
    counter_key.ensure().await?;
    sealing.add_sealing_key().await?;
    Ok(Rotated { kid: keys.rotate().await? })
}
