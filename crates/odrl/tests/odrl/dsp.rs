//! What we write, validated by the JSON schemas of the Dataspace Protocol.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use dataspace_odrl::{
    OdrlKind, OdrlOperands, OdrlPolicy,
    names::{DSP_CONTEXT, EXTENSION_CONTEXT},
    to_agreement, to_message_offer, to_offer,
    write::{AgreementParts, WrittenPolicy},
};
use dataspace_policy::{
    Action, Constraint, Legal, Rule, Terms, constraint::DEPTH_MAX, terms::InvalidTerms,
};
use dataspace_primitives::{Name, UnixMillis, Validity};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::arbitrary;
use crate::schema::{Part, Protocol, file};
use crate::vectors::kind;

pub(crate) static PROTOCOL: LazyLock<Protocol> = LazyLock::new(Protocol::load);

const ID: &str = "urn:uuid:d526561f-528e-4d5a-ae12-9a9dd9b7a815";
const TARGET: &str = "urn:uuid:3dd1add8-4d2d-569e-d634-8394a8836a88";

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn parts() -> AgreementParts<'static> {
    AgreementParts {
        id: ID,
        target: TARGET,
        assigner: "did:web:provider.example",
        assignee: "did:web:consumer.example",
        timestamp: UnixMillis::new(1_767_225_600_123).unwrap(),
    }
}

fn request(offer: WrittenPolicy) -> Value {
    json!({
        "@context": offer.context(),
        "@type": "ContractRequestMessage",
        "consumerPid": "urn:uuid:1",
        "callbackAddress": "https://consumer.example/dsp",
        "offer": offer.into_member(),
    })
}

fn offer(offer: WrittenPolicy) -> Value {
    json!({
        "@context": offer.context(),
        "@type": "ContractOfferMessage",
        "providerPid": "urn:uuid:2",
        "consumerPid": "urn:uuid:1",
        "offer": offer.into_member(),
    })
}

fn agreement(agreement: WrittenPolicy) -> Value {
    json!({
        "@context": agreement.context(),
        "@type": "ContractAgreementMessage",
        "providerPid": "urn:uuid:2",
        "consumerPid": "urn:uuid:1",
        "agreement": agreement.into_member(),
    })
}

fn dataset(offer: WrittenPolicy) -> Value {
    json!({
        "@context": offer.context(),
        "@type": "Dataset",
        "@id": TARGET,
        "hasPolicy": [offer.into_member()],
        "distribution": [{ "format": "HttpData-PULL", "accessService": "urn:uuid:3" }],
    })
}

fn catalog(offer: WrittenPolicy) -> Value {
    let context = offer.context();
    let mut dataset = dataset(offer);
    dataset.as_object_mut().unwrap().remove("@context");
    json!({
        "@context": context,
        "@type": "Catalog",
        "@id": "urn:uuid:4",
        "participantId": "did:web:provider.example",
        "dataset": [dataset],
    })
}

/// Every document that the terms can stand in: its schema, the place of the policy, its kind.
fn written(terms: &Terms) -> Vec<(Part, Value, &'static str, OdrlKind)> {
    let catalogued = || to_offer(terms, ID).unwrap();
    let sent = || to_message_offer(terms, ID, TARGET).unwrap();
    let agreed = || to_agreement(terms, &parts()).unwrap();
    vec![
        (Part::Request, request(sent()), "/offer", OdrlKind::Offer),
        (Part::Offer, offer(sent()), "/offer", OdrlKind::Offer),
        (Part::Agreement, agreement(agreed()), "/agreement", OdrlKind::Agreement),
        (Part::Dataset, dataset(catalogued()), "/hasPolicy/0", OdrlKind::Offer),
        (Part::Catalog, catalog(catalogued()), "/dataset/0/hasPolicy/0", OdrlKind::Offer),
        (Part::DatasetOffer, catalogued().into_document(), "", OdrlKind::Offer),
        (Part::BareAgreement, agreed().into_document(), "", OdrlKind::Agreement),
    ]
}

pub(crate) fn read(document: &Value, pointer: &str) -> Result<OdrlPolicy, (String, String)> {
    let found = OdrlPolicy::parse_at(&document.to_string(), pointer, &OdrlOperands::default());
    found.map_err(|error| (error.pointer.clone(), kind(&error)))
}

