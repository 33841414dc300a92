//! What no node can carry out is neither offered nor done, and what can never match is not taken.

use dataspace_identity::{DidKeys, Resolver as _};
use dataspace_ledger::{DenialReason, Refusal};
use dataspace_policy::{Action, Constraint, Rule, Terms, facts::ValueKind};
use dataspace_runtime::{ChangeError, replay_decisions};
use dataspace_tlog::Event;
use dataspace_usage_contract::{
    Acceptance, Agreement, Offer, contract_id, own_policies::ProviderPoliciesError,
    profile::ProfileError,
};
use serde_bytes::ByteBuf;

use crate::support::{
    Node, authority, codes, consumer, denied, name, permitted, provider, read_only, released,
    research, rows, signed_profile,
};

const MISSING: [Action; 2] = [Action::Query, Action::Aggregate];

/// What a node of an earlier version would have signed and recorded.
fn with_an_old_contract(terms: Terms) -> (Node, dataspace_usage_contract::ContractId) {
    let node = Node::new();
    let now = node.now();
    let usual =
        Offer::verify(node.offer(Terms::new().permit(research())), provider().did(), &DidKeys, now);
    let offer = Offer { terms, ..usual.unwrap().value().clone() }.sign(&provider()).unwrap();
    let offer = Offer::verify(offer, provider().did(), &DidKeys, now).unwrap();
    let acceptance = Acceptance::sign(&offer, &consumer(), now).unwrap();
    let acceptance = acceptance.verify(&DidKeys.keys(consumer().did()), now).unwrap();
    let agreement = Agreement::conclude(&offer, &acceptance, &provider(), &DidKeys, now).unwrap();
    let files = node.close();
    let (contract, document) = (agreement.digest(), ByteBuf::from(agreement.signed().as_bytes()));
    files.forge(Event::Concluded { contract, document });
    (files.reopen(), contract_id(&agreement))
}

#[test]
fn an_offer_of_what_no_node_carries_out_is_refused() {
    let node = Node::new();
    for missing in MISSING {
        let rules = [
            vec![Rule::new([missing])],
            vec![research(), Rule::new([Action::Read, missing]).when(Constraint::Count(1))],
        ];
        for (place, rules) in (1..).zip(rules) {
            let terms = Terms { permissions: rules, ..Terms::new() };
            let before = node.len();
            let refused = node.space.offer(Node::new_offer(terms)).unwrap_err();
            assert!(
                matches!(refused, ChangeError::Refused(Refusal::NotCarriedOut { action, clause })
                    if action == missing && clause.number == place),
                "{refused}"
            );
            assert!(refused.to_string().contains("permit to read"), "{refused}");
            assert_eq!(node.len(), before);
        }
        // To forbid it is possible.
        let terms = Terms::new().permit(research()).prohibit(Rule::new([missing]));
        assert_eq!(rows(node.released(node.contract(terms))), 10);
    }
}

#[test]
fn an_accepted_offer_of_it_is_not_concluded_either() {
    let node = Node::new();
    let now = node.now();
    let usual =
        Offer::verify(node.offer(Terms::new().permit(research())), provider().did(), &DidKeys, now);
    let terms = Terms::new().permit(Rule::new([Action::Query]));
    let offer = Offer { terms, ..usual.unwrap().value().clone() }.sign(&provider()).unwrap();
    let refused = node.conclude(&offer, &consumer()).unwrap_err();
    assert!(matches!(refused, ChangeError::Refused(Refusal::NotCarriedOut { .. })), "{refused}");
    assert_eq!(node.space.contracts(), []);
}

#[test]
fn an_old_contract_that_permits_it_opens_and_releases_nothing_for_it() {
    let terms = Terms::new().permit(Rule::new([Action::Read, Action::Query, Action::Aggregate]));
    let (node, contract) = with_an_old_contract(terms);
    for missing in MISSING {
        let request = node.request_for(contract, missing, "research");
        let denial = denied(node.space.access(request).unwrap());
        assert_eq!(codes(&denial), ["not-carried-out"]);
        assert_eq!(denial.reasons(), [DenialReason::NotCarriedOut { action: missing }]);
        assert!(denial.to_string().contains(missing.as_str()), "{denial}");
    }
    assert_eq!(node.space.uses(contract).unwrap().0, 0);
    let request = node.request_for(contract, Action::Read, "research");
    assert_eq!(rows(released(node.space.access(request).unwrap())), 10);
    assert!(node.decisions().iter().filter_map(permitted).eq([1]));
    let files = node.close();
    let replayed = replay_decisions(&files.log(), authority().did(), None).unwrap();
    assert_eq!((replayed.decisions, replayed.discrepancies), (3, 0));
}

