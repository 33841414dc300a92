//! The contracts of a log, each document verified as a replay does.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use dataspace_identity::Origin;
use dataspace_identity::{Did, KnownKeys, MembershipCredential, MembershipRevocation};
use dataspace_ledger::{Replayed, Replayer};
use dataspace_odrl::OdrlOperands;
use dataspace_primitives::{Digest, Signed, UnixMillis};
use dataspace_runtime::{Clock as _, SystemClock};
use dataspace_tlog::{Event, Finding, LeafIndex, Record, Verdict};
use dataspace_usage_contract::{Agreement, ContractId, SpaceProfile, Termination};

use crate::audit::contract::end::{End, State, What};
use crate::audit::contract::found::{Contract, Found};
use crate::audit::contract::parties::{Parties, Party};
use crate::audit::place::Place;
use crate::audit::progress::Progress;
use crate::audit::row::content;
use crate::audit::source::Source;
use crate::audit::words::count;
use crate::audit::{authority, consumer};
use crate::outcome::Damaged;

/// A member, by the records so far.
struct Member {
    credential: MembershipCredential,
    revoked: Option<(u64, MembershipRevocation)>,
}

/// What the records say, after the replayer has taken each.
#[derive(Default)]
struct Reader {
    profile: Option<SpaceProfile>,
    members: HashMap<Did, Member>,
    keys: KnownKeys,
    contracts: Vec<Contract>,
    places: HashMap<Digest, usize>,
    last: Option<UnixMillis>,
}

pub(super) fn read(place: &Place, authority: &Did, log: Option<&Origin>) -> Result<Found> {
    let source = Source::open(place, log)?;
    let first = source.first()?;
    if first > 0 {
        bail!(
            "the first {first} records were archived, and with them credentials and contracts; copy \
             the archived segments back into a copy of {place}, and read that"
        );
    }
    authority::check(&source, place, authority)?;
    let (size, origin) = (source.size()?, source.origin().clone());
    let mut replayer = Replayer::new(authority.clone(), origin.clone());
    let mut reader = Reader::default();
    let progress = Progress::new("reading ", size);
    let not_honest = || {
        Damaged(format!("the log in {place} does not follow the rules of the space of {authority}"))
    };
    let taken = source.replay(0..size, |index, bytes| {
        progress.at(index.as_u64());
        replayer.take(index, bytes).with_context(not_honest)?;
        reader.take(index, bytes);
        Ok(())
    });
    drop(progress);
    match taken {
        Err(error) if consumer::is_consumers(&error) => bail!(
            "{place} holds the log of a consumer: what became of its contracts is in the logs of its \
             providers, and in each file of its folder `evidence`; `dataspace audit replay` tells what \
             it got"
        ),
        taken => taken?,
    }
    let found = replayer.finish().with_context(not_honest)?;
    let profile = reader.profile.take().with_context(not_honest)?;
    reader.close(SystemClock.now());
    let signed = source.checkpoint()?.map_or(0, |one| one.size().as_u64());
    let mut findings = checked((&origin, size, signed), &profile, &found, place, log.is_some());
    if let Some(last) = reader.last {
        findings.push(Finding::NotProved(format!(
            "that nothing ended a contract since: the last record here is of {last}"
        )));
    }
    Ok(Found {
        place: place.to_string(),
        kind: place.kind()?.as_str(),
        space: profile.space_id(),
        log: origin,
        records: size,
        contracts: reader.contracts,
        findings,
        is_sound: found.is_sound(),
    })
}

/// What the walk through the whole log shows, whichever contract is asked for.
fn checked(
    (origin, size, signed): (&Origin, u64, u64),
    profile: &SpaceProfile,
    replayed: &Replayed,
    place: &Place,
    is_named: bool,
) -> Vec<Finding> {
    let here = size.min(signed);
    let mut findings = Vec::new();
    let mut proved = |text: String| findings.push(Finding::Proved(text));
    if here > 0 {
        proved(format!(
            "the operator of {origin} signed its first {}, and what is read here leads to that",
            count(here, "record")
        ));
    }
    proved(format!(
        "the space authority {} signed the profile of {:?} and the credentials of all parties",
        profile.authority, profile.space
    ));
    proved(
        "each contract is signed by the two parties that it names, and by nobody else".to_owned(),
    );
    if replayed.other_compilers == 0 {
        proved("the Cedar text that decides is what the clauses compile to".to_owned());
    }
    if replayed.is_sound() {
        proved(format!(
            "{} in the log made again from contracts, policies and memberships: each came out the \
             same",
            count(replayed.decisions - replayed.unrepeatable, "decision")
        ));
    }
    let mut not = |text: String| findings.push(Finding::NotProved(text));
    if replayed.other_compilers > 0 {
        not(format!(
            "that the clauses say what the Cedar text decides: of {} another version wrote the text",
            count(replayed.other_compilers, "contract")
        ));
    }
    if !replayed.is_sound() {
        not(format!(
            "that every decision follows: {} not (`dataspace audit replay` says which)",
            match replayed.discrepancies {
                1 => "1 does".to_owned(),
                several => format!("{several} do"),
            }
        ));
    }
    if size > here {
        not(format!(
            "that the last {} are those that were written: no checkpoint covers them yet",
            count(size - here, "record")
        ));
    }
    if !is_named {
        not(format!(
            "that this is the log you mean: compare {origin} with what its operator told you (--log)"
        ));
    }
    not(format!(
        "that this is the newest state of the log, and that everybody is shown the same one: \
         `dataspace audit verify {place}` says what that needs"
    ));
    not("that the times are right: they are the operator's own clock".to_owned());
    not(
        "that a permission is enough: policies of the space and of the provider forbid whatever a \
         contract permits (`dataspace audit show` lists them as profile and policies)"
            .to_owned(),
    );
    findings
}

