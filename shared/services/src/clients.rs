//! Proving to be a service client, under the delays of `domain::throttle`.

use crate::passwords::counters;
use domain::{id::ClientId, throttle};
use kernel::Failure;
use ports::{ClientAttempt, ClientLogins, ClientProof, ClientSecrets, ClientStore, RequestSources, UserStore};

/// Proves secrets against the clients of a store, and forgets the attempts that succeed.
#[derive(Debug)]
pub struct ThrottledClients<'a, C, S, T> {
    pub clients: &'a C,
    pub secrets: &'a S,
    pub sources: &'a T,
}

impl<C: ClientStore + UserStore, S: ClientSecrets, T: RequestSources> ClientLogins for ThrottledClients<'_, C, S, T> {
    async fn prove_client(&self, attempt: ClientProof<'_>) -> Result<Option<ClientId>, Failure> {
        let ClientProof { credentials, client_address, now } = attempt;
        let id: Option<ClientId> = credentials.id.parse().ok();
        let name = format!("client {}", credentials.id);
        let counters = counters(self.sources, &name, &throttle::source(client_address)).await?;
        let digests = match self.clients.reserve_client(id, &counters, now).await? {
            ClientAttempt::Granted(digests) => digests,
            ClientAttempt::Refused(until) => return Err(throttle::too_many_logins(until, now)),
        };
        if !digests.iter().any(|digest| self.secrets.is_digest_of_secret(digest, &credentials.secret)) {
            return Ok(None);
        }
        self.clients.forget_attempt(&counters).await?;
        Ok(id)
    }
}
