//! TLS for everything but AWS clients: rustls on AWS-LC, with Mozilla's root certificates compiled in.

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// A TLS client configuration. Reads no file and takes a fraction of a millisecond.
///
/// The provider is set explicitly, so that a dependency with a second one cannot make the default ambiguous.
pub fn client_config() -> Result<ClientConfig, rustls::Error> {
    trusting(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

/// A TLS client configuration that trusts this authority alone: its certificate in DER.
pub fn client_config_for(authority: Vec<u8>) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority))?;
    trusting(roots)
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Installs AWS-LC as the process default, for libraries that take the default provider and panic if two are compiled in.
pub fn install_provider() {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};
    if CryptoProvider::get_default().is_none() && aws_lc_rs::default_provider().install_default().is_err() {
        // Another thread has just installed the same provider.
    }
}
