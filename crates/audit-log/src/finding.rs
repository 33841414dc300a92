use std::fmt;

use crate::evidence::VerifiedEvidence;
use crate::record::Verdict;

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
        let not = [
            "that the operator shows everybody the same log: this needs a witness or other \
             people's checkpoints",
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

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proved(text) => write!(f, "proved: {text}"),
            Self::NotProved(text) => write!(f, "not proved: {text}"),
        }
    }
}
