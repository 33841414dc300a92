//! What colluding members, a lying provider or a lying consumer make of an evidence file, with their
//! own keys and logs. Each attack is one lie; all that depends on it is signed and hashed again.

use dataspace_identity::Origin;
use dataspace_ledger::evidence::{EvidenceError, Part};
use dataspace_policy::{Action, ColumnMask, Constraint, Duty, MaskMethod, Rule, Terms};
use dataspace_primitives::{Digest, Region};
use dataspace_tlog::{Event, Fact, Record, Verdict};
use dataspace_usage_contract::{AccessRequest, ContractId, StatedPerson, agreement::AgreeError};
use serde_bytes::ByteBuf;

use crate::support::story::{Story, Wire};
use crate::support::{
    DAY, Node, at, authority, consumer, counted, days, denied, name, provider, released, research,
    rival, space_id, stranger,
};

fn drop_furnace() -> Duty {
    Duty::Mask(ColumnMask { column: name("furnace"), method: MaskMethod::Drop })
}

fn null_strength() -> Duty {
    Duty::Mask(ColumnMask { column: name("strength"), method: MaskMethod::Null })
}

fn offered() -> Terms {
    Terms::new()
        .permit(research().when(Constraint::Count(2)))
        .prohibit(Rule::new([Action::Share]))
        .duty(drop_furnace())
        .duty(null_strength())
}

/// A permit as it was, in a log of the provider's own making.
fn permit() -> Story {
    let node = Node::new();
    let contract = node.contract(offered());
    node.advance(60);
    let request = node.request(contract);
    drop(released(node.space.access(request.clone()).unwrap()));
    Story::of_last(&node, &request)
}

/// A denial as it was: for the wrong purpose.
fn denial() -> Story {
    let node = Node::new();
    let contract = node.contract(offered());
    let request = node.request_for(contract, Action::Read, "alloy-design");
    drop(denied(node.space.access(request.clone()).unwrap()));
    Story::of_last(&node, &request)
}

fn refused(story: &Story) -> EvidenceError {
    story.verify().map(|verified| verified.findings()).unwrap_err()
}

/// The permit with one lie in it.
fn lie(change: impl FnOnce(&mut Story)) -> EvidenceError {
    let mut story = permit();
    change(&mut story);
    refused(&story)
}

fn text(text: &str) -> Fact {
    Fact::Text(text.to_owned())
}

#[test]
fn a_story_without_a_lie_verifies() {
    assert!(permit().verify().is_ok());
    assert!(denial().verify().is_ok());
}

#[test]
fn members_cannot_frame_others_by_signing_for_them() {
    for signers in
        [[rival as fn() -> _, stranger], [rival, consumer], [provider, rival], [stranger, provider]]
    {
        let error = lie(|story| story.signers = signers.to_vec());
        assert!(matches!(error, EvidenceError::Agreement(AgreeError::Parties)), "{error}");
        assert_eq!(error.parts(), [Part::Conclusion]);
    }
    // Nor by their own log, in which the framed provider's contract is concluded.
    let error = lie(|story| {
        story.agreement.log = Origin::named(rival().did(), "node").unwrap();
        story.origin = story.agreement.log.clone();
        story.operator = rival;
    });
    assert!(matches!(error, EvidenceError::Agreement(AgreeError::Log { .. })), "{error}");
}

#[test]
fn the_consumers_own_log_is_not_the_providers() {
    let error = lie(|story| {
        story.origin = Origin::named(consumer().did(), "node").unwrap();
        story.operator = consumer;
    });
    assert!(matches!(error, EvidenceError::Checkpoint { .. }), "{error}");
    assert!(error.parts().contains(&Part::Checkpoint));
    // Nor another log of the provider.
    let error = lie(|story| story.origin = Origin::named(provider().did(), "another").unwrap());
    assert!(matches!(error, EvidenceError::Checkpoint { .. }), "{error}");
}

type Other = fn(&mut AccessRequest);

