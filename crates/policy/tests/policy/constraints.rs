//! Every constraint, one by one: what it permits, what it denies, what it does where the fact is
//! not known, alone and within others.

use std::collections::BTreeSet;

use dataspace_policy::{
    Action, Assurance, Constraint, Facts, Hours, Plays, Rule, Terms, Uses, Weekday,
    facts::{Environment, Metered, Payment, Person},
};
use dataspace_primitives::Name;

use crate::support::{
    CONSUMER, assert_golden, at, codes, decide, denial, facts, name, permits, program, purposes,
    read_always, read_when, region, regions, time,
};

fn set(all: &[&str]) -> BTreeSet<Name> {
    all.iter().map(|one| name(one)).collect()
}

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// A constraint, facts for which it holds, facts for which it does not, whether its fact can be
/// unknown, as it is in [`facts`], and whether that is all that it can be if it does not hold.
struct Case {
    constraint: Constraint,
    holds: Facts<'static>,
    fails: Facts<'static>,
    can_be_unknown: bool,
    never_fails: bool,
    label: Assurance,
}

#[expect(clippy::large_types_passed_by_value, reason = "a table reads better so")]
fn case(constraint: Constraint, holds: Facts<'static>, fails: Facts<'static>) -> Case {
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
    fn is_free(&self) -> bool {
        !self.never_fails && self.fails.participant == CONSUMER
    }
}

fn lab() -> Environment<'static> {
    Environment {
        id: "lab",
        attested: Some(true),
        sandbox: true,
        security_level: 3,
        connector: "edc",
        application: "notebook",
    }
}

fn inside(environment: Environment<'static>) -> Facts<'static> {
    Facts { environment: Some(environment), ..facts() }
}

fn now(text: &str) -> Facts<'static> {
    Facts { now: at(text), ..facts() }
}

