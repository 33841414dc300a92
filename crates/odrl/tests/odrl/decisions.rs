//! What documents of real forms decide: no more is permitted than by the strictest reading.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_odrl::{
    OdrlOperands,
    operands::{OperandFact, OwnOperand, ValueType},
};
use dataspace_policy::{Action, Decision, Facts, Layers, Program, Scope};
use dataspace_primitives::{Name, Region, UnixMillis};
use serde_json::{Value, json};

use crate::support::from_odrl_in;

/// What differs from the usual access: a member reads for research, on the second day of 1970.
#[derive(Default)]
struct Access<'a> {
    action: Option<Action>,
    now: Option<u64>,
    recipient: Option<&'a str>,
    purpose: Option<&'a str>,
    attributes: &'a [(&'a str, &'a str)],
    credentials: &'a [&'a str],
}

const DAY: u64 = 86_400_000;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn space() -> OdrlOperands {
    let fact = OperandFact::Attribute { name: name("tier"), values: ValueType::Text };
    let own = OwnOperand { fact, words: name("the partner tier") };
    OdrlOperands { operands: [(name("partner"), own)].into(), ..OdrlOperands::default() }
}

fn permits(document: &Value, access: &Access<'_>) -> bool {
    let terms = from_odrl_in(&document.to_string(), &space()).unwrap();
    let scope = Scope { consumer: "did:key:consumer".to_owned(), product: name("alloys") };
    let text = terms.to_cedar(&scope).unwrap();
    let program = Program::new(&text).unwrap();
    let purpose = access.purpose.unwrap_or("research");
    let purposes = BTreeSet::from([name(purpose)]);
    let attributes: BTreeMap<_, _> =
        access.attributes.iter().map(|(key, value)| (name(key), name(value))).collect();
    let credentials: BTreeSet<_> = access.credentials.iter().map(|one| name(one)).collect();
    let facts = Facts {
        purposes: &purposes,
        attributes: &attributes,
        credentials: &credentials,
        recipient_region: access.recipient.map(|text| text.parse::<Region>().unwrap()),
        agreed_at: UnixMillis::new(DAY).unwrap(),
        ..Facts::new(
            ("did:key:consumer", "DE".parse().unwrap()),
            access.action.unwrap_or(Action::Read),
            ("alloys", "open"),
            purpose,
            UnixMillis::new(access.now.unwrap_or(DAY)).unwrap(),
        )
    };
    matches!(program.decide(&facts, Layers::default()), Decision::Permit(_))
}

fn use_if(left: &str, operator: &str, right: &Value) -> Value {
    let constraint = json!({ "leftOperand": left, "operator": operator, "rightOperand": right });
    json!({
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "Set",
        "permission": [{ "action": "use", "constraint": [constraint] }],
    })
}

/// Actions that a document permits to a member who asks as usual.
fn permitted(document: &Value, credentials: &[&str]) -> Vec<Action> {
    let may = |action: &Action| {
        permits(document, &Access { action: Some(*action), credentials, ..Access::default() })
    };
    Action::ALL.into_iter().filter(may).collect()
}

const CATENA_X: [&str; 2] = [
    "https://w3id.org/catenax/2025/9/policy/odrl.jsonld",
    "https://w3id.org/catenax/2025/9/policy/context.jsonld",
];

#[test]
fn who_may_see_an_offer_may_read_and_no_more() {
    let document = json!({
        "@context": CATENA_X, "@type": "Set",
        "permission": [{ "action": "access", "constraint": [
            { "leftOperand": "Membership", "operator": "eq", "rightOperand": "active" },
        ] }],
    });
    assert_eq!(permitted(&document, &["MembershipCredential"]), [Action::Read]);
    assert_eq!(permitted(&document, &[]), []);
}

#[test]
fn what_restrictions_forbid_is_denied_as_far_as_actions_tell_it_apart() {
    let forbidding = |constraint: Value| {
        json!({
            "@context": CATENA_X, "@type": "Set", "permission": [{ "action": "use" }],
            "prohibition": [{ "action": "use", "constraint": [constraint] }],
        })
    };
    let denied = |document: Value| {
        let permitted = permitted(&document, &[]);
        Action::ALL.into_iter().filter(|one| !permitted.contains(one)).collect::<Vec<_>>()
    };
    let restriction = |values: Value| json!({ "leftOperand": "UsageRestriction", "operator": "isAllOf", "rightOperand": values });
    let affiliates = json!({
        "leftOperand": "AffiliatesRegion", "operator": "isAnyOf",
        "rightOperand": ["cx.region.asia:1"],
    });
    assert_eq!(denied(forbidding(affiliates.clone())), [Action::Share]);
    let third = restriction(json!(["cx.thirdParty.forbidden:1"]));
    let shown = [Action::Display, Action::Play, Action::Share];
    assert_eq!(denied(forbidding(third.clone())), shown);
    let derived = restriction(json!(["cx.derivations.forbidden:1"]));
    assert_eq!(denied(forbidding(derived)), [Action::Derive]);
    assert_eq!(denied(forbidding(restriction(json!(["NoWeekends"])))), []);
    assert_eq!(denied(forbidding(json!({ "and": [third, affiliates] }))), shown);
}

