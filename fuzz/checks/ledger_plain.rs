//! What can be written into a log, in plain numbers: no document, no signature, none of the ledger's types.

/// Times of documents are whole units: a quarter of a day.
pub(crate) const UNIT: u64 = 6 * 3_600_000;

/// 2026-01-30T18:00:00Z: the day ends after one unit, the month after five.
const START: u64 = 1_769_796_000_000;

/// How far a wrong clock leaps ahead, in units.
pub(crate) const LEAP: u64 = 1_600;

/// The n-th unit.
pub(crate) fn unit(n: u64) -> u64 {
    START + n * UNIT
}

pub(crate) const ROLES: [&str; 3] = ["miner", "pirate", "user"];
pub(crate) const REGIONS: [&str; 3] = ["BR", "DE", "FR"];
pub(crate) const CLASSES: [&str; 3] = ["internal", "open", "secret"];
pub(crate) const PRODUCTS: [&str; 3] = ["alloys", "melts", "ores"];
/// Research is part of science; testing can be dropped; nobody has sailing.
pub(crate) const PURPOSES: [&str; 4] = ["research", "science", "testing", "sailing"];
pub(crate) const ACTIONS: [&str; 6] = ["read", "transfer", "derive", "train", "query", "play"];

/// Terms of so many kinds; [`ELSEWHERE`] are of another version of the compiler.
pub(crate) const TERMS: usize = 17;
pub(crate) const ELSEWHERE: usize = 11;
/// Two plays that count after [`FREE`] seconds; so many seconds.
pub(crate) const PLAYS: usize = 15;
pub(crate) const FREE: u32 = 30;
pub(crate) const METERED: usize = 16;
pub(crate) const SECONDS: u32 = 100;

/// Texts of a provider's policies; the last two are not acceptable.
pub(crate) const TEXTS: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Authority,
    Foreign,
    Provider,
    Alice,
    Bob,
    Stranger,
}

impl Who {
    pub(crate) const ALL: [Self; 6] =
        [Self::Authority, Self::Foreign, Self::Provider, Self::Alice, Self::Bob, Self::Stranger];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    Here,
    /// Another one of the same authority.
    Sister,
    /// One of the same name elsewhere.
    Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Log {
    Here,
    /// Another one of the same provider.
    Second,
    Strangers,
}

/// What a profile has less than the first one, and what it forbids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "any of them, beside any other")]
pub(crate) struct Tightened {
    /// `secret`.
    pub(crate) class: bool,
    /// `miner`.
    pub(crate) role: bool,
    /// `FR`.
    pub(crate) region: bool,
    /// `testing`.
    pub(crate) purpose: bool,
    /// To train.
    pub(crate) train: bool,
    /// Whom it trusts for statements of the first kind.
    pub(crate) stated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Profile {
    pub(crate) space: Space,
    pub(crate) version: u64,
    pub(crate) signer: Who,
    pub(crate) named: Who,
    pub(crate) less: Tightened,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Credential {
    pub(crate) space: Space,
    pub(crate) signer: Who,
    pub(crate) subject: Who,
    pub(crate) issued_at: u64,
    pub(crate) serial: u64,
    /// One bit for each of [`ROLES`].
    pub(crate) roles: usize,
    pub(crate) region: usize,
    pub(crate) from: u64,
    pub(crate) until: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Revocation {
    pub(crate) space: Space,
    pub(crate) signer: Who,
    pub(crate) subject: Who,
    pub(crate) revoked_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Product {
    pub(crate) id: usize,
    pub(crate) class: usize,
    pub(crate) descriptor: u8,
}

/// What is wrong with an agreement as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    Nothing,
    /// The text is not what the terms compile to.
    Text,
    /// A stranger signed in the consumer's place.
    Parties,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Contract {
    pub(crate) space: Space,
    pub(crate) log: Log,
    pub(crate) provider: Who,
    pub(crate) consumer: Who,
    pub(crate) product: usize,
    pub(crate) class: usize,
    pub(crate) terms: usize,
    pub(crate) from: u64,
    pub(crate) until: u64,
    pub(crate) offer: u8,
    pub(crate) flaw: Flaw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Termination {
    pub(crate) contract: Contract,
    pub(crate) by: Who,
    pub(crate) signer: Who,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Policies {
    pub(crate) space: Space,
    pub(crate) log: Log,
    pub(crate) signer: Who,
    pub(crate) version: u64,
    pub(crate) text: usize,
}

/// Kinds of statements; nobody is trusted for the last one.
pub(crate) const KINDS: [&str; 3] = ["blurred", "solvent", "weather"];

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum About {
    Product,
    Member,
    Space,
}

/// A statement of what is so, is not, or is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stated {
    pub(crate) space: Space,
    pub(crate) log: Option<Log>,
    pub(crate) issuer: Who,
    pub(crate) signer: Who,
    pub(crate) kind: usize,
    pub(crate) about: About,
    pub(crate) product: usize,
    pub(crate) member: Who,
    pub(crate) says: Option<bool>,
    pub(crate) serial: u64,
    pub(crate) from: u64,
    pub(crate) until: u64,
}

/// What a consumer asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) contract: Contract,
    pub(crate) action: &'static str,
    pub(crate) purpose: &'static str,
    pub(crate) recipient: Option<usize>,
    /// A stretch of seconds.
    pub(crate) stretch: Option<(u32, u32)>,
}

/// A consumer's statement that it deleted what it had under a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Deletion {
    pub(crate) contract: Contract,
    pub(crate) log: Log,
    pub(crate) by: Who,
    pub(crate) signer: Who,
    pub(crate) deleted_at: u64,
}

/// One event, tried or accepted. `said` is what a record says of the document in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Profile {
        said: u64,
        profile: Profile,
    },
    /// And the digest of the content.
    Admission(Credential, [u8; 32]),
    Revocation(Revocation),
    Product(Product),
    Concluded {
        said: Contract,
        contract: Contract,
    },
    Terminated {
        said: Contract,
        termination: Termination,
    },
    Deleted {
        said: Contract,
        deletion: Deletion,
    },
    Policies(Policies),
    Stated(Stated),
    SetBack {
        from: u64,
    },
    Opened,
    Archived,
    /// So many denials that were told and not recorded one by one.
    Denials {
        consumer: Who,
        from: u64,
        until: u64,
        count: u64,
    },
    /// The report of a release: of the access at a place, under this contract; and whether its counts can be.
    Released {
        access: usize,
        contract: Contract,
        is_possible: bool,
    },
    Access {
        asked: Asked,
        is_permitted: bool,
    },
}

/// An event with its time, and whether a bit of its document was flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) time: u64,
    pub(crate) event: Event,
    pub(crate) is_broken: bool,
}
