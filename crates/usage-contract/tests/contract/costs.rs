//! What the worst document of each kind costs until it is refused: every part of a good one is
//! exchanged for as much as a document can hold, and signed by the right keys.

use std::marker::PhantomData;

use allocation_counter::{AllocationInfo, measure};
use dataspace_identity::{DidKeys, MembershipCredential, MembershipRevocation};
use dataspace_primitives::{
    CoSignature, Payload, Signed, TrustedKeys,
    envelope::{DOCUMENT_LEN_MAX, EnvelopeError},
};
use dataspace_usage_contract::{
    Acceptance, AccessRequest, Agreement, Offer, ProviderPolicies, PublishedProfile, Statement,
    Termination,
};
use serde::{Deserialize, Serialize};
use serde_cbor::Value;

use crate::profile::profile;
use crate::support::{agreement, consumer, now, offer, provider, trusting, verified};

/// Any content under the type of `T`.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
struct Any<T>(Value, #[serde(skip)] PhantomData<fn() -> T>);

impl<T: Payload> Payload for Any<T> {
    const TYPE: &'static str = T::TYPE;
    const SIGNATURES: usize = T::SIGNATURES;
}

/// Bytes of memory at once, and pieces in all, that a document may take until it is refused.
const BYTES_MAX: u64 = 10_000_000;
const PIECES_MAX: u64 = 40_000;

fn keys() -> TrustedKeys {
    trusting(&[provider().did(), consumer().did()])
}

/// A file of `vectors/documents`.
fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/../../vectors/documents/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap().replace('\n', "");
    let digits = text.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
    digits.map(|two| u8::from_str_radix(two, 16).unwrap()).collect()
}

/// The content of an envelope: the third of its four parts.
fn content(envelope: &[u8], signatures: usize) -> Value {
    let body = envelope.get(if signatures == 1 { 1 } else { 2 }..).unwrap();
    let Ok(Value::Array(parts)) = serde_cbor::from_slice(body) else { panic!("no envelope") };
    let Some(Value::Bytes(content)) = parts.get(2) else { panic!("no content") };
    serde_cbor::from_slice(content).unwrap()
}

/// As `Value`s of about `len` bytes: lists, maps and texts of all that could stand in a document.
fn bombs(was: &Value, len: usize) -> Vec<Value> {
    let text = |n: usize| Value::Text(format!("{n:04}"));
    let times = |value: &Value| len / serde_cbor::to_vec(value).unwrap().len();
    let element = match was {
        Value::Array(all) => all.first().cloned(),
        Value::Map(all) => all.values().next().cloned(),
        _ => None,
    };
    let element = element.unwrap_or(Value::Null);
    // A number or text is refused for its type wherever a list stands.
    if !matches!(was, Value::Array(_) | Value::Map(_)) {
        return vec![Value::Text("a".repeat(len))];
    }
    let empty = [Value::Null, Value::Array(Vec::new())];
    let mut all: Vec<_> = empty.iter().map(|one| Value::Array(vec![one.clone(); len])).collect();
    all.push(Value::Array(vec![element.clone(); times(&element)]));
    all.push(Value::Array((0..len / 5).map(text).collect()));
    let tiny = Value::Map([(Value::Integer(0), Value::Null)].into());
    all.push(Value::Array(vec![tiny; len / 3]));
    let keyed = |value: &Value| {
        let entries = len / (serde_cbor::to_vec(value).unwrap().len() + 5);
        Value::Map((0..entries).map(|n| (text(n), value.clone())).collect())
    };
    all.extend([keyed(&Value::Null), keyed(&element)]);
    all.push(Value::Map((0..len as i128 / 4).map(|n| (Value::Integer(n), Value::Null)).collect()));
    all
}

/// `value` with every part of it, in turn, exchanged for each bomb.
fn bombed(value: &Value, len: usize) -> Vec<Value> {
    let mut all = bombs(value, len);
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                all.extend(bombed(item, len).into_iter().map(|bomb| {
                    let mut items = items.clone();
                    *items.get_mut(at).unwrap() = bomb;
                    Value::Array(items)
                }));
            }
        }
        Value::Map(entries) => {
            for (key, item) in entries {
                all.extend(bombed(item, len).into_iter().map(|bomb| {
                    let mut entries = entries.clone();
                    entries.insert(key.clone(), bomb);
                    Value::Map(entries)
                }));
            }
        }
        _ => {}
    }
    all
}