#[test]
fn every_other_action_is_carried_out() {
    let node = Node::new();
    let all = Action::ALL.into_iter().filter(|action| !MISSING.contains(action));
    let contract = node.contract(Terms::new().permit(Rule::new(all.clone())));
    for action in all {
        let request = node.request_for(contract, action, "research");
        assert_eq!(rows(released(node.space.access(request).unwrap())), 10, "{action}");
    }
}

#[test]
fn terms_that_name_what_the_space_does_not_have_are_refused() {
    let node = Node::new();
    let one = |text: &str| [name(text)].into();
    for (constraint, kind) in [
        (Constraint::Class(one("secret")), ValueKind::Class),
        (Constraint::Role(one("Consumer")), ValueKind::Role),
        (Constraint::Participant(one("Ore Traders")), ValueKind::Participant),
    ] {
        let deep = Constraint::Not(Box::new(constraint.clone()));
        for terms in [
            Terms::new().permit(read_only().when(constraint)),
            Terms::new().permit(research()).prohibit(read_only().when(deep)),
        ] {
            let refused = node.space.offer(Node::new_offer(terms)).unwrap_err();
            assert!(
                matches!(&refused, ChangeError::Refused(Refusal::Value(value)) if value.kind == kind),
                "{refused}"
            );
        }
    }
    let good = [
        Constraint::Class(one("test-results")),
        Constraint::Role(one("consumer")),
        Constraint::Participant(one(consumer().did().as_str())),
    ];
    for constraint in good {
        assert_eq!(
            rows(node.released(node.contract(Terms::new().permit(research().when(constraint)),))),
            10
        );
    }
}

#[test]
fn forbids_that_name_what_the_space_does_not_have_are_refused() {
    let node = Node::new();
    let forbid = |condition: &str| {
        format!("@id(\"f\") forbid(principal, action, resource) when {{ {condition} }};")
    };
    for condition in [
        "context.purpose == \"reserch\"",
        "resource.class == \"secret\"",
        "principal in Dataspace::Role::\"admin\"",
        "principal.region == \"UK\"",
        "principal == Dataspace::Participant::\"Ore Traders\"",
        "context.space == Dataspace::Space::\"other\"",
    ] {
        let refused = node.space.set_policies(&forbid(condition)).unwrap_err();
        assert!(
            matches!(
                &refused,
                ChangeError::Refused(Refusal::Policies(
                    ProviderPoliciesError::Value(_) | ProviderPoliciesError::Policies(_)
                ))
            ),
            "{condition}: {refused:?}"
        );
        let profile = signed_profile(|profile| {
            (profile.version, profile.policies) = (2, forbid(condition));
        });
        let refused = node.space.publish(profile).unwrap_err();
        assert!(
            matches!(
                &refused,
                ChangeError::Refused(Refusal::Profile(
                    ProfileError::Value(_) | ProfileError::Policies(_)
                ))
            ),
            "{condition}: {refused:?}"
        );
    }
    node.space.set_policies(&forbid("context.purpose == \"research\"")).unwrap();
    assert_eq!(
        codes(&node.denied(node.contract(Terms::new().permit(research())))),
        ["forbidden-by-provider"]
    );
}

#[test]
fn names_of_a_profile_that_look_alike_are_refused() {
    let node = Node::new();
    // The second one begins with a Cyrillic letter.
    for other in ["Consumer", "сonsumer"] {
        let profile = signed_profile(|profile| {
            profile.version = 2;
            profile.entities.roles.insert(name(other));
        });
        let refused = node.space.publish(profile).unwrap_err();
        assert!(
            matches!(
                &refused,
                ChangeError::Refused(Refusal::Profile(ProfileError::LookAlike { .. }))
            ),
            "{refused:?}"
        );
    }
}
