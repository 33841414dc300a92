//! What holds for every request. TLS is rustls with ring, and the certificates that the machine trusts.

use std::time::Duration;

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use crate::error::HttpError;
use crate::location::LogUrl;

const USER_AGENT: &str = concat!("dataspace/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_LEN_MAX: usize = 16 << 10;

/// An agent for this URL, to be built.
///
/// # Errors
/// If the URL needs TLS, and there is none.
pub(crate) fn configured(
    url: &LogUrl,
    timeout: Duration,
) -> Result<ConfigBuilder<AgentScope>, HttpError> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_response_header_size(HEADER_LEN_MAX)
        .user_agent(USER_AGENT)
        .timeout_connect(Some(CONNECT_TIMEOUT.min(timeout)))
        .timeout_global(Some(timeout));
    with_tls(config, url)
}

/// Without TLS there is nothing to set.
///
/// # Errors
/// [`HttpError::NoTls`] for https.
#[cfg(not(feature = "tls"))]
fn with_tls(
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
fn with_tls(
    config: ConfigBuilder<AgentScope>,
    url: &LogUrl,
) -> Result<ConfigBuilder<AgentScope>, HttpError> {
    use std::sync::Arc;

    use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

    use crate::error::short;

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
