//! Adds a new signing key and a new sealing key. The previous key stays in the key set, so that the tokens that it signed remain valid until they expire. All sealing keys stay.

use edge::direct::Invocation;
use kernel::Failure;
use ports::{SealingKeys, SigningKeys};
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

/// Adds both keys.
pub async fn handle(
    keys: &impl SigningKeys,
    sealing: &impl SealingKeys,
    _call: Invocation<Rotate>,
) -> Result<Rotated, Failure> {
    sealing.add_sealing_key().await?;
    Ok(Rotated { kid: keys.rotate().await? })
}
