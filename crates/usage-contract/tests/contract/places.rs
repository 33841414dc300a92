//! A document of one space, or of one node, says nothing in another.

use dataspace_identity::{DidKeys, Origin, SecretKey, SpaceId};
use dataspace_policy::{Vocabulary, cedar_text::COMPILER_VERSION};
use dataspace_primitives::Signed;
use dataspace_usage_contract::{
    Agreement, Offer, ProviderPolicies, PublishedPolicies, agreement::AgreeError, contract_id,
    offer::OfferError, own_policies::ProviderPoliciesError,
};

use crate::support::{
    accepted, agreement, conclude, consumer, key, log, mallory, name, now, offer, provider,
    signed_by, space, verified,
};

/// The provider's other node.
fn other_log() -> Origin {
    Origin::named(provider().did(), "ffeeddccbbaa99887766554433221100").unwrap()
}

fn other_spaces() -> [SpaceId; 2] {
    [
        SpaceId::new(key(5).did().clone(), name("materials-2")),
        SpaceId::new(key(6).did().clone(), name("materials")),
    ]
}

#[test]
fn the_agreement_is_of_the_space_and_the_log_of_the_offer() {
    let agreement = agreement();
    assert_eq!((&agreement.value().space, &agreement.value().log), (&space(), &log()));
    let mut offers = vec![Offer { log: other_log(), ..offer() }];
    offers.extend(other_spaces().map(|space| Offer { space, ..offer() }));
    for other in offers {
        let other = verified(&other);
        let elsewhere = conclude(&other, &accepted(&other, &consumer())).unwrap();
        assert_ne!(contract_id(&elsewhere), contract_id(&agreement));
    }
}

#[test]
fn a_log_of_somebody_else_runs_no_contract() {
    for operator in [consumer(), mallory()] {
        let log = Origin::named(operator.did(), "node-1").unwrap();
        let foreign = Offer { log: log.clone(), ..offer() };
        assert!(matches!(foreign.sign(&provider()), Err(OfferError::Log { .. })));
        let forged = Signed::sign(&foreign, &provider()).unwrap();
        let error = Offer::verify(forged, provider().did(), &DidKeys, now()).unwrap_err();
        assert!(matches!(error, OfferError::Log { log: found, .. } if found == log));
        let value = Agreement { log: log.clone(), ..agreement().value().clone() };
        let signed = signed_by(&value, [&provider(), &consumer()]);
        let error = Agreement::verify(signed, &DidKeys, now()).unwrap_err();
        assert!(matches!(error, AgreeError::Log { log: found, .. } if found == log));
    }
}

#[test]
fn cedar_text_that_is_not_the_terms_is_refused_though_both_signed() {
    let mut value = agreement().value().clone();
    assert_eq!((value.compiler, value.compiled_elsewhere()), (COMPILER_VERSION, None));
    value.cedar = value.cedar.replace("context.uses < 3", "context.uses < 4");
    assert_ne!(&value, agreement().value());
    let signed = signed_by(&value, [&provider(), &consumer()]);
    assert!(matches!(Agreement::verify(signed, &DidKeys, now()), Err(AgreeError::TextDiffers)));
}

#[test]
fn a_text_of_another_compiler_stands_and_can_be_told() {
    for compiler in [0, COMPILER_VERSION + 1, u32::MAX] {
        let mut value = Agreement { compiler, ..agreement().value().clone() };
        value.cedar = value.cedar.replace("context.uses < 3", "3 > context.uses");
        let signed = signed_by(&value, [&provider(), &consumer()]);
        let agreement = Agreement::verify(signed, &DidKeys, now()).unwrap();
        assert_eq!(agreement.value().compiled_elsewhere(), Some(compiler));
    }
}

#[test]
fn a_providers_policies_hold_at_the_node_and_in_the_space_that_they_name() {
    let cedar = "@id(\"f\") forbid(principal, action, resource);".to_owned();
    let own = ProviderPolicies { space: space(), log: log(), version: 1, cedar };
    let publish = |policies: &ProviderPolicies, by: &SecretKey| {
        let signed = Signed::sign(policies, by).unwrap();
        let (purpose, class, role) = (name("research"), name("test-results"), name("consumer"));
        let names = Vocabulary {
            space: &space().name,
            purposes: vec![&purpose],
            classes: vec![&class],
            roles: vec![&role],
            is_did: |_| true,
        };
        PublishedPolicies::publish(signed, (&space(), &log()), &names, None, &DidKeys, now())
    };
    assert!(publish(&own, &provider()).is_ok());
    for (purpose, is_good) in [("research", true), ("reserch", false)] {
        let when = format!(" when {{ context.purpose == \"{purpose}\" }};");
        let about = ProviderPolicies { cedar: own.cedar.replace(';', &when), ..own.clone() };
        match publish(&about, &provider()) {
            Ok(_) => assert!(is_good),
            Err(error) => {
                assert!(!is_good && matches!(error, ProviderPoliciesError::Value(_)), "{error}");
            }
        }
    }
    for space in other_spaces() {
        let elsewhere = ProviderPolicies { space: space.clone(), ..own.clone() };
        let error = publish(&elsewhere, &provider()).unwrap_err();
        assert!(matches!(error, ProviderPoliciesError::Space { found, .. } if *found == space));
    }
    let elsewhere = ProviderPolicies { log: other_log(), ..own.clone() };
    let error = publish(&elsewhere, &provider()).unwrap_err();
    assert!(matches!(error, ProviderPoliciesError::Log { found, .. } if found == other_log()));
    let error = publish(&own, &mallory()).unwrap_err();
    assert!(matches!(error, ProviderPoliciesError::Verify(_)));
}
