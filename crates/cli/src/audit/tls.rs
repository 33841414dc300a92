//! TLS for logs under https: rustls with ring, and the certificates that the machine trusts.

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use crate::audit::http_error::HttpError;
use crate::audit::location::LogUrl;

/// Without TLS there is nothing to set.
///
/// # Errors
/// [`HttpError::NoTls`] for https.
#[cfg(not(feature = "tls"))]
pub(super) fn configure(
    config: ConfigBuilder<AgentScope>,
    url: &LogUrl,
) -> Result<ConfigBuilder<AgentScope>, HttpError> {
    if url.is_https() { Err(HttpError::NoTls { url: url.to_string() }) } else { Ok(config) }
}

/// Sets whom to trust. Also for http, which may lead to https.
///
/// # Errors
/// [`HttpError::Certificates`] for https if there are none.
#[cfg(feature = "tls")]
pub(super) fn configure(
    config: ConfigBuilder<AgentScope>,
    url: &LogUrl,
) -> Result<ConfigBuilder<AgentScope>, HttpError> {
    use std::sync::Arc;

    use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

    use crate::audit::http_error::short;

    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() && url.is_https() {
        let cause = found.errors.first().map_or("there are none".to_owned(), ToString::to_string);
        return Err(HttpError::Certificates { cause: short(&cause) });
    }
    let roots = found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Ok(config.tls_config(tls))
}
