//! Terms that may not be signed, and what a signer is shown of those that may.

use dataspace_policy::{
    Action, Assurance, CLAUSES_MAX, ClauseId, ClauseKind, ColumnMask, Constraint, Duty,
    InvalidTerms, Legal, MaskMethod, Rule, Terms, VALUES_MAX,
};
use dataspace_primitives::cbor;

use crate::support::{assert_golden, name, purposes, read_always, read_when, regions, rich, time};

const FIRST: ClauseId = ClauseId { kind: ClauseKind::Permission, number: 1 };

fn mask(column: &str) -> Duty {
    Duty::Mask(ColumnMask { column: name(column), method: MaskMethod::Hash })
}

fn label(rule: &Rule, kind: ClauseKind) -> Assurance {
    let terms = match kind {
        ClauseKind::Prohibition => read_always().prohibit(rule.clone()),
        _ => Terms::new().permit(rule.clone()),
    };
    terms.clauses().last().unwrap().assurance
}

#[test]
fn terms_without_a_permission_are_refused() {
    assert_eq!(Terms::new().check(), Err(InvalidTerms::NoPermission));
    let only_forbids = Terms::new().prohibit(Rule::new([Action::Read])).duty(mask("a"));
    assert_eq!(only_forbids.check(), Err(InvalidTerms::NoPermission));
}

#[test]
fn a_rule_without_actions_is_refused() {
    let terms = Terms::new().permit(Rule::new([]));
    assert_eq!(terms.check(), Err(InvalidTerms::NoAction { clause: FIRST }));
    let clause = ClauseId { kind: ClauseKind::Prohibition, number: 1 };
    let terms = read_always().prohibit(Rule::new([]));
    assert_eq!(terms.check(), Err(InvalidTerms::NoAction { clause }));
}

#[test]
fn sixty_four_clauses_of_a_kind_are_possible_and_no_more() {
    let fill = |len: usize| {
        [
            Terms { permissions: vec![Rule::new([Action::Read]); len], ..Terms::new() },
            Terms { prohibitions: vec![Rule::new([Action::Read]); len], ..read_always() },
            Terms { duties: (0..len).map(|i| mask(&i.to_string())).collect(), ..read_always() },
            Terms { legal: vec![Legal::Log; len], ..read_always() },
        ]
    };
    for terms in fill(CLAUSES_MAX) {
        assert_eq!(terms.check(), Ok(()));
    }
    for terms in fill(CLAUSES_MAX + 1) {
        assert_eq!(terms.check(), Err(InvalidTerms::TooManyClauses { found: CLAUSES_MAX + 1 }));
    }
}

#[test]
fn an_empty_or_endless_constraint_is_refused() {
    for found in [0, VALUES_MAX + 1] {
        let purposes = (0..found).map(|i| name(&i.to_string())).collect();
        let error = read_when(Constraint::Purpose(purposes)).check();
        assert_eq!(error, Err(InvalidTerms::ValueCount { clause: FIRST, found }));
    }
    assert_eq!(
        read_when(Constraint::Jurisdiction([].into())).check(),
        Err(InvalidTerms::ValueCount { clause: FIRST, found: 0 })
    );
}

#[test]
fn two_constraints_of_one_kind_are_refused() {
    let rule = Rule::new([Action::Read]).when(purposes(&["a"])).when(regions(&["DE"]));
    assert_eq!(Terms::new().permit(rule.clone()).check(), Ok(()));
    let error = Terms::new().permit(rule.when(purposes(&["b"]))).check();
    assert_eq!(error, Err(InvalidTerms::RepeatedConstraint { clause: FIRST }));
}

#[test]
fn a_count_is_at_least_one_and_only_in_permissions() {
    assert_eq!(read_when(Constraint::Count(1)).check(), Ok(()));
    assert_eq!(
        read_when(Constraint::Count(0)).check(),
        Err(InvalidTerms::ZeroCount { clause: FIRST })
    );
    let clause = ClauseId { kind: ClauseKind::Prohibition, number: 1 };
    let forbid = read_always().prohibit(Rule::new([Action::Read]).when(Constraint::Count(2)));
    assert_eq!(forbid.check(), Err(InvalidTerms::CountInProhibition { clause }));
}

#[test]
fn a_duty_that_cannot_be_carried_out_makes_the_terms_unsignable() {
    let method = MaskMethod::Round { decimals: 19 };
    let terms =
        read_always().duty(mask("a")).duty(Duty::Mask(ColumnMask { column: name("b"), method }));
    let clause = ClauseId { kind: ClauseKind::Duty, number: 2 };
    assert!(matches!(terms.check(), Err(InvalidTerms::Duty { clause: c, .. }) if c == clause));
}

#[test]
fn two_masks_on_one_column_are_refused() {
    let terms = read_always().duty(mask("a")).duty(mask("b")).duty(mask("a"));
    let clause = ClauseId { kind: ClauseKind::Duty, number: 3 };
    let column = name("a");
    assert_eq!(terms.check(), Err(InvalidTerms::RepeatedMask { clause, column }));
}

#[test]
fn the_limit_of_uses_is_the_largest_and_one_unlimited_permission_lifts_it() {
    let count = |n| Rule::new([Action::Read]).when(Constraint::Count(n));
    let terms = Terms::new().permit(count(3)).permit(count(7)).permit(count(5));
    assert_eq!(terms.uses_max(), Some(7));
    assert_eq!(terms.permit(Rule::new([Action::Query])).uses_max(), None);
    assert_eq!(Terms::new().uses_max(), Some(0));
}

#[test]
fn what_the_monitor_sees_itself_is_enforced() {
    let rule = Rule::new([Action::Read, Action::Query, Action::Aggregate, Action::Transfer])
        .when(time("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"))
        .when(regions(&["DE"]));
    assert_eq!(label(&rule, ClauseKind::Permission), Assurance::Enforced);
    assert_eq!(label(&rule, ClauseKind::Prohibition), Assurance::Enforced);
}

#[test]
fn a_stated_purpose_is_attested_and_never_enforced() {
    let rule = Rule::new([Action::Read]).when(purposes(&["research"]));
    assert_eq!(label(&rule, ClauseKind::Permission), Assurance::Attested);
    assert_eq!(label(&rule, ClauseKind::Prohibition), Assurance::Attested);
}

#[test]
fn what_happens_after_release_is_never_called_enforced() {
    for action in Action::ALL {
        for rule in [Rule::new([action]), Rule::new([action, Action::Read])] {
            let labels =
                [ClauseKind::Permission, ClauseKind::Prohibition].map(|kind| label(&rule, kind));
            let expected = if action.is_after_release() {
                [Assurance::Attested, Assurance::Legal]
            } else {
                [Assurance::Enforced, Assurance::Enforced]
            };
            assert_eq!(labels, expected, "{action}");
        }
    }
}

#[test]
fn every_clause_has_words_and_a_label_in_the_order_of_the_document() {
    let text: String = rich()
        .clauses()
        .iter()
        .map(|clause| {
            format!("{:14} {:9} {}\n", clause.id.to_string(), clause.assurance, clause.words)
        })
        .collect();
    assert_golden("rich.words.txt", &text);
}

#[test]
fn terms_have_one_encoding_and_come_back_the_same() {
    let bytes = cbor::to_canonical(&rich()).unwrap();
    assert_eq!(cbor::from_canonical::<Terms>(&bytes, 61_440).unwrap(), rich());
}
