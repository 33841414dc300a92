//! `vectors/odrl/*.json`: documents, and the terms that they mean or why and where they are
//! refused.

use std::collections::BTreeSet;

use dataspace_odrl::{OdrlError, odrl_digest};
use dataspace_policy::duty::{CalendarPart, Characters, MarkMethod};
use dataspace_policy::{Constraint, Duty, Legal, MaskMethod, Terms};
use serde_json::Value;

use crate::support::{from_odrl, to_odrl};

/// The left operands of the Catena-X profile 2025-09.
const CATENA_X: [&str; 29] = [
    "AffiliatesBpnl",
    "AffiliatesRegion",
    "BusinessPartnerGroup",
    "BusinessPartnerNumber",
    "ConfidentialInformationMeasures",
    "ConfidentialInformationSharing",
    "ContractReference",
    "ContractTermination",
    "DataFrequency",
    "DataProvisioningEndDate",
    "DataProvisioningEndDurationDays",
    "DataUsageEndDate",
    "DataUsageEndDefinition",
    "DataUsageEndDurationDays",
    "ExclusiveUsage",
    "FrameworkAgreement",
    "JurisdictionLocation",
    "JurisdictionLocationReference",
    "Liability",
    "ManagedLegalEntityBpnl",
    "ManagedLegalEntityRegion",
    "Membership",
    "Precedence",
    "UsagePurpose",
    "UsageRestriction",
    "VersionChanges",
    "Warranty",
    "WarrantyDefinition",
    "WarrantyDurationMonths",
];

struct Case {
    file: String,
    says: String,
    document: String,
    expected: Result<Terms, (String, String)>,
}

fn cases() -> Vec<Case> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/odrl");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let list: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in list {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let refused = &case["refused"];
            all.push(Case {
                file: file.clone(),
                says: text(&case["says"]),
                document: case["document"].to_string(),
                expected: if refused.is_null() {
                    Ok(serde_json::from_value(case["terms"].clone()).unwrap())
                } else {
                    Err((text(&refused["pointer"]), text(&refused["kind"])))
                },
            });
        }
    }
    all
}

/// The terms of every document that is read.
pub(crate) fn readable() -> impl Iterator<Item = Terms> {
    cases().into_iter().filter_map(|case| case.expected.ok())
}

