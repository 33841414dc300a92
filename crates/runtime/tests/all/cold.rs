//! Contracts whose documents are not in memory are read from the log, and believed as little.

use std::fs;
use std::os::unix::fs::FileExt as _;

use dataspace_ledger::{Evidence, Refusal};
use dataspace_runtime::{AccessError, DataSpace};
use dataspace_tlog::LeafIndex;
use dataspace_usage_contract::ContractId;

use crate::index::fill_segment;
use crate::support::{
    Files, Node, authority, codes, counted, name, provider, released, rows, table, terms,
};

/// Opens the node with room for so many contracts in memory.
fn with_room(files: Files, contracts: usize) -> Node {
    let space = files.setup(provider()).contracts_in_memory(contracts).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    Node { space, files }
}

#[test]
fn a_node_with_room_for_one_contract_does_as_one_with_room_for_all() {
    let node = Node::new();
    let contracts: Vec<_> = (3..9).map(|uses| node.contract(counted(uses))).collect();
    node.space.end_contract(contracts[5], name("over")).unwrap();
    for room in [0, 1, 3, 100] {
        let node = with_room(node.files.copy(), room);
        let mut uses = [0; 5];
        for turn in 0..20 {
            let place = turn * 3 % 5;
            if uses[place] < place + 3 {
                uses[place] += 1;
                assert_eq!(node.released(contracts[place]).uses(), uses[place] as u64);
            } else {
                assert_eq!(codes(&node.denied(contracts[place])), ["unmet"]);
            }
        }
        assert_eq!(codes(&node.denied(contracts[5])), ["contract-terminated"]);
    }
}

#[test]
fn open_releases_are_counted_while_their_contract_makes_room_for_others() {
    let node = Node::new();
    let contracts: Vec<_> = (50..54).map(|uses| node.contract(counted(uses))).collect();
    let files = node.close();
    let setup = files.setup(provider()).contracts_in_memory(1).open_releases_max(2);
    let space = setup.open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let node = Node { space, files };
    let open = [node.released(contracts[0]), node.released(contracts[0])];
    for contract in &contracts[1..] {
        drop(node.released(*contract));
    }
    assert_eq!(codes(&node.denied(contracts[0])), ["too-many-open"]);
    assert_eq!(open.map(rows), [10, 10]);
    drop(node.released(contracts[0]));
}