proptest! {
    #[test]
    fn what_is_written_validates_and_is_read_back(terms in arbitrary::terms()) {
        for (part, document, pointer, kind) in written(&terms) {
            let valid = PROTOCOL.check(part, &document);
            prop_assert_eq!(valid, Ok(()), "{:?}: {}", part, document);
            let valid = PROTOCOL.check(Part::Context, &document["@context"]);
            prop_assert_eq!(valid, Ok(()), "{:?}: {}", part, document);
            let policy = read(&document, pointer).unwrap();
            prop_assert_eq!(&policy.terms, &terms, "{}", document);
            prop_assert_eq!(policy.kind, Some(kind));
            prop_assert_eq!(policy.id.as_deref(), Some(ID));
        }
    }

    #[test]
    fn our_context_and_profile_are_named_where_names_of_ours_stand(terms in arbitrary::terms()) {
        let written = to_offer(&terms, ID).unwrap();
        let context = written.context();
        let policy = written.into_member();
        let mut names = BTreeSet::new();
        names_in(&policy, &mut names);
        let is_extended = names.iter().any(|name| name.starts_with("dataspace:"));
        prop_assert_eq!(context.contains(&EXTENSION_CONTEXT), is_extended, "{}", policy);
        prop_assert_eq!(policy.get("profile").is_some(), is_extended, "{}", policy);
    }

    #[test]
    fn every_name_has_its_meaning_from_the_contexts(terms in arbitrary::terms()) {
        let mut names = BTreeSet::new();
        names_in(&to_agreement(&terms, &parts()).unwrap().into_member(), &mut names);
        for name in names {
            prop_assert!(is_defined(&name), "{}", name);
        }
    }
}

/// Names for which the protocol's contexts or ours have a meaning: members, actions, operands,
/// operators and types. What parties keep as it stood is theirs.
fn names_in(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| names_in(one, names)),
        Value::Object(all) => {
            let is_kept = matches!(
                all.get("action").and_then(Value::as_str),
                Some("dataspace:comply" | "dataspace:refrain")
            );
            for (member, value) in all {
                names.extend((!member.starts_with('@')).then(|| member.clone()));
                let is_name =
                    matches!(member.as_str(), "@type" | "action" | "leftOperand" | "operator");
                match value {
                    Value::String(name) if is_name => drop(names.insert(name.clone())),
                    value if is_kept && member == "constraint" => {
                        let mut kept = BTreeSet::new();
                        names_in(value, &mut kept);
                        names
                            .extend(kept.into_iter().filter(|name| name.starts_with("dataspace:")));
                    }
                    value => names_in(value, names),
                }
            }
        }
        _ => {}
    }
}

static CONTEXTS: LazyLock<[Value; 3]> = LazyLock::new(|| {
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/odrl-context.jsonld");
    let ours = std::fs::read_to_string(ours).unwrap();
    [file("context/dspace.jsonld"), file("context/odrl.jsonld"), ours]
        .map(|text| serde_json::from_str::<Value>(&text).unwrap()["@context"].clone())
});

fn is_defined(name: &str) -> bool {
    let [protocol, odrl, ours] = &*CONTEXTS;
    match name.split_once(':') {
        Some((prefix, _)) => protocol.get(prefix).is_some() || ours.get(prefix).is_some(),
        // The message's term gives it its meaning there.
        None if name == "timestamp" => true,
        None => odrl.get(name).is_some(),
    }
}

#[test]
fn no_name_is_defined_by_chance() {
    for name in ["purpose", "read", "count", "acme:role", "Set2"] {
        assert!(!is_defined(name), "{name}");
    }
}

/// Purpose, a count and a negation, so that something of everything is in it.
fn rich() -> Terms {
    let purpose = Constraint::Purpose([name("research")].into());
    let level = Constraint::Not(Box::new(Constraint::SecurityLevel(3)));
    let either = Constraint::Any(vec![purpose, level]);
    let use_once = Rule::new(Action::ALL).when(Constraint::Count(1));
    Terms::new().permit(use_once).prohibit(Rule::new([Action::Train]).when(either)).legal(
        Legal::Operand {
            operand: name("cx-policy:Liability"),
            operator: name("eq"),
            values: vec![name("cx.grossNegligence:1")],
        },
    )
}

type Breaks = fn(&mut Value);

