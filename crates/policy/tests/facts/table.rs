//! The table of facts, held against the schema of policies, the facts of an access and the page about
//! labels.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::SchemaFragment;
use dataspace_policy::{
    Action, Assurance, Facts, Rule, Terms, Uses,
    facts::{Among, Environment, Fact, Kind, Known, Metered, Owner, Payment, Person},
    policies::schema_text,
    source::Source,
};
use dataspace_primitives::{Name, UnixMillis};
use serde_json::Value;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn at(text: &str) -> UnixMillis {
    text.parse().unwrap()
}

/// Facts of which only those are known that every access has.
fn facts() -> Facts<'static> {
    let consumer = ("did:key:z6Mk", "DE".parse().unwrap());
    let now = at("2026-06-01T00:00:00Z");
    Facts::new(consumer, Action::Read, ("alloys", "open"), "research", now)
}

fn type_of(attribute: &Value) -> Kind {
    let named = |one: &Value| one["name"].as_str().or(one["type"].as_str()).unwrap().to_owned();
    match named(attribute).trim_start_matches("__cedar::") {
        "String" => Kind::Text,
        "Long" => Kind::Number,
        "Bool" | "Boolean" => Kind::Flag,
        "datetime" => Kind::Instant,
        "Set" => Kind::Texts,
        "Person" | "Dataspace::Person" => Kind::Entity("Dataspace::Person"),
        "Environment" | "Dataspace::Environment" => Kind::Entity("Dataspace::Environment"),
        "Space" | "Dataspace::Space" => Kind::Entity("Dataspace::Space"),
        "Contract" | "Dataspace::Contract" => Kind::Entity("Dataspace::Contract"),
        other => panic!("{other}: {attribute}"),
    }
}

fn attributes(owner: Owner, record: &Value) -> Vec<(String, Kind, bool)> {
    let all = record["attributes"].as_object().into_iter().flatten();
    all.map(|(name, attribute)| {
        let is_optional = attribute["required"].as_bool() == Some(false);
        (format!("{}.{name}", owner.path()), type_of(attribute), is_optional)
    })
    .collect()
}

#[test]
fn the_table_and_the_schema_have_the_same_facts() {
    let (schema, _) = SchemaFragment::from_cedarschema_str(schema_text()).unwrap();
    let schema = &schema.to_json_value().unwrap()["Dataspace"];
    let entities = [
        (Owner::Principal, "Participant"),
        (Owner::Resource, "Product"),
        (Owner::Contract, "Contract"),
        (Owner::Person, "Person"),
        (Owner::Environment, "Environment"),
    ];
    let mut all: Vec<_> = entities
        .iter()
        .flat_map(|(owner, entity)| attributes(*owner, &schema["entityTypes"][entity]["shape"]))
        .collect();
    let context = &schema["actions"]["read"]["appliesTo"]["context"];
    all.extend(attributes(Owner::Context, context));
    let all: BTreeMap<_, _> = all.into_iter().map(|(path, kind, is)| (path, (kind, is))).collect();

    // Roles are a set of texts as an attribute, and groups in any case.
    let kind = |fact: &Fact| if fact.kind() == Kind::Roles { Kind::Texts } else { fact.kind() };
    let table = Fact::ALL.iter().filter(|fact| fact.owner() != Owner::Request);
    let table = table.filter(|fact| **fact != Fact::PersonRoles);
    let table: BTreeMap<_, _> =
        table.map(|fact| (fact.path().to_owned(), (kind(fact), fact.is_optional()))).collect();
    assert_eq!(table, all);
    for entity in ["Participant", "Person"] {
        assert_eq!(schema["entityTypes"][entity]["memberOfTypes"][0], "Role");
    }
}

const USES: Uses = Uses {
    contract: 4,
    consumer: 5,
    today: 6,
    this_month: 7,
    metered: Metered { plays: Some(8), played_until: Some(9), seconds: Some(10) },
};

