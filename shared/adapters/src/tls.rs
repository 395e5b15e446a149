//! One TLS stack for all that is not an AWS client: rustls on AWS-LC, with Mozilla's roots compiled in.

use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// A TLS client configuration. It reads no file and costs a fraction of a millisecond.
///
/// The provider is named here and not looked up: a crate that brings a second one cannot make the choice ambiguous.
pub fn client_config() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Makes AWS-LC the provider for libraries that ask rustls for its default one: with two compiled in they would panic.
pub(crate) fn install_provider() {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};
    if CryptoProvider::get_default().is_none() && aws_lc_rs::default_provider().install_default().is_err() {
        // Another thread was faster, with the same one.
    }
}
