//! What pseudonyms can be joined with: what the clause names, and nothing else.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use arrow_array::{
    ArrayRef, Decimal128Array, Float32Array, Float64Array, Int8Array, Int64Array, RecordBatch,
    StringArray,
};
use dataspace_data_plane::{Document, Piece, Plan, Product, Table, product::Recipient};
use dataspace_policy::duty::{InvalidDuty, PseudonymScope};
use dataspace_policy::{Duty, MaskMethod};
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use ring::{hkdf, hmac};

use crate::common::{batch, mask, rows};

/// A node's root: another secret for each purpose and context.
struct Root(Mutex<Vec<(String, Vec<u8>)>>);

fn root() -> Root {
    Root(Mutex::new(Vec::new()))
}

struct Len;

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        32
    }
}

fn secret(purpose: &str, context: &[u8]) -> [u8; 32] {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"test").extract(b"root");
    let mut out = [0; 32];
    prk.expand(&[purpose.as_bytes(), b"\0", context], Len).unwrap().fill(&mut out).unwrap();
    out
}

impl Secrets for Root {
    fn derive(&self, purpose: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        self.0.lock().unwrap().push((purpose.to_owned(), context.to_vec()));
        Ok(Zeroizing::new(secret(purpose, context)))
    }
}

const LAB: &str = "did:web:lab.example";
const ONE: Recipient<'_> = Recipient { contract: b"contract 1", consumer: LAB };
const TWO: Recipient<'_> = Recipient { contract: b"contract 2", consumer: LAB };
const OTHER: Recipient<'_> =
    Recipient { contract: b"contract 3", consumer: "did:web:rival.example" };

fn pseudonym(column: &str, scope: PseudonymScope, domain: Option<&str>) -> Duty {
    let domain = domain.map(|domain| domain.parse().unwrap());
    mask(column, MaskMethod::Pseudonym { scope, domain })
}

/// What leaves of one column, in the order of the table.
fn hidden(recipient: Recipient<'_>, duty: &Duty, values: ArrayRef) -> Vec<String> {
    let source = batch(vec![(duty.column().unwrap().as_str(), values)]);
    let duties = std::slice::from_ref(duty);
    let plan = Plan::compile(duties, source.schema_ref(), &root(), recipient).unwrap();
    rows(&plan.apply(&source).unwrap())
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(values.iter().map(|value| Some(*value)).collect::<StringArray>())
}

fn bmw(recipient: Recipient<'_>, duty: &Duty) -> String {
    hidden(recipient, duty, texts(&["BMW"])).remove(0)
}

fn digits(secret: &[u8], label: &[u8], name: &str, value: &[u8]) -> String {
    let len = u64::try_from(name.len()).unwrap().to_be_bytes();
    let mut message = [label, &len[..], name.as_bytes()].concat();
    message.resize(message.len().next_multiple_of(64), 0);
    message.extend_from_slice(value);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &message);
    let half: [u8; 16] = tag.as_ref()[..16].try_into().unwrap();
    format!("{:032x}", u128::from_be_bytes(half))
}

#[test]
fn each_scope_is_the_hmac_of_its_documented_message() {
    let (contract, consumer) =
        (secret("pseudonyms", b"contract 1"), secret("pseudonyms of consumer", LAB.as_bytes()));
    let (own, shared) = (b"dataspace/pseudonym/v2\0", b"dataspace/pseudonym-domain/v2\0");
    for (duty, expected) in [
        (mask("vin", MaskMethod::Hash), digits(&contract, own, "vin", b"tBMW")),
        (
            pseudonym("vin", PseudonymScope::Contract, Some("car")),
            digits(&contract, shared, "car", b"tBMW"),
        ),
        (pseudonym("vin", PseudonymScope::Consumer, None), digits(&consumer, own, "vin", b"tBMW")),
        (
            pseudonym("vin", PseudonymScope::Consumer, Some("car")),
            digits(&consumer, shared, "car", b"tBMW"),
        ),
    ] {
        assert_eq!(bmw(ONE, &duty), expected, "{duty}");
    }
}