fn signed<T: Payload>(content: Value) -> Option<Vec<u8>> {
    let content = Any::<T>(content, PhantomData);
    let keys = [provider(), consumer()];
    let by = keys.iter().take(T::SIGNATURES);
    let signatures = by.map(|key| CoSignature::sign(&content, key).unwrap()).collect();
    Some(Signed::assemble(&content, signatures).ok()?.as_bytes().to_vec())
}

fn assert_is_cheap(what: impl Fn() -> String, cost: &AllocationInfo) {
    let (bytes, pieces) = (cost.bytes_max, cost.count_total);
    assert!(bytes < BYTES_MAX && pieces < PIECES_MAX, "{}: {bytes} bytes, {pieces} pieces", what());
}

fn assert_all_are_cheap<T: Payload>(name: &str, check: impl Fn(Signed<T>) -> bool) {
    let good = content(&golden(name), T::SIGNATURES);
    let room = DOCUMENT_LEN_MAX - golden(name).len() - 64;
    let mut documents = 0;
    for bomb in bombed(&good, room) {
        let Some(bytes) = signed::<T>(bomb) else { continue };
        // The content without its filling, for people.
        let shown = || String::from_utf8_lossy(&bytes[..200]).into_owned();
        documents += 1;
        let mut passes = false;
        let cost = measure(|| passes = Signed::from_bytes(bytes.clone()).is_ok_and(&check));
        assert!(!passes, "{name}: {} is taken", shown());
        assert_is_cheap(|| format!("{name}: {}", shown()), &cost);
    }
    assert!(documents > 5, "{name}: {documents} documents fit");
}

fn decodes<T: Payload>(document: Signed<T>) -> bool {
    document.verify(&keys(), now()).is_ok()
}

#[test]
fn any_content_of_a_short_document_is_refused_at_little_cost() {
    assert_all_are_cheap("membership-credential", decodes::<MembershipCredential>);
    assert_all_are_cheap("membership-revocation", decodes::<MembershipRevocation>);
    assert_all_are_cheap("acceptance", decodes::<Acceptance>);
    assert_all_are_cheap("access-request", decodes::<AccessRequest>);
    assert_all_are_cheap("termination", decodes::<Termination>);
}

#[test]
fn any_content_of_an_offer_or_agreement_is_refused_at_little_cost() {
    assert_all_are_cheap("offer", |offer| {
        Offer::verify(offer, provider().did(), &DidKeys, now()).is_ok()
    });
    assert_all_are_cheap("agreement", |agreement| {
        Agreement::verify(agreement, &DidKeys, now()).is_ok()
    });
}

#[test]
fn terms_with_many_constraints_in_many_clauses_are_refused_at_little_cost() {
    let text = |text: &str| Value::Text(text.to_owned());
    let constraint = Value::Map([(text("attested"), Value::Null)].into());
    let constraint =
        [text("attested"), constraint, Value::Map([(text("count"), Value::Integer(1))].into())];
    for constraint in constraint {
        let rule = Value::Map(
            [
                (text("actions"), Value::Array(Vec::new())),
                (text("constraints"), Value::Array(vec![constraint; 64])),
            ]
            .into(),
        );
        let Value::Map(mut good) = content(&golden("offer"), 1) else { panic!("no map") };
        let Some(Value::Map(terms)) = good.get_mut(&text("terms")) else { panic!("no terms") };
        terms.insert(text("permissions"), Value::Array(vec![rule.clone(); 38]));
        terms.insert(text("prohibitions"), Value::Array(vec![rule; 30]));
        let bytes = signed::<Offer>(Value::Map(good)).unwrap();
        let cost = measure(|| {
            let offer = Signed::from_bytes(bytes).unwrap();
            assert!(Offer::verify(offer, provider().did(), &DidKeys, now()).is_err());
        });
        assert_is_cheap(|| format!("{cost:?}"), &cost);
    }
}