/// What the protocol does not accept, and that the validator says so: a change of the policy.
const BROKEN_POLICIES: [(&str, Breaks); 24] = [
    ("a type of ODRL that the protocol lacks", |p| p["@type"] = json!("Set")),
    ("no identifier", |p| remove(p, "@id")),
    ("an identifier that is an object", |p| p["@id"] = json!({ "@id": ID })),
    ("a profile that is an object", |p| p["profile"] = json!({ "@id": ID })),
    ("neither permission nor prohibition", |p| {
        remove(p, "permission");
        remove(p, "prohibition");
    }),
    ("no rule in the list", |p| p["permission"] = json!([])),
    ("a rule without its list", |p| p["permission"] = p["permission"][0].clone()),
    ("no obligation in the list", |p| p["obligation"] = json!([])),
    ("a rule without an action", |p| remove(&mut p["permission"][0], "action")),
    ("a duty without an action", |p| remove(&mut p["obligation"][0], "action")),
    ("two actions", |p| p["permission"][0]["action"] = json!(["use", "odrl:read"])),
    ("an action that is an object", |p| p["permission"][0]["action"] = json!({ "@id": "use" })),
    ("a constraint without its list", |p| {
        p["permission"][0]["constraint"] = p["permission"][0]["constraint"][0].clone();
    }),
    ("a negation object", |p| {
        let one = p["permission"][0]["constraint"][0].clone();
        p["permission"][0]["constraint"][0] = json!({ "dataspace:not": one });
    }),
    ("a negation object within `or`", |p| {
        let one = p["prohibition"][0]["constraint"][0]["or"][0].clone();
        p["prohibition"][0]["constraint"][0]["or"][0] = json!({ "dataspace:not": one });
    }),
    ("`or` and `and` at once", |p| p["prohibition"][0]["constraint"][0]["and"] = json!([])),
    ("a comparison that is joined, too", |p| {
        p["permission"][0]["constraint"][0]["or"] = json!([]);
    }),
    ("no right operand", |p| remove(&mut p["permission"][0]["constraint"][0], "rightOperand")),
    ("a number", |p| p["permission"][0]["constraint"][0]["rightOperand"] = json!(1)),
    ("a truth value", |p| p["permission"][0]["constraint"][0]["rightOperand"] = json!(true)),
    ("an operand that is an object", |p| {
        p["permission"][0]["constraint"][0]["leftOperand"] = json!({ "@id": "odrl:count" });
    }),
    ("an operator with a prefix", |p| {
        p["permission"][0]["constraint"][0]["operator"] = json!("odrl:lteq");
    }),
    ("an operator of nobody", |p| {
        p["permission"][0]["constraint"][0]["operator"] = json!("contains");
    }),
    ("an operator of nobody in an obligation", |p| {
        p["obligation"][0]["constraint"][0]["operator"] = json!("contains");
    }),
];

fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member).unwrap();
}

#[test]
fn the_validator_refuses_each_broken_policy_wherever_it_stands() {
    for (part, document, pointer, _) in written(&rich()) {
        assert_eq!(PROTOCOL.check(part, &document), Ok(()));
        for (what, breaks) in BROKEN_POLICIES {
            let mut broken = document.clone();
            breaks(broken.pointer_mut(pointer).unwrap());
            assert!(PROTOCOL.check(part, &broken).is_err(), "{part:?}: {what}");
        }
    }
}

#[test]
fn the_validator_refuses_what_does_not_belong_into_the_document() {
    let all = written(&rich());
    let refused = |part: Part, breaks: Breaks| {
        let (_, document, ..) = all.iter().find(|(one, ..)| *one == part).unwrap();
        let mut broken = document.clone();
        breaks(&mut broken);
        assert!(PROTOCOL.check(part, &broken).is_err(), "{part:?}: {broken}");
    };
    for part in [Part::Request, Part::Offer, Part::Agreement, Part::Dataset, Part::Catalog] {
        refused(part, |m| m["@context"] = json!(DSP_CONTEXT));
        refused(part, |m| m["@context"] = json!([EXTENSION_CONTEXT]));
        refused(part, |m| m["@context"] = json!([DSP_CONTEXT, { "dataspace": "urn:a:" }]));
        refused(part, |m| remove(m, "@context"));
    }
    for member in ["target", "assigner", "assignee"] {
        let (_, document, ..) = all.iter().find(|(one, ..)| *one == Part::Agreement).unwrap();
        let mut broken = document.clone();
        remove(&mut broken["agreement"], member);
        assert!(PROTOCOL.check(Part::Agreement, &broken).is_err(), "{member}");
    }
    refused(Part::Agreement, |m| m["agreement"]["timestamp"] = json!("2026-01-01"));
    refused(Part::Offer, |m| remove(&mut m["offer"], "target"));
    refused(Part::Dataset, |m| m["hasPolicy"][0]["target"] = json!(TARGET));
    refused(Part::Catalog, |m| m["dataset"][0]["hasPolicy"][0]["target"] = json!(TARGET));
    refused(Part::DatasetOffer, |m| m["target"] = json!(TARGET));
}