#[test]
fn only_what_the_clause_names_can_be_joined() {
    use PseudonymScope::{Consumer, Contract};
    let all = [
        mask("vin", MaskMethod::Hash),
        mask("car", MaskMethod::Hash),
        pseudonym("vin", Contract, Some("car")),
        pseudonym("chassis", Contract, Some("car")),
        pseudonym("vin", Contract, Some("person")),
        pseudonym("vin", Consumer, None),
        pseudonym("chassis", Consumer, None),
        pseudonym("car", Consumer, None),
        pseudonym("vin", Consumer, Some("car")),
        pseudonym("chassis", Consumer, Some("car")),
        pseudonym("vin", Consumer, Some("person")),
    ];
    let method = |duty: &Duty| match duty {
        Duty::Mask(mask) => mask.method.clone(),
        other => panic!("{other}"),
    };
    // A naive reading of the words.
    let is_joined = |(at, a): (Recipient<'_>, &Duty), (by, b): (Recipient<'_>, &Duty)| {
        let (MaskMethod::Pseudonym { scope, domain }, m) = (method(a), method(b)) else {
            return at == by && a == b;
        };
        let MaskMethod::Pseudonym { scope: other, domain: theirs } = m else { return false };
        let is_scope = scope == other
            && match scope {
                Contract => at.contract == by.contract,
                Consumer => at.consumer == by.consumer,
            };
        let is_domain = match (domain, theirs) {
            (None, None) => a.column() == b.column(),
            (one, other) => one == other,
        };
        is_scope && is_domain
    };
    let mut joined = 0;
    for at in [ONE, TWO, OTHER] {
        for by in [ONE, TWO, OTHER] {
            for a in &all {
                for b in &all {
                    let expected = is_joined((at, a), (by, b));
                    assert_eq!(bmw(at, a) == bmw(by, b), expected, "{at:?} {a}; {by:?} {b}");
                    joined += usize::from(expected && (at, a) != (by, b));
                }
            }
        }
    }
    assert!(joined > 20, "{joined}");
}

#[test]
fn equal_numbers_of_a_domain_are_one_however_they_are_stored() {
    let duty = pseudonym("n", PseudonymScope::Consumer, Some("part"));
    let decimal = |value: i128, precision, scale| -> ArrayRef {
        let array = Decimal128Array::from(vec![value]);
        Arc::new(array.with_precision_and_scale(precision, scale).unwrap())
    };
    let one = |values: ArrayRef| hidden(ONE, &duty, values).remove(0);
    let seven = one(Arc::new(Int64Array::from(vec![7])));
    for values in [
        Arc::new(Int8Array::from(vec![7])) as ArrayRef,
        Arc::new(Float64Array::from(vec![7.0])),
        Arc::new(Float32Array::from(vec![7.0])),
        decimal(7, 3, 0),
        decimal(700, 5, 2),
        decimal(70_000, 38, 4),
    ] {
        assert_eq!(one(values), seven);
    }
    // Nothing else becomes a seven.
    for values in [
        texts(&["7"]),
        decimal(7, 5, 2),
        decimal(7, 5, -1),
        decimal(70, 5, 0),
        Arc::new(Float64Array::from(vec![7.000_000_1])),
        Arc::new(Int64Array::from(vec![-7])),
    ] {
        assert_ne!(one(values), seven);
    }
    assert_eq!(one(decimal(7, 5, -1)), one(Arc::new(Int64Array::from(vec![70]))));
    assert_eq!(one(decimal(15, 5, 1)), one(decimal(1500, 9, 3)));
    assert_ne!(one(decimal(15, 5, 1)), one(decimal(15, 5, 2)));
    assert_eq!(one(decimal(0, 5, 2)), one(Arc::new(Float64Array::from(vec![-0.0]))));
    let all = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 9.007_199_254_740_992e15];
    let distinct: BTreeSet<_> =
        all.iter().map(|value| one(Arc::new(Float64Array::from(vec![*value])))).collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn a_secret_is_derived_only_where_a_mask_needs_it() {
    let source = batch(vec![("vin", texts(&["BMW"]))]);
    let used = |duty: Duty| {
        let root = root();
        Plan::compile(&[duty], source.schema_ref(), &root, ONE).unwrap();
        root.0.into_inner().unwrap()
    };
    let contract = ("pseudonyms".to_owned(), b"contract 1".to_vec());
    let consumer = ("pseudonyms of consumer".to_owned(), LAB.as_bytes().to_vec());
    assert_eq!(used(mask("vin", MaskMethod::Hash)), std::slice::from_ref(&contract));
    let domain = pseudonym("vin", PseudonymScope::Contract, Some("car"));
    assert_eq!(used(domain), std::slice::from_ref(&contract));
    let joined = pseudonym("vin", PseudonymScope::Consumer, None);
    assert_eq!(used(joined), [contract, consumer]);
}

