//! Terms to Cedar: the text is pinned, and nothing that a name holds becomes Cedar.

use dataspace_policy::{
    Action, Constraint, Layer, Policies, Program, Rule, Scope, Terms, policies::InvalidPolicies,
};
use dataspace_primitives::{Name, Region};
use proptest::prelude::*;

use crate::support::{
    Decision, Told as _, assert_golden, decide, facts, name, permits, program, read_always,
    read_when, rich, scope,
};

/// Texts that would break out of a string that is quoted carelessly.
const HOSTILE: [&str; 16] = [
    "\") || true //",
    "\"",
    "\\",
    "\\\"",
    "\\\\\" || true || \"",
    "\\u{22}) || true //",
    "x\"] ) ; @id(\"z\") permit(principal, action, resource); //",
    "*\\*",
    "'",
    "a\\",
    "\\x22",
    "\\0",
    "${x}",
    "{}",
    "// not a comment",
    "x\u{1e8d0}\u{301}材料",
];

/// Only a `String` can hold these; a `Name` refuses them.
const HOSTILE_STRINGS: [&str; 7] =
    ["\u{202e}nimda", "a\nb\"\n", "\0", "\r\n//", "", " ", "\u{1b}[2J\u{7f}\u{feff}\u{200b}"];

#[test]
fn the_text_of_a_rich_contract_is_pinned() {
    assert_golden("rich.cedar", &rich().to_cedar(&scope()).unwrap());
}

#[test]
fn the_same_terms_give_the_same_text_whatever_the_order_of_their_sets() {
    let one = rich().to_cedar(&scope()).unwrap();
    assert_eq!(rich().to_cedar(&scope()).unwrap(), one);
    let ab = Rule::new([Action::Read, Action::Query]);
    let ba = Rule::new([Action::Query, Action::Read, Action::Query]);
    let text = |rule| Terms::new().permit(rule).to_cedar(&scope()).unwrap();
    assert_eq!(text(ab), text(ba));
}

#[test]
fn each_permission_and_prohibition_is_one_policy_with_its_clause_id() {
    let terms = rich();
    let policies = Policies::parse(&terms.to_cedar(&scope()).unwrap(), Layer::Contract).unwrap();
    let mut expected: Vec<_> =
        terms.clauses().into_iter().map(|clause| clause.id.to_string()).collect();
    expected.retain(|id| id.starts_with('p'));
    expected.sort();
    assert_eq!(policies.ids().collect::<Vec<_>>(), expected);
    assert_eq!(expected.len(), terms.permissions.len() + terms.prohibitions.len());
}

#[test]
fn terms_that_must_not_be_signed_have_no_text() {
    assert!(Terms::new().to_cedar(&scope()).is_err());
    assert!(Terms::new().permit(Rule::new([])).to_cedar(&scope()).is_err());
}

#[test]
fn a_hostile_purpose_permits_itself_and_nothing_else() {
    for hostile in HOSTILE {
        let terms = read_when(Constraint::Purpose([name(hostile)].into()));
        assert_eq!(program(&terms).text(), terms.to_cedar(&scope()).unwrap());
        assert!(!permits(&terms, &facts()), "{hostile:?} let another purpose in");
        let mut same = facts();
        same.purpose = hostile;
        assert!(permits(&terms, &same), "{hostile:?} does not mean itself");
    }
}

#[test]
fn a_hostile_product_name_covers_itself_and_nothing_else() {
    for hostile in HOSTILE {
        let scope = Scope { product: name(hostile), ..scope() };
        let text = read_always().to_cedar(&scope).unwrap();
        let program = Program::new(&text).unwrap();
        let outcome = |product: &str| {
            let facts = dataspace_policy::Facts { product, ..facts() };
            matches!(program.told(&facts, None), Decision::Permit(_))
        };
        assert!(outcome(hostile) && !outcome("alloys"), "{hostile:?}");
    }
}

