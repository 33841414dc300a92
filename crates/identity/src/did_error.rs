use thiserror::Error;

/// Longest DID, in bytes.
pub const DID_LEN_MAX: usize = 200;

/// Why a text is not a DID that we know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseDidError {
    /// Another method, or no DID at all.
    #[error("only DIDs of the forms `did:key:z6Mk…` and `did:web:example.com` are known here")]
    Method,
    /// Not base58btc.
    #[error("the DID is not in base58btc")]
    Encoding,
    /// Another kind of key, or not a usable Ed25519 key.
    #[error("the DID does not hold a usable Ed25519 key")]
    Key,
    /// A `did:web` that is not the one spelling of a host and a path.
    #[error(
        "a did:web is a host in lower case, maybe `%3A` and a port, and path segments behind `:`; \
         at most {DID_LEN_MAX} characters"
    )]
    Web,
    /// The key identifier is none of the DID's.
    #[error("a key identifier is a DID, `#` and the name of one of its keys")]
    KeyId,
}
