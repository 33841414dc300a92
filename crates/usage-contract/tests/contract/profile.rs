//! What a space authority may publish.

use std::collections::BTreeMap;

use dataspace_identity::SecretKey;
use dataspace_odrl::{
    OdrlOperands,
    operands::{OperandFact, OwnOperand, ValueType},
};
use dataspace_policy::policies::InvalidPolicies;
use dataspace_primitives::{Name, Signed};
use dataspace_usage_contract::{
    DataRules, EntityRules, Parameters, PublishedProfile, Scenario, SpaceProfile, Suite,
    profile::{DENIALS_PER_MINUTE, ProfileError},
    scenario::BROADER_LEVELS_MAX,
};

use crate::support::{mallory, name, now, provider};

pub(crate) fn profile() -> SpaceProfile {
    SpaceProfile {
        space: name("materials"),
        version: 1,
        authority: provider().did().clone(),
        parameters: Parameters {
            suite: Suite::Intl,
            request_age_secs_max: 300,
            denials_per_minute: DENIALS_PER_MINUTE,
        },
        scenarios: [(name("research"), Scenario::new(name("public research")))].into(),
        entities: EntityRules { roles: [name("consumer")].into(), regions: [].into() },
        data: DataRules { product_classes: [name("open")].into() },
        policies: "@id(\"f\") forbid(principal, action, resource) when { context.uses > 9 };"
            .into(),
        odrl: OdrlOperands::default(),
        statements: [].into(),
    }
}

fn publish(profile: &SpaceProfile, by: &SecretKey) -> Result<PublishedProfile, ProfileError> {
    let signed = Signed::sign(profile, by).unwrap();
    PublishedProfile::publish(signed, provider().did(), now())
}

fn refused(change: impl FnOnce(&mut SpaceProfile)) -> ProfileError {
    let mut changed = profile();
    change(&mut changed);
    publish(&changed, &provider()).unwrap_err()
}

#[test]
fn a_profile_of_the_authority_is_published() {
    let published = publish(&profile(), &provider()).unwrap();
    assert_eq!(published.profile(), &profile());
    assert_eq!(published.policies().ids().collect::<Vec<_>>(), ["f"]);
}

#[test]
fn a_profile_by_another_authority_is_refused() {
    assert!(matches!(publish(&profile(), &mallory()), Err(ProfileError::Verify(_))));
    let error = refused(|profile| profile.authority = mallory().did().clone());
    assert!(matches!(error, ProfileError::Authority { .. }));
}

#[test]
fn a_profile_that_permits_is_refused() {
    let error = refused(|p| p.policies = "@id(\"x\") permit(principal, action, resource);".into());
    assert!(matches!(error, ProfileError::Policies(InvalidPolicies::Permit { .. })));
}

#[test]
fn a_profile_without_one_of_its_parts_is_refused() {
    for error in [
        refused(|profile| profile.version = 0),
        refused(|profile| profile.scenarios.clear()),
        refused(|profile| profile.entities.roles.clear()),
        refused(|profile| profile.data.product_classes.clear()),
    ] {
        assert!(matches!(error, ProfileError::Missing { .. }));
    }
}

fn scenarios(all: &[(&str, Option<&str>)]) -> BTreeMap<Name, Scenario> {
    let one = |(id, broader): &(&str, Option<&str>)| {
        let broader = broader.map(name);
        (name(id), Scenario { description: name("a purpose"), broader })
    };
    all.iter().map(one).collect()
}

#[test]
fn a_purpose_stands_for_itself_and_every_broader_one() {
    let tree =
        [("all", None), ("research", Some("all")), ("alloys", Some("research")), ("other", None)];
    let profile = SpaceProfile { scenarios: scenarios(&tree), ..profile() };
    let published = publish(&profile, &provider()).unwrap();
    for (purpose, expected) in [
        ("all", &["all"][..]),
        ("research", &["all", "research"]),
        ("alloys", &["all", "alloys", "research"]),
        ("other", &["other"]),
    ] {
        let found = published.purposes(&name(purpose)).unwrap();
        assert_eq!(found.iter().map(Name::as_str).collect::<Vec<_>>(), expected);
    }
    assert_eq!(published.purposes(&name("marketing")), None);
}

