use std::fmt;

use dataspace_policy::{Action, Reason};
use dataspace_primitives::{Name, UnixMillis, Validity, shown};
use dataspace_tlog::record::{TEXTS_MAX, cut};
use dataspace_usage_contract::quota::QuotaExhausted;

/// Why an access is denied: by the state of membership and contract, or by policy. In plain
/// words by `Display`; never about data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DenialReason {
    /// The consumer is not a member of the space.
    NotAMember,
    /// The consumer's membership does not hold now.
    MembershipOver {
        /// When the membership held.
        validity: Validity,
        /// The provider's time.
        now: UnixMillis,
    },
    /// The authority revoked the membership.
    MembershipRevoked {
        /// When.
        revoked_at: UnixMillis,
        /// The authority's reason.
        reason: Name,
    },
    /// The contract is not yet, or no longer, in force.
    ContractOver {
        /// When the contract holds.
        validity: Validity,
        /// The provider's time.
        now: UnixMillis,
    },
    /// Provider or consumer ended the contract.
    ContractTerminated {
        /// The reason given.
        reason: Name,
    },
    /// The provider set its clock back after a wrong reading was recorded, and with that ended all
    /// contracts.
    ClockSetBack,
    /// The provider itself is not a member of the space now, so it must not release.
    ProviderNotAMember,
    /// The newest profile has no place for the product's class, or for a role or the region of the
    /// consumer.
    OutsideProfile {
        /// `product class`, `role` or `region`.
        what: &'static str,
        /// The one at fault.
        value: String,
    },
    /// The key that signed the request was taken back while its data were released.
    KeyEnded,
    /// All uses of the contract have been made.
    QuotaExhausted {
        /// Uses that the contract permits.
        limit: u64,
    },
    /// The purpose is not one of the space's scenarios.
    UnknownPurpose {
        /// The purpose stated.
        purpose: Name,
    },
    /// No node carries out this action yet: it would give out all rows in place of what was asked
    /// for.
    NotCarriedOut {
        /// The action.
        action: Action,
    },
    /// The product itself forbids the action, by its registration, whatever the contract permits.
    ForbiddenByProduct {
        /// The action.
        action: Action,
    },
    /// A duty of the contract cannot be carried out on the product as it is.
    Duty {
        /// What is in the way: for the provider, since it names columns.
        message: String,
    },
    /// The product has no such part as was asked for, or the contract does not release it.
    Part {
        /// The missing part.
        message: String,
    },
    /// The product's data cannot be opened now: the table is not attached, or not to be read.
    Unavailable {
        /// What is in the way: for the provider, since it names files.
        message: String,
    },
    /// As many releases under this contract are open as the node keeps open for one.
    TooManyOpen {
        /// Releases that one contract may have open.
        limit: u32,
    },
    /// The access is one under several contracts, and another one of them denies.
    Together,
    /// The consumer's node holds no credential of its consumer, so that it cannot decide.
    NoCredential,
    /// The consumer deleted the keys of the contract's sealed files.
    KeysDeleted,
    /// The contract has its copies deleted by this time.
    DeletionDue {
        /// By when.
        due: UnixMillis,
        /// The consumer's time.
        now: UnixMillis,
    },
    /// A policy decided so.
    Policy(Reason),
}

impl DenialReason {
    /// A stable word for scripts and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAMember => "not-a-member",
            Self::MembershipOver { .. } => "membership-over",
            Self::MembershipRevoked { .. } => "membership-revoked",
            Self::ContractOver { .. } => "contract-over",
            Self::ContractTerminated { .. } => "contract-terminated",
            Self::ClockSetBack => "clock-set-back",
            Self::ProviderNotAMember => "provider-not-a-member",
            Self::OutsideProfile { .. } => "outside-profile",
            Self::KeyEnded => "key-ended",
            Self::QuotaExhausted { .. } => "quota-exhausted",
            Self::UnknownPurpose { .. } => "unknown-purpose",
            Self::NotCarriedOut { .. } => "not-carried-out",
            Self::ForbiddenByProduct { .. } => "forbidden-by-product",
            Self::Duty { .. } => "duty",
            Self::Part { .. } => "part",
            Self::Unavailable { .. } => "unavailable",
            Self::TooManyOpen { .. } => "too-many-open",
            Self::Together => "together",
            Self::NoCredential => "no-credential",
            Self::KeysDeleted => "keys-deleted",
            Self::DeletionDue { .. } => "deletion-due",
            Self::Policy(reason) => reason.code(),
        }
    }
}

impl DenialReason {
    /// As a record keeps it: the code, a colon and the words, cut to what a record takes. A cut text
    /// ends with `…`, so that nobody reads half a condition as a whole one.
    #[must_use]
    pub fn recorded(&self) -> String {
        cut(format!("{}: {self}", self.code()))
    }

