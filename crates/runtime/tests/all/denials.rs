//! Each reason for a denial, and its record.

use dataspace_ledger::DenialReason;
use dataspace_policy::{Action, Constraint, Rule, Terms};
use dataspace_primitives::{Region, Validity};
use dataspace_tlog::Verdict;

use crate::support::{
    DAY, Node, at, codes, consumer, counted, days, denied, name, research, revocation,
    signed_profile, table, terms,
};

/// The last record is a denial with just this reason.
fn assert_recorded(node: &Node, reason: &str) {
    match node.decisions().pop().unwrap().verdict {
        Verdict::Deny { reasons } => {
            assert!(
                reasons.iter().any(|one| one.starts_with(&format!("{reason}: "))),
                "{reasons:?}"
            );
        }
        Verdict::Permit { .. } => panic!("permitted"),
    }
}

#[test]
fn a_contract_denies_from_the_millisecond_of_its_end() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.files.clock.set(at(30 * DAY).saturating_sub(std::time::Duration::from_millis(1)));
    drop(node.released(contract));
    node.files.clock.set(at(30 * DAY));
    let denied = node.denied(contract);
    assert_eq!(codes(&denied), ["contract-over"]);
    assert!(
        matches!(denied.reasons()[0], DenialReason::ContractOver { now, .. } if now == at(30 * DAY))
    );
    assert_recorded(&node, "contract-over");
}

#[test]
fn a_contract_denies_before_it_begins() {
    let node = Node::new();
    let mut offer = Node::new_offer(terms());
    offer.validity = days(2, 30);
    let offer = node.space.offer(offer).unwrap();
    let contract = node.conclude(&offer, &consumer()).unwrap();
    let denied = node.denied(contract);
    assert_eq!(codes(&denied), ["contract-over"]);
    assert!(denied.to_string().contains("it is only"), "{denied}");
    node.advance(2 * DAY);
    drop(node.released(contract));
}

#[test]
fn a_terminated_contract_denies_and_says_why() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.space.end_contract(contract, name("breach of clause 4")).unwrap();
    let denied = node.denied(contract);
    assert_eq!(codes(&denied), ["contract-terminated"]);
    assert!(denied.to_string().contains("breach of clause 4"));
    assert_recorded(&node, "contract-terminated");
}

#[test]
fn a_revoked_member_is_denied_under_every_contract() {
    let node = Node::new();
    let contracts = [node.contract(terms()), node.contract(counted(5))];
    node.space.revoke(revocation(consumer().did(), at(1))).unwrap();
    for contract in contracts {
        assert_eq!(codes(&node.denied(contract)), ["membership-revoked"]);
        assert_recorded(&node, "membership-revoked");
    }
}

#[test]
fn a_member_whose_credential_ran_out_is_denied() {
    let node = Node::new();
    node.space
        .admit(crate::support::signed_credential(&consumer(), |one| one.validity = days(0, 10)))
        .unwrap();
    let contract = node.contract(terms());
    node.advance(10 * DAY);
    assert_eq!(codes(&node.denied(contract)), ["membership-over"]);
    assert_recorded(&node, "membership-over");
}

#[test]
fn an_exhausted_contract_denies_for_good() {
    let node = Node::new();
    let contract = node.contract(counted(2));
    drop((node.released(contract), node.released(contract)));
    for _ in 0..3 {
        let denied = node.denied(contract);
        assert_eq!(codes(&denied), ["unmet"]);
        assert!(denied.to_string().contains("at most 2 uses are permitted; 2 were made"));
    }
    assert_recorded(&node, "unmet");
    assert_eq!(node.space.uses(contract), Some((2, Some(2))));
}

#[test]
fn a_purpose_outside_the_space_is_denied_even_if_the_contract_does_not_mind() {
    let node = Node::new();
    let contract = node.contract(Terms::new().permit(Rule::new([Action::Read])));
    let request = node.request_for(contract, Action::Read, "world domination");
    let denied = denied(node.space.access(request).unwrap());
    assert_eq!(codes(&denied), ["unknown-purpose"]);
    assert_recorded(&node, "unknown-purpose");
}

#[test]
fn an_unmet_purpose_is_denied_with_demand_and_fact() {
    let node = Node::new();
    let contract = node.contract(terms());
    let request = node.request_for(contract, Action::Read, "alloy-design");
    let denied = denied(node.space.access(request).unwrap());
    let text = "permission-1: the purpose must be research; the request says alloy-design";
    assert_eq!(denied.to_string(), text);
    assert_recorded(&node, "unmet");
}

#[test]
fn a_purpose_in_other_letters_is_another_purpose() {
    let node = Node::new();
    let contract = node.contract(terms());
    for purpose in ["Research", "research.", "rеsearch", "research\u{301}"] {
        let request = node.request_for(contract, Action::Read, purpose);
        let denied = denied(node.space.access(request).unwrap());
        assert_eq!(codes(&denied), ["unknown-purpose", "unmet"], "{purpose}");
    }
}

