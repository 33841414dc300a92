//! The state of a contract, and what ended it.

use dataspace_identity::Did;
use dataspace_primitives::{Name, UnixMillis, Validity, shown};
use serde_json::Value;

use crate::audit::contract::parties::Parties;
use crate::json::object;

/// The state of a contract, as far as it can be told from where it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    InForce,
    /// By its own time it is in force; what else happened is not at hand.
    InTime,
    NotBegun,
    /// Provider or consumer is not a member of the space now; a new credential would bring the contract back.
    Suspended,
    /// Its own time is over.
    Over,
    /// Before its time, and for ever.
    Ended,
}

/// What ended a contract, or keeps it from being used.
pub(super) struct End {
    pub(super) what: What,
    /// The record that says so; `None` where the time alone does.
    pub(super) record: Option<u64>,
    pub(super) time: UnixMillis,
}

pub(super) enum What {
    /// A party declared it.
    Terminated {
        by: Did,
        reason: Name,
    },
    ClockSetBack,
    MembershipRevoked {
        whom: Did,
        reason: Name,
    },
    MembershipOver {
        whom: Did,
    },
    TimeOver,
}

impl State {
    /// Of a contract with these ends.
    pub(super) fn of(ends: &[End], validity: Validity, now: UnixMillis) -> Self {
        let any = |is: fn(&What) -> bool| ends.iter().any(|end| is(&end.what));
        if any(|what| matches!(what, What::Terminated { .. } | What::ClockSetBack)) {
            Self::Ended
        } else if any(|what| matches!(what, What::TimeOver)) {
            Self::Over
        } else if !ends.is_empty() {
            Self::Suspended
        } else if now < validity.from() {
            Self::NotBegun
        } else {
            Self::InForce
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::InTime => "in-time",
            Self::NotBegun => "not-begun",
            Self::Suspended => "suspended",
            Self::Over => "over",
            Self::Ended => "ended",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::InTime => "within its time; whether something ended it is not in this file",
            Self::NotBegun => "not begun",
            Self::Suspended => "suspended: provider or consumer is not a member now",
            Self::Over => "over",
            Self::Ended => "ended",
        }
    }
}

impl End {
    /// That its time is over by now, if it is.
    pub(super) fn of_time(validity: Validity, now: UnixMillis) -> Option<Self> {
        let time = validity.until();
        (time <= now).then_some(Self { what: What::TimeOver, record: None, time })
    }

    /// One sentence, as it can be shown.
    pub(super) fn words(&self, parties: &Parties) -> String {
        let Self { what, record, time } = self;
        let name = |did| shown(parties.name_of(did)).to_string();
        let words = match what {
            What::Terminated { by, reason } => {
                format!("{} ended it at {time}: {}", name(by), shown(reason))
            }
            What::ClockSetBack => {
                format!("the operator set the clock back to {time}, which ended all contracts")
            }
            What::MembershipRevoked { whom, reason } => format!(
                "the space authority revoked the membership of {} at {time}: {}",
                name(whom),
                shown(reason)
            ),
            What::MembershipOver { whom } => {
                format!("the membership of {} ended at {time}", name(whom))
            }
            What::TimeOver => format!("its time ended at {time}"),
        };
        match record {
            Some(record) => format!("{words} (record {record})"),
            None => words,
        }
    }

    pub(super) fn to_json(&self, parties: &Parties) -> Value {
        let (what, whom, reason) = match &self.what {
            What::Terminated { by, reason } => ("terminated", Some(by), Some(reason)),
            What::ClockSetBack => ("clock-set-back", None, None),
            What::MembershipRevoked { whom, reason } => {
                ("membership-revoked", Some(whom), Some(reason))
            }
            What::MembershipOver { whom } => ("membership-over", Some(whom), None),
            What::TimeOver => ("time-over", None, None),
        };
        object! {
            "what": what,
            "participant": whom.map(Did::as_str),
            "reason": reason.map(Name::as_str),
            "record": self.record,
            "time": self.time.to_string(),
            "words": self.words(parties),
        }
    }
}
