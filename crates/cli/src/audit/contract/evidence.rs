//! The contract in an evidence file.

use std::path::Path;

use anyhow::{Result, bail};
use dataspace_identity::Did;
use dataspace_identity::Origin;
use dataspace_ledger::evidence::EVIDENCE_LEN_MAX;
use dataspace_runtime::{Clock as _, SystemClock};
use dataspace_tlog::Finding;
use dataspace_usage_contract::contract_id;

use crate::audit::contract::end::{End, State};
use crate::audit::contract::found::{Contract, Found};
use crate::audit::contract::parties::{Parties, Party};
use crate::shell::{quoted, shown_path};
use crate::{files, verify};

pub(super) fn read(file: &Path, authority: &Did, log: Option<&Origin>) -> Result<Found> {
    let place = shown_path(file);
    let bytes = files::read(file, EVIDENCE_LEN_MAX)?;
    let verified = verify::verify(&bytes, authority)
        .map_err(|error| verify::not_verified(error, (&place, &bytes), authority))?;
    let agreement = verified.contract().value().clone();
    let origin = agreement.log.clone();
    if let Some(log) = log.filter(|log| **log != origin) {
        bail!("{place} is about the log {origin}, not {log}; ask for that one");
    }
    let id = contract_id(verified.contract());
    let (now, validity) = (SystemClock.now(), agreement.validity);
    let ends: Vec<_> = End::of_time(validity, now).into_iter().collect();
    let (index, size) = (verified.concluded_index(), verified.checkpoint().size().as_u64());
    let mut findings = vec![
        Finding::Proved(format!(
            "the space authority {authority} signed the credentials of both parties, for the space \
             {:?}",
            verified.space().name
        )),
        Finding::Proved("these two, and nobody else, signed the contract".to_owned()),
        Finding::Proved(format!(
            "the log {origin} holds it as record {index}, and its operator, the provider, signed that \
             log of {size} records"
        )),
    ];
    let mut not = |text: String| findings.push(Finding::NotProved(text));
    match agreement.compiled_elsewhere() {
        Some(version) => not(format!(
            "that the clauses say what the Cedar text decides: version {version} of the compiler \
             wrote it"
        )),
        None => findings.push(Finding::Proved(
            "the Cedar text that decides is what the clauses compile to".to_owned(),
        )),
    }
    let mut not = |text: String| findings.push(Finding::NotProved(text));
    not(format!(
        "that nothing ended the contract: a termination, a revocation of a membership and a clock that \
         was set back are other records of the log. The decision in this file is of {}",
        verified.time()
    ));
    not("that the times are right: they are of the provider's own clock".to_owned());
    not(
        "that a permission is enough: policies of the space and of the provider forbid whatever a \
         contract permits, and are in other records"
            .to_owned(),
    );
    not(format!(
        "what was decided under it: `dataspace verify {}` shows the decision in this file",
        quoted(file)
    ));
    let contract = Contract {
        id,
        clauses: agreement.terms.clauses(),
        parties: Parties {
            provider: Party(verified.provider().credential().clone()),
            consumer: Party(verified.consumer().credential().clone()),
        },
        concluded: (index.as_u64(), verified.concluded_at()),
        state: match State::of(&ends, validity, now) {
            State::InForce => State::InTime,
            state => state,
        },
        ends,
        accesses: None,
        agreement,
    };
    Ok(Found {
        place,
        kind: "evidence",
        space: verified.space().clone(),
        log: origin,
        records: size,
        contracts: vec![contract],
        findings,
        is_sound: true,
    })
}
