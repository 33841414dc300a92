//! The end of a contract at its consumer: keys go, and the consumer states it.

use std::collections::BTreeSet;

use dataspace_primitives::{Signed, UnixMillis};
use dataspace_tlog::Event;
use dataspace_usage_contract::{ContractId, DeletionStatement, deletion::DeletionReason};

use crate::consumer::document;
use crate::consumer::sealed::StoreError;
use crate::consumer::sealed::store::{SealedStore, over};

impl SealedStore {
    /// Does the background work that is due: deletes the keys of contracts that have expired, were ended, or have their
    /// copies deleted by now, and records a signed statement for each. Call it from time to time from a thread of
    /// yours; the library starts none. Whatever it does not come to, an opening is denied all the same. Gives the
    /// contracts whose files can no longer be opened since: [tell](crate::ConsumerNode::tell_deletion) their providers.
    ///
    /// # Errors
    /// [`StoreError`] if a key cannot be deleted, or its statement not be recorded: the first one, after all others were
    /// tried. Call it again.
    pub fn tend(&self) -> Result<Vec<ContractId>, StoreError> {
        let fail = |source| StoreError::Io { what: "the directory of the keys", source };
        let mut contracts: BTreeSet<ContractId> =
            self.kept().contracts_with_keys().map_err(fail)?.into_iter().collect();
        {
            let state = self.node.inner.state.lock();
            // A key that is gone without a statement: the node stopped in between.
            contracts.extend(state.files(None).map(|(_, file)| file.contract));
            contracts.retain(|id| state.contract(*id).is_ok_and(|held| held.deleted.is_none()));
        }
        let (mut deleted, mut failed) = (Vec::new(), None);
        for contract in contracts {
            match self.delete_if_over(contract) {
                Ok(true) => deleted.push(contract),
                Ok(false) => {}
                // One that fails must not keep the others.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(deleted), Err)
    }

    /// False if it is not over, or no sealed file of it was kept.
    fn delete_if_over(&self, contract: ContractId) -> Result<bool, StoreError> {
        let (due, now) = (self.due(contract)?, self.now()?);
        let reason = over((&self.node.inner.state.lock(), contract), due, now);
        let Some(reason) = reason else { return Ok(false) };
        Ok(self.delete_for(contract, reason)?.is_some())
    }

    /// Deletes the key of a contract now, because the consumer chooses to: its sealed files can no longer be opened, and no
    /// more are kept under it. Gives the signed statement, which is recorded; `None` if there are no such files.
    ///
    /// # Errors
    /// [`StoreError`] as [`tend`](Self::tend); also if it was deleted before
    /// ([`Refusal::AlreadyDeleted`](dataspace_ledger::Refusal::AlreadyDeleted)).
    pub fn delete(
        &self,
        contract: ContractId,
    ) -> Result<Option<Signed<DeletionStatement>>, StoreError> {
        self.delete_for(contract, DeletionReason::Chosen)
    }

    fn delete_for(
        &self,
        contract: ContractId,
        reason: DeletionReason,
    ) -> Result<Option<Signed<DeletionStatement>>, StoreError> {
        let _one_at_a_time = self.kept().lock.lock();
        let (log, files, requests) = {
            let state = self.node.inner.state.lock();
            let held = state.contract(contract)?;
            let files: BTreeSet<_> =
                state.files_of(contract).map(|(_, file)| file.content).collect();
            let requests: Vec<_> = state.files_of(contract).map(|(request, _)| request).collect();
            if held.deleted.is_some() {
                return Err(dataspace_ledger::Refusal::AlreadyDeleted { contract }.into());
            }
            (held.log.clone(), files, requests)
        };
        let fail = |source| StoreError::Io { what: "the key of the contract", source };
        // WHY in this order: what is stated has happened. Who is stopped in between states it later.
        self.kept().delete_key(contract).map_err(fail)?;
        if files.is_empty() {
            return Ok(None);
        }
        let (consumer, deleted_at): (_, UnixMillis) = (self.node.consumer().clone(), self.now()?);
        let statement = DeletionStatement { contract, log, consumer, files, reason, deleted_at };
        let signer = &*self.node.inner.keys.signer;
        let statement = Signed::sign(&statement, signer);
        let statement = statement.map_err(crate::consumer::error::ConsumerError::from)?;
        let event =
            Event::Deleted { contract: *contract.as_digest(), document: document(&statement) };
        self.node.record(event)?;
        for request in requests {
            // What is left of it opens nowhere, and is removed when the node is opened again.
            let _removed = self.kept().remove_file(&request);
        }
        Ok(Some(statement))
    }
}