#[test]
fn what_is_no_request_of_the_consumer_for_this_contract_is_refused() {
    // Any bytes, whose digest stands in the record.
    let story = permit();
    let wire = story.wire();
    let mut decision = Record::from_bytes(&wire.decision.record).unwrap();
    let Event::Access(access) = &mut decision.event else { panic!() };
    access.request = Digest::of(&[7; 32]);
    let conclusion = Record::from_bytes(&wire.conclusion.record).unwrap();
    let error = story.record(&conclusion, &decision, Some(vec![7; 32])).verify().unwrap_err();
    assert!(matches!(error, EvidenceError::Document { part: Part::Request, .. }), "{error}");

    let error = lie(|story| story.request_signer = rival);
    assert!(matches!(error, EvidenceError::RequestSignature(_)), "{error}");
    let others: [(&str, Other); 3] = [
        ("consumer", |request| request.consumer = rival().did().clone()),
        ("contract", |request| request.contract = ContractId::from_digest(Digest::of(b"other"))),
        ("log", |request| request.log = Origin::named(provider().did(), "another").unwrap()),
    ];
    for (part, change) in others {
        let error = lie(|story| change(&mut story.request));
        assert!(
            matches!(error, EvidenceError::RequestFor { what, .. } if what == part),
            "{part}: {error}"
        );
        assert!(error.parts().contains(&Part::Request));
    }
    for secs in [60 + 61, 60 + 3_700] {
        let error = lie(|story| {
            story.request.requested_at = if secs > 3_600 { at(0) } else { at(secs) };
            story.decided_at = if secs > 3_600 { at(secs) } else { at(60) };
            story.fact("now", Fact::Number(story.decided_at.as_millis()));
        });
        assert!(matches!(error, EvidenceError::RequestTime { .. }), "{secs}: {error}");
    }
}

#[test]
fn a_record_that_says_something_else_than_the_request_is_refused() {
    type Change = fn(&mut Story);
    let changes: [(&str, Change); 5] = [
        ("action", |story| story.request.action = Action::Share),
        ("purpose", |story| story.request.purpose = name("alloy-design")),
        ("person", |story| {
            let person = StatedPerson { id: name("ada"), roles: [name("engineer")].into() };
            story.request.statements.person = Some(person);
        }),
        ("recipientRegion", |story| {
            story.request.statements.recipient_region = Some(Region::parse("FR").unwrap());
        }),
        ("recipientRegion", |story| story.fact("recipientRegion", text("FR"))),
    ];
    for (fact, change) in changes {
        let error = lie(change);
        match &error {
            EvidenceError::Fact { name, by, .. } if fact != "purpose" => {
                assert_eq!((name.as_str(), by), (fact, &Part::Request));
            }
            // Another purpose has other broader ones.
            EvidenceError::Fact { name, .. } => assert!(name.starts_with("purpose"), "{name}"),
            _ => panic!("{fact}: {error}"),
        }
    }
}

#[test]
fn recorded_duties_are_exactly_those_of_the_contract() {
    for duties in [
        &[][..],
        &["duty-1"],
        &["duty-2", "duty-1"],
        &["duty-1", "duty-2", "duty-3"],
        &["duty-1", "duty-1"],
        &["duty-1", "legal-1"],
    ] {
        let duties: Vec<_> = duties.iter().map(ToString::to_string).collect();
        let error = lie(|story| {
            story.access.verdict = Verdict::Permit { uses: 1, duties: duties.clone() };
        });
        assert!(
            matches!(&error, EvidenceError::Duties { recorded, expected }
                if *recorded == duties && expected.len() == 2),
            "{error}"
        );
    }
    // Nor are others in the contract than both signed.
    let error = lie(|story| story.agreement.terms.duties.clear());
    assert!(matches!(error, EvidenceError::Duties { .. }), "{error}");
}

#[test]
fn every_recorded_fact_is_held_against_the_part_that_it_comes_from() {
    for (fact, value, part) in [
        ("participant", text(rival().did().as_str()), Part::Conclusion),
        ("product", text("another"), Part::Conclusion),
        ("productClass", text("computed-properties"), Part::Conclusion),
        ("space", text("another"), Part::Conclusion),
        ("agreedAt", Fact::Number(7), Part::Conclusion),
        ("region", text("FR"), Part::Consumer),
        (
            "roles",
            Fact::Texts(["consumer".to_owned(), "provider".to_owned()].into()),
            Part::Consumer,
        ),
        ("attribute:level", text("gold"), Part::Consumer),
        ("action", text("query"), Part::Request),
        ("purposes", Fact::Texts(["alloy-design".to_owned()].into()), Part::Decision),
        ("usesToday", Fact::Number(1), Part::Decision),
        ("usesThisMonth", Fact::Number(1), Part::Decision),
        ("now", Fact::Number(7), Part::Decision),
        ("credentials", Fact::Texts(["Diploma".to_owned()].into()), Part::Decision),
        ("payment", text("paid"), Part::Decision),
        ("events", Fact::Texts(["started".to_owned()].into()), Part::Decision),
        ("state", text("open"), Part::Decision),
        ("moonPhase", text("full"), Part::Decision),
    ] {
        let error = lie(|story| story.fact(fact, value));
        match &error {
            EvidenceError::Fact { by, .. } => assert_eq!(*by, part, "{fact}: {error}"),
            _ => panic!("{fact}: {error}"),
        }
        assert!(error.parts().contains(&part) && error.parts().contains(&Part::Decision));
    }
    let names: Vec<_> = permit().access.facts.keys().cloned().collect();
    for fact in names {
        let error = lie(|story| drop(story.access.facts.remove(&fact)));
        assert!(matches!(error, EvidenceError::Fact { .. }), "{fact}: {error}");
    }
}

