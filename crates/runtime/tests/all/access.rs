//! The happy path, and what the log says of it.

use arrow_array::{Array, Int64Array, StringArray};
use dataspace_data_plane::watermark::Detector;
use dataspace_policy::duty::{PseudonymScope, Tolerance};
use dataspace_policy::{
    Action, ColumnMask, Duty, Legal, MaskMethod, Operator, RowFilter, Rule, Scalar, Terms,
    Watermark,
};
use dataspace_primitives::Digest;
use dataspace_runtime::{
    Release,
    access::{Decision, NotSubmitted},
    space::TraceError,
};
use dataspace_tlog::{Fact, LeafIndex, Record, Verdict};
use dataspace_usage_contract::ContractId;

use crate::support::{Node, at, codes, consumer, decision, name, permitted, released, rows, terms};

fn mask(column: &str, method: MaskMethod) -> Duty {
    Duty::Mask(ColumnMask { column: name(column), method })
}

fn texts(release: Release, column: &str) -> Vec<Option<String>> {
    let mut texts = Vec::new();
    for batch in release {
        let batch = batch.unwrap();
        let column = batch.column_by_name(column).unwrap();
        let column = column.as_any().downcast_ref::<StringArray>().unwrap();
        texts.extend(column.iter().map(|text| text.map(str::to_owned)));
    }
    texts
}

#[test]
fn columns_and_rows_leave_as_the_duties_say() {
    let node = Node::new();
    let filter = RowFilter {
        column: name("strength"),
        operator: Operator::Gteq,
        values: vec![Scalar::Number("206".parse().unwrap())],
    };
    let terms = terms()
        .duty(mask("furnace", MaskMethod::Drop))
        .duty(mask("alloy", MaskMethod::Truncate { chars: 3 }))
        .duty(mask("strength", MaskMethod::Round { decimals: -1 }))
        .duty(Duty::Filter(filter));
    let release = node.released(node.contract(terms));
    let names: Vec<_> =
        release.schema().unwrap().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["alloy", "strength"]);
    let batches: Vec<_> = release.map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    let strength = batches[0].column(1).as_any().downcast_ref::<Int64Array>().unwrap();
    assert_eq!(strength.values(), &[210, 210, 210, 210]);
    let alloy = batches[0].column(0).as_any().downcast_ref::<StringArray>().unwrap();
    assert!(alloy.iter().all(|text| text == Some("S00")));
}

#[test]
fn a_filter_sees_the_values_that_a_mask_hides() {
    let node = Node::new();
    let filter = RowFilter {
        column: name("furnace"),
        operator: Operator::Eq,
        values: vec![Scalar::Number("0".parse().unwrap())],
    };
    let terms = terms().duty(mask("furnace", MaskMethod::Null)).duty(Duty::Filter(filter));
    let mut seen = 0;
    for batch in node.released(node.contract(terms)) {
        let batch = batch.unwrap();
        let furnace = batch.column_by_name("furnace").unwrap();
        assert_eq!(furnace.null_count(), batch.num_rows());
        seen += batch.num_rows();
    }
    assert_eq!(seen, 2); // rows 0 and 7
}

#[test]
fn pseudonyms_of_two_contracts_cannot_be_joined() {
    let node = Node::new();
    let hashed = terms().duty(mask("alloy", MaskMethod::Hash));
    let first = node.contract(hashed.clone());
    let second = node.contract(hashed.legal(Legal::Text(name("another contract"))));
    let seen = texts(node.released(first), "alloy");
    assert_eq!(seen, texts(node.released(first), "alloy"));
    let other = texts(node.released(second), "alloy");
    assert!(seen.iter().all(|pseudonym| !other.contains(pseudonym)));
    assert!(seen.iter().flatten().all(|pseudonym| !pseudonym.starts_with("S0")));
}