#[test]
fn a_broader_purpose_must_be_one_of_the_profile() {
    let error = refused(|profile| {
        profile.scenarios = scenarios(&[("a", Some("b")), ("b", Some("c"))]);
    });
    assert!(matches!(error, ProfileError::UnknownBroader { scenario, broader }
        if scenario == name("b") && broader == name("c")));
}

#[test]
fn purposes_in_a_circle_are_refused() {
    for circle in [
        &[("a", Some("a"))][..],
        &[("a", Some("b")), ("b", Some("a"))],
        &[("a", Some("b")), ("b", Some("c")), ("c", Some("b")), ("d", None)],
    ] {
        let error = refused(|profile| profile.scenarios = scenarios(circle));
        assert!(matches!(error, ProfileError::Hierarchy { .. }));
    }
}

#[test]
fn purposes_have_at_most_eight_levels() {
    let chain = |len: usize| {
        let names: Vec<_> = (0..len).map(|level| format!("level {level}")).collect();
        let above = |level: usize| level.checked_sub(1).map(|up| names[up].as_str());
        let all: Vec<_> = (0..len).map(|level| (names[level].as_str(), above(level))).collect();
        scenarios(&all)
    };
    let eight = SpaceProfile { scenarios: chain(BROADER_LEVELS_MAX), ..profile() };
    let published = publish(&eight, &provider()).unwrap();
    assert_eq!(published.purposes(&name("level 7")).unwrap().len(), 8);
    let error = refused(|profile| profile.scenarios = chain(BROADER_LEVELS_MAX + 1));
    assert!(matches!(error, ProfileError::Hierarchy { .. }));
}

#[test]
fn requests_may_be_one_second_to_one_hour_old() {
    for age in [0, 3601, u32::MAX] {
        let error = refused(|profile| profile.parameters.request_age_secs_max = age);
        assert!(matches!(error, ProfileError::RequestAge { found } if found == age));
    }
    for age in [1, 3600] {
        let parameters = Parameters { request_age_secs_max: age, ..profile().parameters };
        assert!(publish(&SpaceProfile { parameters, ..profile() }, &provider()).is_ok());
    }
}

#[test]
fn a_version_must_follow_the_one_in_force_in_the_same_space() {
    let version = |version| publish(&SpaceProfile { version, ..profile() }, &provider()).unwrap();
    assert!(version(3).check_follows(&version(2)).is_ok());
    for found in [1, 2] {
        let error = version(found).check_follows(&version(2)).unwrap_err();
        assert!(matches!(error, ProfileError::Version { .. }));
    }
    let elsewhere = SpaceProfile { space: name("steel"), version: 9, ..profile() };
    let elsewhere = publish(&elsewhere, &provider()).unwrap();
    let error = elsewhere.check_follows(&version(2)).unwrap_err();
    assert!(matches!(error, ProfileError::Space { .. }));
    // A space of the same name, of another authority.
    let namesake = SpaceProfile { authority: mallory().did().clone(), version: 9, ..profile() };
    let namesake = Signed::sign(&namesake, &mallory()).unwrap();
    let namesake = PublishedProfile::publish(namesake, mallory().did(), now()).unwrap();
    let error = namesake.check_follows(&version(2)).unwrap_err();
    assert!(matches!(error, ProfileError::Space { .. }));
}

#[test]
fn an_odrl_document_is_read_with_the_operands_of_the_space() {
    let fact = OperandFact::Attribute { name: name("tier"), values: ValueType::Text };
    let own = OwnOperand { fact, words: name("the partner tier") };
    let operands = [(name("https://space.example/tier"), own.clone())].into();
    let odrl = OdrlOperands { operands, ..OdrlOperands::default() };
    let published = publish(&SpaceProfile { odrl, ..profile() }, &provider()).unwrap();
    let text = r#"{"@type": "Offer", "permission": [{"action": "use", "constraint": [
        {"leftOperand": "https://space.example/tier", "operator": "eq", "rightOperand": "gold"}
    ]}]}"#;
    let terms = published.odrl(text).unwrap().terms;
    assert!(published.clauses(&terms)[0].words.ends_with("if the partner tier is gold"));
    let other = publish(&profile(), &provider()).unwrap();
    assert!(other.odrl(text).is_err());
    assert!(other.clauses(&terms)[0].words.ends_with("its credentials say that tier is gold"));

    let error = refused(|profile| {
        profile.odrl.operands.insert(name("purpose"), own);
    });
    assert!(matches!(error, ProfileError::Operands(_)), "{error}");
}
