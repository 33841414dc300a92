//! Findings of evidence in plain words: what it shows, and what it does not.

use dataspace_identity::Admitted;
use dataspace_policy::cedar_text::COMPILER_VERSION;
use dataspace_tlog::{Finding, Verdict, record::ContentVersion};
use dataspace_usage_contract::contract_id;

use crate::evidence::statements::Shown;
use crate::evidence::verified::{Shown as Verdicted, VerifiedEvidence};
use crate::outcome;

impl VerifiedEvidence {
    /// In plain words, what is proved, and what is not.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        list(self)
    }
}

fn list(evidence: &VerifiedEvidence) -> Vec<Finding> {
    let mut findings = members(evidence);
    findings.extend(contract(evidence));
    findings.extend(log(evidence));
    findings.extend(decision(evidence));
    findings.extend(delivery(evidence));
    findings.extend(limits(evidence));
    findings
}

fn proved(text: impl Into<String>) -> Finding {
    Finding::Proved(text.into())
}

fn not_proved(text: impl Into<String>) -> Finding {
    Finding::NotProved(text.into())
}

fn named(one: &Admitted) -> String {
    format!("{} ({:?})", one.did(), one.credential().name)
}

fn members(evidence: &VerifiedEvidence) -> Vec<Finding> {
    let (time, space) = (evidence.time(), &evidence.space().name);
    let member = |one: &Admitted| {
        let (name, validity) = (named(one), one.credential().validity);
        proved(if one.is_member_at(time) {
            format!("{name} held a credential of the space {space:?} at {time}")
        } else {
            format!("{name} held a credential of the space {space:?} that was valid {validity}")
        })
    };
    vec![member(evidence.provider()), member(evidence.consumer())]
}

fn contract(evidence: &VerifiedEvidence) -> Vec<Finding> {
    let id = contract_id(evidence.contract());
    vec![
        proved(format!("these two, whom the contract names, and nobody else signed it: {id}")),
        match evidence.contract().value().compiled_elsewhere() {
            None => proved("the Cedar text that decides is what the clauses compile to"),
            Some(compiler) => not_proved(format!(
                "that the Cedar text that decides says what the clauses say: version {compiler} \
                 of the compiler wrote it, and this program has version {COMPILER_VERSION}; both \
                 parties signed the text, so read it"
            )),
        },
    ]
}

fn log(evidence: &VerifiedEvidence) -> Vec<Finding> {
    let checkpoint = evidence.checkpoint();
    let (origin, size) = (checkpoint.origin(), checkpoint.size());
    let (index, concluded) = (evidence.index(), evidence.concluded_index());
    let limit = evidence.contract().value().terms.uses_max();
    let what = match (&evidence.access().verdict, limit) {
        (Verdict::Permit { uses, .. }, Some(limit)) => {
            format!("a permit, as record {index}: use {uses} of {limit}")
        }
        (Verdict::Permit { uses, .. }, None) => {
            format!("a permit, as record {index}: use {uses}, without a limit")
        }
        (Verdict::Deny { .. }, _) => format!("a denial, as record {index}"),
    };
    let mut findings = vec![proved(format!(
        "the log {origin} holds the contract, as record {concluded}, and {what}"
    ))];
    let (provider, consumer) = (evidence.provider().did(), evidence.consumer().did());
    if provider.is_key() {
        findings.push(proved(format!(
            "its operator, the provider, signed that log of {size} records with both in it"
        )));
    } else {
        findings.push(proved(format!(
            "the key in the log's name signed that log of {size} records with both in it"
        )));
        findings.push(not_proved(
            "that this key is the provider's: the contract alone says that this is its log; ask \
             the provider, or a witness that follows it",
        ));
    }
    if !provider.is_key() || !consumer.is_key() {
        findings.push(not_proved(
            "that no later document had taken back the keys by which the parties signed: what is \
             shown is whole up to the last document in the evidence; replay the log",
        ));
    }
    findings
}