#[test]
fn uses_follow_from_those_before_and_never_exceed_the_contract() {
    for (before, uses) in [(0, 0), (0, 2), (1, 1), (2, 3), (u64::MAX, 0)] {
        let error = lie(|story| {
            story.fact("uses", Fact::Number(before));
            let duties = vec!["duty-1".to_owned(), "duty-2".to_owned()];
            story.access.verdict = Verdict::Permit { uses, duties };
        });
        assert!(matches!(error, EvidenceError::Uses { limit: Some(2), .. }), "{error}");
    }
}

#[test]
fn a_permit_that_the_contract_does_not_give_is_refused() {
    type Change = fn(&mut Story);
    let changes: [(&str, Change); 4] = [
        ("unmet: permission-1", |story| {
            story.request.purpose = name("alloy-design");
            story.fact("purpose", text("alloy-design"));
            story.fact("purposes", Fact::Texts(["alloy-design".to_owned()].into()));
        }),
        ("prohibited: prohibition-1", |story| {
            story.request.action = Action::Share;
            story.fact("action", text("share"));
        }),
        ("contract-over", |story| story.agreement.validity = days(1, 30)),
        ("unknown-purpose", |story| story.fact("purposes", Fact::Texts([].into()))),
    ];
    for (reason, change) in changes {
        let error = lie(change);
        let told = error.to_string();
        assert!(matches!(error, EvidenceError::Verdict { .. }), "{told}");
        assert!(told.contains(reason) && told.contains("says permitted"), "{told}");
    }
}

#[test]
fn a_denial_follows_from_the_contract_or_says_what_is_not_shown() {
    let denied_for = |reasons: &[&str]| {
        let mut story = denial();
        let reasons = reasons.iter().map(ToString::to_string).collect();
        story.access.verdict = Verdict::Deny { reasons };
        story
    };
    for reasons in [
        // None of what follows, something that does not follow, twice the same, another clause.
        &["forbidden-by-space: the space forbids it by its policy embargo"][..],
        &["contract-over: the contract ended long ago"],
        &["unmet: permission-1: x", "unmet: permission-1: x"],
        &["unmet: permission-9: the purpose must be research"],
        &["unmet: permission-1: x", "quota-exhausted: all 2 uses of the contract are made"],
        &["unmet: permission-1: x", "duty: a duty cannot be carried out"],
        &["duty: a duty cannot be carried out"],
        &["unknown-purpose: alloy-design is not a scenario of this space"],
    ] {
        let error = refused(&denied_for(reasons));
        assert!(matches!(error, EvidenceError::Verdict { .. }), "{reasons:?}: {error}");
    }
    let error = refused(&denied_for(&["unmet: permission-1: x", "whim: not today"]));
    assert!(matches!(&error, EvidenceError::Reason { reason } if reason.starts_with("whim")));
    // What the contract permits is not denied by the contract.
    let error = lie(|story| {
        let reasons = vec!["unmet: permission-1: the purpose must be research".to_owned()];
        story.access.verdict = Verdict::Deny { reasons };
    });
    assert!(error.to_string().contains("it is permitted by permission-1"), "{error}");

    let finding = |story: &Story, part: &str| {
        let findings = story.verify().unwrap().findings();
        let all: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(
            all.iter().any(|one| one.starts_with("not proved") && one.contains(part)),
            "{all:#?}"
        );
    };
    finding(&denied_for(&["unmet: permission-1: in other words"]), "worded");
    finding(
        &denied_for(&["contract-terminated: fees", &first_reason()]),
        "that this reason to deny holds: fees",
    );
    let mut story = permit();
    let reasons = vec!["membership-revoked: fees were not paid".to_owned()];
    story.access.verdict = Verdict::Deny { reasons };
    finding(&story, "fees were not paid");
}

fn first_reason() -> String {
    let Verdict::Deny { reasons } = denial().access.verdict else { panic!() };
    reasons[0].clone()
}

#[test]
fn a_contract_is_concluded_before_it_is_used_and_before_it_is_over() {
    let error = lie(|story| story.is_reversed = true);
    assert!(matches!(error, EvidenceError::Order { .. }), "{error}");
    let error = lie(|story| {
        story.agreed_at = at(61);
        story.fact("agreedAt", Fact::Number(at(61).as_millis()));
    });
    assert!(matches!(error, EvidenceError::Order { .. }), "{error}");
    let mut story = denial();
    story.agreement.validity = dataspace_primitives::Validity::new(at(0), at(10)).unwrap();
    story.agreed_at = at(10);
    let error = refused(&story);
    assert!(matches!(error, EvidenceError::ConcludedLate { .. }), "{error}");
    // The record is dated back, as the fact is: then the request says so.
    let error = lie(|story| story.fact("agreedAt", Fact::Number(at(0).as_millis() - DAY)));
    assert!(matches!(error, EvidenceError::Fact { by: Part::Conclusion, .. }), "{error}");
}

