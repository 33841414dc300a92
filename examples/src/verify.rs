//! Evidence, checked by somebody who holds no key and trusts nobody but the authority's DID.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dataspace_audit_log::{
    EVIDENCE_LEN_MAX, Evidence, FORK_LEN_MAX, Finding, ForkProof, Origin, Verdict,
    VerifiedEvidence, WitnessKey, WitnessPolicy,
};
use dataspace_identity::Did;
use dataspace_usage_contract::Agreement;
use serde_json::json;

use crate::paint;

pub(crate) fn run(
    file: &Path,
    authority: &str,
    (witnesses, quorum): (Vec<WitnessKey>, Option<usize>),
    as_json: bool,
) -> Result<()> {
    let authority = authority_did(authority)?;
    let shown = file.display();
    let bytes = read(file, EVIDENCE_LEN_MAX)?;
    let nothing = || format!("{shown} proves nothing under the authority {authority}");
    let verified = if witnesses.is_empty() {
        verify(&bytes, &authority).with_context(nothing)?
    } else {
        let quorum = quorum.unwrap_or(witnesses.len() / 2 + 1);
        let policy = WitnessPolicy::new(quorum, witnesses).context("--witness and --quorum")?;
        let evidence = Evidence::from_bytes(&bytes).with_context(nothing)?;
        let anchors = evidence.anchors(&authority).with_context(nothing)?;
        evidence.verify_witnessed(&anchors, &policy).with_context(nothing)?
    };
    if as_json {
        anstream::println!("{:#}", to_json(&verified));
    } else {
        print(&verified);
    }
    Ok(())
}

/// What a fork proof shows of the log `origin`.
pub(crate) fn fork(file: &Path, origin: &Origin) -> Result<()> {
    let bytes = read(file, FORK_LEN_MAX)?;
    let proof = ForkProof::from_bytes(&bytes);
    let fork = proof.and_then(|proof| proof.verify(origin));
    let fork = fork.with_context(|| format!("{} proves nothing of {origin}", file.display()))?;
    anstream::println!("{}", paint::title("What this proves"));
    findings(&fork.findings());
    Ok(())
}

fn read(file: &Path, len_max: usize) -> Result<Vec<u8>> {
    let shown = file.display();
    let len = fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
    if len > u64::try_from(len_max)? {
        bail!("{shown} has {len} bytes; a file of this kind has at most {len_max}");
    }
    fs::read(file).with_context(|| format!("cannot read {shown}"))
}

/// What the file shows, or why it shows nothing.
pub(crate) fn verify(bytes: &[u8], authority: &Did) -> Result<VerifiedEvidence<Agreement>> {
    let evidence = Evidence::from_bytes(bytes)?;
    let anchors = evidence.anchors(authority)?;
    Ok(evidence.verify::<Agreement>(&anchors)?)
}

pub(crate) fn authority_did(argument: &str) -> Result<Did> {
    if argument.starts_with("did:") {
        return argument.parse().context("--authority is not a usable DID");
    }
    let text = fs::read_to_string(argument)
        .with_context(|| format!("--authority: {argument} is neither a DID nor a readable file"))?;
    text.trim().parse().with_context(|| format!("{argument} does not hold a usable DID"))
}

fn print(verified: &VerifiedEvidence<Agreement>) {
    let agreement = verified.contract().value();
    anstream::println!("{}", paint::title("Contract"));
    anstream::println!("   {}", verified.contract().digest());
    anstream::println!("   provider  {}\n   consumer  {}", agreement.provider, agreement.consumer);
    anstream::println!("   product   {} ({})", agreement.product, agreement.product_class);
    anstream::println!("   valid     {}", agreement.validity);
    paint::clauses(&agreement.terms.clauses());

    anstream::println!("\n{}", paint::title("Decision"));
    anstream::println!("   record {} of the log, at {}", verified.index(), verified.time());
    match &verified.access().verdict {
        Verdict::Permit { uses, .. } => {
            anstream::println!("   {} as use {uses} of the contract", paint::good("permitted"));
        }
        Verdict::Deny { reasons } => {
            anstream::println!("   {} {}", paint::bad("denied"), reasons.join("; "));
        }
    }
    anstream::println!("\n{}", paint::title("What this proves"));
    findings(&verified.findings());
}

/// Findings, one for each line.
pub(crate) fn findings(findings: &[Finding]) {
    for finding in findings {
        match finding {
            Finding::Proved(text) => anstream::println!("   {} {text}", paint::good("proved    ")),
            Finding::NotProved(text) => {
                anstream::println!("   {} {}", paint::dim("not proved"), paint::dim(text));
            }
        }
    }
}

fn to_json(verified: &VerifiedEvidence<Agreement>) -> serde_json::Value {
    let agreement = verified.contract().value();
    let clauses: Vec<_> = agreement
        .terms
        .clauses()
        .into_iter()
        .map(|clause| {
            json!({
                "id": clause.id.to_string(),
                "words": clause.words,
                "assurance": clause.assurance.to_string(),
            })
        })
        .collect();
    let verdict = match &verified.access().verdict {
        Verdict::Permit { uses, duties } => {
            json!({ "decision": "permit", "uses": uses, "duties": duties })
        }
        Verdict::Deny { reasons } => json!({ "decision": "deny", "reasons": reasons }),
    };
    let (mut proved, mut not_proved) = (Vec::new(), Vec::new());
    for finding in verified.findings() {
        match finding {
            Finding::Proved(text) => proved.push(text),
            Finding::NotProved(text) => not_proved.push(text),
        }
    }
    json!({
        "contract": verified.contract().digest().to_string(),
        "provider": agreement.provider.as_str(),
        "consumer": agreement.consumer.as_str(),
        "product": agreement.product.as_str(),
        "clauses": clauses,
        "record": verified.index().as_u64(),
        "time": verified.time().to_string(),
        "verdict": verdict,
        "proved": proved,
        "notProved": not_proved,
    })
}