fn decision(evidence: &VerifiedEvidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    match evidence.request() {
        Some(request) => findings.push(proved(format!(
            "the consumer signed the request that was decided: {} for {:?}",
            request.action, request.purpose
        ))),
        None => findings.push(not_proved(
            "what the consumer asked for: its signed request is not in the evidence, so action, \
             purpose and statements are the provider's word",
        )),
    }
    let sources = match evidence.request() {
        Some(_) => "contract, credential and request",
        None => "contract and credential",
    };
    findings.push(proved(format!("the recorded facts are what {sources} say")));
    for Shown { kind, place, issuer } in &evidence.statements {
        match issuer {
            Some(issuer) => {
                findings.push(proved(format!(
                    "{issuer} signed what the decision rests on as {kind:?}: it stands in the log as record \
                     {place}"
                )));
                findings.push(not_proved(format!(
                    "that the space trusts {issuer} for {kind:?}, and that nothing newer was stated: that is \
                     in other records; replay the log"
                )));
            }
            None => findings.push(not_proved(format!(
                "that a party that the space trusts stated {kind:?} so: its statement is record {place} of \
                 the log, and not in the evidence"
            ))),
        }
    }
    match &evidence.shown {
        Verdicted::Permit { clauses } => {
            let by = clauses.join(", ");
            findings.push(proved(format!("the contract permits this access by {by}")));
            let duties = evidence.contract().value().terms.duties.len();
            findings.push(proved(match duties {
                0 => "the contract asks for no duty, and none is recorded".to_owned(),
                1 => "the one duty of the contract was recorded with the permit".to_owned(),
                duties => {
                    format!("all {duties} duties of the contract were recorded with the permit")
                }
            }));
            findings.push(not_proved(
                "that neither space nor provider forbade it: their policies are in other records; \
                 replay the log",
            ));
        }
        Verdicted::Deny { follow, is_reworded, elsewhere } => {
            for reason in follow {
                let reason = words(reason);
                findings.push(proved(format!("this reason to deny follows: {reason}")));
            }
            if *is_reworded {
                findings.push(not_proved(
                    "that the reasons are worded as they should be: this program words them \
                     otherwise",
                ));
            }
            for reason in elsewhere {
                let reason = words(reason);
                findings.push(not_proved(format!(
                    "that this reason to deny holds: {reason}; what it rests on is in other \
                     records or in the data"
                )));
            }
        }
    }
    findings
}

/// What left under a permit.
fn delivery(evidence: &VerifiedEvidence) -> Vec<Finding> {
    if matches!(evidence.access().verdict, Verdict::Deny { .. }) {
        return Vec::new();
    }
    let Some((index, report)) = &evidence.report else {
        return vec![not_proved(
            "what left: no report of the release is in the evidence; it may have gone on, or the node \
             was stopped before it ended",
        )];
    };
    let mut findings = vec![proved(format!(
        "the provider reported what left, as record {index}: {}, with the digest {}",
        outcome::report_words(report),
        report.content
    ))];
    if let Some(version) = &report.version {
        findings.push(proved(match version {
            ContentVersion::Content(content) => format!("what was read is the file {content}"),
            ContentVersion::Stamp(stamp) => format!(
                "what was read has the stamp {}…: a release with another one read another state of the \
                 file",
                stamp.to_short()
            ),
        }));
    }
    findings.push(not_proved(
        "that just this left, and arrived: the report is the provider's word; compare its digest with \
         that of what came",
    ));
    findings
}

/// Without the code.
fn words(reason: &str) -> &str {
    reason.split_once(": ").map_or(reason, |(_, words)| words)
}

fn limits(evidence: &VerifiedEvidence) -> Vec<Finding> {
    let mut findings = match evidence.cosigners() {
        Some(cosigners) => cosigners.findings(),
        None => vec![not_proved(
            "that the provider shows everybody the same log: this needs a witness or other \
             people's checkpoints",
        )],
    };
    let profile = evidence.access().profile;
    findings.extend(
        [
            "that every access is in the log: it shows what was recorded, not what was left out",
            "that the times are right: they are of the provider's own clock",
            "that the uses were counted right: replay the log",
        ]
        .map(not_proved),
    );
    findings.push(not_proved(format!(
        "that version {profile} of the space's profile was in force, and no credential revoked or \
         replaced before: that is in other records"
    )));
    findings.push(not_proved("that what the consumer stated, the purpose among it, was true"));
    findings.push(not_proved(match evidence.access().verdict {
        Verdict::Permit { .. } => {
            "that the duties were carried out on the data, and what the recipient did with them \
             afterwards"
        }
        Verdict::Deny { .. } => "that nothing was released all the same, outside the log",
    }));
    findings
}
