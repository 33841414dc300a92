//! Passes through the monitor, releases that nobody reads, and nodes that are closed meanwhile.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use dataspace_data_plane::Table;
use dataspace_policy::Action;
use dataspace_runtime::{
    Access, ChangeError,
    access::{Decision, ReleaseError},
};

use crate::support::{
    Node, at, codes, consumer, counted, denied, name, provider, revocation, rival,
    signed_credential, table, terms,
};

/// Long enough for a thread to come to wait for a lock.
const A_MOMENT: Duration = Duration::from_millis(100);
/// Longer than anything here takes; then it hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Does `inside` in a pass while another thread waits to make a change.
fn while_a_change_waits(node: Node, inside: impl FnOnce(&Node) + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let space = node.space.clone();
    let inside = thread::spawn(move || {
        let monitor = node.space.enter();
        let change = thread::spawn(move || space.revoke(revocation(rival().did(), at(1))));
        thread::sleep(A_MOMENT);
        inside(&node);
        drop(monitor);
        change.join().unwrap().unwrap();
        done.send(()).unwrap();
    });
    is_done.recv_timeout(HANGS).expect("the pass or the change hangs");
    inside.join().unwrap();
}

#[test]
fn whatever_reads_goes_on_inside_a_pass_while_a_change_waits() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    let mut release = node.released(contract);
    while_a_change_waits(node, move |node| {
        assert_eq!(node.space.uses(contract), Some((1, Some(5))));
        assert!(node.space.agreement(contract).is_ok());
        assert_eq!(node.space.contracts(), [contract]);
        assert_eq!(node.space.policies(), "");
        drop(node.offer(terms()));
        drop(node.space.enter());
        assert_eq!(release.next().unwrap().unwrap().num_rows(), 10);
        assert!(matches!(node.space.access(node.request(contract)), Ok(Access::Released(_))));
        drop(node.space.checkpoint().unwrap());
    });
}

#[test]
fn a_change_inside_a_pass_is_an_error_and_changes_nothing() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    let before = node.len();
    let monitor = node.space.enter();
    let refused = |result: Result<(), ChangeError>| {
        assert!(matches!(result, Err(ChangeError::InsidePass)), "{result:?}");
    };
    refused(node.space.admit(signed_credential(&consumer(), |_| {})).map(|_| ()));
    refused(node.space.revoke(revocation(rival().did(), node.now())).map(|_| ()));
    refused(node.space.end_contract(contract, name("too late")));
    refused(node.space.set_policies(""));
    refused(node.conclude(&node.offer(terms()), &rival()).map(|_| ()));
    refused(node.space.register(name("alloys"), name("test-results"), table(10)));
    drop(monitor);
    assert_eq!(node.len(), before);
    node.space.end_contract(contract, name("now")).unwrap();
}

#[test]
fn a_pass_through_one_node_does_not_bar_changes_of_another() {
    let (one, other) = (Node::new(), Node::new());
    let monitor = one.space.enter();
    other.space.revoke(revocation(rival().did(), other.now())).unwrap();
    drop(monitor);
}

#[test]
fn a_forgotten_release_does_not_keep_a_closed_node_open() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    let mut release = node.released(contract);
    let denial = node.space.access(node.request_for(contract, Action::Read, "no-purpose"));
    let denial = denied(denial.unwrap());
    let node = node.close().reopen();
    assert!(matches!(release.next(), Some(Err(ReleaseError::Closed))));
    assert!(release.next().is_none());
    assert!(!denial.reasons().is_empty(), "what was decided can be read all the same");
    drop(node.released(contract));
}

#[test]
fn a_recorded_permit_does_not_keep_a_closed_node_open() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    let monitor = node.space.enter();
    let received = monitor.receive(node.verified(contract)).unwrap();
    let Ok(Decision::Permit(permit)) = received.decide() else { panic!("denied") };
    let recorded = permit.submit().unwrap().wait().unwrap();
    drop(monitor);
    let node = node.close().reopen();
    assert!(matches!(recorded.release().next(), Some(Err(ReleaseError::Closed))));
    assert_eq!(node.space.uses(contract), Some((1, Some(5))));
}

#[test]
fn releases_that_nobody_reads_bar_their_own_contract_alone_and_cost_no_use() {
    let node = Node::new();
    let (offer, greedy) = (node.offer(terms()), node.contract(counted(100)));
    let honest = node.conclude(&offer, &consumer()).unwrap();
    let mut open: Vec<_> = (0..16).map(|_| node.released(greedy)).collect();
    let denied = node.denied(greedy);
    assert_eq!(codes(&denied), ["too-many-open"]);
    assert_eq!(
        denied.to_string(),
        "16 releases under this contract are open; read one of them to its end first"
    );
    assert_eq!(node.space.uses(greedy), Some((16, Some(100))));
    drop(node.released(honest));
    // Read to its end, or dropped: there is room again.
    assert_eq!(open.pop().unwrap().count(), 1);
    open.push(node.released(greedy));
    assert_eq!(codes(&node.denied(greedy)), ["too-many-open"]);
    for batch in open.last_mut().unwrap() {
        drop(batch.unwrap());
    }
    open.push(node.released(greedy));
    assert_eq!(node.space.uses(greedy), Some((18, Some(100))));
}

#[test]
fn the_number_of_open_releases_can_be_chosen() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    let files = node.close();
    let space = files.setup(provider()).open_releases_max(0).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let node = Node { space, files };
    let open = node.released(contract);
    assert_eq!(codes(&node.denied(contract)), ["too-many-open"]);
    drop(open);
    drop(node.released(contract));
}

#[test]
fn data_that_cannot_be_opened_cost_no_use_and_the_denial_is_recorded() {
    let files = tempfile::tempdir().unwrap();
    let csv = files.path().join("secret-place.csv");
    std::fs::write(&csv, "alloy,strength,furnace\nS235,235,7\n").unwrap();
    let node = Node::with_table(Table::open(&csv).unwrap());
    let contract = node.contract(counted(3));
    std::fs::remove_file(&csv).unwrap();
    let before = node.len();
    let denied = node.denied(contract);
    assert_eq!(codes(&denied), ["unavailable"]);
    assert!(!denied.to_string().contains("secret-place"), "{denied}");
    let provider_sees = format!("{:?}", denied.reasons());
    assert!(provider_sees.contains("No such file"), "{provider_sees}");
    assert_eq!(node.len(), before + 1);
    assert_eq!(node.space.uses(contract), Some((0, Some(3))));
    let recorded = format!("{:?}", node.decisions().pop().unwrap().verdict);
    assert!(recorded.contains("unavailable") && !recorded.contains("secret-place"), "{recorded}");
}