fn people(from: i64) -> RecordBatch {
    let ids: Vec<String> = (from..from + 2000).map(|n| format!("DE{n:06}")).collect();
    let values: Int64Array = (from..from + 2000).map(|n| n % 13).collect();
    batch(vec![("id", Arc::new(StringArray::from(ids)) as ArrayRef), ("v", Arc::new(values))])
}

fn released(recipient: Recipient<'_>, duties: &[Duty], source: &RecordBatch) -> Vec<String> {
    let table = Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap();
    let plan = Plan::compile(duties, &table.schema(), &root(), recipient).unwrap();
    plan.run(&table).unwrap().flat_map(|batch| rows(&batch.unwrap())).collect()
}

#[test]
fn contracts_that_share_pseudonyms_share_no_order() {
    let duties = [pseudonym("id", PseudonymScope::Consumer, Some("person"))];
    let (one, two) = (released(ONE, &duties, &people(0)), released(TWO, &duties, &people(0)));
    let set = |rows: &[String]| rows.iter().cloned().collect::<BTreeSet<_>>();
    // The same rows, which their pseudonyms join.
    assert_eq!(set(&one), set(&two));
    let in_place = one.iter().zip(&two).filter(|(a, b)| a == b).count();
    assert!(in_place <= 8, "{in_place}");
    let other = released(OTHER, &duties, &people(0));
    assert!(set(&one).is_disjoint(&set(&other)));
    // Rows that one of them lacks move none of the other's.
    let later = released(TWO, &duties, &people(1000));
    let both = set(&two).intersection(&set(&later)).count();
    assert_eq!(both, 1000);
    let rest = |all: &[String], of: &[String]| {
        all.iter().filter(|row| set(of).contains(*row)).cloned().collect::<Vec<_>>()
    };
    let (later_set, two_set) = (later.clone(), two.clone());
    assert_eq!(rest(&two[..200], &later_set).len() + rest(&two[200..], &later_set).len(), 1000);
    let (a, b): (Vec<_>, Vec<_>) = (
        two.iter().filter(|row| set(&later_set).contains(*row)).take(50).collect(),
        later.iter().filter(|row| set(&two_set).contains(*row)).take(50).collect(),
    );
    assert_eq!(a, b);
}

#[test]
fn a_document_joins_with_a_table_in_the_same_domain() {
    let document = Document::from_bytes(br#"{"owner": {"id": "BMW", "no": 7}}"#).unwrap();
    let open = |duties: &[Duty], recipient| {
        let mut delivery = document.open(duties, None, &root(), recipient).unwrap();
        match delivery.next().unwrap() {
            Some(Piece::Bytes { bytes, .. }) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let domain = |column| pseudonym(column, PseudonymScope::Consumer, Some("person"));
    let text = open(&[domain("/owner/id"), domain("/owner/no")], ONE);
    assert!(text.contains(&bmw(TWO, &domain("id"))), "{text}");
    let seven = hidden(TWO, &domain("no"), Arc::new(Int64Array::from(vec![7]))).remove(0);
    assert!(text.contains(&seven), "{text}");
    assert!(!text.contains(&bmw(OTHER, &domain("id"))), "{text}");
    // Without a domain, the pointer is the name.
    let text = open(&[pseudonym("/owner/id", PseudonymScope::Consumer, None)], ONE);
    assert!(!text.contains(&bmw(ONE, &pseudonym("id", PseudonymScope::Consumer, None))), "{text}");
}

#[test]
fn a_scope_that_says_nothing_is_refused() {
    let duty = pseudonym("vin", PseudonymScope::Contract, None);
    assert!(matches!(duty.check(), Err(InvalidDuty::Domain { .. })));
    assert!(Plan::check(&[duty], batch(vec![("vin", texts(&["BMW"]))]).schema_ref()).is_err());
}

#[test]
fn consumers_accept_them_and_see_what_is_none() {
    let duty = pseudonym("vin", PseudonymScope::Consumer, Some("car"));
    assert!(duty.allows(&bmw(ONE, &duty)) && duty.allows(""));
    assert!(!duty.allows("BMW"));
}
