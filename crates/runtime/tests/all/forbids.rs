//! What a product itself forbids: no terms permit it, no contract gives it, and an auditor sees why.

use std::collections::BTreeSet;

use dataspace_data_plane::errors::PlanError;
use dataspace_data_plane::product::{ProductError, Recipient};
use dataspace_data_plane::{Delivery, Product, Table};
use dataspace_ledger::replayed::{Deviation, ReplayError};
use dataspace_ledger::{DenialReason, Refusal};
use dataspace_policy::{Action, Duty, Rule, Terms};
use dataspace_primitives::{Digest, Part, Secrets};
use dataspace_runtime::{ChangeError, NewOffer, conformance, replay_decisions};
use dataspace_tlog::{Event, Fact, Record, Verdict};
use dataspace_usage_contract::ContractId;

use crate::support::story::verify;
use crate::support::{
    Files, Node, at, authority, codes, consumer, denied, name, released, rows, table,
};

/// A table that forbids some actions.
struct Forbidding(Table, BTreeSet<Action>);

impl Product for Forbidding {
    fn descriptor_digest(&self) -> Digest {
        Product::descriptor_digest(&self.0)
    }

    fn forbids(&self) -> BTreeSet<Action> {
        self.1.clone()
    }

    fn check(&self, duties: &[Duty]) -> Result<(), PlanError> {
        self.0.check(duties)
    }

    fn open(
        &self,
        duties: &[Duty],
        part: Option<&Part>,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        Product::open(&self.0, duties, part, secrets, recipient)
    }
}

fn forbidding(actions: impl IntoIterator<Item = Action>) -> Forbidding {
    Forbidding(table(10), actions.into_iter().collect())
}

fn register(node: &Node, product: &str, data: impl Product + 'static) -> Result<(), ChangeError> {
    node.space.register(name(product), name("test-results"), data)
}

fn to_read_and_train() -> Terms {
    Terms::new().permit(Rule::new([Action::Read, Action::Train]))
}

/// A contract that permits to train, concluded before the product forbade it.
fn tightened() -> (Node, ContractId) {
    let node = Node::new();
    let contract = node.contract(to_read_and_train());
    let request = node.request_for(contract, Action::Train, "research");
    assert_eq!(rows(released(node.space.access(request).unwrap())), 10);
    register(&node, "alloys", forbidding([Action::Train])).unwrap();
    (node, contract)
}

fn replay(files: &Files) -> dataspace_ledger::Replayed {
    replay_decisions(&files.log(), authority().did(), None).unwrap()
}

#[test]
fn terms_that_permit_what_a_product_forbids_are_not_offered() {
    let node = Node::new();
    register(&node, "songs", forbidding([Action::Train])).unwrap();
    let offer =
        |terms| node.space.offer(NewOffer { product: name("songs"), ..Node::new_offer(terms) });
    for actions in [vec![Action::Train], vec![Action::Read, Action::Train]] {
        let terms = Terms::new().permit(Rule::new([Action::Read])).permit(Rule::new(actions));
        let before = node.len();
        let refused = offer(terms).unwrap_err();
        assert!(
            matches!(&refused, ChangeError::Refused(Refusal::ForbiddenByProduct { product, action })
                if *product == name("songs") && *action == Action::Train),
            "{refused}"
        );
        let ChangeError::Refused(refusal) = refused else { panic!() };
        assert!(refusal.to_string().contains("take the permission out"), "{refusal}");
        assert_eq!(node.len(), before);
    }
    // To forbid it once more is possible, and so is all else.
    let terms = Terms::new().permit(Rule::new([Action::Read]));
    offer(terms.prohibit(Rule::new([Action::Train]))).unwrap();
}

#[test]
fn an_offer_from_before_is_not_concluded() {
    let node = Node::new();
    let offer = node.offer(to_read_and_train());
    register(&node, "alloys", forbidding([Action::Train])).unwrap();
    let refused = node.conclude(&offer, &consumer()).unwrap_err();
    assert!(
        matches!(refused, ChangeError::Refused(Refusal::ForbiddenByProduct { .. })),
        "{refused}"
    );
    assert_eq!(node.space.contracts(), []);
}

#[test]
fn a_running_contract_gives_it_no_more_and_all_else_as_before() {
    let (node, contract) = tightened();
    let request = node.request_for(contract, Action::Train, "research");
    let denial = denied(node.space.access(request).unwrap());
    assert_eq!(codes(&denial), ["forbidden-by-product"]);
    assert_eq!(denial.reasons(), [DenialReason::ForbiddenByProduct { action: Action::Train }]);
    assert!(denial.to_string().contains("the product itself forbids `train`"), "{denial}");
    let evidence = node.space.evidence(&denial.receipt()).unwrap();
    let verified = verify(&evidence.to_bytes().unwrap()).unwrap();
    assert!(matches!(verified.access().verdict, Verdict::Deny { .. }));
    let request = node.request_for(contract, Action::Read, "research");
    assert_eq!(rows(released(node.space.access(request).unwrap())), 10);
    assert_eq!(node.space.uses(contract).unwrap().0, 2);
    let replayed = replay(&node.close());
    assert_eq!((replayed.decisions, replayed.denials, replayed.discrepancies), (3, 1, 0));
    assert_eq!(replayed.unrepeatable, 0, "it is in the log");
}

