//! Responses that show a secret once, stored sealed for the idempotency key of their request.

use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply};
use ports::Sealer;

/// Commits an effect with the response `reply`, whose body is sealed if there is a key. A replayed response is opened again.
pub async fn commit_sealed(
    sealer: &impl Sealer,
    key: Option<&IdempotencyKey>,
    reply: StoredReply,
    commit: impl AsyncFnOnce(&StoredReply) -> Result<IdempotencyOutcome, Failure>,
) -> Result<IdempotencyOutcome, Failure> {
    let Some(key) = key else { return commit(&reply).await };
    let about = format!("response/{}/{}", key.scope, key.key);
    let sealed = StoredReply { body: sealer.seal(&about, reply.body.as_bytes()).await?, ..reply };
    match commit(&sealed).await? {
        IdempotencyOutcome::Committed => Ok(IdempotencyOutcome::Committed),
        IdempotencyOutcome::Replayed(first) => {
            let body = sealer.open(&about, &first.body).await?;
            let body = String::from_utf8(body).map_err(Failure::internal)?;
            Ok(IdempotencyOutcome::Replayed(StoredReply { body, ..first }))
        }
    }
}
