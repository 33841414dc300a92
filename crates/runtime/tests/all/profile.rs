//! The space's profile: it can only tighten what contracts permit.

use dataspace_ledger::Refusal;
use dataspace_primitives::Signed;
use dataspace_runtime::{ChangeError, setup::SetupError};
use dataspace_usage_contract::profile::ProfileError;

use crate::support::{
    Files, Node, codes, name, profile, provider, signed_profile, stranger, terms,
};

#[test]
fn a_new_profile_applies_to_running_contracts_and_is_named_in_their_records() {
    let node = Node::new();
    let contract = node.contract(terms());
    drop(node.released(contract));
    let forbid = "@id(\"closed\") forbid (principal, action, resource)
        when { context.purpose == \"research\" };";
    for (version, policies) in [(2, forbid), (3, "")] {
        let profile = signed_profile(|profile| {
            profile.version = version;
            profile.policies = policies.to_owned();
        });
        node.space.publish(profile).unwrap();
        if version == 2 {
            assert_eq!(codes(&node.denied(contract)), ["forbidden-by-space"]);
        } else {
            drop(node.released(contract));
        }
    }
    let versions: Vec<_> = node.decisions().iter().map(|one| one.profile).collect();
    assert_eq!(versions, [1, 2, 3]);
}

#[test]
fn an_older_or_equal_version_is_refused() {
    let node = Node::new();
    node.space.publish(signed_profile(|profile| profile.version = 5)).unwrap();
    for version in [1, 4, 5] {
        let refused = node.space.publish(signed_profile(|profile| {
            profile.version = version;
            // The very profile in force is no error: see `what_is_in_force_is_not_recorded_again`.
            profile.parameters.request_age_secs_max = 77;
        }));
        let expected = matches!(
            refused,
            Err(ChangeError::Refused(Refusal::Profile(ProfileError::Version { .. })))
        );
        assert!(expected, "{version}");
    }
}

#[test]
fn a_profile_that_permits_is_refused() {
    let node = Node::new();
    let refused = node.space.publish(signed_profile(|profile| {
        profile.version = 2;
        profile.policies = "@id(\"gift\") permit (principal, action, resource);".to_owned();
    }));
    assert!(matches!(
        refused,
        Err(ChangeError::Refused(Refusal::Profile(ProfileError::Policies(_))))
    ));
}

#[test]
fn a_profile_of_another_space_or_authority_is_refused() {
    let node = Node::new();
    let other_space = node.space.publish(signed_profile(|profile| {
        profile.version = 2;
        profile.space = name("another space");
    }));
    assert!(matches!(
        other_space,
        Err(ChangeError::Refused(Refusal::Profile(ProfileError::Space { .. })))
    ));
    let mut forged = profile();
    forged.version = 2;
    let forged = node.space.publish(Signed::sign(&forged, &stranger()).unwrap());
    assert!(matches!(forged, Err(ChangeError::Refused(Refusal::Profile(ProfileError::Verify(_))))));
    let other_authority = node.space.publish(signed_profile(|profile| {
        profile.version = 2;
        profile.authority = stranger().did().clone();
    }));
    assert!(matches!(
        other_authority,
        Err(ChangeError::Refused(Refusal::Profile(ProfileError::Authority { .. })))
    ));
}

#[test]
fn no_space_is_founded_on_a_forged_profile() {
    let files = Files::new();
    let forged = Signed::sign(&profile(), &stranger()).unwrap();
    let refused = files.setup(provider()).create(forged);
    assert!(matches!(refused, Err(SetupError::Profile(_))));
    assert!(!files.path().exists());
}

#[test]
fn a_space_is_not_founded_twice_in_one_directory() {
    let files = Node::new().close();
    let refused = files.setup(provider()).create(signed_profile(|_| {}));
    assert!(matches!(refused, Err(SetupError::Create(_))));
    drop(files.open().unwrap());
}

#[test]
fn what_a_new_profile_no_longer_admits_is_denied_under_running_contracts() {
    let tighten: [fn(&mut dataspace_usage_contract::SpaceProfile); 3] = [
        |profile| profile.data.product_classes = [name("another class")].into(),
        |profile| profile.entities.roles = [name("another role")].into(),
        |profile| profile.entities.regions = ["JP".parse().unwrap()].into(),
    ];
    for change in tighten {
        let node = Node::new();
        let contract = node.contract(terms());
        node.space
            .publish(signed_profile(|profile| {
                profile.version = 2;
                change(profile);
            }))
            .unwrap();
        assert_eq!(codes(&node.denied(contract)), ["outside-profile"]);
        // The product can still be attached after a restart; the denial stays.
        let node = node.close().reopen();
        assert_eq!(codes(&node.denied(contract)), ["outside-profile"]);
    }
}
