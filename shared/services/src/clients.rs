//! Proving to be a service client by its secret.

use crate::login_throttle::LoginThrottle;
use domain::{id::ClientId, login_throttle};
use kernel::Failure;
use ports::{ClientAttempt, ClientLogins, ClientProof, ClientSecrets, ClientStore, RequestSources, UserStore};

impl<C: ClientStore + UserStore, S: ClientSecrets, T: RequestSources> ClientLogins for LoginThrottle<'_, C, S, T> {
    async fn prove_client(&self, attempt: ClientProof<'_>) -> Result<Option<ClientId>, Failure> {
        let ClientProof { credentials, client_address, now } = attempt;
        let id: Option<ClientId> = credentials.id.parse().ok();
        let name = format!("client {}", credentials.id);
        let counters = self.counters(&name, client_address).await?;
        let digests = match self.store.reserve_client(id, &counters, now).await? {
            ClientAttempt::Granted(digests) => digests,
            ClientAttempt::Refused(until) => return Err(login_throttle::too_many_logins(until, now)),
        };
        if !digests.iter().any(|digest| self.proofs.is_digest_of_secret(digest, &credentials.secret)) {
            return Ok(None);
        }
        self.store.forget_attempt(&counters).await?;
        Ok(id)
    }
}
