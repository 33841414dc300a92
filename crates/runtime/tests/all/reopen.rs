//! A node that is closed and opened again is the same node.

use dataspace_audit_log::open::OpenError;
use dataspace_data_plane::Table;
use dataspace_ledger::Refusal;
use dataspace_runtime::{ChangeError, setup::SetupError};

use crate::support::{
    Node, at, codes, consumer, counted, keys, name, provider, revocation, rival, signed_credential,
    signed_profile, stranger, table, terms,
};

#[test]
fn everything_in_force_is_in_force_again() {
    let node = Node::new();
    let contract = node.contract(counted(3));
    let ended = node.contract(terms());
    let offer = node.offer(terms());
    let theirs = node.conclude(&offer, &rival()).unwrap();
    drop((node.released(contract), node.released(contract)));
    node.space.end_contract(ended, name("over")).unwrap();
    node.space.revoke(revocation(rival().did(), at(1))).unwrap();
    node.space.publish(signed_profile(|profile| profile.version = 7)).unwrap();
    let agreement = node.space.agreement(contract).unwrap();
    let (len, root) = (node.len(), node.space.checkpoint().unwrap().root());

    let node = node.close().reopen();
    // Opening is recorded, and nothing else.
    assert_eq!(node.len(), len + 1);
    let size = dataspace_tlog::TreeSize::new(len);
    assert_eq!(node.space.log().root_at(size).unwrap(), root);
    assert_eq!(node.space.uses(contract), Some((2, Some(3))));
    assert_eq!(node.space.agreement(contract).unwrap().signed(), agreement.signed());
    let mut contracts = node.space.contracts();
    contracts.sort_unstable();
    let mut expected = [contract, ended, theirs];
    expected.sort_unstable();
    assert_eq!(contracts, expected);
    assert_eq!(node.released(contract).uses(), 3);
    assert_eq!(codes(&node.denied(contract)), ["unmet"]);
    assert_eq!(codes(&node.denied(ended)), ["contract-terminated"]);
    assert_eq!(node.decisions().pop().unwrap().profile, 7);
    assert!(matches!(
        node.space.end_contract(ended, name("x")),
        Err(ChangeError::Refused(Refusal::AlreadyTerminated { .. }))
    ));
    let rejoined = node.space.admit(signed_credential(&rival(), |_| {}));
    assert!(matches!(rejoined, Err(ChangeError::Refused(Refusal::Revoked { .. }))));
    let again = node.conclude(&offer, &rival());
    assert!(again.is_err());
    let same = node.space.publish(signed_profile(|profile| profile.version = 7)).unwrap();
    assert_eq!(same, dataspace_runtime::Applied::AlreadyInForce);
    let old = node.space.publish(signed_profile(|profile| profile.version = 6));
    assert!(matches!(old, Err(ChangeError::Refused(Refusal::Profile(_)))));
}

#[test]
fn tables_have_to_be_attached_again() {
    let node = Node::new();
    let contract = node.contract(terms());
    let files = node.close();
    let node = Node { space: files.open().unwrap(), files };
    assert_eq!(codes(&node.denied(contract)), ["unavailable"]);
    let before = node.len();
    node.space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    assert_eq!(node.len(), before, "attaching is no event");
    drop(node.released(contract));
}

#[test]
fn a_table_with_other_columns_cannot_be_attached_after_a_restart() {
    let node = Node::new();
    node.contract(terms());
    let files = node.close();
    let csv = files.dir.path().join("other.csv");
    std::fs::write(&csv, "alloy,strength,furnace,owner\nS235,235,7,me\n").unwrap();
    let space = files.open().unwrap();
    let refused = space.register(name("alloys"), name("test-results"), Table::open(&csv).unwrap());
    assert!(matches!(refused, Err(ChangeError::Refused(Refusal::ProductChanged { .. }))));
}

#[test]
fn a_node_is_opened_by_its_own_key_alone() {
    let files = Node::new().close();
    for key in [stranger(), consumer()] {
        let refused = files.setup(key).open();
        assert!(
            matches!(
                refused,
                Err(SetupError::Open(OpenError::Checkpoint(_) | OpenError::Origin { .. }))
            ),
            "{refused:?}"
        );
    }
}

#[test]
fn a_node_is_opened_in_its_own_space_alone() {
    let files = Node::new().close();
    let setup =
        dataspace_runtime::Setup::new(files.path(), keys(provider()), stranger().did().clone());
    assert!(matches!(setup.open(), Err(SetupError::Record { .. })));
}

#[test]
fn a_directory_has_one_node_at_a_time() {
    let node = Node::new();
    assert!(matches!(node.files.open(), Err(SetupError::Open(OpenError::Io(_)))));
}

#[test]
fn a_clone_of_a_node_is_the_same_node() {
    let node = Node::new();
    let contract = node.contract(counted(1));
    let clone = node.space.clone();
    drop(crate::support::released(clone.access(node.request(contract)).unwrap()));
    let _denied = node.denied(contract);
}
