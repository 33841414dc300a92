//! Every part of an evidence file, compared with every other.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_identity::{Did, KnownKeys, TrustAnchors};
use dataspace_policy::{Meters, Program};
use dataspace_primitives::{Name, Signed, UnixMillis, Verified};
use dataspace_tlog::{
    AccessRecord, Checkpoint, Event, Fact, LeafIndex, Record, Verdict,
    tree::{InclusionProof, leaf_hash},
    witness::WitnessPolicy,
};
use dataspace_usage_contract::{
    AccessRequest, Agreement, ContractId, contract_id, meter, statement::Subject,
};

use crate::denial::{self, DenialReason};
use crate::evidence::error::EvidenceError;
use crate::evidence::part::Part;
use crate::evidence::verdict::Case;
use crate::evidence::verified::VerifiedEvidence;
use crate::evidence::{Entry, Evidence, members, report, request, statements};
use crate::facts::{self, Basis, Stated};

impl Evidence {
    /// Checks everything in the file, against nothing but the space authority: that exactly the
    /// parties whom the contract names signed it and were members, that the log is the one of its
    /// provider in which it runs, that conclusion and decision are in it in this order, that the
    /// request is the consumer's, that a report of what left is of this decision, that the record says what request, contract and credential say,
    /// and that the decision follows from the contract.
    ///
    /// # Errors
    /// [`EvidenceError`] names the first thing that does not hold.
    pub fn verify(mut self, authority: &Did) -> Result<VerifiedEvidence, EvidenceError> {
        let known = self.known(authority, self.conclusion.index)?;
        let (agreement, concluded_at) = read_conclusion(&self.conclusion, &known)?;
        let known = self.known(authority, self.decision.index)?;
        let (access, time) = read_decision(&self.decision)?;
        let concluded = (self.conclusion.index, concluded_at);
        check_order(&agreement, concluded, (self.decision.index, time), &access)?;
        let checkpoint = self.read_checkpoint(&agreement)?;
        let report = self.report.as_ref().map(|entry| {
            let report = report::check(entry, (self.decision.index, time), &access)?;
            Ok::<_, EvidenceError>((entry.index, report))
        });
        let report = report.transpose()?;

        let space = agreement.value().space.clone();
        if space.authority != *authority {
            let (expected, found) = (authority.clone(), space.authority);
            return Err(EvidenceError::Authority { expected, found });
        }
        let anchors = TrustAnchors::new(space);
        let is_denial = matches!(access.verdict, Verdict::Deny { .. });
        let is_set_back = is_set_back(&access.verdict);
        let member = |part, credential: Vec<u8>, party| {
            members::admit(&anchors, (part, credential), party, (time, is_denial, is_set_back))
        };
        let Agreement { provider, consumer, .. } = agreement.value();
        let provider = member(Part::Provider, self.provider.to_vec(), provider)?;
        let consumer = member(Part::Consumer, self.consumer.to_vec(), consumer)?;
        let request = self.request.take().map(|request| {
            request::check(request.into_vec(), &agreement, (access.request, time), &known)
        });
        let request = request.transpose()?;
        if let Some(request) = &request
            && request.value().part != access.part
        {
            return Err(EvidenceError::OtherPart);
        }

        let program = Program::new(&agreement.value().cedar)?;
        if program.digest() != access.program {
            return Err(EvidenceError::Program);
        }
        let meters = agreement.value().terms.meters();
        let recorded = Recorded { access: &access, meters, request: request.as_ref() };
        let (stated, purposes) = recorded.read()?;
        let id = contract_id(&agreement);
        let decided = statements::Decided {
            agreement: agreement.value(),
            contract: Subject::Contract(id),
            stated: &stated,
            access: &access,
            index: self.decision.index,
            now: time,
        };
        let known = |before| self.known(authority, before);
        let (vouched, statements) = statements::read_all(&self, &decided, &known)?;
        let id = id.to_string();
        let basis = Basis {
            agreement: agreement.value(),
            contract: &id,
            agreed_at: concluded_at,
            credential: consumer.credential(),
            stated: &stated,
            vouched: &vouched,
            purposes: Some(&purposes),
            now: time,
        };
        let facts = basis.facts();
        recorded.compare(&facts::recorded(&facts, &vouched))?;
        let agreed = agreement.value();
        let (provider_of, consumer_of, program) = (&provider, &consumer, &program);
        let case = Case {
            agreement: agreed,
            provider: provider_of,
            consumer: consumer_of,
            program,
            facts: &facts,
        };
        let shown = case.check(&access.verdict)?;
        Ok(VerifiedEvidence {
            agreement,
            concluded,
            provider,
            consumer,
            time,
            index: self.decision.index,
            access,
            request,
            report,
            statements,
            checkpoint,
            cosigners: None,
            shown,
        })
    }

