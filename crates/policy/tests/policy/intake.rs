//! Cedar text that is refused, and by which rule.

use dataspace_policy::{
    Layer, Policies,
    policies::{InvalidPolicies, schema_text},
};

use crate::support::{forbid_when, permit_when, refusal};

fn contract_refusal(text: &str) -> InvalidPolicies {
    refusal(text, Layer::Contract)
}

fn assert_schema(condition: &str) {
    let error = contract_refusal(&permit_when(condition));
    assert!(matches!(error, InvalidPolicies::Schema { .. }), "{condition}: {error}");
}

#[test]
fn a_permit_in_a_space_profile_is_refused_and_named() {
    let error = refusal(&permit_when("false || true"), Layer::Space);
    assert!(matches!(error, InvalidPolicies::Permit { id, .. } if id == "p"));
}

#[test]
fn a_permit_hidden_behind_forbids_and_comments_is_refused() {
    let text = format!("{} // \"\n{}", forbid_when("true"), permit_when("true"));
    assert!(matches!(refusal(&text, Layer::Space), InvalidPolicies::Permit { .. }));
    let text = format!("//\r{}", permit_when("true"));
    assert!(matches!(refusal(&text, Layer::Space), InvalidPolicies::Permit { .. }));
}

#[test]
fn a_template_is_refused() {
    for slot in
        ["principal == ?principal, action, resource", "principal, action, resource in ?resource"]
    {
        let text = format!("@id(\"t\") permit({slot});");
        assert!(matches!(contract_refusal(&text), InvalidPolicies::Template), "{slot}");
    }
}

#[test]
fn a_policy_without_an_id_is_refused_with_its_place() {
    let text = format!("{}\npermit(principal, action, resource);", permit_when("true"));
    assert!(matches!(contract_refusal(&text), InvalidPolicies::NoId { number: 2 }));
    for id in ["@id(\"\")", "@id", "@Id(\"x\")", "@name(\"x\")"] {
        let text = format!("{id} permit(principal, action, resource);");
        assert!(matches!(contract_refusal(&text), InvalidPolicies::NoId { number: 1 }), "{id}");
    }
}

#[test]
fn an_id_that_would_read_as_something_else_is_refused() {
    for id in ["a\\nb", "a ", "\\u{202e}a", "a\\u{200b}", "\\0"] {
        let text = format!("@id(\"{id}\") forbid(principal, action, resource);");
        let error = refusal(&text, Layer::Space);
        assert!(matches!(error, InvalidPolicies::Id { number: 1, .. }), "{id}: {error}");
    }
}

#[test]
fn two_policies_with_one_id_are_refused() {
    let text = format!("{}\n{}", permit_when("true"), permit_when("true"));
    assert!(matches!(contract_refusal(&text), InvalidPolicies::RepeatedId { id } if id == "p"));
    let escaped =
        format!("{}\n{}", permit_when("true"), permit_when("true").replacen('p', "\\u{70}", 1));
    assert!(matches!(contract_refusal(&escaped), InvalidPolicies::RepeatedId { id } if id == "p"));
    assert!(matches!(
        contract_refusal("@id(\"a\") @id(\"b\") permit(principal, action, resource);"),
        InvalidPolicies::Syntax { .. }
    ));
}

#[test]
fn ill_typed_policies_are_refused() {
    for condition in [
        "context.purpose > 3",
        "context.uses == \"3\"",
        "context.now < 5",
        "principal.region",
        "principal.roles == \"consumer\"",
        "[1, \"a\"].contains(context.uses)",
        "[].contains(context.uses)",
        "principal == resource",
        "datetime(context.purpose) < context.now",
    ] {
        assert_schema(condition);
    }
}

#[test]
fn unknown_attributes_entities_and_functions_are_refused() {
    assert_schema("principal.name == \"x\"");
    assert_schema("context.ip == \"x\"");
    assert_schema("resource.owner == principal");
    assert_schema("principal == User::\"x\"");
    let error = contract_refusal(&permit_when("now() < context.now"));
    assert!(matches!(error, InvalidPolicies::Syntax { .. }));
}

#[test]
fn unknown_actions_are_refused() {
    for action in
        ["Dataspace::Action::\"delete\"", "Action::\"read\"", "Dataspace::Action::\"Read\""]
    {
        let text = format!("@id(\"p\") permit(principal, action == {action}, resource);");
        assert!(matches!(contract_refusal(&text), InvalidPolicies::Schema { .. }), "{action}");
    }
}

#[test]
fn a_forbid_that_can_never_apply_is_refused() {
    for condition in
        ["false", "context has ip && true", "context.uses > 3 && false", "principal has name"]
    {
        let error = refusal(&forbid_when(condition), Layer::Space);
        assert!(error.to_string().contains("impossible"), "{condition}: {error}");
    }
    let swapped = "@id(\"f\") forbid(principal is Dataspace::Product, action, resource);";
    assert!(matches!(refusal(swapped, Layer::Space), InvalidPolicies::Schema { .. }));
}

#[test]
fn a_datetime_that_does_not_exist_is_refused_when_the_text_is_taken_in() {
    for text in ["2026-02-30", "tomorrow", "2026-06-01T25:00:00Z", ""] {
        assert_schema(&format!("context.now < datetime(\"{text}\")"));
    }
}

#[test]
fn text_that_is_not_cedar_is_refused_as_a_whole() {
    for text in ["allow", "@id(\"a\")", "permit", ";", "{\"effect\": \"permit\"}", "\"", "/* x */"]
    {
        let text = format!("{}\n{text}", permit_when("true"));
        assert!(matches!(contract_refusal(&text), InvalidPolicies::Syntax { .. }), "{text}");
    }
}

#[test]
fn no_text_is_no_policy() {
    for text in ["", " \n", "// nothing", "// a\r// b\r\n"] {
        assert_eq!(Policies::parse(text, Layer::Space).unwrap().ids().count(), 0, "{text:?}");
    }
    assert_eq!(
        Policies::parse("", Layer::Space).unwrap().digest(),
        dataspace_primitives::Digest::of(b"")
    );
}

#[test]
fn the_digest_covers_the_text_and_not_its_meaning() {
    let text = permit_when("true");
    let one = Policies::parse(&text, Layer::Contract).unwrap();
    assert_eq!(one.digest(), dataspace_primitives::Digest::of(text.as_bytes()));
    let spaced = Policies::parse(&format!("{text} "), Layer::Contract).unwrap();
    assert_ne!(one.digest(), spaced.digest());
}

#[test]
fn the_schema_knows_every_action_and_no_other() {
    for action in dataspace_policy::Action::ALL {
        assert!(schema_text().contains(&format!("\"{action}\"")));
    }
}
