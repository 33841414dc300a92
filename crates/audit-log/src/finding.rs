use std::fmt;

use crate::evidence::VerifiedEvidence;
use crate::record::Verdict;
use crate::witness_policy::Cosigners;

/// One sentence about evidence that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Follows from the signatures and hashes.
    Proved(String),
    /// Does not follow from them, though a reader may think so.
    NotProved(String),
}

impl Finding {
    pub(crate) fn list<C>(evidence: &VerifiedEvidence<C>) -> Vec<Self> {
        let time = evidence.time();
        let access = evidence.access();
        let checkpoint = evidence.checkpoint();
        let origin = checkpoint.origin();
        let mut findings = Vec::new();
        let mut proved = |text| findings.push(Self::Proved(text));
        for one in evidence.participants() {
            let (did, name) = (one.did(), &one.credential().name);
            proved(format!("{did} ({name:?}) held a credential of the space authority at {time}"));
        }
        proved(format!("exactly these participants signed the contract {}", access.contract));
        let verdict = match &access.verdict {
            Verdict::Permit { uses, .. } => format!("a permit, the contract's use number {uses}"),
            Verdict::Deny { .. } => "a denial".to_owned(),
        };
        let index = evidence.index();
        proved(format!("the log {origin} holds, as record {index}, {verdict}"));
        proved(format!(
            "the log's operator signed a tree of {} records with this one in it",
            checkpoint.size()
        ));
        if evidence.has_request() {
            proved("the request in the evidence is the one that was decided".to_owned());
        }
        match evidence.cosigners() {
            Some(cosigners) => witnessed(cosigners, &mut findings),
            None => findings.push(Self::NotProved(
                "that the operator shows everybody the same log: this needs a witness or other \
                 people's checkpoints"
                    .to_owned(),
            )),
        }
        let not = [
            "that every access is in the log: it shows what was recorded, not what was left out",
            "that the time is right: it is the operator's own clock",
            "that no credential was revoked before that time: the revocations stand in other \
             records",
            "that the verdict follows from the contract: replay the Cedar text on the facts",
            "that the facts, the purpose among them, were true",
            "what the recipient did with the data afterwards",
        ];
        findings.extend(not.map(|text| Self::NotProved(text.to_owned())));
        if !evidence.has_request() {
            let text = "what the consumer asked for: the request is not part of the evidence";
            findings.push(Self::NotProved(text.to_owned()));
        }
        findings
    }
}

/// What the witnesses' statements prove of the checkpoint.
fn witnessed(cosigners: &Cosigners, findings: &mut Vec<Finding>) {
    for (key, cosignature) in cosigners.present() {
        findings.push(Finding::Proved(format!(
            "the witness {} said at {} by its own clock that it had seen no larger state of this \
             log, and none that contradicts this one",
            key.name(),
            cosignature.time()
        )));
    }
    for key in cosigners.absent() {
        let text = format!("that the witness {} saw the checkpoint: it did not cosign", key.name());
        findings.push(Finding::NotProved(text));
    }
    let (found, quorum) = (cosigners.present().len(), cosigners.quorum());
    let named = found + cosigners.absent().len();
    let asked = format!("{found} of {named} witnesses cosigned, {quorum} are asked for");
    let same = "that the operator shows everybody the same log";
    if !cosigners.is_quorum() {
        findings.push(Finding::NotProved(format!("{same}: {asked}")));
        return;
    }
    findings.push(Finding::Proved(format!("a quorum saw the checkpoint: {asked}")));
    // Two quorums have at least so many witnesses in common.
    let common = (2 * quorum).saturating_sub(named);
    findings.push(if common > 0 {
        Finding::Proved(format!(
            "whoever asks for a quorum of the same witnesses can be shown another history only if \
             {common} of them or more lie, too"
        ))
    } else {
        Finding::NotProved(format!(
            "{same}: the quorum is not more than half of the witnesses, so another one may have \
             seen another history"
        ))
    });
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proved(text) => write!(f, "proved: {text}"),
            Self::NotProved(text) => write!(f, "not proved: {text}"),
        }
    }
}