    fn compare(&self, recorded: &str) -> Likeness {
        if recorded == self.recorded() {
            return Likeness::Same;
        }
        let clause = match self {
            Self::Policy(Reason::Unmet { clause, .. } | Reason::Prohibited { clause, .. }) => {
                clause
            }
            _ => "",
        };
        let words = recorded.strip_prefix(self.code()).and_then(|rest| rest.strip_prefix(": "));
        match words {
            Some(words) if words.starts_with(clause) => Likeness::Reworded,
            _ => Likeness::Other,
        }
    }
}

/// `unmet` of the recorded reason `unmet: permission-1: …`.
pub(crate) fn code(recorded: &str) -> &str {
    recorded.split(':').next().unwrap_or_default()
}

/// Returns true for the code of a reason that lies in the data, in what was open at that time, or in what
/// was asked for with it, none of them in the log. It is checked last and reported alone.
pub(crate) fn is_of_data(code: &str) -> bool {
    matches!(code, "duty" | "part" | "unavailable" | "too-many-open" | "together")
}

/// How recorded reasons stand to those that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// Word for word.
    Same,
    /// The same codes and clauses in other words: of another version, or of somebody who meddled.
    Reworded,
    /// Other reasons.
    Other,
}

/// Compares recorded reasons, of a record that has `all` of them, with those that follow.
pub(crate) fn compare(recorded: &[String], again: &[DenialReason], all: usize) -> Likeness {
    // A record has room for so many at least.
    let is_cut = all >= TEXTS_MAX / 4;
    if recorded.len() > again.len() || (recorded.len() < again.len() && !is_cut) {
        return Likeness::Other;
    }
    let pairs = recorded.iter().zip(again);
    pairs.map(|(one, again)| again.compare(one)).max().unwrap_or(Likeness::Same)
}

impl fmt::Display for DenialReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMember => f.write_str("the consumer is not a member of the space"),
            Self::MembershipOver { validity, now } => {
                write!(f, "the consumer's membership is valid {validity}; it is {now}")
            }
            Self::MembershipRevoked { revoked_at, reason } => write!(
                f,
                "the space authority revoked the consumer's membership at {revoked_at}: {}",
                shown(reason)
            ),
            Self::ContractOver { validity, now } if *now < validity.from() => {
                write!(f, "the contract begins at {}; it is only {now}", validity.from())
            }
            Self::ContractOver { validity, now } => {
                write!(f, "the contract expired at {}; it is {now}", validity.until())
            }
            Self::ContractTerminated { reason } => {
                write!(f, "the contract was terminated: {}", shown(reason))
            }
            Self::ClockSetBack => f.write_str(
                "the contract ended when the provider set its clock back after a wrong reading; \
                 conclude a new one",
            ),
            Self::ProviderNotAMember => {
                f.write_str("the provider is not a member of the space now")
            }
            Self::OutsideProfile { what, value } => {
                write!(f, "the space's profile no longer admits the {what} {}", shown(value))
            }
            Self::KeyEnded => f.write_str("the key that signed the request was taken back"),
            Self::QuotaExhausted { limit } => {
                write!(f, "{}", QuotaExhausted { limit: *limit })
            }
            Self::UnknownPurpose { purpose } => {
                write!(f, "{} is not a scenario of this space", shown(purpose))
            }
            Self::NotCarriedOut { action } => write!(
                f,
                "no node carries out `{action}` yet; ask to read, if the contract permits it"
            ),
            Self::ForbiddenByProduct { action } => {
                write!(f, "the product itself forbids `{action}`, whatever contracts permit")
            }
            // WHY: the message names columns, and this text is the consumer's.
            Self::Duty { .. } => f.write_str(
                "a duty of the contract cannot be carried out on the product as it is; its \
                 provider can see why",
            ),
            // It names what was asked for, and nothing that the contract does not release.
            Self::Part { message } => write!(f, "{}", shown(message)),
            Self::Unavailable { .. } => {
                f.write_str("the product's data cannot be opened now; its provider can see why")
            }
            Self::TooManyOpen { limit } => write!(
                f,
                "{limit} releases under this contract are open; read one of them to its end first"
            ),
            Self::Together => f.write_str(
                "the access needs several contracts at once, and another one of them denies it",
            ),
            Self::NoCredential => f.write_str(
                "this node holds no credential of its consumer; admit the newest one here, too",
            ),
            Self::KeysDeleted => {
                f.write_str("the keys of the contract's sealed files were deleted")
            }
            Self::DeletionDue { due, now } => {
                write!(f, "the contract has its copies deleted by {due}; it is {now}")
            }
            Self::Policy(reason) => fmt::Display::fmt(reason, f),
        }
    }
}
