//! Every constraint, one by one: what it permits, what it denies, what it does where the fact is
//! not known, alone and within others.

use dataspace_policy::{Action, Assurance, Constraint, Facts, Rule, Terms};

use crate::constraint_cases::{Case, cases, set};
use crate::support::{
    assert_golden, at, codes, decide, denial, facts, permits, program, read_always, read_when,
};

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
