//! Ports that need no service: tokens, passwords, message templates and invoices.

use super::PROCESSES;
use adapters_auth::passwords::Argon2Passwords;
use adapters_auth::tokens::{JwtKeys, JwtTokens, JwtVerifier, KeySource};
use adapters_pdf::PdfInvoiceRenderer;
use adapters_templates::JinjaMessageTemplates;
use kernel::Failure;
use ports::{CounterKey, RequestSources};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use testkit::Platform;
use testkit::contract::Fixture;

/// Longer than a process caches signing keys.
const KEY_CACHE_EXPIRY: Duration = Duration::from_secs(301);

/// A secret in memory that all processes share.
#[derive(Debug, Clone, Default)]
struct Shared(Rc<RefCell<Option<String>>>);

impl KeySource for Shared {
    async fn read(&self) -> Result<Option<String>, Failure> {
        Ok(self.0.borrow().clone())
    }

    async fn write(&self, text: String) -> Result<(), Failure> {
        self.0.replace(Some(text));
        Ok(())
    }
}

mod tokens {
    use super::*;
    use testkit::contract::tokens::AllTokens;

    type Jwt = AllTokens<JwtTokens<Shared>, JwtVerifier<Shared>, JwtKeys<Shared>>;

    async fn fixture() -> Fixture<Jwt> {
        tokio::time::pause();
        let (private, public) = (Shared::default(), Shared::default());
        let issuer = || "https://contract.example".to_owned();
        let all = || AllTokens {
            tokens: JwtTokens::new(private.clone(), issuer()),
            verifier: JwtVerifier::new(public.clone(), issuer()),
            keys: JwtKeys::new(private.clone(), public.clone()),
        };
        let processes: Vec<_> = (0..PROCESSES).map(|_| all()).collect();
        // A new deployment starts with secrets that hold no key.
        ports::SigningKeys::rotate(&all()).await.expect("a first key");
        Fixture::new(processes, &Platform::new()).with_propagation(|| tokio::time::advance(KEY_CACHE_EXPIRY))
    }

    testkit::contract_tokens!(fixture());
}

mod request_sources {
    use super::*;
    use adapters_auth::{OriginSecret, SecretSources, StoredCounterKey};
    use std::rc::Rc;

    /// The two sides of the counter key.
    struct Sources {
        sources: SecretSources<Shared>,
        key: StoredCounterKey<Shared>,
    }

    impl RequestSources for Sources {
        async fn keyed_hash(&self, text: &str) -> Result<String, Failure> {
            self.sources.keyed_hash(text).await
        }

        async fn is_from_distribution(&self, secret: &str) -> Result<bool, Failure> {
            self.sources.is_from_distribution(secret).await
        }
    }

    impl CounterKey for Sources {
        async fn ensure(&self) -> Result<(), Failure> {
            self.key.ensure().await
        }
    }

    async fn fixture() -> Fixture<Sources> {
        tokio::time::pause();
        let (key, origin) = (Shared::default(), Shared::default());
        origin.write(testkit::ORIGIN_SECRET.to_owned()).await.expect("written");
        let all = || {
            let origin = Rc::new(OriginSecret::new(origin.clone()));
            Sources { sources: SecretSources::new(key.clone(), origin), key: StoredCounterKey(key.clone()) }
        };
        let processes: Vec<_> = (0..PROCESSES).map(|_| all()).collect();
        all().ensure().await.expect("a first key");
        Fixture::new(processes, &Platform::new()).with_propagation(|| tokio::time::advance(KEY_CACHE_EXPIRY))
    }

    testkit::contract_request_sources!(fixture());
}

mod passwords {
    use super::*;

    async fn fixture() -> Fixture<Argon2Passwords> {
        Fixture::new([Argon2Passwords], &Platform::new())
    }

    testkit::contract_passwords!(fixture());
}

mod password_strength {
    use super::*;

    async fn fixture() -> Fixture<adapters_strength::Zxcvbn> {
        Fixture::new([adapters_strength::Zxcvbn], &Platform::new())
    }

    testkit::contract_password_strength!(fixture());
}

mod client_secrets {
    use super::*;

    async fn fixture() -> Fixture<adapters_auth::RandomTokens> {
        Fixture::new([adapters_auth::RandomTokens], &Platform::new())
    }

    testkit::contract_client_secrets!(fixture());
}

mod message_templates {
    use super::*;

    async fn fixture() -> Fixture<JinjaMessageTemplates> {
        Fixture::new([JinjaMessageTemplates::new().expect("the templates can be read")], &Platform::new())
    }

    testkit::contract_message_templates!(fixture());
}

mod invoice_renderer {
    use super::*;

    async fn fixture() -> Fixture<PdfInvoiceRenderer> {
        Fixture::new([PdfInvoiceRenderer::packaged().expect("this program has a path")], &Platform::new())
    }

    testkit::contract_invoice_renderer!(fixture());
}