#[test]
fn each_field_of_an_access_is_a_fact_of_the_table() {
    let [roles, credentials, purposes, events, of_person] =
        ["role", "credential", "purpose", "event", "person role"].map(|one| [name(one)].into());
    let attributes = [(name("sector"), name("chemistry"))].into();
    let known = Facts {
        roles: &roles,
        credentials: &credentials,
        attributes: &attributes,
        vouched: &attributes,
        purposes: &purposes,
        events: Some(&events),
        person: Some(Person { id: "ada", roles: &of_person }),
        environment: Some(Environment {
            id: "vault",
            attested: Some(true),
            sandbox: true,
            security_level: 3,
            connector: "edc",
            application: "solver",
        }),
        product_level: Some(2),
        recipient_region: Some("FR".parse().unwrap()),
        space: "materials",
        contract: "sha256:00",
        agreed_at: at("2026-01-01T00:00:00Z"),
        uses: USES,
        asked_until: Some(11),
        payment: Some(Payment::Due),
        state: Some("started"),
        ..facts()
    };
    let entity = |ty, id| Known::Entity { ty, id };
    // All fields, so that a new one is seen to.
    let Facts {
        participant,
        region,
        roles,
        credentials,
        attributes: _,
        person,
        product,
        product_class,
        product_level,
        action,
        purpose,
        purposes,
        recipient_region,
        environment,
        now,
        asked_until,
        space,
        contract,
        agreed_at,
        uses,
        payment,
        events,
        state,
        vouched: _,
    } = known;
    let (person, environment) = (person.unwrap(), environment.unwrap());
    let recipient_region = recipient_region.unwrap();
    let expected = [
        (Fact::Participant, entity("Dataspace::Participant", participant)),
        (Fact::Product, entity("Dataspace::Product", product)),
        (Fact::Action, entity("Dataspace::Action", action.as_str())),
        (Fact::Region, Known::Text(region.as_str())),
        (Fact::Roles, Known::Texts(roles)),
        (Fact::Credentials, Known::Texts(credentials)),
        (Fact::Class, Known::Text(product_class)),
        (Fact::Now, Known::Instant(now)),
        (Fact::Purpose, Known::Text(purpose)),
        (Fact::Purposes, Known::Texts(purposes)),
        (Fact::Space, entity("Dataspace::Space", space)),
        (Fact::Contract, entity("Dataspace::Contract", contract)),
        (Fact::AgreedAt, Known::Instant(agreed_at)),
        (Fact::Uses, Known::Number(uses.contract)),
        (Fact::UsesByConsumer, Known::Number(uses.consumer)),
        (Fact::UsesToday, Known::Number(uses.today)),
        (Fact::UsesThisMonth, Known::Number(uses.this_month)),
        (Fact::Person, entity("Dataspace::Person", person.id)),
        (Fact::PersonRoles, Known::Texts(person.roles)),
        (Fact::Environment, entity("Dataspace::Environment", environment.id)),
        (Fact::Attested, Known::Flag(environment.attested.unwrap())),
        (Fact::Sandbox, Known::Flag(environment.sandbox)),
        (Fact::SecurityLevel, Known::Number(environment.security_level.into())),
        (Fact::Connector, Known::Text(environment.connector)),
        (Fact::Application, Known::Text(environment.application)),
        (Fact::RecipientRegion, Known::Text(recipient_region.as_str())),
        (Fact::Level, Known::Number(product_level.unwrap().into())),
        (Fact::Payment, Known::Text(payment.unwrap().as_str())),
        (Fact::Events, Known::Texts(events.unwrap())),
        (Fact::State, Known::Text(state.unwrap())),
        (Fact::Plays, Known::Number(uses.metered.plays.unwrap())),
        (Fact::PlayedUntil, Known::Number(uses.metered.played_until.unwrap().into())),
        (Fact::Seconds, Known::Number(uses.metered.seconds.unwrap())),
        (Fact::AskedUntil, Known::Number(asked_until.unwrap().into())),
    ];
    for (fact, said) in expected {
        assert_eq!(known.known(fact), Some(said), "{fact:?}");
    }
    assert_eq!(expected.map(|(fact, _)| fact), Fact::ALL);
}

#[test]
fn what_is_optional_is_unknown_if_nothing_is_said() {
    for fact in Fact::ALL {
        let is_of_unknown = matches!(fact.owner(), Owner::Person | Owner::Environment);
        let is_unknown = facts().known(*fact).is_none();
        assert_eq!(is_unknown, fact.is_optional() || is_of_unknown, "{fact:?}");
    }
}

#[test]
fn no_two_facts_have_one_name_in_cedar_in_the_log_or_in_words() {
    let count = |names: Vec<&str>| (names.len(), names.into_iter().collect::<BTreeSet<_>>().len());
    for (all, different) in [
        count(Fact::ALL.iter().map(|fact| fact.path()).collect()),
        count(Fact::ALL.iter().filter_map(|fact| fact.in_log()).collect()),
        count(Fact::ALL.iter().map(|fact| fact.in_english()).collect()),
        count(Fact::ALL.iter().map(|fact| fact.in_chinese()).collect()),
    ] {
        assert_eq!(all, different);
    }
    // Forbids are checked by the name alone.
    let optional: Vec<_> =
        Fact::ALL.iter().filter(|fact| fact.is_optional()).map(|fact| fact.name()).collect();
    for fact in Fact::ALL.iter().filter(|fact| !fact.is_optional()) {
        assert!(!optional.contains(&fact.name()), "{fact:?}");
    }
}

/// The label of a permission that asks for the fact.
fn label(fact: Fact) -> Assurance {
    // Which environment it is, the consumer says.
    let is_inside = matches!(fact.owner(), Owner::Environment | Owner::Person);
    match if is_inside { fact.source().max(Source::Consumer) } else { fact.source() } {
        Source::Authority | Source::Trusted | Source::Provider => Assurance::Enforced,
        Source::Consumer => Assurance::Attested,
        Source::Nobody => Assurance::Unsupported,
    }
}

#[test]
fn the_page_about_labels_has_the_table() {
    // The label of an action follows from what it is.
    let rows = Fact::ALL.iter().filter(|fact| **fact != Fact::Action).map(|fact| {
        let (english, chinese) = (fact.in_english(), fact.in_chinese());
        format!("| {english} | {chinese} | {} | `{}` |\n", fact.source(), label(*fact))
    });
    let table = rows.collect::<String>();
    let page = std::fs::read_to_string("../../docs/labels.md").unwrap();
    assert!(page.contains(&table), "docs/labels.md should say:\n{table}");
}

#[test]
fn a_permission_bears_the_label_of_its_fact() {
    for fact in Fact::ALL {
        let Some(Among::Name(make)) = fact.among() else { continue };
        let values = if *fact == Fact::Credentials { "MembershipCredential" } else { "a" };
        let rule = Rule::new([Action::Read]).when(make([name(values)].into()));
        let clauses = Terms::new().permit(rule).clauses();
        assert_eq!(clauses[0].assurance, label(*fact), "{fact:?}");
    }
}