#[test]
fn a_release_under_way_stops_when_the_product_forbids_it() {
    let node = Node::with_table(table(20_000));
    let contract = node.contract(to_read_and_train());
    let request = node.request_for(contract, Action::Train, "research");
    let mut release = released(node.space.access(request).unwrap());
    assert!(release.next().unwrap().is_ok());
    register(&node, "alloys", forbidding([Action::Train])).unwrap();
    assert!(release.next().unwrap().is_err());
    assert!(release.next().is_none());
}

#[test]
fn it_is_so_after_the_node_is_opened_again_with_and_without_its_index() {
    for has_index in [true, false] {
        let (node, contract) = tightened();
        node.space.write_index().unwrap();
        let files = node.close();
        if !has_index {
            std::fs::remove_file(files.path().join("index")).unwrap();
        }
        let node = Node { space: files.open().unwrap(), files };
        // What is not attached forbids all the same.
        let request = node.request_for(contract, Action::Train, "research");
        let denial = denied(node.space.access(request).unwrap());
        assert_eq!(codes(&denial), ["forbidden-by-product"]);
        // The same file without what forbids, as after its credentials were stripped.
        let before = node.len();
        let refused = register(&node, "alloys", table(10)).unwrap_err();
        assert!(
            matches!(&refused, ChangeError::Refused(Refusal::ForbidsLess { product, action })
                if *product == name("alloys") && *action == Action::Train),
            "{refused}"
        );
        register(&node, "alloys", forbidding([Action::Train])).unwrap();
        assert_eq!(node.len(), before, "attaching is no event");
        let more = forbidding([Action::Train, Action::Derive]);
        register(&node, "alloys", more).unwrap();
        assert_eq!(node.len(), before + 1);
        assert!(register(&node, "alloys", forbidding([Action::Derive])).is_err());
    }
}

#[test]
fn an_operator_who_permits_it_all_the_same_is_found() {
    let (node, contract) = tightened();
    let request = node.request_for(contract, Action::Train, "research");
    drop(denied(node.space.access(request).unwrap()));
    let mut access = node.decisions().pop().unwrap();
    let files = node.close();
    // The same decision, told as a permit.
    access.request = Digest::of(b"another request");
    access.verdict = Verdict::Permit { uses: 2, duties: Vec::new() };
    files.forge(Event::Access(access));
    let replayed = replay(&files);
    let found: Vec<_> = replayed.first.iter().map(|one| &one.deviation).collect();
    assert!(matches!(found[..], [Deviation::Verdict { .. }]), "{found:?}");

    // Or as an action that the product does not forbid, denied for it.
    let (node, contract) = tightened();
    let request = node.request_for(contract, Action::Train, "research");
    drop(denied(node.space.access(request).unwrap()));
    let mut access = node.decisions().pop().unwrap();
    access.request = Digest::of(b"another request");
    access.facts.insert("action".to_owned(), Fact::Text("read".to_owned()));
    let files = node.close();
    files.forge(Event::Access(access));
    assert_eq!(replay(&files).discrepancies, 1);
}

#[test]
fn a_registration_that_takes_something_back_or_says_nonsense_ends_the_replay() {
    let words = |words: &[&str]| words.iter().map(|word| name(word)).collect::<Vec<_>>();
    for forbids in [
        words(&[]),
        words(&["derive"]),
        words(&["train", "train"]),
        words(&["train", "read"]),
        words(&["train", "think"]),
    ] {
        let (node, _) = tightened();
        let registered = node.records().into_iter().rev().find_map(|record| match record.event {
            event @ Event::Product { .. } => Some(event),
            _ => None,
        });
        let Some(Event::Product { id, class, descriptor, forbids: known }) = registered else {
            panic!("no product")
        };
        assert_eq!(known, words(&["train"]));
        let files = node.close();
        files.forge(Event::Product { id, class, descriptor, forbids });
        let ended = replay_decisions(&files.log(), authority().did(), None);
        assert!(
            matches!(
                ended,
                Err(ReplayError::Record {
                    source: Refusal::ForbidsLess { .. } | Refusal::Mismatch,
                    ..
                })
            ),
            "{ended:?}"
        );
    }
}

#[test]
fn records_of_products_that_forbid_nothing_are_as_they_were() {
    let (id, class, descriptor) = (name("a"), name("b"), Digest::of(b"c"));
    let event =
        |forbids| Event::Product { id: id.clone(), class: class.clone(), descriptor, forbids };
    let plain = Record::new(at(0), event(Vec::new())).to_bytes().unwrap();
    assert!(!plain.windows(7).any(|bytes| bytes == b"forbids"));
    let many = vec![name("train"); 33];
    let many = Record::new(at(0), event(many)).to_bytes().unwrap();
    assert!(Record::from_bytes(&many).is_err(), "a list that is too long");
}

#[test]
fn it_is_a_product_as_others_are() {
    conformance::product(&forbidding([Action::Train])).unwrap();
}