fn refusal(space: &DataSpace, node: &Node, contract: ContractId) -> Refusal {
    // A request can be made by whoever has the agreement elsewhere.
    let request = node.request(contract);
    match space.access(request) {
        Err(AccessError::Contract { contract: of, source }) if of == contract => *source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_that_was_changed_on_the_disk_releases_nothing() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    let good = node.files.copy().reopen();
    let files = node.close();
    let cedar = b"permit (";
    let segment = fs::read(files.segment()).unwrap();
    let at = segment.windows(cedar.len()).position(|part| part == cedar).unwrap();
    let space = files.open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let file = fs::OpenOptions::new().write(true).open(files.segment()).unwrap();
    file.write_all_at(b"P", at as u64).unwrap();
    let refused = refusal(&space, &good, contract);
    assert!(matches!(refused, Refusal::Unreadable { .. }), "{refused:?}");
    assert!(space.agreement(contract).is_err());
    file.write_all_at(b"p", at as u64).unwrap();
    let access = space.access(good.request(contract)).unwrap();
    assert_eq!(released(access).uses(), 1);
}

/// A closed node whose log lacks its beginning, with two contracts of that time.
fn archived() -> (Files, [ContractId; 2], Vec<Evidence>) {
    let node = Node::new();
    let contracts = [node.contract(counted(9)), node.contract(counted(8))];
    let uses = contracts.map(|contract| node.released(contract).receipt().clone());
    let evidence = uses.iter().map(|receipt| node.space.evidence(receipt).unwrap()).collect();
    fill_segment(&node, contracts[0]);
    node.space.archive(LeafIndex::new(node.len() - 1)).unwrap();
    (node.close(), contracts, evidence)
}

/// The one file with what was kept.
fn kept(files: &Files) -> std::path::PathBuf {
    let names = fs::read_dir(files.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut kept = names.filter(|path| path.to_string_lossy().contains("/kept-"));
    let one = kept.next().unwrap();
    assert!(kept.next().is_none());
    one
}

#[test]
fn contracts_of_archived_segments_go_on() {
    let (files, contracts, evidence) = archived();
    assert!(!files.segment().exists());
    let node = files.reopen();
    let from_archived = node.space.log().read(LeafIndex::new(6));
    assert!(from_archived.is_err(), "{from_archived:?}");
    for contract in contracts {
        let release = node.released(contract);
        assert_eq!(release.uses(), 2);
        // The record of the conclusion is proved although its segment is not here.
        let evidence = node.space.evidence(release.receipt()).unwrap();
        evidence.verify(authority().did()).unwrap();
    }
    for one in evidence {
        one.verify(authority().did()).unwrap();
    }
    // A copy has all of it.
    let copy = Files::new();
    node.space.backup(&copy.path()).unwrap();
    drop(node.close());
    let node = with_room(copy, 1);
    for contract in contracts {
        assert_eq!(node.released(contract).uses(), 3);
    }
}

#[test]
fn what_was_kept_is_believed_as_little_as_the_log() {
    let (files, contracts, _) = archived();
    let good = files.copy().reopen();
    let whole = fs::read(kept(&files)).unwrap();
    let entry = |number: usize| 24 + 20 * number..24 + 20 * (number + 1);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        bytes
    };
    let cedar = whole.windows(8).position(|part| part == b"permit (").unwrap();
    let cases: Vec<Vec<u8>> = vec![
        Vec::new(),
        whole[..20].to_vec(),
        whole[..40].to_vec(),
        whole[..whole.len() - 2_000].to_vec(),
        vec![0xff; whole.len()],
        changed(&|bytes| bytes[cedar] ^= 1),
        // One contract's record in the place of the other's.
        changed(&|bytes| {
            let second = bytes[entry(1)][8..].to_vec();
            bytes[entry(0)][8..].copy_from_slice(&second);
        }),
        // None of this place.
        changed(&|bytes| bytes[entry(0)][7] ^= 0x40),
        changed(&|bytes| bytes[16..24].fill(0)),
        changed(&|bytes| bytes[16..24].fill(0xff)),
        changed(&|bytes| bytes[entry(0)][8..16].fill(0xff)),
        changed(&|bytes| bytes[entry(0)][16..20].fill(0xff)),
    ];
    for (number, bytes) in cases.iter().enumerate() {
        let files = files.copy();
        fs::write(kept(&files), bytes).unwrap();
        let space = files.open().unwrap();
        space.register(name("alloys"), name("test-results"), table(10)).unwrap();
        let refused = refusal(&space, &good, contracts[0]);
        assert!(
            matches!(
                refused,
                Refusal::Unreadable { .. }
                    | Refusal::Mismatch
                    | Refusal::Malformed(_)
                    | Refusal::Document(_)
                    | Refusal::Agree(_)
            ),
            "{number}: {refused:?}"
        );
    }
    let copy = files.copy();
    fs::remove_file(kept(&copy)).unwrap();
    let space = copy.open().unwrap();
    assert!(matches!(refusal(&space, &good, contracts[0]), Refusal::Unreadable { .. }));
}

#[test]
fn terms_that_end_early_are_read_from_the_log_too() {
    let node = Node::new();
    let contract = node.contract(terms());
    let files = node.close();
    let node = with_room(files, 1);
    let release = node.released(contract);
    node.space.end_contract(contract, name("over")).unwrap();
    let mut release = release;
    assert!(release.next().unwrap().is_err());
}
