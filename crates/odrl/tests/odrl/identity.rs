//! Terms come back as they were.

use dataspace_odrl::limits::ODRL_LEN_MAX;
use dataspace_policy::{Constraint, Rule, Terms};
use proptest::prelude::*;

use crate::arbitrary;
use crate::support::{from_odrl, to_odrl};

proptest! {
    #[test]
    fn terms_that_may_be_signed_come_back_as_they_were(terms in arbitrary::terms()) {
        let odrl = to_odrl(&terms);
        let text = odrl.to_string();
        prop_assert_eq!(from_odrl(&text), Ok(terms.clone()), "{}", text);
        // Pretty, too.
        let pretty = serde_json::to_string_pretty(&odrl).unwrap();
        prop_assert_eq!(from_odrl(&pretty), Ok(terms));
    }
}

/// `Not` and `All` to the deepest level, with the deepest values in it.
#[test]
fn the_deepest_terms_come_back() {
    let time = |from: &str, until: &str| {
        let (from, until) = (from.parse().unwrap(), until.parse().unwrap());
        Constraint::Time(dataspace_primitives::Validity::new(from, until).unwrap())
    };
    let mut deep = time("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    for _ in 0..dataspace_policy::constraint::DEPTH_MAX {
        deep = Constraint::Any(vec![deep, Constraint::Attested]);
    }
    let terms = Terms::new().permit(Rule::new(dataspace_policy::Action::ALL).when(deep));
    terms.check().unwrap();
    assert_eq!(from_odrl(&to_odrl(&terms).to_string()).unwrap(), terms);
}

#[test]
fn terms_written_longer_than_the_limit_are_refused_with_their_length() {
    let values = (0..64).map(|i| format!("{i:0>128}").parse().unwrap()).collect();
    let rule = Rule::new([dataspace_policy::Action::Read]).when(Constraint::Purpose(values));
    let terms = (0..64).fold(Terms::new(), |terms, _| terms.permit(rule.clone()));
    terms.check().unwrap();
    let text = to_odrl(&terms).to_string();
    assert!(text.len() > ODRL_LEN_MAX);
    let error = from_odrl(&text).unwrap_err();
    assert_eq!(error.kind, dataspace_odrl::error::OdrlErrorKind::TooLong { len: text.len() });
}