fn asked() -> Vec<Case> {
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

fn environments() -> Vec<Case> {
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

fn times_and_counts() -> Vec<Case> {
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

fn products_and_states() -> Vec<Case> {
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

fn plays_and_seconds() -> Vec<Case> {
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
fn cases() -> Vec<Case> {
    [asked(), environments(), times_and_counts(), products_and_states(), plays_and_seconds()]
        .into_iter()
        .flatten()
        .collect()
}

/// The place of each constraint in the list; a new one does not compile until it has a place.
fn place(constraint: &Constraint) -> Option<usize> {
    Some(match constraint {
        Constraint::Purpose(_) => 0,
        Constraint::PurposeWithin(_) => 1,
        Constraint::Jurisdiction(_) => 2,
        Constraint::RecipientRegion(_) => 3,
        Constraint::Participant(_) => 4,
        Constraint::Credential(_) => 5,
        Constraint::Attribute { .. } => 6,
        Constraint::Role(_) => 7,
        Constraint::PersonRole(_) => 8,
        Constraint::Attested => 9,
        Constraint::Sandbox => 10,
        Constraint::SecurityLevel(_) => 11,
        Constraint::Connector(_) => 12,
        Constraint::Application(_) => 13,
        Constraint::Time(_) => 14,
        Constraint::From(_) => 15,
        Constraint::Before(_) => 16,
        Constraint::Hours(_) => 17,
        Constraint::Elapsed(_) => 18,
        Constraint::Count(_) => 19,
        Constraint::ConsumerCount(_) => 20,
        Constraint::DayCount(_) => 21,
        Constraint::MonthCount(_) => 22,
        Constraint::Class(_) => 23,
        Constraint::Level(_) => 24,
        Constraint::Payment(_) => 25,
        Constraint::Event(_) => 26,
        Constraint::State(_) => 27,
        Constraint::Vouched { .. } => 28,
        Constraint::PlayCount(_) => 29,
        Constraint::SecondsCount(_) => 30,
        Constraint::FirstSeconds(_) => 31,
        Constraint::Not(_) | Constraint::All(_) | Constraint::Any(_) | Constraint::One(_) => {
            return None;
        }
    })
}

fn is_count(constraint: &Constraint) -> bool {
    matches!(place(constraint), Some(19..=22 | 29 | 30))
}

fn read() -> Rule {
    Rule::new([Action::Read])
}

fn not(one: &Constraint) -> Constraint {
    Constraint::Not(Box::new(one.clone()))
}

/// Always true, always false.
fn ever() -> [Constraint; 2] {
    let early = at("1970-01-01T00:00:00Z");
    [Constraint::From(early), Constraint::Before(early)]
}

/// One constraint of each kind.
pub(crate) fn every_constraint() -> Vec<Constraint> {
    cases().into_iter().map(|case| case.constraint).collect()
}

#[test]
fn every_constraint_has_a_case() {
    let places: Vec<_> = cases().iter().map(|case| place(&case.constraint).unwrap()).collect();
    assert_eq!(places, (0..32).collect::<Vec<_>>());
}

#[test]
fn a_permission_permits_where_its_constraint_holds_and_nowhere_else() {
    for Case { constraint, holds, fails, can_be_unknown, .. } in cases() {
        let terms = read_when(constraint.clone());
        assert!(permits(&terms, &holds), "{constraint:?}");
        assert!(!permits(&terms, &fails), "{constraint:?}");
        assert!(!can_be_unknown || !permits(&terms, &facts()), "{constraint:?}");
    }
}

#[test]
fn a_prohibition_forbids_where_its_constraint_holds_or_its_fact_is_not_known() {
    for case in cases() {
        let is_free = case.is_free();
        let Case { constraint, holds, fails, can_be_unknown, .. } = case;
        if is_count(&constraint) {
            continue;
        }
        let terms = read_always().prohibit(read().when(constraint.clone()));
        assert_eq!(codes(&denial(decide(&terms, &holds))), ["prohibited"], "{constraint:?}");
        assert_eq!(permits(&terms, &fails), is_free, "{constraint:?}");
        if can_be_unknown {
            assert_eq!(codes(&denial(decide(&terms, &facts()))), ["prohibited"], "{constraint:?}");
        }
    }
}

#[test]
fn what_is_not_known_does_not_become_known_by_its_opposite() {
    for case in cases() {
        let is_free = case.is_free();
        let Case { constraint, holds, fails, can_be_unknown, .. } = case;
        let terms = read_when(not(&constraint));
        assert!(!permits(&terms, &holds), "{constraint:?}");
        assert_eq!(permits(&terms, &fails), is_free, "{constraint:?}");
        assert!(!can_be_unknown || !permits(&terms, &facts()), "{constraint:?}");
        if is_count(&constraint) {
            continue;
        }
        let terms = read_always().prohibit(read().when(not(&constraint)));
        assert!(permits(&terms, &holds) && !permits(&terms, &fails), "{constraint:?}");
        assert!(!can_be_unknown || !permits(&terms, &facts()), "{constraint:?}");
    }
}

#[test]
fn what_is_not_known_counts_for_the_whole_rule_whatever_else_holds() {
    let [always, never] = ever();
    for Case { constraint, can_be_unknown, .. } in cases() {
        if !can_be_unknown {
            continue;
        }
        let pair = |other: &Constraint| vec![other.clone(), constraint.clone()];
        for compound in [
            Constraint::Any(pair(&always)),
            Constraint::All(pair(&never)),
            Constraint::One(pair(&always)),
            Constraint::Any(vec![always.clone(), not(&Constraint::All(pair(&never)))]),
        ] {
            assert!(!permits(&read_when(compound.clone()), &facts()), "{compound:?}");
            if is_count(&constraint) {
                continue;
            }
            let terms = read_always().prohibit(read().when(compound.clone()));
            assert!(!permits(&terms, &facts()), "{compound:?}");
        }
        if is_count(&constraint) {
            continue;
        }
        // Beside it, a constraint that does not hold would end the prohibition.
        let terms = read_always().prohibit(read().when(never.clone()).when(constraint));
        assert!(!permits(&terms, &facts()));
    }
}

#[test]
fn compounds_hold_as_their_names_say() {
    let [yes, no] = ever();
    let pick = |all: &[bool]| -> Vec<_> {
        all.iter().map(|one| if *one { yes.clone() } else { no.clone() }).collect()
    };
    for parts in [
        &[false, false][..],
        &[false, true],
        &[true, false],
        &[true, true],
        &[false, false, false],
        &[true, false, true],
        &[false, false, true],
        &[true, true, true],
    ] {
        let holding = parts.iter().filter(|one| **one).count();
        for (compound, expected) in [
            (Constraint::All(pick(parts)), holding == parts.len()),
            (Constraint::Any(pick(parts)), holding > 0),
            (Constraint::One(pick(parts)), holding == 1),
        ] {
            assert_eq!(permits(&read_when(not(&compound)), &facts()), !expected);
            assert_eq!(permits(&read_when(compound), &facts()), expected, "{parts:?}");
        }
    }
}

#[test]
fn every_constraint_is_good_cedar_alone_and_within_others() {
    let [always, never] = ever();
    for case in cases() {
        let is_free = case.is_free();
        let Case { constraint, holds, fails, .. } = case;
        let nested = [
            constraint.clone(),
            not(&constraint),
            Constraint::All(vec![constraint.clone(), always.clone()]),
            Constraint::Any(vec![never.clone(), constraint.clone()]),
            Constraint::One(vec![constraint.clone(), never.clone()]),
            not(&Constraint::One(vec![
                never.clone(),
                Constraint::All(vec![always.clone(), not(&constraint)]),
            ])),
        ];
        for one in nested {
            // The policies are validated in strict mode here, and compiled.
            let terms = read_when(one.clone());
            assert_eq!(program(&terms).fallbacks(), 0, "{one:?}");
            let is_negated = permits(&terms, &fails);
            assert!(is_negated != permits(&terms, &holds) || !is_free);
            if !is_count(&constraint) {
                let forbidding = read_always().prohibit(read().when(one.clone()));
                assert_eq!(program(&forbidding).fallbacks(), 0, "{one:?}");
                assert_eq!(permits(&forbidding, &holds), !permits(&terms, &holds), "{one:?}");
            }
        }
    }
}

#[test]
fn each_clause_says_what_it_demands_and_who_vouches_for_it() {
    let label = |terms: &Terms| terms.clauses().last().unwrap().assurance;
    let mut words = Vec::new();
    for Case { constraint, label: expected, .. } in cases() {
        let terms = read_when(constraint.clone());
        let clause = terms.clauses().pop().unwrap();
        words.push(format!("{:11} {}\n", clause.assurance.to_string(), clause.words));
        assert_eq!(clause.assurance, expected, "{constraint:?}");
        let deep = Constraint::Any(vec![ever()[0].clone(), not(&constraint)]);
        assert_eq!(label(&read_when(deep.clone())), expected, "{constraint:?}");
        let forbids = |action| Rule::new([action]).when(deep.clone());
        assert_eq!(label(&read_always().prohibit(forbids(Action::Read))), expected);
        assert_eq!(label(&read_always().prohibit(forbids(Action::Train))), Assurance::Legal);
    }
    let [yes, no] = ever();
    for compound in [
        Constraint::All(vec![yes.clone(), no.clone()]),
        Constraint::Any(vec![yes.clone(), no.clone(), not(&yes)]),
        Constraint::One(vec![yes.clone(), Constraint::All(vec![yes, no])]),
    ] {
        words.push(format!("{:11} {}\n", "", read_when(compound).clauses()[0].words));
    }
    assert_golden("constraints.words.txt", &words.concat());
}

#[test]
fn a_denial_says_which_demand_is_not_met_and_whether_anybody_knows() {
    let role = read_when(Constraint::Role(set(&["auditor"])));
    assert_eq!(
        denial(decide(&role, &facts())).to_string(),
        "permission-1: the consumer must have the role auditor; it has the role consumer"
    );
    let sandbox = read_when(not(&Constraint::Any(vec![Constraint::Sandbox, ever()[0].clone()])));
    assert_eq!(
        denial(decide(&sandbox, &facts())).to_string(),
        "permission-1: the environment must be known; the environment is not known"
    );
    for Case { constraint, holds, fails, .. } in cases() {
        let terms = read_when(constraint.clone()).permit(Rule::new([Action::Train]));
        let nothing = Facts { action: Action::Share, ..holds };
        assert_eq!(codes(&denial(decide(&terms, &nothing))), ["not-covered"]);
        let denial = denial(decide(&terms, &fails));
        assert!(codes(&denial).iter().all(|code| *code == "unmet"), "{constraint:?}");
    }
}