#[test]
fn a_hostile_participant_is_itself_and_nobody_else() {
    for hostile in HOSTILE.into_iter().chain(HOSTILE_STRINGS) {
        let scope = Scope { consumer: hostile.to_owned(), ..scope() };
        let text = read_always().to_cedar(&scope).unwrap();
        let policies = Policies::parse(&text, Layer::Contract).unwrap();
        assert_eq!(policies.ids().collect::<Vec<_>>(), ["permission-1"], "{hostile:?}");
        let program = Program::new(&text).unwrap();
        let outcome = |participant: &str| {
            let facts = dataspace_policy::Facts { participant, ..facts() };
            matches!(program.told(&facts, None), Decision::Permit(_))
        };
        assert!(outcome(hostile), "{hostile:?} does not mean itself");
        assert!(!outcome(facts().participant), "{hostile:?} let somebody else in");
    }
}

#[test]
fn generated_text_holds_no_raw_control_or_bidirectional_character() {
    for hostile in HOSTILE_STRINGS {
        let scope = Scope { consumer: hostile.to_owned(), ..scope() };
        let text = read_always().to_cedar(&scope).unwrap();
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    }
}

#[test]
fn a_hostile_prohibited_purpose_still_forbids() {
    for hostile in HOSTILE {
        let only = Rule::new([Action::Read]).when(Constraint::Purpose([name(hostile)].into()));
        let terms = read_always().prohibit(only);
        let mut same = facts();
        same.purpose = hostile;
        assert!(!permits(&terms, &same), "{hostile:?}");
        assert!(permits(&terms, &facts()), "{hostile:?}");
    }
}

#[test]
fn the_longest_name_all_escaped_fits_the_bounds() {
    let longest = name(&"x\u{301}".repeat(42)); // begins with a letter, 3 bytes each
    for product in [longest, name(&"\"".repeat(128))] {
        let scope = Scope { product: product.clone(), ..scope() };
        let terms = read_when(Constraint::Purpose([product.clone()].into()));
        Program::new(&terms.to_cedar(&scope).unwrap()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_string_at_all_breaks_out(consumer in any::<String>(), purpose in "\\PC{1,40}") {
        let Ok(purpose) = purpose.parse::<Name>() else { return Ok(()) };
        let mut terms = read_when(Constraint::Purpose([purpose.clone()].into()));
        terms.permissions.push(Rule::new([Action::Query]));
        let text = terms.to_cedar(&Scope { consumer: consumer.clone(), ..scope() }).unwrap();
        let policies = Policies::parse(&text, Layer::Contract).unwrap();
        prop_assert_eq!(policies.ids().count(), 2);
        let program = Program::new(&text).unwrap();
        let mut own = facts();
        own.participant = &consumer;
        own.purpose = purpose.as_str();
        let permitted = matches!(
            program.told(&own, None),
            Decision::Permit(_)
        );
        prop_assert!(permitted);
        prop_assert!(matches!(
            program.told(&facts(), None),
            Decision::Deny(_)
        ));
    }
}

#[test]
fn the_most_regular_terms_that_the_bounds_take_are_decided() {
    // Short values, so that there are as many as can be.
    let full = || {
        let purposes = (0..64).map(|i| name(&char::from(b'0' + i).to_string())).collect();
        let regions = Region::all().take(64).collect();
        Rule::new(Action::ALL)
            .when(Constraint::Purpose(purposes))
            .when(Constraint::Jurisdiction(regions))
    };
    let mut terms = Terms::new();
    let is_taken = |terms: &Terms| {
        let text = terms.to_cedar(&scope()).unwrap();
        match Program::new(&text) {
            Err(InvalidPolicies::Bounds(_)) => false,
            program => program.is_ok(),
        }
    };
    while is_taken(&terms.clone().permit(full())) {
        terms = terms.permit(full());
    }
    assert!(terms.permissions.len() > 12, "{}", terms.permissions.len());
    let mut facts = facts();
    facts.purpose = "0";
    facts.region = "AD".parse().unwrap();
    let Decision::Permit(grounds) = decide(&terms, &facts) else { panic!() };
    assert_eq!(grounds.policies.len(), terms.permissions.len());
}
