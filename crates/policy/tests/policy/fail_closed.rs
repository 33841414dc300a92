//! What cannot be evaluated denies; what would widen is refused.

use dataspace_policy::{Facts, Layer, Policies, Program, Reason, Uses};

use crate::support::{
    Decision, Told as _, codes, contract, denial, facts, forbid_when, permit_when, program,
    read_always, region, space,
};

/// Well typed, and beyond 64 bits as soon as the contract was used once.
const OVERFLOW: &str = "context.uses + 9223372036854775807 > 0";

/// What a denial by it tells.
fn overflow() -> Vec<String> {
    vec![format!("`{OVERFLOW}` has no value"), "the number of uses is 1".to_owned()]
}

fn used_once() -> Facts<'static> {
    Facts { uses: Uses::of_contract(1), ..facts() }
}

#[test]
fn a_space_forbid_that_errs_denies_and_is_named() {
    let space = space(&forbid_when(OVERFLOW));
    let denial = denial(program(&read_always()).told(&used_once(), Some(&space)));
    assert_eq!(
        denial.reasons,
        [Reason::PolicyError { layer: Layer::Space, policy: "f".to_owned(), facts: overflow() }]
    );
}

#[test]
fn a_space_forbid_that_errs_denies_though_it_would_have_been_false() {
    let space = space(&forbid_when("context.uses + 9223372036854775807 < 0"));
    assert_eq!(
        codes(&denial(program(&read_always()).told(&used_once(), Some(&space)))),
        ["policy-error"]
    );
}

#[test]
fn a_contract_permit_that_errs_denies_beside_one_that_permits() {
    let text =
        format!("@id(\"good\") permit(principal, action, resource);\n{}", permit_when(OVERFLOW));
    let denial = denial(contract(&text).told(&used_once(), None));
    assert_eq!(
        denial.reasons,
        [Reason::PolicyError { layer: Layer::Contract, policy: "p".to_owned(), facts: overflow() }]
    );
}

#[test]
fn a_contract_forbid_that_errs_denies() {
    let text =
        format!("@id(\"good\") permit(principal, action, resource);\n{}", forbid_when(OVERFLOW));
    let denial = denial(contract(&text).told(&used_once(), None));
    assert_eq!(
        denial.reasons,
        [Reason::PolicyError { layer: Layer::Contract, policy: "f".to_owned(), facts: overflow() }]
    );
}

#[test]
fn a_forbid_that_errs_beside_one_that_forbids_is_named_too() {
    let text =
        format!("@id(\"no\") forbid(principal, action, resource);\n{}", forbid_when(OVERFLOW));
    let denial = denial(program(&read_always()).told(&used_once(), Some(&space(&text))));
    assert_eq!(codes(&denial), ["policy-error", "forbidden-by-space"]);
}

#[test]
fn an_error_in_a_branch_that_is_not_taken_is_no_error() {
    let text = permit_when(&format!("context.uses == 1 || {OVERFLOW}"));
    assert!(matches!(contract(&text).told(&used_once(), None), Decision::Permit(_)));
}

#[test]
fn other_overflows_deny_too() {
    for condition in [
        "(context.uses + 4611686018427387904) * 2 > 0",
        "context.now.offset(duration(\"9223372036854775807ms\")) > context.now",
        "(0 - 9223372036854775807) - context.uses - context.uses < 0",
    ] {
        let decision = contract(&permit_when(condition)).told(&used_once(), None);
        assert_eq!(denial(decision).reasons[0].code(), "policy-error", "{condition}");
    }
}

#[test]
fn a_forbid_of_the_space_acts_at_once_on_a_running_contract() {
    let program = program(&read_always());
    let no_de = space(&forbid_when("principal.region == \"DE\""));
    assert!(matches!(program.told(&facts(), None), Decision::Permit(_)));
    let denial = denial(program.told(&facts(), Some(&no_de)));
    assert_eq!(
        denial.to_string(),
        "the space forbids it by its policy f: the consumer's region is DE"
    );
    let french = Facts { region: region("FR"), ..facts() };
    assert!(matches!(program.told(&french, Some(&no_de)), Decision::Permit(_)));
    assert!(matches!(program.told(&facts(), None), Decision::Permit(_)));
}

#[test]
fn a_space_can_forbid_by_role_class_purpose_and_action() {
    let program = program(&read_always());
    for condition in [
        "principal.roles.contains(\"consumer\")",
        "!principal.roles.contains(\"auditor\")",
        "resource.class == \"open\"",
        "context.purpose == \"research\"",
        "action == Dataspace::Action::\"read\"",
        "context.now >= datetime(\"2026-06-01T00:00:00Z\")",
    ] {
        let denial = denial(program.told(&facts(), Some(&space(&forbid_when(condition)))));
        assert_eq!(codes(&denial), ["forbidden-by-space"], "{condition}");
    }
}

#[test]
fn without_a_permission_of_the_contract_a_silent_space_permits_nothing() {
    let program = Program::new("").unwrap();
    assert_eq!(codes(&denial(program.told(&facts(), None))), ["not-covered"]);
}

#[test]
fn the_text_decides_where_the_terms_say_something_else() {
    let program = Program::new(&forbid_when("true")).unwrap();
    assert_eq!(codes(&denial(program.told(&facts(), None))), ["prohibited"]);
}

#[test]
fn a_policy_of_the_space_with_the_id_of_a_clause_is_still_the_spaces() {
    let text = "@id(\"permission-1\") forbid(principal, action, resource);";
    let denial = denial(program(&read_always()).told(&facts(), Some(&space(text))));
    assert_eq!(
        denial.reasons,
        [Reason::Forbidden {
            layer: Layer::Space,
            policy: "permission-1".to_owned(),
            facts: Vec::new()
        }]
    );
}

#[test]
fn a_short_stack_denies_and_does_not_permit() {
    let deep = permit_when(&format!("{}{}", "true && ".repeat(180), "true"));
    let program = contract(&deep);
    let decision = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(move || program.told(&facts(), None))
        .unwrap()
        .join()
        .unwrap();
    match decision {
        Decision::Permit(grounds) => assert_eq!(grounds.policies, ["p"]),
        Decision::Deny(denial) => assert_eq!(denial.reasons[0].code(), "policy-error"),
    }
}

#[test]
fn a_contract_layer_takes_forbids_and_permits_a_space_only_forbids() {
    let text = format!("{}\n{}", forbid_when("true"), permit_when("true"));
    assert!(Policies::parse(&text, Layer::Contract).is_ok());
    assert!(Policies::parse(&text, Layer::Space).is_err());
    assert!(Policies::parse(&forbid_when("true"), Layer::Space).is_ok());
}
