use dataspace_audit_log::Log;
use dataspace_identity::Origin;
use dataspace_primitives::Signer;
use dataspace_primitives::{Digest, Payload, Signed, UnixMillis, signed::SignError};
use dataspace_tlog::TreeSize;
use serde::{Deserialize, Serialize};

use crate::index::error::Unusable;
use crate::index::rows::Base;

/// The operator's signed statement about its index: which log it belongs to, up to where, and the digest
/// of all rows. So anyone who can write to the directory but has no key can change no row, and can bring
/// none back alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Statement {
    /// Version of the rows: 2.
    v: u64,
    /// The log's origin.
    log: String,
    /// Records of the log that the rows were made of, and the root over them.
    size: u64,
    root: Digest,
    rows: u64,
    digest: Digest,
    /// The latest time of these records.
    high_water: UnixMillis,
}

impl Payload for Statement {
    const TYPE: &'static str = "application/vnd.dataspace.node-index+cbor";
}

const VERSION: u64 = 2;

impl Statement {
    pub(super) fn sign(
        (log, root): (&Origin, Digest),
        base: &Base,
        key: &dyn Signer,
    ) -> Result<Signed<Self>, SignError> {
        let Base { size, rows, digest, high_water } = *base;
        let log = log.to_string();
        Signed::sign(&Self { v: VERSION, log, size, root, rows, digest, high_water }, key)
    }

    /// The statement, if the operator of this log made it, and about what is in it.
    pub(super) fn verify(bytes: Vec<u8>, log: &Log) -> Result<Base, Unusable> {
        let signed = Signed::<Self>::from_bytes(bytes).map_err(|_| Unusable::Statement)?;
        let keys = log.origin().trusted_keys();
        // A log's key is valid at all times.
        let stated = signed.verify(&keys, UnixMillis::MIN).map_err(|_| Unusable::Statement)?;
        let Self { v, log: of, size, root, rows, digest, high_water } = stated.value().clone();
        if v != VERSION {
            return Err(Unusable::Version { found: v });
        }
        if of != log.origin().to_string() {
            return Err(Unusable::OtherLog);
        }
        let found = log.size().map_err(Unusable::cause)?;
        let stated = TreeSize::new(size);
        if stated > found {
            return Err(Unusable::Ahead { stated, found });
        }
        if log.root_at(stated).map_err(Unusable::cause)? != root {
            return Err(Unusable::OtherHistory { stated });
        }
        Ok(Base { size, rows, digest, high_water })
    }
}
