//! The schema of each sector: its own texts fit it, and what is mistyped does not. Cedar's own validator is asked
//! beside, over a schema that is put together here in another way.

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use dataspace_policy::{Layer, Scope, policies::InvalidPolicies, policies::schema_text};
use dataspace_sectors::{Language, Sector};

use crate::support::{IDS, authority, files, name};

/// Tags as Cedar's optional attributes, in the text of the schema.
fn validator(id: &str) -> Validator {
    let (_, _, schema, _) = files(id);
    let tags = |owner: &str| {
        let (_, rest) = schema.split_once(&format!("type {owner} = {{")).unwrap_or_default();
        rest.split_once("};").unwrap_or_default().0.to_owned()
    };
    let mut text = schema_text().replace("} tags String;", "};");
    for (owner, head) in [
        ("ParticipantTags", "entity Participant in [Role] = {"),
        ("ContractTags", "entity Contract = {"),
    ] {
        assert!(text.contains(head), "{head}");
        text = text.replace(head, &format!("{head}{}", tags(owner)));
    }
    Validator::new(Schema::from_cedarschema_str(&text).unwrap().0)
}

/// The text with tags that are read as attributes.
fn as_attributes(text: &str) -> String {
    let mut text = text.to_owned();
    for (tag, attribute) in [(".hasTag(", " has "), (".getTag(", "[")] {
        while let Some((before, rest)) = text.split_once(tag) {
            let (name, after) = rest.split_once(')').unwrap();
            let end = if attribute == "[" { "]" } else { "" };
            text = format!("{before}{attribute}{name}{end}{after}");
        }
    }
    text
}

fn is_valid(validator: &Validator, text: &str) -> bool {
    let set: PolicySet = as_attributes(text).parse().unwrap();
    validator.validate(&set, ValidationMode::Strict).validation_passed()
}

fn each() -> impl Iterator<Item = (&'static str, &'static Sector, Validator)> {
    let all = IDS.into_iter().zip(dataspace_sectors::all());
    all.map(|(id, sector)| (id, sector, validator(id)))
}

#[test]
fn the_forbids_and_templates_of_each_sector_fit_its_schema() {
    let mut with_tags = 0;
    for (id, sector, validator) in each() {
        let forbids = sector.profile(name("space"), authority().did().clone()).policies;
        assert!(is_valid(&validator, &forbids), "{id}");
        let checked = sector.check_policies(&name("space"), (&forbids, Layer::Space)).unwrap();
        assert_eq!(checked.ids().count(), sector.forbids(Language::English).count());
        for template in sector.templates() {
            let draft = template.fill(&template.example()).unwrap();
            let scope = Scope { consumer: "did:web:a.example".to_owned(), product: name("p") };
            let text = draft.terms(Language::English).to_cedar(&scope).unwrap();
            assert!(is_valid(&validator, &text), "{id} {}: {text}", template.id());
            with_tags += usize::from(text.contains("getTag"));
        }
    }
    assert_eq!(with_tags, 3, "quality-analysis, exterior-video-attested, export-controlled");
}

/// A forbid of a provider that asks for one tag.
fn asking(owner: &str, tag: &str) -> String {
    format!(
        "// What a provider adds.\n@id(\"added\")\nforbid (principal, action, resource)\n\
         unless {{ {owner}.hasTag(\"{tag}\") && {owner}.getTag(\"{tag}\") == \"true\" }};\n"
    )
}

#[test]
fn a_policy_with_a_mistyped_tag_is_refused_and_its_place_is_told() {
    let tags = [
        ("automotive", "context.contract", "blurred"),
        ("automotive", "principal", "framework-agreement"),
        ("materials", "context.contract", "payment"),
        ("materials", "principal", "export-licence"),
        ("audio-visual", "context.contract", "payment"),
    ];
    for (id, sector, validator) in each() {
        for (of, owner, tag) in tags {
            let good = asking(owner, tag);
            let is_own = tags.contains(&(id, owner, tag));
            let taken = sector.check_policies(&name("space"), (&good, Layer::Provider));
            assert_eq!(taken.is_ok(), is_own, "{id}: {tag} of {of}");
            for bad in [tag.replacen('e', "", 1), tag.to_uppercase(), format!("{tag} ")] {
                let text = asking(owner, &bad);
                let refused = sector.check_policies(&name("space"), (&text, Layer::Provider));
                let Err(InvalidPolicies::Schema { message }) = refused else { panic!("{bad}") };
                assert!(message.starts_with("line 2: "), "{message}");
                assert!(message.contains("added") && message.contains(bad.trim()), "{message}");
                // Cedar says the same of an attribute of that name.
                let read = format!(
                    "forbid (principal, action, resource) when {{ {owner}.getTag(\"{bad}\") == \"x\" }};"
                );
                assert!(!is_valid(&validator, &read), "{read}");
            }
        }
    }
}

#[test]
fn a_policy_that_names_what_the_sector_does_not_have_is_refused() {
    let sector = dataspace_sectors::automotive();
    let with = |condition: &str| {
        let text =
            format!("@id(\"added\") forbid (principal, action, resource) when {{ {condition} }};");
        sector.check_policies(&name("cars"), (&text, Layer::Space)).map(drop)
    };
    for good in [
        "resource.class == \"telemetry\"",
        "context.purposes.contains(\"recall\")",
        "context.space == Dataspace::Space::\"cars\"",
    ] {
        with(good).unwrap();
    }
    for bad in [
        "resource.class == \"telemetri\"",
        "context.purposes.contains(\"recalls\")",
        "principal in Dataspace::Role::\"dealership\"",
        "context.space == Dataspace::Space::\"trucks\"",
        "principal == Dataspace::Participant::\"somebody\"",
    ] {
        assert!(matches!(with(bad), Err(InvalidPolicies::Value(_))), "{bad}");
    }
    for bad in ["resource.klass == \"telemetry\"", "context.speed > 30", "resource.class == 4"] {
        assert!(matches!(with(bad), Err(InvalidPolicies::Schema { .. })), "{bad}");
    }
    // The materials of another sector are not here.
    let other = "resource.class == \"export-controlled\"";
    assert!(matches!(with(other), Err(InvalidPolicies::Value(_))));
}
