//! Evidence of one decision, for people who trust nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use dataspace_audit_log::reader::{ProveError, ReadError};
use dataspace_identity::{Admitted, Did};
use dataspace_ledger::{
    Evidence, Refusal,
    evidence::{Entry, EvidenceError},
    facts,
};
use dataspace_primitives::Signed;
use dataspace_tlog::{AccessRecord, Event, LeafIndex, Record, TreeSize, record::RecordError};
use dataspace_usage_contract::{AccessRequest, ContractId, Statement};
use serde_bytes::ByteBuf;
use thiserror::Error;

use crate::access::asked::Receipt;
use crate::error::WriteError;
use crate::space::DataSpace;

/// A statement's place, its record, and its signers.
type Stated = (LeafIndex, Vec<u8>, Vec<Did>);

/// Why there is no evidence for a decision.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The record cannot be read.
    #[error("the record cannot be read")]
    Read(#[from] ReadError),
    /// The record is neither a decision nor the report of a release.
    #[error("record {index} is neither a decision on an access nor the report of a release")]
    NotADecision {
        /// The record.
        index: LeafIndex,
    },
    /// It is not a record.
    #[error("the log holds something else at this place")]
    Record(#[from] RecordError),
    /// There is no such contract.
    #[error(transparent)]
    Contract(#[from] Refusal),
    /// A credential is missing.
    #[error("the node holds no {what} for this decision")]
    Missing {
        /// The missing part.
        what: &'static str,
    },
    /// The place of a record in the log cannot be shown.
    #[error("the place of a record in the log cannot be shown")]
    Prove(#[from] ProveError),
    /// The collected parts prove nothing: the request belongs to another decision, for instance.
    #[error("what this node holds for the decision is no evidence of it")]
    Evidence(#[from] EvidenceError),
    /// The log cannot be signed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl DataSpace {
    /// One file that shows a decision: the contract and the decision with their places in the log,
    /// the signed checkpoint, both memberships and the consumer's signed request.
    ///
    /// Signs a checkpoint of the log as it is now.
    ///
    /// # Errors
    /// [`ExportError`] if the log cannot be read or signed.
    pub fn evidence(&self, receipt: &Receipt) -> Result<Evidence, ExportError> {
        self.evidence_at(receipt.index, Some(&receipt.request))
    }

    /// The same for the decision at `index` of the log; without the consumer's request, if nobody
    /// kept it. Then the file does not prove what the consumer asked for, and says so.
    ///
    /// If the report of a release is at `index` ([`Release::report`](crate::Release::report)), the file shows the decision
    /// and what left.
    ///
    /// # Errors
    /// [`ExportError`] if there is neither at this place, the request is of another one, or the
    /// log cannot be read or signed.
    pub fn evidence_at(
        &self,
        index: LeafIndex,
        request: Option<&Signed<AccessRequest>>,
    ) -> Result<Evidence, ExportError> {
        let log = &self.inner.log;
        let bytes = log.read(index)?;
        let (decision, report) = match Record::from_bytes(&bytes)?.event {
            Event::Released(report) => ((report.access, log.read(report.access)?), Some(index)),
            _ => ((index, bytes), None),
        };
        Ok(self.evidence_of(decision, request, report)?.0)
    }

    /// The same for the record of a decision, which may be archived by now, with the record of what left if it
    /// is known; and how many records the checkpoint in it covers.
    pub(crate) fn evidence_of(
        &self,
        (index, bytes): (LeafIndex, Vec<u8>),
        request: Option<&Signed<AccessRequest>>,
        report: Option<LeafIndex>,
    ) -> Result<(Evidence, TreeSize), ExportError> {
        let Record { event, .. } = Record::from_bytes(&bytes)?;
        let Event::Access(access) = event else {
            return Err(ExportError::NotADecision { index });
        };
        let statements = self.statements(&access)?;
        let (contract, credentials, keys) = {
            let state = self.inner.gate.enter();
            let contract = state.space.contract(ContractId::from_digest(access.contract))?;
            let member = |did, what| {
                let member = state.space.member(did);
                let credential = member.and_then(|member| member.credential_at(index));
                let credential = credential.map(|one| Admitted::signed(one).clone());
                credential.ok_or(ExportError::Missing { what })
            };
            let provider = member(self.provider(), "credential of the provider")?;
            let consumer = member(contract.consumer(), "credential of the consumer")?;
            let parties = [self.provider(), contract.consumer()].into_iter();
            let issuers = statements.iter().flat_map(|(_, _, signers)| signers);
            let keys = parties.chain(issuers).flat_map(|did| state.space.key_records_of(did));
            let keys: BTreeSet<_> = keys.copied().filter(|place| *place < index).collect();
            (Arc::clone(contract), [provider, consumer], keys)
        };
        let kept = self.inner.contracts.kept();
        let conclusion = kept.read_or(&self.inner.log, contract.index())?;
        let checkpoint = self.checkpoint()?;
        let entry = |index, record| {
            let path = self.inner.log.inclusion_proof(index, checkpoint.size())?.path;
            Ok::<_, ExportError>(Entry { index, path, record: ByteBuf::from(record) })
        };
        let entries = [entry(contract.index(), conclusion)?, entry(index, bytes)?];
        let keys = keys.into_iter().map(|place| {
            let record = kept.read_or(&self.inner.log, place)?;
            entry(place, record)
        });
        let keys = keys.collect::<Result<_, _>>()?;
        let [provider, consumer] = &credentials;
        let credentials = [provider, consumer];
        let evidence = Evidence::collect(&checkpoint, entries, credentials, request, keys);
        let evidence = match report {
            Some(report) => evidence.with_report(entry(report, self.inner.log.read(report)?)?),
            None => evidence,
        };
        let statements = statements.into_iter().map(|(place, record, _)| entry(place, record));
        let evidence = evidence.with_statements(statements.collect::<Result<_, _>>()?);
        // What this node hands out, anybody can verify.
        evidence.clone().verify(self.inner.anchors.authority())?;
        Ok((evidence, checkpoint.size()))
    }

    /// The records of the statements on which was decided, with their signers; none if one of them was
    /// archived: then the file says so.
    fn statements(&self, access: &AccessRecord) -> Result<Vec<Stated>, ExportError> {
        let (log, mut all) = (&self.inner.log, Vec::new());
        for place in facts::statement_places(&access.facts).into_values() {
            if place < log.first()? {
                return Ok(Vec::new());
            }
            let bytes = log.read(place)?;
            let Event::Stated { document } = Record::from_bytes(&bytes)?.event else {
                return Err(ExportError::Missing { what: "statement" });
            };
            let document = Signed::<Statement>::from_bytes(document.into_vec());
            let document = document.map_err(Refusal::from)?;
            let signers = document.claimed_signers().filter_map(|key| Did::of_key(key).ok());
            all.push((place, bytes, signers.collect()));
        }
        Ok(all)
    }
}