    /// Checks everything in the file, and which of the `witnesses` cosigned the checkpoint.
    ///
    /// That too few of them did is no error: evidence of a decision it is all the same. See
    /// [`VerifiedEvidence::cosigners`].
    ///
    /// # Errors
    /// [`EvidenceError`] names the first thing that does not hold.
    pub fn verify_witnessed(
        self,
        authority: &Did,
        witnesses: &WitnessPolicy,
    ) -> Result<VerifiedEvidence, EvidenceError> {
        let mut verified = self.verify(authority)?;
        verified.cosigners = Some(witnesses.examine(&verified.checkpoint)?);
        Ok(verified)
    }

    /// The keys of the parties by the key documents that were recorded before the record at `before`, in
    /// the space of the provider's credential. That these records are in the log is checked apart.
    fn known(&self, authority: &Did, before: LeafIndex) -> Result<KnownKeys, EvidenceError> {
        let mut known = KnownKeys::default();
        if self.keys.is_empty() {
            return Ok(known);
        }
        let part = Part::Provider;
        let credential = Signed::from_bytes(self.provider.to_vec())
            .map_err(|source| EvidenceError::Document { part, source })?;
        // Only its signature is looked at, which depends on no time.
        let anchors = TrustAnchors::of_credential(&credential, authority, UnixMillis::MIN)
            .map_err(|source| EvidenceError::Credential { part, source })?;
        let (part, mut last) = (Part::Keys, BTreeMap::new());
        if !self.keys.is_sorted_by_key(|entry| entry.index) {
            return Err(EvidenceError::Event { part });
        }
        for entry in self.keys.iter().filter(|entry| entry.index < before) {
            let Record { time, event, .. } = read(entry, part)?;
            let Event::Keys { previous, document } = event else {
                return Err(EvidenceError::Event { part });
            };
            let document = Signed::from_bytes(document.into_vec())
                .map_err(|source| EvidenceError::Document { part, source })?;
            let document = known.check(document, anchors.space(), time)?;
            let subject = document.value().subject.clone();
            if last.insert(subject, entry.index) != previous {
                return Err(EvidenceError::KeysMissing);
            }
            known.add(&document, time);
        }
        Ok(known)
    }

    /// The checkpoint of the log in which the contract runs, one of its provider's, with all records
    /// under it.
    fn read_checkpoint(
        &self,
        agreement: &Verified<Agreement>,
    ) -> Result<Checkpoint, EvidenceError> {
        let log = &agreement.value().log;
        let checkpoint = Checkpoint::verify(&self.checkpoint, log)
            .map_err(|source| EvidenceError::Checkpoint { log: log.clone(), source })?;
        for (Entry { index, path, record }, part) in self.entries() {
            let (index, size, path) = (*index, checkpoint.size(), path.clone());
            InclusionProof { index, size, path }
                .verify(&leaf_hash(record), &checkpoint.root())
                .map_err(|source| EvidenceError::Inclusion { part, source })?;
        }
        Ok(checkpoint)
    }
}

fn read(entry: &Entry, part: Part) -> Result<Record, EvidenceError> {
    Record::from_bytes(&entry.record).map_err(|source| EvidenceError::Record { part, source })
}

/// The agreement and the time at which it came into force.
fn read_conclusion(
    entry: &Entry,
    known: &KnownKeys,
) -> Result<(Verified<Agreement>, UnixMillis), EvidenceError> {
    let part = Part::Conclusion;
    let Record { time, event, .. } = read(entry, part)?;
    let Event::Concluded { contract, document } = event else {
        return Err(EvidenceError::Event { part });
    };
    let agreement = Signed::from_bytes(document.into_vec())
        .map_err(|source| EvidenceError::Document { part, source })?;
    let agreement = Agreement::verify(agreement, known, time)?;
    if agreement.digest() != contract {
        let (recorded, contract) = (ContractId::from_digest(contract), contract_id(&agreement));
        return Err(EvidenceError::Conclusion { recorded, contract });
    }
    let validity = agreement.value().validity;
    if time >= validity.until() {
        return Err(EvidenceError::ConcludedLate { concluded_at: time, validity });
    }
    Ok((agreement, time))
}

