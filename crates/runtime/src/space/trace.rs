//! Copies of released numbers that turn up elsewhere.

use std::sync::Arc;

use dataspace_data_plane::product::Recipient;
use dataspace_data_plane::watermark::{Detector, Finding};
use dataspace_ledger::Refusal;
use dataspace_primitives::secrets::SecretsError;
use dataspace_usage_contract::ContractId;
use thiserror::Error;

use crate::space::DataSpace;

/// Why a copy is not compared with a contract.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TraceError {
    /// There is no such contract here.
    #[error(transparent)]
    Contract(#[from] Refusal),
    /// There is no secret of the contract.
    #[error(transparent)]
    Secret(#[from] SecretsError),
}

impl DataSpace {
    /// What a copy tells about a contract of this node, ended or not: whether its numbers bear the contract's
    /// watermarks. The detector is made of the duties of its [agreement](DataSpace::agreement), and has
    /// read the copy; contracts with the same watermarks can be tested with the same one.
    ///
    /// # Errors
    /// [`TraceError`] if there is no such contract or no secret of it.
    pub fn trace(&self, contract: ContractId, copy: &Detector) -> Result<Finding, TraceError> {
        let known = Arc::clone(self.inner.gate.enter().space.contract(contract)?);
        let recipient = Recipient {
            contract: contract.as_digest().as_bytes(),
            consumer: known.consumer().as_str(),
        };
        Ok(copy.test(&*self.inner.keys.secrets, recipient)?)
    }
}
