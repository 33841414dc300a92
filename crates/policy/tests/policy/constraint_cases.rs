//! Facts for which each constraint holds, and facts for which it does not.

use std::collections::BTreeSet;

use dataspace_policy::{
    Assurance, Constraint, Facts, Hours, Plays, Uses, Weekday,
    facts::{Environment, Metered, Payment, Person},
};
use dataspace_primitives::Name;

use crate::support::{CONSUMER, at, facts, name, purposes, region, regions, time};

pub(crate) fn set(all: &[&str]) -> BTreeSet<Name> {
    all.iter().map(|one| name(one)).collect()
}

pub(crate) fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// A constraint, facts for which it holds, facts for which it does not, whether its fact can be
/// unknown, as it is in [`facts`], and whether that is all that it can be if it does not hold.
pub(crate) struct Case {
    pub(crate) constraint: Constraint,
    pub(crate) holds: Facts<'static>,
    pub(crate) fails: Facts<'static>,
    pub(crate) can_be_unknown: bool,
    pub(crate) never_fails: bool,
    pub(crate) label: Assurance,
}

#[expect(clippy::large_types_passed_by_value, reason = "a table reads better so")]
pub(crate) fn case(constraint: Constraint, holds: Facts<'static>, fails: Facts<'static>) -> Case {
    Case {
        constraint,
        holds,
        fails,
        can_be_unknown: false,
        never_fails: false,
        label: Assurance::Enforced,
    }
}

impl Case {
    /// Its fact is what the consumer states.
    fn stated(self) -> Self {
        Self { label: Assurance::Attested, ..self }
    }

    fn unknown(self) -> Self {
        Self { can_be_unknown: true, ..self }
    }

    /// That it does not hold is never known.
    fn open(self) -> Self {
        Self { never_fails: true, ..self.unknown() }
    }

    /// Nobody supplies its fact.
    fn unsupplied(self) -> Self {
        Self { label: Assurance::Unsupported, ..self.unknown() }
    }

    /// Whether what it forbids is permitted where it fails. Nobody but the consumer has this
    /// contract.
    pub(crate) fn is_free(&self) -> bool {
        !self.never_fails && self.fails.participant == CONSUMER
    }
}

pub(crate) fn lab() -> Environment<'static> {
    Environment {
        id: "lab",
        attested: Some(true),
        sandbox: true,
        security_level: 3,
        connector: "edc",
        application: "notebook",
    }
}

pub(crate) fn inside(environment: Environment<'static>) -> Facts<'static> {
    Facts { environment: Some(environment), ..facts() }
}

pub(crate) fn now(text: &str) -> Facts<'static> {
    Facts { now: at(text), ..facts() }
}

pub(crate) fn asked() -> Vec<Case> {
    let purposed = |all| Facts { purposes: kept(set(all)), ..facts() };
    vec![
        case(
            purposes(&["research", "teaching"]),
            facts(),
            Facts { purpose: "marketing", ..facts() },
        )
        .stated(),
        case(
            Constraint::PurposeWithin(set(&["science", "sport"])),
            purposed(&["alloys", "science"]),
            purposed(&["alloys"]),
        )
        .stated(),
        case(regions(&["DE", "FR"]), facts(), Facts { region: region("US"), ..facts() }),
        case(
            Constraint::RecipientRegion([region("FR")].into()),
            Facts { recipient_region: Some(region("FR")), ..facts() },
            Facts { recipient_region: Some(region("DE")), ..facts() },
        )
        .stated()
        .unknown(),
        // Another participant would have no contract: the policies' scope is the consumer alone.
        case(
            Constraint::Participant(set(&[CONSUMER, "did:key:z6MkOther"])),
            facts(),
            Facts { participant: "did:key:z6MkOther", ..facts() },
        ),
        case(
            Constraint::Credential(set(&["Membership", "Iso27001"])),
            Facts { credentials: kept(set(&["Other", "Iso27001"])), ..facts() },
            Facts { credentials: kept(set(&["Other"])), ..facts() },
        )
        .unsupplied()
        .open(),
        case(
            Constraint::Attribute { name: name("size \"A\""), values: set(&["small", "medium"]) },
            Facts { attributes: kept([(name("size \"A\""), name("small"))].into()), ..facts() },
            Facts { attributes: kept([(name("size \"A\""), name("large"))].into()), ..facts() },
        )
        .unknown(),
        case(
            Constraint::Role(set(&["consumer", "auditor"])),
            facts(),
            Facts { roles: kept(set(&["provider"])), ..facts() },
        ),
        case(
            Constraint::PersonRole(set(&["engineer"])),
            Facts {
                person: Some(Person { id: "ada", roles: kept(set(&["engineer", "guest"])) }),
                ..facts()
            },
            Facts { person: Some(Person { id: "ada", roles: kept(set(&["guest"])) }), ..facts() },
        )
        .stated()
        .unknown(),
    ]
}