#[test]
fn only_credentials_of_the_parties_in_this_space_at_that_time_are_taken() {
    type Change = fn(&mut Story);
    let strangers: [(Part, Change); 2] = [
        (Part::Provider, |story| story.provider.subject = rival().did().clone()),
        (Part::Consumer, |story| story.consumer.subject = rival().did().clone()),
    ];
    for (expected, change) in strangers {
        let error = lie(change);
        assert!(
            matches!(error, EvidenceError::Subject { part, .. } if part == expected),
            "{error}"
        );
    }
    let bad: [Change; 7] = [
        |story| story.credential_signer = stranger,
        |story| story.provider.space.name = name("another"),
        |story| story.consumer.space.name = name("another"),
        |story| story.consumer.space.authority = stranger().did().clone(),
        |story| story.consumer.validity = days(1, 30),
        |story| story.provider.validity = days(1, 30),
        |story| story.consumer.issued_at = at(DAY),
    ];
    for (number, change) in bad.into_iter().enumerate() {
        let error = lie(change);
        assert!(matches!(error, EvidenceError::Credential { .. }), "{number}: {error}");
    }
    // A space of somebody else's, in which everything is in order.
    let error = lie(|story| {
        let theirs = dataspace_identity::SpaceId::new(stranger().did().clone(), space_id().name);
        story.agreement.space = theirs.clone();
        (story.provider.space, story.consumer.space) = (theirs.clone(), theirs);
        story.credential_signer = stranger;
    });
    assert!(matches!(error, EvidenceError::Authority { .. }), "{error}");
    assert!(error.to_string().contains(authority().did().as_str()));
}

#[test]
fn words_and_deciding_text_that_differ_are_refused_or_shown() {
    let wider = offered().permit(Rule::new([Action::Read]));
    let error = lie(|story| story.agreement.terms = wider.clone());
    assert!(matches!(error, EvidenceError::Agreement(AgreeError::TextDiffers)), "{error}");
    // By another version of the compiler this may be; whoever reads the file is told.
    let mut story = permit();
    story.agreement.terms = wider;
    story.agreement.compiler += 1;
    let findings = story.verify().unwrap().findings();
    let told = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(told.contains("not proved: that the Cedar text that decides says"), "{told}");
    assert!(!told.contains("what the clauses compile to"), "{told}");
}

#[test]
fn other_policies_than_the_contracts_did_not_decide() {
    let story = permit();
    let wire = story.wire();
    let (conclusion, mut decision) = records(&wire);
    let Event::Access(access) = &mut decision.event else { panic!() };
    access.program = Digest::of(b"permit (principal, action, resource);");
    let request = wire.request.map(ByteBuf::into_vec);
    let error = story.record(&conclusion, &decision, request).verify().unwrap_err();
    assert!(matches!(error, EvidenceError::Program), "{error}");
}

#[test]
fn each_record_is_of_its_own_event_and_contract() {
    let story = permit();
    let wire = story.wire();
    let request = || wire.request.clone().map(ByteBuf::into_vec);
    let (conclusion, decision) = records(&wire);
    let twice = story.record(&conclusion, &conclusion, request()).verify();
    assert!(matches!(twice, Err(EvidenceError::Event { part: Part::Decision })));
    let twice = story.record(&decision, &decision, request()).verify();
    assert!(matches!(twice, Err(EvidenceError::Event { part: Part::Conclusion })));

    // The conclusion of another contract, or one that names another than it holds.
    let mut other = permit();
    other.agreement.terms = counted(9);
    let scope = dataspace_policy::Scope {
        consumer: consumer().did().as_str().to_owned(),
        product: name("alloys"),
    };
    other.agreement.cedar = counted(9).to_cedar(&scope).unwrap();
    let (others, _) = records(&other.wire());
    let error = story.record(&others, &decision, request()).verify().unwrap_err();
    assert!(matches!(error, EvidenceError::OtherContract { .. }), "{error}");
    let Event::Concluded { document, .. } = others.event else { panic!() };
    let Event::Concluded { contract, .. } = conclusion.event else { panic!() };
    let mixed = Record::new(conclusion.time, Event::Concluded { contract, document });
    let error = story.record(&mixed, &decision, request()).verify().unwrap_err();
    assert!(matches!(error, EvidenceError::Conclusion { .. }), "{error}");
}

fn records(wire: &Wire) -> (Record, Record) {
    let read = |bytes: &[u8]| Record::from_bytes(bytes).unwrap();
    (read(&wire.conclusion.record), read(&wire.decision.record))
}