impl Reader {
    /// A record that the replayer took: its documents are verified.
    fn take(&mut self, index: LeafIndex, bytes: &[u8]) {
        let Ok(Record { time, event, .. }) = Record::from_bytes(bytes) else { return };
        let index = index.as_u64();
        self.last = self.last.max(Some(time));
        match event {
            Event::Profile { document, .. } => {
                self.profile =
                    content::<SpaceProfile>(&document, (time, &self.keys)).or(self.profile.take());
            }
            Event::Admission { document } => {
                if let Some(credential) =
                    content::<MembershipCredential>(&document, (time, &self.keys))
                {
                    let subject = credential.subject.clone();
                    self.members.insert(subject, Member { credential, revoked: None });
                }
            }
            Event::MembershipRevoked { document } => {
                if let Some(revocation) =
                    content::<MembershipRevocation>(&document, (time, &self.keys))
                    && let Some(member) = self.members.get_mut(&revocation.subject)
                    && member.credential.issued_at <= revocation.revoked_at
                {
                    member.revoked = Some((index, revocation));
                }
            }
            Event::Keys { document, .. } => {
                if let Some(space) = self.profile.as_ref().map(SpaceProfile::space_id)
                    && let Ok(signed) = Signed::from_bytes(document.into_vec())
                    && let Ok(document) = self.keys.check(signed, &space, time)
                {
                    self.keys.add(&document, time);
                }
            }
            Event::Concluded { contract, document } => {
                if let Some(agreement) = content::<Agreement>(&document, (time, &self.keys)) {
                    self.concluded(contract, agreement, (index, time));
                }
            }
            Event::Terminated { contract, document } => {
                if let Some(Termination { by, reason, .. }) = content(&document, (time, &self.keys))
                    && let Some(known) = self.known(&contract)
                {
                    let what = What::Terminated { by, reason };
                    known.ends.push(End { what, record: Some(index), time });
                }
            }
            Event::ClockSetBack { .. } => {
                self.last = Some(time);
                for known in &mut self.contracts {
                    known.ends.push(End { what: What::ClockSetBack, record: Some(index), time });
                }
            }
            Event::Access(access) => {
                if let Some((permits, denials)) =
                    self.known(&access.contract).and_then(|known| known.accesses.as_mut())
                {
                    match access.verdict {
                        Verdict::Permit { .. } => *permits += 1,
                        Verdict::Deny { .. } => *denials += 1,
                    }
                }
            }
            Event::Product { .. }
            | Event::Deleted { .. }
            | Event::Policies { .. }
            | Event::Stated { .. }
            | Event::Archived { .. }
            | Event::Opened { .. }
            | Event::Denials { .. }
            | Event::Released(_)
            | Event::Consumer(_) => {}
        }
    }

    fn known(&mut self, contract: &Digest) -> Option<&mut Contract> {
        self.contracts.get_mut(*self.places.get(contract)?)
    }

    fn concluded(&mut self, contract: Digest, agreement: Agreement, concluded: (u64, UnixMillis)) {
        let party = |did| self.members.get(did).map(|member| Party(member.credential.clone()));
        let (Some(provider), Some(consumer)) =
            (party(&agreement.provider), party(&agreement.consumer))
        else {
            return;
        };
        let none = OdrlOperands::default();
        let operands = self.profile.as_ref().map_or(&none, |profile| &profile.odrl);
        self.places.insert(contract, self.contracts.len());
        self.contracts.push(Contract {
            id: ContractId::from_digest(contract),
            clauses: agreement.terms.clauses_in(operands),
            agreement,
            parties: Parties { provider, consumer },
            concluded,
            state: State::InForce,
            ends: Vec::new(),
            accesses: Some((0, 0)),
        });
    }

    /// After the last record: what keeps each contract from being used at `now`.
    fn close(&mut self, now: UnixMillis) {
        for contract in &mut self.contracts {
            for did in [&contract.agreement.provider, &contract.agreement.consumer] {
                let Some(Member { credential, revoked }) = self.members.get(did) else { continue };
                let (whom, over) = (did.clone(), credential.validity.until());
                if let Some((record, revocation)) = revoked {
                    let (time, reason) = (revocation.revoked_at, revocation.reason.clone());
                    let what = What::MembershipRevoked { whom, reason };
                    contract.ends.push(End { what, record: Some(*record), time });
                } else if over <= now {
                    let what = What::MembershipOver { whom };
                    contract.ends.push(End { what, record: None, time: over });
                }
            }
            let validity = contract.agreement.validity;
            contract.ends.extend(End::of_time(validity, now));
            contract.state = State::of(&contract.ends, validity, now);
        }
    }
}