pub(crate) fn environments() -> Vec<Case> {
    [
        (Constraint::Attested, Environment { attested: Some(false), ..lab() }),
        (Constraint::Sandbox, Environment { sandbox: false, ..lab() }),
        (Constraint::SecurityLevel(3), Environment { security_level: 2, ..lab() }),
        (Constraint::Connector(set(&["edc"])), Environment { connector: "edc2", ..lab() }),
        (Constraint::Application(set(&["notebook"])), Environment { application: "", ..lab() }),
    ]
    .into_iter()
    .map(|(constraint, other)| case(constraint, inside(lab()), inside(other)).stated().unknown())
    .collect()
}

pub(crate) fn times_and_counts() -> Vec<Case> {
    let weekdays = [Weekday::Monday, Weekday::Friday].into();
    let hours = Hours { weekdays, from: 120, until: 180, zone: name("Europe/Berlin") };
    let used = |uses| Facts { uses, ..facts() };
    let agreed = |text| Facts { agreed_at: at(text), ..facts() };
    vec![
        case(
            time("2026-06-01T00:00:00Z", "2026-06-01T00:00:01Z"),
            facts(),
            now("2026-06-01T00:00:01Z"),
        ),
        case(Constraint::From(facts().now), facts(), now("2026-05-31T23:59:59.999Z")),
        case(Constraint::Before(facts().now), now("2026-05-31T23:59:59.999Z"), facts()),
        // A Monday, 02:00 in Berlin; an hour later it is 03:00.
        case(Constraint::Hours(hours), facts(), now("2026-06-01T01:00:00Z")),
        case(
            Constraint::Elapsed(60),
            agreed("2026-05-31T23:59:00.001Z"),
            agreed("2026-05-31T23:59:00Z"),
        ),
        case(
            Constraint::Count(2),
            used(Uses { contract: 1, consumer: 9, today: 9, this_month: 9, ..Uses::default() }),
            used(Uses { contract: 2, ..Uses::default() }),
        ),
        case(
            Constraint::ConsumerCount(2),
            used(Uses { contract: 9, consumer: 1, today: 9, this_month: 9, ..Uses::default() }),
            used(Uses { consumer: 2, ..Uses::default() }),
        ),
        case(
            Constraint::DayCount(2),
            used(Uses { contract: 9, consumer: 9, today: 1, this_month: 9, ..Uses::default() }),
            used(Uses { today: 2, ..Uses::default() }),
        ),
        case(
            Constraint::MonthCount(2),
            used(Uses { contract: 9, consumer: 9, today: 9, this_month: 1, ..Uses::default() }),
            used(Uses { this_month: 2, ..Uses::default() }),
        ),
    ]
}

pub(crate) fn products_and_states() -> Vec<Case> {
    let level = |level| Facts { product_level: Some(level), ..facts() };
    let paid = |payment| Facts { payment: Some(payment), ..facts() };
    let during = |all| Facts { events: Some(kept(set(all))), ..facts() };
    let state = |state| Facts { state: Some(state), ..facts() };
    let vouched =
        |says| Facts { vouched: kept([(name("faces \"blurred\""), name(says))].into()), ..facts() };
    vec![
        case(
            Constraint::Class(set(&["open", "internal"])),
            facts(),
            Facts { product_class: "secret", ..facts() },
        ),
        case(Constraint::Level(2), level(2), level(3)).unknown(),
        case(
            Constraint::Payment([Payment::Paid].into()),
            paid(Payment::Paid),
            paid(Payment::Overdue),
        )
        .unknown(),
        case(Constraint::Event(set(&["fair"])), during(&["fair", "strike"]), during(&[])).unknown(),
        case(Constraint::State(set(&["running"])), state("running"), state("stopped")).unknown(),
        case(
            Constraint::Vouched {
                kind: name("faces \"blurred\""),
                values: set(&["true", "partly"]),
            },
            vouched("true"),
            vouched("false"),
        )
        .unknown(),
    ]
}

pub(crate) fn plays_and_seconds() -> Vec<Case> {
    let used = |uses| Facts { uses, ..facts() };
    let metered = |metered| used(Uses { metered, ..Uses::default() });
    let plays = |plays| metered(Metered { plays: Some(plays), ..Metered::default() });
    let seconds = |seconds| metered(Metered { seconds: Some(seconds), ..Metered::default() });
    let asked = |until| Facts { asked_until: Some(until), ..facts() };
    vec![
        case(Constraint::PlayCount(Plays { max: 2, after: 30 }), plays(2), plays(3)).unknown(),
        case(Constraint::SecondsCount(60), seconds(60), seconds(61)).unknown(),
        case(Constraint::FirstSeconds(30), asked(30), asked(31)).unknown(),
    ]
}

/// One of each constraint that stands alone.
pub(crate) fn cases() -> Vec<Case> {
    [asked(), environments(), times_and_counts(), products_and_states(), plays_and_seconds()]
        .into_iter()
        .flatten()
        .collect()
}