fn read_decision(entry: &Entry) -> Result<(AccessRecord, UnixMillis), EvidenceError> {
    let part = Part::Decision;
    let Record { time, event, .. } = read(entry, part)?;
    let Event::Access(access) = event else { return Err(EvidenceError::Event { part }) };
    Ok((access, time))
}

/// The decision is about this contract, and comes after its conclusion.
fn check_order(
    agreement: &Verified<Agreement>,
    (concluded, concluded_at): (LeafIndex, UnixMillis),
    (decided, decided_at): (LeafIndex, UnixMillis),
    access: &AccessRecord,
) -> Result<(), EvidenceError> {
    let (recorded, contract) = (ContractId::from_digest(access.contract), contract_id(agreement));
    if recorded != contract {
        return Err(EvidenceError::OtherContract { recorded, contract });
    }
    let is_back = concluded_at > decided_at && !is_set_back(&access.verdict);
    if concluded >= decided || is_back {
        return Err(EvidenceError::Order { concluded, concluded_at, decided, decided_at });
    }
    Ok(())
}

/// Returns true if the clock was set back between conclusion and decision, by the reasons of a denial.
fn is_set_back(verdict: &Verdict) -> bool {
    let code = DenialReason::ClockSetBack.code();
    matches!(verdict, Verdict::Deny { reasons }
        if reasons.iter().any(|reason| denial::code(reason) == code))
}

/// The facts of the record, and what the consumer stated.
struct Recorded<'a> {
    access: &'a AccessRecord,
    /// What the contract counts beside uses.
    meters: Meters,
    request: Option<&'a Verified<AccessRequest>>,
}

impl<'a> Recorded<'a> {
    /// What only the consumer tells, by its request or else by the record, with the counts and the
    /// purposes, which only the record tells.
    fn read(&self) -> Result<(Stated<'a>, BTreeSet<Name>), EvidenceError> {
        let stated = Stated::read(self.access).map_err(|name| self.impossible(name))?;
        let stated = match self.request {
            Some(request) => Stated::of(request.value(), stated.uses),
            None => stated,
        };
        let uses = stated.uses;
        if uses.today > uses.this_month || uses.this_month > uses.contract {
            return Err(self.impossible("usesToday"));
        }
        // Each play is a use.
        let plays_max = uses.contract.saturating_add(1);
        if !meter::is_possible(self.meters, &stated.access, &uses.metered)
            || uses.metered.plays.is_some_and(|plays| plays > plays_max)
        {
            let is_of_seconds = uses.metered.plays.is_none() && self.meters.plays_after.is_none();
            return Err(self.impossible(if is_of_seconds { "seconds" } else { "plays" }));
        }
        let purposes = match self.access.facts.get("purposes") {
            Some(Fact::Texts(texts)) => texts.iter().map(|one| one.parse()).collect(),
            _ => Ok(BTreeSet::new()),
        };
        match purposes {
            // Of a purpose that the space does not have, not even itself is known.
            Ok(purposes) if purposes.is_empty() || purposes.contains(&*stated.purpose) => {
                Ok((stated, purposes))
            }
            _ => Err(self.impossible("purposes")),
        }
    }

    /// Compares every fact with what the other parts say, request and credential before the rest.
    fn compare(&self, expected: &BTreeMap<String, Fact>) -> Result<(), EvidenceError> {
        let names: BTreeSet<&String> = self.access.facts.keys().chain(expected.keys()).collect();
        for name in names {
            let (recorded, expected) = (self.access.facts.get(name), expected.get(name));
            if recorded != expected {
                return Err(EvidenceError::Fact {
                    name: name.clone(),
                    recorded: recorded.cloned(),
                    expected: expected.cloned(),
                    by: self.source(name),
                });
            }
        }
        Ok(())
    }

    fn impossible(&self, name: &str) -> EvidenceError {
        let (name, recorded) = (name.to_owned(), self.access.facts.get(name).cloned());
        EvidenceError::Fact { name, recorded, expected: None, by: Part::Decision }
    }

    /// Which part says what the fact is.
    fn source(&self, name: &str) -> Part {
        match name {
            "participant" | "product" | "productClass" | "space" | "agreedAt" => Part::Conclusion,
            "region" | "roles" => Part::Consumer,
            _ if name.starts_with("attribute:") => Part::Consumer,
            "action" | "purpose" | "person" | "personRoles" if self.request.is_some() => {
                Part::Request
            }
            _ if name.starts_with("environment") && self.request.is_some() => Part::Request,
            _ if facts::is_stated(name) && self.request.is_some() => Part::Request,
            _ => Part::Decision,
        }
    }
}