#[test]
fn a_clause_outside_its_time_denies_within_the_contract() {
    let node = Node::new();
    let hours = Validity::new(at(3600), at(7200)).unwrap();
    let contract = node.contract(Terms::new().permit(research().when(Constraint::Time(hours))));
    assert_eq!(codes(&node.denied(contract)), ["unmet"]);
    node.advance(3600);
    drop(node.released(contract));
    node.advance(3600);
    assert_eq!(codes(&node.denied(contract)), ["unmet"]);
}

#[test]
fn a_consumer_of_another_jurisdiction_is_denied() {
    let node = Node::new();
    let regions = [Region::parse("FR").unwrap(), Region::parse("IT").unwrap()];
    let rule = research().when(Constraint::Jurisdiction(regions.into()));
    let contract = node.contract(Terms::new().permit(rule));
    let denied = node.denied(contract);
    assert_eq!(codes(&denied), ["unmet"]);
    assert!(denied.to_string().contains("it is established in DE"));
}

#[test]
fn a_prohibition_wins_over_a_permission() {
    let node = Node::new();
    let contract = node.contract(terms().prohibit(Rule::new([Action::Read])));
    assert_eq!(codes(&node.denied(contract)), ["prohibited"]);
    assert_recorded(&node, "prohibited");
}

#[test]
fn a_forbid_of_the_space_wins_over_the_contract() {
    let node = Node::new();
    let contract = node.contract(terms());
    let forbid =
        "@id(\"no-reading\") forbid (principal, action == Dataspace::Action::\"read\", resource);";
    let tightened = signed_profile(|profile| {
        profile.version = 2;
        profile.policies = forbid.to_owned();
    });
    node.space.publish(tightened).unwrap();
    let denied = node.denied(contract);
    assert_eq!(codes(&denied), ["forbidden-by-space"]);
    assert!(denied.to_string().contains("no-reading"));
    assert_eq!(node.decisions().pop().unwrap().profile, 2);
}

#[test]
fn a_space_policy_that_errs_denies_instead_of_being_skipped() {
    let node = Node::new();
    let contract = node.contract(terms());
    let overflow = "@id(\"overflows\") forbid (principal, action, resource)
        when { context.uses + 9223372036854775807 < 0 };";
    let profile = signed_profile(|profile| {
        profile.version = 2;
        profile.policies = overflow.to_owned();
    });
    node.space.publish(profile).unwrap();
    drop(node.released(contract)); // 0 + max is no overflow
    assert_eq!(codes(&node.denied(contract)), ["policy-error"]);
    assert_recorded(&node, "policy-error");
}

#[test]
fn a_duty_that_does_not_fit_the_attached_table_denies() {
    // The product is known, but no table was attached when the offer was made.
    let files = Node::new().close();
    let node = Node { space: files.open().unwrap(), files };
    let column = name("no such column");
    let method = dataspace_policy::MaskMethod::Drop;
    let duty = dataspace_policy::Duty::Mask(dataspace_policy::ColumnMask { column, method });
    let contract = node.contract(terms().duty(duty));
    node.space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    assert_eq!(codes(&node.denied(contract)), ["duty"]);
    assert_recorded(&node, "duty");
    assert_eq!(node.space.uses(contract), Some((0, None)));
}

#[test]
fn all_that_stands_in_the_way_is_named_at_once() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.space.end_contract(contract, name("over")).unwrap();
    node.space.revoke(revocation(consumer().did(), at(1))).unwrap();
    node.advance(400 * DAY);
    let expected = [
        "membership-revoked",
        "membership-over",
        "provider-not-a-member",
        "contract-terminated",
        "contract-over",
    ];
    assert_eq!(codes(&node.denied(contract)), expected);
}

#[test]
fn denials_do_not_count_as_uses() {
    let node = Node::new();
    let contract = node.contract(counted(1));
    for _ in 0..5 {
        let request = node.request_for(contract, Action::Train, "research");
        let _denied = denied(node.space.access(request).unwrap());
    }
    drop(node.released(contract));
}

#[test]
fn a_denial_tells_nothing_about_the_table() {
    let node = Node::new();
    let contract = node.contract(terms().prohibit(Rule::new([Action::Read])));
    let text = node.denied(contract).to_string();
    for hidden in ["furnace", "strength", "S000", "rows"] {
        assert!(!text.contains(hidden), "{text}");
    }
}

#[test]
fn a_provider_that_the_authority_revoked_releases_nothing_any_more() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.space.revoke(revocation(node.space.provider(), at(1))).unwrap();
    assert_eq!(codes(&node.denied(contract)), ["provider-not-a-member"]);
}
