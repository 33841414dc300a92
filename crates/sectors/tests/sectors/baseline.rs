//! The baseline forbids hold for every contract, whatever it permits, and the authority sets their countries.

use dataspace_policy::{Action, Contracts, Rule, Scope, Terms};
use dataspace_primitives::Digest;
use dataspace_sectors::{Arguments, Sector, audio_visual, automotive, materials};

use crate::ask::{Ask, CONSUMER};
use crate::support::{found, name};

/// The forbids that deny under a contract that permits every action to this consumer.
fn denied(sector: &Sector, settings: &Arguments, ask: &Ask) -> Vec<String> {
    let actions = Action::ALL.into_iter().filter(|action| action.is_carried_out());
    let scope = Scope { consumer: CONSUMER.to_owned(), product: name("product") };
    let text = Terms::new().permit(Rule::new(actions)).to_cedar(&scope).unwrap();
    let (mut contracts, id) = (Contracts::default(), Digest::of(b"everything"));
    contracts.activate(id, &text).unwrap();
    ask.decide(&contracts, &id, &found(sector, settings))
}

#[test]
fn export_controlled_data_stay_at_home_under_every_contract() {
    let none = Arguments::new();
    let mut ask = Ask::new(Action::Read, "research", "export-controlled");
    let at_home = ["export-controlled-at-home"];
    assert_eq!(denied(materials(), &none, &ask), at_home, "no recipient stated");
    ask.recipient = Some("FR");
    assert_eq!(denied(materials(), &none, &ask), [""; 0]);
    for (region, recipient) in [("US", "DE"), ("DE", "US"), ("CN", "CN")] {
        (ask.region, ask.recipient) = (region, Some(recipient));
        for action in Action::ALL.into_iter().filter(|action| action.is_carried_out()) {
            ask.action = action;
            let by = denied(materials(), &none, &ask);
            assert!(by.iter().any(|one| one == at_home[0]), "{region} {recipient}: {by:?}");
        }
    }
    // At home is where the authority says.
    let china = Arguments::new().with("home", ["CN"]);
    (ask.action, ask.region, ask.recipient) = (Action::Read, "CN", Some("CN"));
    assert_eq!(denied(materials(), &china, &ask), [""; 0]);
    // Other classes are free.
    ask.class = "test-results";
    (ask.region, ask.recipient) = ("US", None);
    assert_eq!(denied(materials(), &none, &ask), [""; 0]);
}

#[test]
fn nobody_trains_on_export_controlled_data() {
    let mut ask = Ask::new(Action::Train, "research", "export-controlled");
    ask.recipient = Some("DE");
    let none = Arguments::new();
    assert_eq!(denied(materials(), &none, &ask), ["no-training-on-export-controlled"]);
    (ask.action, ask.purpose) = (Action::Read, "model-training");
    assert_eq!(denied(materials(), &none, &ask), ["no-training-purpose-on-export-controlled"]);
}

#[test]
fn important_data_never_go_abroad() {
    let none = Arguments::new();
    let mut ask = Ask::new(Action::Read, "quality-analysis", "important-data");
    for (region, recipient, is_denied) in [
        ("CN", Some("CN"), false),
        ("CN", Some("DE"), true),
        ("DE", Some("CN"), true),
        ("CN", None, true),
        // A territory with a code of its own is another one.
        ("HK", Some("CN"), true),
    ] {
        (ask.region, ask.recipient) = (region, recipient);
        let by = denied(automotive(), &none, &ask);
        let expected: &[&str] = if is_denied { &["important-data-at-home"] } else { &[] };
        assert_eq!(by, expected, "{region} {recipient:?}");
    }
}

#[test]
fn a_query_from_abroad_is_an_export() {
    let mut ask = Ask::new(Action::Query, "quality-analysis", "important-data");
    ask.recipient = Some("DE");
    for action in [Action::Query, Action::Aggregate] {
        ask.action = action;
        let by = denied(automotive(), &Arguments::new(), &ask);
        assert!(by.iter().any(|one| one == "important-data-at-home"), "{by:?}");
    }
}

#[test]
fn video_as_recorded_is_never_released() {
    for action in Action::ALL.into_iter().filter(|action| action.is_carried_out()) {
        let ask = Ask::new(action, "driver-assistance", "exterior-video-raw");
        assert_eq!(denied(automotive(), &Arguments::new(), &ask), ["no-unblurred-video"]);
    }
}

#[test]
fn batteries_are_for_their_passports() {
    for (purpose, is_denied) in
        [("recycling", false), ("conformity-assessment", false), ("recall", true)]
    {
        let ask = Ask::new(Action::Read, purpose, "battery-data");
        assert_eq!(
            !denied(automotive(), &Arguments::new(), &ask).is_empty(),
            is_denied,
            "{purpose}"
        );
    }
}

#[test]
fn reserved_works_are_not_trained_on_and_stay_in_the_territories() {
    let none = Arguments::new();
    let mut ask = Ask::new(Action::Train, "restoration", "reserved-works");
    assert_eq!(denied(audio_visual(), &none, &ask), ["no-training-on-reserved-works"]);
    (ask.action, ask.purpose) = (Action::Read, "fine-tuning");
    assert_eq!(denied(audio_visual(), &none, &ask), ["no-training-purpose-on-reserved-works"]);
    ask.purpose = "broadcast";
    assert_eq!(denied(audio_visual(), &none, &ask), [""; 0]);
    ask.region = "US";
    assert_eq!(denied(audio_visual(), &none, &ask), ["reserved-works-in-territories"]);
    let everywhere = Arguments::new().with("territories", ["US"]);
    assert_eq!(denied(audio_visual(), &everywhere, &ask), [""; 0]);
}

#[test]
fn previews_are_not_broadcast() {
    let mut ask = Ask::new(Action::Display, "broadcast", "previews");
    assert_eq!(denied(audio_visual(), &Arguments::new(), &ask), ["previews-for-selection"]);
    ask.purpose = "selection";
    assert_eq!(denied(audio_visual(), &Arguments::new(), &ask), [""; 0]);
}

#[test]
fn nobody_trains_on_previews_or_derives_from_them() {
    let none = Arguments::new();
    for action in [Action::Train, Action::Derive] {
        let mut ask = Ask::new(action, "selection", "previews");
        assert_eq!(denied(audio_visual(), &none, &ask), ["no-training-on-previews"]);
        ask.class = "pictures";
        assert_eq!(denied(audio_visual(), &none, &ask), [""; 0]);
    }
}

#[test]
fn settings_are_countries_and_nothing_else() {
    let did = crate::support::authority().did().clone();
    let refused = |settings: Arguments| {
        let made = materials().profile_with(name("space"), did.clone(), &settings);
        made.unwrap_err().to_string()
    };
    let range = "home must be 1 to 64 countries by their codes, such as FR; EU and EEA too";
    let code = r#"DE"].contains("DE") || true || ["DE"#;
    assert_eq!(refused(Arguments::new().with("home", [code])), range);
    assert_eq!(refused(Arguments::new().with("home", [""; 0])), range);
    assert_eq!(refused(Arguments::new().with("home", "DE")), range);
    assert_eq!(
        refused(Arguments::new().with("away", ["DE"])),
        "argument 1 is for no parameter; the parameters are home"
    );
}