/// The name of the kind, without what it holds.
pub(crate) fn kind(error: &OdrlError) -> String {
    let kind = format!("{:?}", error.kind);
    kind.chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[test]
fn every_vector_means_what_it_says() {
    let cases = cases();
    let mut wrong = Vec::new();
    for Case { file, says, document, expected } in &cases {
        let found = from_odrl(document);
        let found = found.map_err(|error| (error.pointer.clone(), kind(&error)));
        if found != *expected {
            wrong.push(format!("{file}: {says}\n  {document}\n  {found:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn half_of_the_vectors_try_to_break_in() {
    let cases = cases();
    let refused = cases.iter().filter(|case| case.expected.is_err()).count();
    assert!(refused * 2 >= cases.len(), "{refused} of {}", cases.len());
}

#[test]
fn the_first_vector_of_each_term_of_ours_is_what_is_written() {
    let mut seen = BTreeSet::new();
    for Case { file, document, expected, .. } in cases() {
        let is_ours = ["constraint", "duty", "legal"].iter().any(|own| file.starts_with(own));
        if is_ours && seen.insert(file.clone()) {
            let written = to_odrl(&expected.unwrap());
            assert_eq!(written, serde_json::from_str::<Value>(&document).unwrap(), "{file}");
        }
    }
    assert_eq!(seen.len(), 36 + 34, "{seen:?}");
}

#[test]
fn what_is_read_can_be_written_and_read_again() {
    for Case { file, says, document, expected } in cases() {
        let Ok(terms) = expected else { continue };
        let again = to_odrl(&terms).to_string();
        assert_eq!(from_odrl(&again).unwrap(), terms, "{file}: {says}");
        assert_eq!(
            odrl_digest(&document).unwrap(),
            odrl_digest(&again).unwrap(),
            "{file}: {says}\n{again}"
        );
    }
}

#[test]
fn every_operand_of_catena_x_has_vectors_of_both_kinds() {
    for operand in CATENA_X {
        let file = format!("catena-x-{operand}");
        let all: Vec<_> = cases().into_iter().filter(|case| case.file == file).collect();
        assert!(all.iter().all(|case| case.document.contains(operand)), "{operand}");
        assert!(all.iter().any(|case| case.expected.is_err()), "{operand}");
        assert!(all.iter().any(|case| case.expected.is_ok()), "{operand}");
    }
}

/// Fails to compile when there is a new variant, which then needs a vector.
fn names_of(constraint: &Constraint, names: &mut BTreeSet<&'static str>) {
    let mut parts: Vec<&Constraint> = Vec::new();
    names.insert(match constraint {
        Constraint::Purpose(_) => "Purpose",
        Constraint::PurposeWithin(_) => "PurposeWithin",
        Constraint::Time(_) => "Time",
        Constraint::From(_) => "From",
        Constraint::Before(_) => "Before",
        Constraint::Hours(_) => "Hours",
        Constraint::Elapsed(_) => "Elapsed",
        Constraint::Count(_) => "Count",
        Constraint::ConsumerCount(_) => "ConsumerCount",
        Constraint::DayCount(_) => "DayCount",
        Constraint::MonthCount(_) => "MonthCount",
        Constraint::PlayCount(_) => "PlayCount",
        Constraint::SecondsCount(_) => "SecondsCount",
        Constraint::FirstSeconds(_) => "FirstSeconds",
        Constraint::Jurisdiction(_) => "Jurisdiction",
        Constraint::RecipientRegion(_) => "RecipientRegion",
        Constraint::Participant(_) => "Participant",
        Constraint::Credential(_) => "Credential",
        Constraint::Attribute { .. } => "Attribute",
        Constraint::Vouched { .. } => "Vouched",
        Constraint::Role(_) => "Role",
        Constraint::PersonRole(_) => "PersonRole",
        Constraint::Attested => "Attested",
        Constraint::Sandbox => "Sandbox",
        Constraint::SecurityLevel(_) => "SecurityLevel",
        Constraint::Connector(_) => "Connector",
        Constraint::Application(_) => "Application",
        Constraint::Class(_) => "Class",
        Constraint::Level(_) => "Level",
        Constraint::Payment(_) => "Payment",
        Constraint::Event(_) => "Event",
        Constraint::State(_) => "State",
        Constraint::Not(one) => {
            parts.push(one);
            "Not"
        }
        Constraint::All(all) => {
            parts.extend(all);
            "All"
        }
        Constraint::Any(all) => {
            parts.extend(all);
            "Any"
        }
        Constraint::One(all) => {
            parts.extend(all);
            "One"
        }
    });
    for part in parts {
        names_of(part, names);
    }
}

#[test]
fn every_constraint_duty_and_legal_clause_has_a_vector() {
    let (mut constraints, mut others) = (BTreeSet::new(), BTreeSet::new());
    for terms in cases().into_iter().filter_map(|case| case.expected.ok()) {
        for rule in terms.permissions.iter().chain(&terms.prohibitions) {
            rule.constraints.iter().for_each(|one| names_of(one, &mut constraints));
        }
        others.extend(terms.duties.iter().map(|duty| match duty {
            Duty::Filter(_) => "Filter",
            Duty::Mask(mask) => match mask.method {
                MaskMethod::Drop => "Drop",
                MaskMethod::Null => "Null",
                MaskMethod::Hash => "Hash",
                MaskMethod::Pseudonym { .. } => "Pseudonym",
                MaskMethod::Constant(_) => "Constant",
                MaskMethod::Generalise(_) => "Generalise",
                MaskMethod::Round { .. } => "Round",
                MaskMethod::Truncate { .. } => "Truncate",
                MaskMethod::Bin { .. } => "Bin",
                MaskMethod::Calendar { part: CalendarPart::Minute } => "Minute",
                MaskMethod::Calendar { part: CalendarPart::Hour } => "Hour",
                MaskMethod::Calendar { part: CalendarPart::Day } => "Day",
                MaskMethod::Calendar { part: CalendarPart::Month } => "Month",
                MaskMethod::Calendar { part: CalendarPart::Year } => "Year",
                MaskMethod::Grid { .. } => "Grid",
                MaskMethod::Redact { characters: Characters::Digits } => "Digits",
                MaskMethod::Redact { characters: Characters::Letters } => "Letters",
            },
            Duty::Mark(mark) => match mark.method {
                MarkMethod::Visible => "Visible",
                MarkMethod::Trace => "Trace",
            },
            Duty::Keep(_) => "Keep",
            Duty::Aggregate(_) => "Aggregate",
            Duty::Sample(_) => "Sample",
            Duty::Limit(_) => "Limit",
            Duty::Watermark(_) => "Watermark",
            Duty::Persons(_) => "Persons",
        }));
        others.extend(terms.legal.iter().map(|legal| match legal {
            Legal::Text(_) => "Text",
            Legal::Operand { .. } => "Operand",
            Legal::DeleteAfter(_) => "DeleteAfter",
            Legal::ModifyAtRest(_) => "ModifyAtRest",
            Legal::Log => "Log",
            Legal::Notify(_) => "Notify",
            Legal::ShareUnder(_) => "ShareUnder",
            Legal::Forbidden { .. } => "Forbidden",
        }));
    }
    assert_eq!(constraints.len(), 36, "{constraints:?}");
    assert_eq!(others.len(), 34, "{others:?}");
}