#[test]
fn pseudonyms_of_a_consumer_are_joined_where_the_clauses_say_so() {
    let node = Node::new();
    let method = |scope| MaskMethod::Pseudonym { scope, domain: Some(name("alloy")) };
    let joined = terms().duty(mask("alloy", method(PseudonymScope::Consumer)));
    let first = node.contract(joined.clone());
    let second = node.contract(joined.legal(Legal::Text(name("another contract"))));
    let sorted = |contract| {
        let mut all = texts(node.released(contract), "alloy");
        all.sort();
        all
    };
    let seen = sorted(first);
    assert_eq!((seen.len(), &seen), (10, &sorted(second)));
    assert!(seen.iter().flatten().all(|pseudonym| !pseudonym.starts_with("S0")));
    // The same domain, within one contract.
    let own = node.contract(terms().duty(mask("alloy", method(PseudonymScope::Contract))));
    assert!(sorted(own).iter().all(|pseudonym| !seen.contains(pseudonym)));
}

#[test]
fn a_copy_is_traced_to_the_contract_that_released_it() {
    let node = Node::new();
    let tolerance = Tolerance::Absolute("4".parse().unwrap());
    let mark = Duty::Watermark(Watermark { column: name("strength"), tolerance });
    let terms = terms().duty(mark);
    let (first, second) =
        (node.contract(terms.clone()), node.contract(terms.legal(Legal::Text(name("another")))));
    let copy = |contract: ContractId| {
        let agreement = node.space.agreement(contract).unwrap();
        let duties = &agreement.value().terms.duties;
        let mut copy = Detector::new(duties, &crate::support::table(1).schema()).unwrap();
        node.released(contract).for_each(|batch| copy.push(&batch.unwrap()));
        copy
    };
    // Ten rows are few, but whatever they say, they say of the one that has them.
    let (ours, theirs) = (copy(first), copy(second));
    let of = |contract, copy: &Detector| node.space.trace(contract, copy).unwrap();
    assert!(of(first, &ours).agreement > 0.999 && of(second, &theirs).agreement > 0.999);
    assert!(of(first, &ours).chance_log10 < 0.0);
    assert!(of(first, &ours).chance_log10 <= of(second, &ours).chance_log10);
    let nobody = ContractId::from_digest(Digest::of(b"no contract"));
    assert!(matches!(node.space.trace(nobody, &ours), Err(TraceError::Contract(_))));
}

#[test]
fn a_permit_is_one_record_that_says_all_it_rests_on() {
    let node = Node::new();
    let contract = node.contract(terms().duty(mask("furnace", MaskMethod::Drop)));
    let before = node.len();
    let request = node.request(contract);
    let release = released(node.space.access(request.clone()).unwrap());
    assert_eq!(node.len(), before + 1);
    let index = release.receipt().index;
    assert_eq!(index, LeafIndex::new(before));
    let record = Record::from_bytes(&node.space.log().read(index).unwrap()).unwrap();
    assert_eq!(record.time, at(0));
    let access = decision(record).unwrap();
    assert_eq!(access.contract, *contract.as_digest());
    assert_eq!(access.request, Digest::of(request.as_bytes()));
    let agreement = node.space.agreement(contract).unwrap();
    assert_eq!(access.program, Digest::of(agreement.value().cedar.as_bytes()));
    assert_eq!(access.profile, 1);
    assert_eq!(access.verdict, Verdict::Permit { uses: 1, duties: vec!["duty-1".to_owned()] });
    let text = |value: &str| Fact::Text(value.to_owned());
    let facts = [
        ("action", text("read")),
        ("now", Fact::Number(at(0).as_millis())),
        ("participant", text(consumer().did().as_str())),
        ("product", text("alloys")),
        ("productClass", text("test-results")),
        ("purpose", text("research")),
        ("region", text("DE")),
        ("roles", Fact::Texts(["consumer".to_owned()].into())),
        ("credentials", Fact::Texts(["MembershipCredential".to_owned()].into())),
        ("purposes", Fact::Texts(["research".to_owned()].into())),
        ("space", text("demo")),
        ("agreedAt", Fact::Number(at(0).as_millis())),
        ("uses", Fact::Number(0)),
        ("usesByConsumer", Fact::Number(0)),
        ("usesToday", Fact::Number(0)),
        ("usesThisMonth", Fact::Number(0)),
    ];
    assert_eq!(access.facts.len(), facts.len());
    for (fact, value) in facts {
        assert_eq!(access.facts.get(fact), Some(&value), "{fact}");
    }
    assert_eq!((release.uses(), release.clauses()), (1, &["permission-1".to_owned()][..]));
}

