//! What needs no other part: tokens, passwords, letters and invoices.

use super::PROCESSES;
use adapters_auth::passwords::Argon2Passwords;
use adapters_auth::tokens::{JwtTokens, KeySource};
use adapters_pdf::PdfInvoiceRenderer;
use adapters_templates::JinjaMessageTemplates;
use kernel::Failure;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use testkit::Platform;
use testkit::contract::Fixture;

/// Longer than a process believes keys that it has just read.
const A_WHILE: Duration = Duration::from_secs(11);

/// A secret in memory, which all processes share.
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

    async fn under() -> Fixture<JwtTokens<Shared>> {
        tokio::time::pause();
        let source = Shared::default();
        let tokens = || JwtTokens::new(source.clone(), "https://contract.example".to_owned());
        let processes: Vec<_> = (0..PROCESSES).map(|_| tokens()).collect();
        // A secret without keys is what a deployment begins with.
        ports::Tokens::rotate(&tokens()).await.expect("a first key");
        Fixture::new(processes, &Platform::new()).with_propagation(|| tokio::time::advance(A_WHILE))
    }

    testkit::contract_tokens!(under());
}

mod passwords {
    use super::*;

    async fn under() -> Fixture<Argon2Passwords> {
        Fixture::new([Argon2Passwords], &Platform::new())
    }

    testkit::contract_passwords!(under());
}

mod letters {
    use super::*;

    async fn under() -> Fixture<JinjaMessageTemplates> {
        Fixture::new([JinjaMessageTemplates::new().expect("the templates can be read")], &Platform::new())
    }

    testkit::contract_message_templates!(under());
}

mod printer {
    use super::*;

    async fn under() -> Fixture<PdfInvoiceRenderer> {
        Fixture::new([PdfInvoiceRenderer], &Platform::new())
    }

    testkit::contract_invoice_renderer!(under());
}
