//! Evidence, checked by somebody who holds no key and trusts nobody but the authority's DID.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use dataspace_identity::Did;
use dataspace_ledger::{
    Evidence, VerifiedEvidence,
    evidence::{EVIDENCE_LEN_MAX, EvidenceError},
};
use dataspace_primitives::shown;
use dataspace_tlog::{
    Finding, ForkProof, Verdict,
    note::WitnessKey,
    witness::{Cosigners, FORK_LEN_MAX},
};

use crate::json::object;
use crate::out::say;
use crate::outcome::{Damaged, Health};
use crate::shell::shown_path;
use crate::{files, json, labels, named, paint};

pub(crate) fn run(
    file: &Path,
    authority: &OsStr,
    (witnesses, quorum): (Vec<WitnessKey>, Option<usize>),
    as_json: bool,
) -> Result<Health> {
    let authority = named::authority(authority)?;
    let shown = shown_path(file);
    let bytes = files::read(file, EVIDENCE_LEN_MAX)?;
    let policy =
        if witnesses.is_empty() { None } else { Some(named::witnesses(witnesses, quorum)?) };
    let verified = match &policy {
        None => verify(&bytes, &authority),
        Some(policy) => Evidence::from_bytes(&bytes)
            .and_then(|evidence| evidence.verify_witnessed(&authority, policy)),
    };
    let verified = verified.map_err(|error| not_verified(error, (&shown, &bytes), &authority))?;
    let health = match verified.cosigners() {
        Some(cosigners) if !cosigners.is_quorum() => Health::Unwitnessed,
        _ => Health::Sound,
    };
    if as_json {
        say!("{}", json::pretty(&to_json(&verified)));
    } else {
        print(&verified);
    }
    Ok(health)
}

/// What a fork proof shows of the log `origin`.
pub(crate) fn fork(file: &Path, log: &OsStr) -> Result<Health> {
    let (origin, shown) = (named::log(log)?, shown_path(file));
    let nothing = || Damaged(format!("{shown} proves nothing about {origin}"));
    let proof = ForkProof::from_bytes(&files::read(file, FORK_LEN_MAX)?).with_context(nothing)?;
    let claimed = proof.claimed_origin().with_context(nothing)?;
    if claimed != origin {
        bail!("{shown} proves nothing about {origin}: it is about the log {claimed}");
    }
    let fork = proof.verify(&origin).with_context(nothing)?;
    say!("{}", paint::title("What this proves"));
    findings(&fork.findings());
    Ok(Health::Sound)
}

/// What the file shows, or why it shows nothing.
pub(crate) fn verify(bytes: &[u8], authority: &Did) -> Result<VerifiedEvidence, EvidenceError> {
    Evidence::from_bytes(bytes)?.verify(authority)
}

/// Why the file `(name, bytes)` proves nothing. If it is good under another authority, which it names,
/// that is a wrong question.
pub(crate) fn not_verified(
    error: EvidenceError,
    (name, bytes): (&str, &[u8]),
    authority: &Did,
) -> anyhow::Error {
    let nothing = Damaged(format!("{name} proves nothing under the authority {authority}"));
    let EvidenceError::Authority { found, .. } = &error else {
        return anyhow!(error).context(nothing);
    };
    match verify(bytes, found) {
        Err(error) => anyhow!(error).context(nothing),
        Ok(_) => anyhow!(
            "{name} is of a space of the authority {found}, not of {authority}; if that is the \
             authority that you trust, name it with --authority"
        ),
    }
}

fn print(verified: &VerifiedEvidence) {
    let agreement = verified.contract().value();
    say!("{}", paint::title("Contract"));
    say!("   {}", verified.contract().digest());
    say!("   space     {}", shown(&verified.space().name));
    say!("   provider  {}\n   consumer  {}", agreement.provider, agreement.consumer);
    say!("   product   {} ({})", shown(&agreement.product), shown(&agreement.product_class));
    say!("   valid     {}", agreement.validity);
    let (index, at) = (verified.concluded_index(), verified.concluded_at());
    say!("   concluded by record {index} of the log, at {at}");
    paint::clauses(&agreement.terms.clauses());

    say!("\n{}", paint::title("Decision"));
    say!("   record {} of the log, at {}", verified.index(), verified.time());
    match &verified.access().verdict {
        Verdict::Permit { uses, .. } => {
            say!("   {} as use {uses} of the contract", paint::good("permitted"));
        }
        Verdict::Deny { reasons } => {
            say!(
                "   {} {}",
                paint::bad("denied"),
                reasons
                    .iter()
                    .map(|reason| shown(reason).to_string())
                    .collect::<Vec<_>>()
                    .join("; ")
            );
        }
    }
    say!("\n{}", paint::title("What this proves"));
    findings(&verified.findings());
    if let Some(cosigners) = verified.cosigners().filter(|cosigners| !cosigners.is_quorum()) {
        let (found, asked) = (cosigners.present().len(), cosigners.quorum());
        let all = found + cosigners.absent().len();
        say!(
            "\n{}: {found} of {all} witnesses cosigned the checkpoint, {asked} are asked for",
            paint::bad("not witnessed enough")
        );
        say!("   the evidence is good; ask the provider for one whose checkpoint they cosigned");
    }
}

/// Findings, one for each line.
pub(crate) fn findings(findings: &[Finding]) {
    for finding in findings {
        match finding {
            Finding::Proved(text) => say!("   {} {}", paint::good("proved    "), shown(text)),
            Finding::NotProved(text) => {
                say!("   {} {}", paint::dim("not proved"), paint::dim(shown(text)));
            }
        }
    }
}

fn to_json(verified: &VerifiedEvidence) -> serde_json::Value {
    let agreement = verified.contract().value();
    let verdict = match &verified.access().verdict {
        Verdict::Permit { uses, duties } => {
            object! { "decision": "permit", "uses": *uses, "duties": duties.clone() }
        }
        Verdict::Deny { reasons } => object! { "decision": "deny", "reasons": reasons.clone() },
    };
    let (mut proved, mut not_proved) = (Vec::new(), Vec::new());
    for finding in verified.findings() {
        match finding {
            Finding::Proved(text) => proved.push(text),
            Finding::NotProved(text) => not_proved.push(text),
        }
    }
    object! {
        "contract": verified.contract().digest().to_string(),
        "space": verified.space().name.as_str(),
        "authority": verified.space().authority.as_str(),
        "log": verified.checkpoint().origin().as_str(),
        "compiler": agreement.compiler,
        "concluded": object! {
            "record": verified.concluded_index().as_u64(),
            "time": verified.concluded_at().to_string(),
        },
        "provider": agreement.provider.as_str(),
        "consumer": agreement.consumer.as_str(),
        "product": agreement.product.as_str(),
        "clauses": labels::clauses_to_json(&agreement.terms.clauses()),
        "record": verified.index().as_u64(),
        "time": verified.time().to_string(),
        "verdict": verdict,
        "witnessed": verified.cosigners().map(Cosigners::is_quorum),
        "proved": proved,
        "notProved": not_proved,
    }
}