#[test]
fn terms_that_may_not_be_signed_are_refused_with_their_clause() {
    let quota = Rule::new([Action::Read]).when(Constraint::Count(0));
    let terms = Terms::new().permit(Rule::new(Action::ALL)).permit(quota);
    let clause = "permission-2".parse().unwrap();
    assert_eq!(to_offer(&terms, ID), Err(InvalidTerms::ZeroCount { clause }));
    assert_eq!(to_agreement(&Terms::new(), &parts()), Err(InvalidTerms::NoPermission));
}

#[test]
fn an_agreement_is_read_with_all_that_it_says() {
    let message = agreement(to_agreement(&rich(), &parts()).unwrap());
    let AgreementParts { id, target, assigner, assignee, timestamp } = parts();
    let text = |text: &str| Some(text.to_owned());
    let expected = OdrlPolicy {
        terms: rich(),
        kind: Some(OdrlKind::Agreement),
        id: text(id),
        target: text(target),
        assigner: text(assigner),
        assignee: text(assignee),
        timestamp: Some(timestamp),
    };
    assert_eq!(read(&message, "/agreement"), Ok(expected));
}

/// Terms as deep as may be signed, in the deepest document of the protocol.
#[test]
fn the_deepest_terms_are_read_in_a_nested_catalogue() {
    let (from, until) = ("2026-01-01T00:00:00Z".parse(), "2027-01-01T00:00:00Z".parse());
    let mut deep = Constraint::Time(Validity::new(from.unwrap(), until.unwrap()).unwrap());
    for _ in 0..DEPTH_MAX {
        deep = Constraint::Any(vec![deep, Constraint::Attested]);
    }
    let terms = Terms::new().permit(Rule::new(Action::ALL).when(deep));
    let mut inner = catalog(to_offer(&terms, ID).unwrap());
    let context = inner.as_object_mut().unwrap().remove("@context").unwrap();
    let mut outer = json!({
        "@context": context,
        "@type": "Catalog",
        "@id": "urn:uuid:5",
        "participantId": "did:web:provider.example",
    });
    outer["catalog"] = json!([inner]);
    assert_eq!(PROTOCOL.check(Part::Catalog, &outer), Ok(()));
    assert_eq!(read(&outer, "/catalog/0/dataset/0/hasPolicy/0").unwrap().terms, terms);
}

#[test]
fn a_place_without_a_policy_is_refused() {
    let message = request(to_message_offer(&rich(), ID, TARGET).unwrap());
    for pointer in ["offer", "/offers", "/offer/0", "/offer/permission/7", "/@context/x"] {
        assert_eq!(read(&message, pointer), Err((pointer.to_owned(), "Nothing".to_owned())));
    }
    let found = read(&message, "/consumerPid");
    assert_eq!(found, Err(("/consumerPid".to_owned(), "Value".to_owned())));
    // The message is none.
    assert_eq!(read(&message, ""), Err(("/@type".to_owned(), "UnknownType".to_owned())));
}

#[test]
fn a_name_in_a_pointer_may_be_escaped() {
    let policy = to_offer(&rich(), ID).unwrap().into_member();
    let document = json!({ "a/b": { "~1": [policy] } });
    assert_eq!(read(&document, "/a~1b/~01/0").unwrap().terms, rich());
}

/// It could give the names another meaning than the one that is read.
#[test]
fn a_second_context_on_the_way_to_the_policy_is_refused() {
    let catalog = catalog(to_offer(&rich(), ID).unwrap());
    for place in ["/dataset/0", "/dataset/0/hasPolicy/0"] {
        let mut other = catalog.clone();
        other.pointer_mut(place).unwrap()["@context"] = json!([DSP_CONTEXT]);
        let refused = (format!("{place}/@context"), "UnknownContext".to_owned());
        assert_eq!(read(&other, "/dataset/0/hasPolicy/0"), Err(refused));
    }
}

/// What `docs/odrl.md` has to say.
#[test]
fn every_name_of_ours_is_told() {
    let told = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/odrl.md"))
        .unwrap();
    let mut names = BTreeSet::new();
    for terms in crate::vectors::readable() {
        names_in(&to_offer(&terms, ID).unwrap().into_member(), &mut names);
    }
    let ours: Vec<_> = names.iter().filter_map(|name| name.strip_prefix("dataspace:")).collect();
    assert!(ours.len() > 40, "{ours:?}");
    for name in ours {
        let name = name.split_inclusive('/').next().unwrap();
        let spelt = [format!("`{name}`"), format!("`{name}…`"), format!("`dataspace:{name}`")];
        assert!(spelt.iter().any(|one| told.contains(one)), "{name}");
    }
}
