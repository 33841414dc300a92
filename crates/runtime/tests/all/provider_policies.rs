//! The provider's own policies forbid, whatever its contracts permit.

use dataspace_identity::{Origin, SecretKey, SpaceId};
use dataspace_ledger::{DenialReason, Refusal};
use dataspace_policy::{Action, Rule, Terms};
use dataspace_primitives::Signed;
use dataspace_runtime::{ChangeError, access::ReleaseError, setup::SetupError};
use dataspace_tlog::Event;
use dataspace_usage_contract::{ProviderPolicies, own_policies::ProviderPoliciesError};
use serde_bytes::ByteBuf;

use crate::support::{
    Node, authority, consumer, denied, name, provider, released, rows, space_id, stranger, table,
    terms,
};

const NO_TRAINING: &str = r#"@id("no-training") forbid (
    principal, action == Dataspace::Action::"train", resource);"#;
const CLOSED: &str = r#"@id("closed") forbid (principal, action, resource);"#;
/// Errs from the second use on: the sum is larger than a number of Cedar.
const ERRING: &str = r#"@id("loop") forbid (principal, action, resource)
    when { context.uses + 9223372036854775807 > 0 && context.uses * 2 > 9 };"#;

fn statement(log: &Origin, version: u64, cedar: &str) -> ProviderPolicies {
    let (space, log) = (space_id(), log.clone());
    ProviderPolicies { space, log, version, cedar: cedar.to_owned() }
}

fn signed(statement: &ProviderPolicies, key: &SecretKey) -> Signed<ProviderPolicies> {
    Signed::sign(statement, key).unwrap()
}

#[test]
fn what_the_provider_forbids_is_denied_and_the_rest_is_not() {
    let node = Node::new();
    let contract = node.contract(Terms::new().permit(Rule::new([Action::Read, Action::Train])));
    let train = || node.request_for(contract, Action::Train, "research");
    assert_eq!(rows(released(node.space.access(train()).unwrap())), 10);
    node.space.set_policies(NO_TRAINING).unwrap();
    let denial = denied(node.space.access(train()).unwrap());
    assert!(matches!(denial.reasons(), [DenialReason::Policy(_)]), "{denial}");
    assert!(denial.to_string().contains("no-training"), "{denial}");
    assert!(denial.to_string().contains("provider"), "{denial}");
    assert_eq!(rows(node.released(contract)), 10);
}

#[test]
fn they_hold_after_opening_and_until_they_are_taken_back() {
    let node = Node::new();
    let contract = node.contract(terms());
    assert_eq!(node.space.policies(), "");
    node.space.set_policies(&format!("  {CLOSED}\n")).unwrap();
    let node = node.close().reopen();
    assert_eq!(node.space.policies(), CLOSED);
    drop(node.denied(contract));
    node.space.set_policies(NO_TRAINING).unwrap();
    drop(node.released(contract));
    node.space.set_policies(CLOSED).unwrap();
    node.space.set_policies("").unwrap();
    assert_eq!(node.space.policies(), "");
    drop(node.released(contract));
    let node = node.close().reopen();
    assert_eq!(node.space.policies(), "");
    drop(node.released(contract));
    let changes = node.records().into_iter();
    assert_eq!(changes.filter(|one| matches!(one.event, Event::Policies { .. })).count(), 4);
}

#[test]
fn a_policy_that_errs_denies() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.space.set_policies(ERRING).unwrap();
    drop(node.released(contract));
    let denial = node.denied(contract);
    assert!(denial.to_string().contains("loop"), "{denial}");
    node.space.set_policies(&ERRING.replace(" + 9223372036854775807", "")).unwrap();
    drop(node.released(contract));
}

#[test]
fn a_release_stops_when_the_provider_forbids_it() {
    let node = Node::with_table(table(4 * 4096));
    let contract = node.contract(terms());
    let mut release = node.released(contract);
    release.next().unwrap().unwrap();
    node.space.set_policies(NO_TRAINING).unwrap();
    release.next().unwrap().unwrap();
    node.space.set_policies(CLOSED).unwrap();
    match release.next() {
        Some(Err(ReleaseError::Stopped { reason })) => {
            assert!(reason.contains("closed"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert!(release.next().is_none());
}

#[test]
fn text_that_is_not_acceptable_changes_nothing() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.space.set_policies(CLOSED).unwrap();
    let len = node.len();
    for text in [
        r#"@id("open") permit (principal, action, resource);"#,
        "forbid (principal, action, resource);",
        "forbid",
        r#"@id("typo") forbid (principal, action, resource) when { context.porpose == "x" };"#,
    ] {
        let refused = node.space.set_policies(text);
        assert!(matches!(refused, Err(ChangeError::Refused(Refusal::Policies(_)))), "{refused:?}");
    }
    let long = node.space.set_policies(&format!("{CLOSED} // {}", "x".repeat(70_000)));
    assert!(matches!(long, Err(ChangeError::Sign(_))), "{long:?}");
    assert_eq!((node.len(), node.space.policies().as_str()), (len, CLOSED));
    drop(node.denied(contract));
}

/// Who can write the directory but has no key must not take the policies back.
#[test]
fn statements_that_the_provider_did_not_make_now_are_refused_when_the_node_opens() {
    type Forge = fn(&Origin) -> Signed<ProviderPolicies>;
    let forged: [Forge; 9] = [
        |log| signed(&statement(log, 3, ""), &authority()),
        |log| signed(&statement(log, 3, ""), &consumer()),
        |log| signed(&statement(log, 3, ""), &stranger()),
        |log| {
            let space = SpaceId::new(authority().did().clone(), name("another"));
            signed(&ProviderPolicies { space, ..statement(log, 3, "") }, &provider())
        },
        |_| signed(&statement(&Origin::new(provider().did()).unwrap(), 3, ""), &provider()),
        // One that was in force before, one of a time to come, one that permits.
        |log| signed(&statement(log, 1, CLOSED), &provider()),
        |log| signed(&statement(log, 2, ""), &provider()),
        |log| signed(&statement(log, 4, ""), &provider()),
        |log| signed(&statement(log, 3, &CLOSED.replace("forbid", "permit")), &provider()),
    ];
    for document in forged {
        let node = Node::new();
        node.space.set_policies(NO_TRAINING).unwrap();
        node.space.set_policies(CLOSED).unwrap();
        let document = document(node.space.log().origin());
        let files = node.close();
        files.forge(Event::Policies { document: ByteBuf::from(document.as_bytes()) });
        match files.open() {
            Err(SetupError::Record { source: Refusal::Policies(_), .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    let node = Node::new();
    node.space.set_policies(NO_TRAINING).unwrap();
    node.space.set_policies(CLOSED).unwrap();
    let document = signed(&statement(node.space.log().origin(), 3, ""), &provider());
    let files = node.close();
    files.forge(Event::Policies { document: ByteBuf::from(document.as_bytes()) });
    assert_eq!(files.open().unwrap().policies(), "");
    let unsigned = ProviderPoliciesError::Version { expected: 3, found: 1 };
    assert_eq!(unsigned.to_string(), "the policies have version 1; the next one is 3");
}