#[test]
fn a_fraction_of_a_millisecond_decides_as_the_instant_does() {
    for (operator, permitted) in [
        ("lt", [true, true, false]),
        ("lteq", [true, true, false]),
        ("gt", [false, false, true]),
        ("gteq", [false, false, true]),
    ] {
        let document = use_if("dateTime", operator, &json!("1970-01-02T00:00:00.625668Z"));
        let at =
            |millis| permits(&document, &Access { now: Some(DAY + millis), ..Access::default() });
        assert_eq!([at(624), at(625), at(626)], permitted, "{operator}");
    }
}

#[test]
fn a_day_ends_where_its_offset_says() {
    let document =
        use_if("dateTime", "eq", &json!({ "@value": "1970-01-02+01:00", "@type": "xsd:date" }));
    let other =
        use_if("dateTime", "neq", &json!({ "@value": "1970-01-02+01:00", "@type": "xsd:date" }));
    let from = DAY - 3_600_000;
    for (now, expected) in
        [(from - 1, false), (from, true), (from + DAY - 1, true), (from + DAY, false)]
    {
        let access = Access { now: Some(now), ..Access::default() };
        assert_eq!(permits(&document, &access), expected, "{now}");
        assert_eq!(permits(&other, &access), !expected, "{now}");
    }
}

#[test]
fn a_time_after_the_agreement_is_counted_from_it() {
    let within = use_if("edc:inForceDate", "lteq", &json!("contractAgreement+1h"));
    let later = use_if("edc:inForceDate", "gteq", &json!("contractAgreement+1h"));
    for (millis, is_within, is_later) in
        [(0, true, false), (3_599_999, true, false), (3_600_000, false, true)]
    {
        let access = Access { now: Some(DAY + millis), ..Access::default() };
        assert_eq!((permits(&within, &access), permits(&later, &access)), (is_within, is_later));
    }
}

#[test]
fn a_group_of_countries_is_its_countries() {
    let within = use_if("spatial", "isPartOf", &json!("EU"));
    let outside = use_if("spatial", "neq", &json!("EU"));
    for (recipient, is_within, is_outside) in [
        (Some("DE"), true, false),
        (Some("HR"), true, false),
        (Some("GB"), false, true),
        (Some("CH"), false, true),
        (None, false, false),
    ] {
        let access = Access { recipient, ..Access::default() };
        assert_eq!(
            (permits(&within, &access), permits(&outside, &access)),
            (is_within, is_outside),
            "{recipient:?}"
        );
    }
}

#[test]
fn operands_of_connectors_and_of_a_space_ask_for_their_facts() {
    for (left, attribute, value) in [
        ("REFERRING_CONNECTOR", "referringConnector", "MDSL1234XX.C1234YY"),
        (
            "https://w3id.org/tractusx/v0.0.1/ns/BusinessPartnerGroup",
            "BusinessPartnerGroup",
            "gold",
        ),
        ("https://w3id.org/tractusx/v0.0.1/ns/BusinessPartnerNumber", "bpn", "BPNL000000000001"),
        ("FrameworkAgreement.pcf", "FrameworkAgreement.pcf", "active"),
        ("partner", "tier", "gold"),
    ] {
        let document = use_if(left, "eq", &json!(value));
        for (attributes, expected) in [
            (&[(attribute, value)][..], true),
            (&[(attribute, "another")], false),
            // What is not known permits nothing.
            (&[], false),
        ] {
            let access = Access { attributes, ..Access::default() };
            assert_eq!(permits(&document, &access), expected, "{left}: {attributes:?}");
        }
    }
    let purpose = use_if("PURPOSE", "eq", &json!("ID 3.0 Trace"));
    assert!(!permits(&purpose, &Access::default()));
    assert!(permits(&purpose, &Access { purpose: Some("ID 3.0 Trace"), ..Access::default() }));
    let credential = use_if("BpnCredential", "eq", &json!("active"));
    assert!(!permits(&credential, &Access::default()));
    let credentials = &["BpnCredential"][..];
    assert!(permits(&credential, &Access { credentials, ..Access::default() }));
}