#[test]
fn any_content_of_a_profile_or_policies_is_refused_at_little_cost() {
    let publish = |profile| PublishedProfile::publish(profile, provider().did(), now()).is_ok();
    assert_all_are_cheap("space-profile", publish);
    let parse = |policies: Signed<ProviderPolicies>| {
        let policies = policies.verify(&keys(), now());
        policies.is_ok_and(|one| {
            let cedar = &one.value().cedar;
            dataspace_policy::Policies::parse(cedar, dataspace_policy::Layer::Provider).is_ok()
        })
    };
    assert_all_are_cheap("provider-policies", parse);
    let verify = |statement| Statement::verify(statement, &DidKeys, now()).is_ok();
    assert_all_are_cheap("statement", verify);
}

/// An array of `len` items, as `head` of major type 4.
fn array_head(len: u16) -> Vec<u8> {
    let [high, low] = len.to_be_bytes();
    vec![0x99, high, low]
}

#[test]
fn more_signatures_than_a_document_has_are_refused_before_they_are_read() {
    // COSE_Sign: no headers, no content, and 15,000 empty signatures of four bytes each.
    let empty = [0x83, 0x40, 0xa0, 0x40];
    let body = [[0xd8, 0x62, 0x84, 0x40, 0xa0, 0x40].to_vec(), array_head(15_000)].concat();
    let bytes = [body, empty.repeat(15_000)].concat();
    let cost = measure(|| {
        let refused = Signed::<Agreement>::from_bytes(bytes.clone()).unwrap_err();
        let EnvelopeError::SignatureCount { expected: 2, found: 15_000 } = refused else {
            panic!("{refused:?}")
        };
    });
    assert!(cost.bytes_max < 200_000 && cost.count_total < 20, "{cost:?}");
}

#[test]
fn what_stands_beside_the_content_is_refused_before_it_is_read() {
    let nulls = [array_head(60_000), vec![0xf6; 60_000]].concat();
    let bytes = |len: usize| [vec![0x59], u16::try_from(len).unwrap().to_be_bytes().to_vec()];
    let wrapped = [bytes(nulls.len()).concat(), nulls.clone()].concat();
    // Two signatures of which one holds all.
    let first = [vec![0x83], wrapped.clone(), vec![0xa0, 0x40]].concat();
    let signatures = [vec![0x82], first, vec![0x83, 0x40, 0xa0, 0x40]].concat();
    let open = [vec![0xa1, 0x00], nulls].concat();
    for (what, protected, unprotected, rest) in [
        ("protected", wrapped.clone(), vec![0xa0], vec![0x40]),
        ("unprotected", vec![0x40], open, vec![0x40]),
        ("signature", vec![0x40], vec![0xa0], wrapped),
        ("signatures", vec![0x40], vec![0xa0], signatures),
    ] {
        let body = [vec![0x84], protected, unprotected, vec![0x40], rest].concat();
        let (one, two) = ([vec![0xd2], body.clone()].concat(), [vec![0xd8, 0x62], body].concat());
        let cost = measure(|| {
            assert!(Signed::<Offer>::from_bytes(one.clone()).is_err());
            assert!(Signed::<Agreement>::from_bytes(two.clone()).is_err());
        });
        assert!(cost.bytes_max < 300_000 && cost.count_total < 100, "{what}: {cost:?}");
    }
}

#[test]
fn the_longest_lists_of_a_profile_are_taken_and_no_longer_ones() {
    let with = |classes: usize| {
        let mut profile = profile();
        profile.data.product_classes =
            (0..classes).map(|n| format!("class {n}").parse().unwrap()).collect();
        let signed = Signed::sign(&profile, &provider()).unwrap();
        PublishedProfile::publish(signed, provider().did(), now())
    };
    let most = dataspace_usage_contract::profile::PROFILE_LIST_MAX;
    assert!(with(most).is_ok());
    let refused = with(most + 1).unwrap_err();
    let source = std::error::Error::source(&refused).map(|one| format!("{one:?}"));
    assert!(source.is_some_and(|one| one.contains("512 entries")), "{refused:?}");
}

#[test]
fn what_the_bombs_are_made_from_is_good() {
    assert!(decodes(verified(&offer()).signed().clone()));
    assert!(decodes(agreement().signed().clone()));
    let again = content(&golden("agreement"), 2);
    let again = signed::<Agreement>(again).unwrap();
    assert_eq!(again, golden("agreement"));
}
