use std::fmt;

use crate::witness::policy::Cosigners;

/// One sentence about what a proof shows: of a fork, of cosignatures, of one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Follows from the signatures and hashes.
    Proved(String),
    /// Does not follow from them, though a reader may think so.
    NotProved(String),
}

impl Cosigners {
    /// In plain words, what the witnesses' statements prove of the checkpoint, and what they do not.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (key, cosignature) in self.present() {
            findings.push(Finding::Proved(format!(
                "the witness {} said at {} by its own clock that it had seen no larger state of \
                 this log, and none that contradicts this one",
                key.name(),
                cosignature.time()
            )));
        }
        for key in self.absent() {
            let name = key.name();
            let text = format!("that the witness {name} saw the checkpoint: it did not cosign");
            findings.push(Finding::NotProved(text));
        }
        let (found, quorum) = (self.present().len(), self.quorum());
        let named = found + self.absent().len();
        let asked = format!("{found} of {named} witnesses cosigned, {quorum} are asked for");
        let same = "that the operator shows everybody the same log";
        if !self.is_quorum() {
            findings.push(Finding::NotProved(format!("{same}: {asked}")));
            return findings;
        }
        findings.push(Finding::Proved(format!("a quorum saw the checkpoint: {asked}")));
        // Two quorums have at least so many witnesses in common.
        let common = (2 * quorum).saturating_sub(named);
        findings.push(if common > 0 {
            Finding::Proved(format!(
                "somebody who asks for a quorum of the same witnesses can be shown another history \
                 only if at least {common} of them lie too"
            ))
        } else {
            Finding::NotProved(format!(
                "{same}: the quorum is not more than half of the witnesses, so another one may \
                 have seen another history"
            ))
        });
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
