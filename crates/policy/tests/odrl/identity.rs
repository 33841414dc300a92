//! Terms come back as they were.

use dataspace_policy::{Constraint, ODRL_LEN_MAX, Rule, Terms};
use proptest::prelude::*;
use serde_json::Value;

use crate::arbitrary;

fn assert_is_of_the_protocol(rule: &Value) {
    assert!(rule["action"].is_string(), "{rule}");
    for constraint in rule["constraint"].as_array().into_iter().flatten() {
        assert_constraint(constraint);
    }
}

/// What `contract-schema.json` of the Dataspace Protocol asks of a constraint.
fn assert_constraint(constraint: &Value) {
    let members = constraint.as_object().unwrap();
    let logical = ["and", "or", "xone"].iter().find_map(|name| members.get(*name));
    match (logical, members.get("dataspace:not")) {
        (Some(list), None) => list.as_array().unwrap().iter().for_each(assert_constraint),
        (None, Some(one)) => assert_constraint(one),
        _ => {
            assert!(members["leftOperand"].is_string());
            assert!(members["operator"].is_string());
            let right = &members["rightOperand"];
            assert!(right.is_string() || right.is_object() || right.is_array(), "{right}");
        }
    }
}

proptest! {
    #[test]
    fn terms_that_may_be_signed_come_back_as_they_were(terms in arbitrary::terms()) {
        let odrl = terms.to_odrl();
        let text = odrl.to_string();
        prop_assert_eq!(Terms::from_odrl(&text), Ok(terms.clone()), "{}", text);
        // Pretty, too.
        let pretty = serde_json::to_string_pretty(&odrl).unwrap();
        prop_assert_eq!(Terms::from_odrl(&pretty), Ok(terms));
    }

    #[test]
    fn what_is_written_has_the_form_of_the_protocol(terms in arbitrary::terms()) {
        let odrl = terms.to_odrl();
        for list in ["permission", "prohibition", "obligation"] {
            if let Some(list) = odrl.get(list) {
                let list = list.as_array().unwrap();
                prop_assert!(!list.is_empty());
                list.iter().for_each(assert_is_of_the_protocol);
            }
        }
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
    for _ in 0..dataspace_policy::DEPTH_MAX {
        deep = Constraint::Any(vec![deep, Constraint::Attested]);
    }
    let terms = Terms::new().permit(Rule::new(dataspace_policy::Action::ALL).when(deep));
    terms.check().unwrap();
    assert_eq!(Terms::from_odrl(&terms.to_odrl().to_string()).unwrap(), terms);
}

#[test]
fn terms_written_longer_than_the_limit_are_refused_with_their_length() {
    let values = (0..64).map(|i| format!("{i:0>128}").parse().unwrap()).collect();
    let rule = Rule::new([dataspace_policy::Action::Read]).when(Constraint::Purpose(values));
    let terms = (0..64).fold(Terms::new(), |terms, _| terms.permit(rule.clone()));
    terms.check().unwrap();
    let text = terms.to_odrl().to_string();
    assert!(text.len() > ODRL_LEN_MAX);
    let error = Terms::from_odrl(&text).unwrap_err();
    assert_eq!(error.kind, dataspace_policy::OdrlErrorKind::TooLong { len: text.len() });
}
