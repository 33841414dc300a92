//! Evidence of one decision, for people who trust nobody.

use dataspace_audit_log::{Event, Evidence, LeafIndex, Record};
use dataspace_primitives::Signed;
use dataspace_usage_contract::{AccessRequest, ContractId};

use crate::error::ExportError;
use crate::permit::Receipt;
use crate::space::DataSpace;

impl DataSpace {
    /// One file that shows a decision: contract, both memberships, the record, its place in the
    /// log, the signed checkpoint and the consumer's signed request.
    ///
    /// Signs a checkpoint of the log as it is now.
    ///
    /// # Errors
    /// [`ExportError`] if the log cannot be read or signed.
    pub fn evidence(&self, receipt: &Receipt) -> Result<Evidence, ExportError> {
        self.evidence_at(receipt.index, Some(&receipt.request))
    }

    /// The same for the decision at `index` of the log; without the consumer's request, if nobody
    /// kept it.
    ///
    /// # Errors
    /// [`ExportError`] if there is no decision at this place, or the log cannot be read or signed.
    pub fn evidence_at(
        &self,
        index: LeafIndex,
        request: Option<&Signed<AccessRequest>>,
    ) -> Result<Evidence, ExportError> {
        let record = Record::from_bytes(&self.inner.log.read(index)?)?;
        let Event::Access(access) = record.event else {
            return Err(ExportError::NotADecision { index });
        };
        let (agreement, [provider, consumer]) = {
            let monitor = self.enter();
            let contract = monitor.state.contracts.get(&ContractId::from_digest(access.contract));
            let contract = contract.ok_or(ExportError::Missing { what: "contract" })?;
            let parties = contract.agreement.value();
            let member = |did, what| {
                monitor.state.members.get(did).cloned().ok_or(ExportError::Missing { what })
            };
            let provider = member(&parties.provider, "credential of the provider")?;
            let consumer = member(&parties.consumer, "credential of the consumer")?;
            (contract.agreement.clone(), [provider, consumer])
        };
        let checkpoint = self.checkpoint()?;
        Ok(Evidence::collect(
            &self.inner.log,
            index,
            &checkpoint,
            &agreement,
            &[provider.credential_at(record.time), consumer.credential_at(record.time)],
            request.map(Signed::as_bytes),
        )?)
    }
}
