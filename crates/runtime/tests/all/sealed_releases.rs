//! Releases that were asked for sealed: what leaves, and what does not.

use std::io::{self, Read as _, Write};

use dataspace_identity::{DidKeys, Resolver as _};
use dataspace_primitives::{Digest, Signed};
use dataspace_runtime::{
    Access, AccessError, DataSpace,
    access::{ReleaseError, SealToError},
    request::request_sealed,
};
use dataspace_sealed::{Contract, Sealed};
use dataspace_tlog::{Event, record::ReleaseEnd};
use dataspace_usage_contract::{ContractId, DeletionStatement, deletion::DeletionReason};

use crate::sealed::secret;
use crate::support::consumer::reading;
use crate::support::{Node, TestClock, at, consumer, counted, name, terms};

#[test]
fn what_was_asked_for_sealed_does_not_leave_in_plain() {
    let node = Node::new();
    let contract = node.contract(terms());
    let agreement = node.space.agreement(contract).unwrap();
    let (key, clock) = (secret(7), TestClock(node.files.clock.clone()));
    let request = || {
        let new = (reading(), key.recipient());
        request_sealed(&consumer(), &agreement, new, &clock).unwrap()
    };
    let Access::Released(mut release) = node.space.access(request()).unwrap() else {
        panic!("denied")
    };
    assert!(release.is_sealed());
    assert!(matches!(release.next_piece(), Err(ReleaseError::SealedOnly)));
    assert!(release.next_piece().unwrap().is_none());
    node.space.tend().unwrap();
    let written = node.records();
    let Event::Released(report) = &written.last().unwrap().event else { panic!("none") };
    assert_eq!((report.end, report.bytes, report.pieces), (ReleaseEnd::Failed, 0, 0));
    // Nor as batches.
    let Access::Released(mut release) = node.space.access(request()).unwrap() else {
        panic!("denied")
    };
    assert!(matches!(release.next(), Some(Err(ReleaseError::SealedOnly))));

    let Access::Released(release) = node.space.access(request()).unwrap() else { panic!("denied") };
    let mut file = Vec::new();
    let delivered = release.seal_to(&mut file).unwrap();
    node.space.tend().unwrap();
    let records = node.records();
    let Event::Released(report) = &records.last().unwrap().event else { panic!("none") };
    assert_eq!(delivered.report.unwrap().as_u64() + 1, records.len() as u64);
    assert_eq!(delivered.bytes, file.len() as u64);
    assert_eq!((report.end, report.bytes), (ReleaseEnd::Whole, delivered.bytes));
    assert_eq!(report.content, Digest::of(&file));

    // It opens for its recipient and contract, and for nobody else.
    let sealed = Sealed::read(&file[..]).unwrap();
    let (id, product) = (*contract.as_digest(), agreement.value().product.clone());
    let of = Contract { id, product, validity: agreement.value().validity };
    assert!(sealed.unwrap_key(&secret(8), &of, at(0)).is_err());
    let other = Contract { id: Digest::of(b"another"), ..of.clone() };
    assert!(sealed.unwrap_key(&key, &other, at(0)).is_err());
    let key = sealed.unwrap_key(&key, &of, at(0)).unwrap();
    let mut text = String::new();
    sealed.open(&key).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 11);

    // What was not asked for sealed is not sealed.
    let refused = node.released(contract).seal_to(io::sink()).unwrap_err();
    assert!(matches!(refused, SealToError::NotAsked), "{refused}");
}

#[test]
fn a_key_that_is_none_costs_no_use_and_no_record() {
    let node = Node::new();
    let contract = node.contract(counted(1));
    let before = node.len();
    let good = node.request(contract).verify(&DidKeys.keys(consumer().did()), at(0)).unwrap();
    let mut value = good.value().clone();
    for key in [[0; 32], [0xff; 32]] {
        value.seal_for = Some(serde_bytes::ByteArray::new(key));
        let refused = node.space.access(Signed::sign(&value, &consumer()).unwrap()).unwrap_err();
        assert!(matches!(refused, AccessError::Seal { .. }), "{refused}");
    }
    assert_eq!(node.len(), before);
    let _one_use_is_left = node.released(contract);
}

#[test]
fn another_key_in_a_request_breaks_its_signature() {
    let node = Node::new();
    let contract = node.contract(terms());
    let agreement = node.space.agreement(contract).unwrap();
    let clock = TestClock(node.files.clock.clone());
    let (theirs, mine) = (secret(7), secret(8));
    let key = theirs.recipient();
    let request = request_sealed(&consumer(), &agreement, (reading(), key), &clock).unwrap();
    let mut bytes = request.as_bytes().to_vec();
    let place = bytes.windows(32).position(|some| some == key.as_bytes()).unwrap();
    bytes[place..place + 32].copy_from_slice(mine.recipient().as_bytes());
    let forged = Signed::from_bytes(bytes).unwrap();
    let refused = node.space.access(forged).unwrap_err();
    assert!(matches!(refused, AccessError::Signature), "{refused}");
}

/// Ends the contract as soon as something was written.
struct Ending<'a>(&'a DataSpace, ContractId, usize);

impl Write for Ending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.2 == 0 {
            self.0.end_contract(self.1, name("changed our mind")).unwrap();
        }
        self.2 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_contract_that_ends_meanwhile_leaves_a_file_without_its_end() {
    let node = Node::with_table(crate::support::table(60_000));
    let contract = node.contract(terms());
    let agreement = node.space.agreement(contract).unwrap();
    let (key, clock) = (secret(7), TestClock(node.files.clock.clone()));
    let request =
        request_sealed(&consumer(), &agreement, (reading(), key.recipient()), &clock).unwrap();
    let Access::Released(release) = node.space.access(request).unwrap() else { panic!("denied") };
    let mut to = Ending(&node.space, contract, 0);
    let stopped = release.seal_to(&mut to).unwrap_err();
    assert!(matches!(stopped, SealToError::Release(ReleaseError::Stopped { .. })), "{stopped}");
    node.space.tend().unwrap();
    let written = node.records();
    let Event::Released(report) = &written.last().unwrap().event else { panic!("none") };
    assert_eq!((report.end, report.bytes), (ReleaseEnd::Stopped, to.2 as u64));
}

#[test]
fn nothing_more_is_sealed_after_a_statement_that_the_keys_are_deleted() {
    let node = Node::new();
    let contract = node.contract(terms());
    let agreement = node.space.agreement(contract).unwrap();
    let clock = TestClock(node.files.clock.clone());
    let ask = || {
        request_sealed(&consumer(), &agreement, (reading(), secret(7).recipient()), &clock).unwrap()
    };
    drop(node.space.access(ask()).unwrap());
    let statement = DeletionStatement {
        contract,
        log: node.space.log().origin().clone(),
        consumer: consumer().did().clone(),
        files: [].into(),
        reason: DeletionReason::Chosen,
        deleted_at: node.now(),
    };
    node.space.take_deletion(Signed::sign(&statement, &consumer()).unwrap()).unwrap();
    let uses = node.space.uses(contract).unwrap().0;
    assert!(matches!(node.space.access(ask()), Err(AccessError::Seal { .. })));
    assert_eq!(node.space.uses(contract).unwrap().0, uses);
    // In plain it gets what the contract gives.
    drop(node.released(contract));
}