#[test]
fn a_denial_is_one_record_with_its_reasons() {
    let node = Node::new();
    let contract = node.contract(terms());
    let before = node.len();
    let request = node.request_for(contract, Action::Train, "research");
    let access = node.space.access(request).unwrap();
    let denied = crate::support::denied(access);
    assert_eq!(codes(&denied), ["not-covered"]);
    assert_eq!(denied.to_string(), "no clause of the contract permits to train");
    assert_eq!(node.len(), before + 1);
    let decision = node.decisions().pop().unwrap();
    let reasons = vec!["not-covered: no clause of the contract permits to train".to_owned()];
    assert_eq!(decision.verdict, Verdict::Deny { reasons });
    assert_eq!(node.space.uses(contract), Some((0, None)));
}

#[test]
fn the_receipt_names_contract_consumer_and_request() {
    let node = Node::new();
    let contract = node.contract(terms());
    let request = node.request(contract);
    let release = released(node.space.access(request.clone()).unwrap());
    let receipt = release.receipt();
    assert_eq!((receipt.contract, &receipt.consumer), (contract, consumer().did()));
    assert_eq!(receipt.request, request);
}

#[test]
fn every_decision_is_one_record_and_uses_count_up() {
    let node = Node::new();
    let contract = node.contract(terms());
    for expected in 1..=5 {
        assert_eq!(node.released(contract).uses(), expected);
        let request = node.request_for(contract, Action::Read, "quality-assurance");
        let _denied = crate::support::denied(node.space.access(request).unwrap());
    }
    let uses: Vec<_> = node.decisions().iter().map(permitted).collect();
    let expected = [1, 2, 3, 4, 5].iter().flat_map(|uses| [Some(*uses), None]);
    assert!(uses.into_iter().eq(expected));
}

#[test]
fn the_steps_by_hand_do_what_access_does() {
    let node = Node::new();
    let contract = node.contract(terms());
    let monitor = node.space.enter();
    let received = monitor.receive(node.verified(contract)).unwrap();
    let Decision::Permit(permit) = received.decide().unwrap() else { panic!("denied") };
    assert_eq!(permit.clauses(), ["permission-1"]);
    let recorded = permit.submit().unwrap().wait().unwrap();
    drop(monitor);
    assert_eq!(recorded.receipt().contract, contract);
    assert_eq!(rows(recorded.release()), 10);
    assert_eq!(node.space.uses(contract), Some((1, None)));
}

#[test]
fn of_two_permits_for_one_count_the_second_conflicts_and_is_decided_again() {
    let node = Node::new();
    let contract = node.contract(crate::support::counted(1));
    let monitor = node.space.enter();
    let (first, second) = (node.verified(contract), node.verified(contract));
    let [first, second] = [first, second].map(|request| {
        let received = monitor.receive(request).unwrap();
        match received.decide().unwrap() {
            Decision::Permit(permit) => permit,
            Decision::Denial(_) => panic!("denied"),
        }
    });
    let submitted = first.submit().unwrap();
    let NotSubmitted::Conflict(conflict) = second.submit().unwrap_err() else { panic!() };
    let again = monitor.again(conflict).unwrap().decide().unwrap();
    assert!(matches!(again, Decision::Denial(_)));
    drop(monitor);
    drop(submitted.wait().unwrap());
}

#[test]
fn a_permit_that_nobody_waits_for_is_recorded_and_its_use_taken() {
    let node = Node::new();
    let contract = node.contract(crate::support::counted(1));
    let monitor = node.space.enter();
    let received = monitor.receive(node.verified(contract)).unwrap();
    let Decision::Permit(permit) = received.decide().unwrap() else { panic!("denied") };
    drop(permit.submit().unwrap());
    drop(monitor);
    assert_eq!(codes(&node.denied(contract)), ["unmet"]);
    assert_eq!(node.decisions().iter().map(permitted).collect::<Vec<_>>(), [Some(1), None]);
}

#[test]
fn a_permission_for_several_actions_covers_each() {
    let node = Node::new();
    let rule = Rule::new([Action::Read, Action::Transfer]);
    let contract = node.contract(Terms::new().permit(rule));
    for action in [Action::Read, Action::Transfer] {
        let request = node.request_for(contract, action, "research");
        assert_eq!(rows(released(node.space.access(request).unwrap())), 10);
    }
}
