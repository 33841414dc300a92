//! Every template of the automotive sector: what it permits, and what each of its clauses denies.

use dataspace_policy::{Action, Uses};
use dataspace_sectors::{Arguments, automotive};

use crate::ask::{Ask, CONSUMER, Wrong, covers, holds};

const SHARE: Wrong = ("prohibition-1", |ask| ask.action = Action::Share);

#[test]
fn every_template_is_tested_here() {
    covers(
        automotive(),
        &[
            "quality-analysis",
            "traceability",
            "telemetry",
            "exterior-video",
            "exterior-video-attested",
            "cross-border",
            "drive-consent",
            "insurer-aggregate",
            "battery-passport-public",
            "battery-passport-interest",
            "battery-passport-authority",
        ],
    );
}

#[test]
fn quality_analysis_asks_for_membership_and_agreement() {
    let arguments =
        Arguments::new().with("vehicle", "vin").with("shown", ["fault"]).with("monthly", 10);
    let mut good = Ask::new(Action::Read, "defect-analysis", "diagnostics");
    good.attributes = vec![("framework-agreement", "signed")];
    good.uses.this_month = 9;
    holds(
        automotive(),
        "quality-analysis",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.roles = vec!["provider"]),
            ("permission-1", |ask| ask.attributes = vec![]),
            ("permission-1", |ask| ask.attributes = vec![("framework-agreement", "cancelled")]),
            ("permission-1", |ask| ask.purpose = "traceability"),
            ("permission-1", |ask| ask.uses.this_month = 10),
            SHARE,
        ],
    );
}

#[test]
fn traceability_is_for_one_partner() {
    let arguments = Arguments::new()
        .with("partner", CONSUMER)
        .with("column", "partner")
        .with("numbers", ["BPNL1"]);
    let good = Ask::new(Action::Read, "recall", "part-data");
    holds(
        automotive(),
        "traceability",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.participant = "did:web:other.example"),
            ("permission-1", |ask| ask.purpose = "quality-analysis"),
            ("permission-1", |ask| ask.purpose = "validation"),
            SHARE,
        ],
    );
}

#[test]
fn a_contract_for_another_partner_permits_nothing() {
    use dataspace_policy::{Contracts, Scope};
    use dataspace_primitives::Digest;
    let arguments = Arguments::new()
        .with("partner", CONSUMER)
        .with("column", "partner")
        .with("numbers", ["BPNL1"]);
    let draft = automotive().template("traceability").unwrap().fill(&arguments).unwrap();
    let other = "did:web:other.example";
    let scope = Scope { consumer: other.to_owned(), product: crate::support::name("product") };
    let terms = draft.terms(dataspace_sectors::Language::English);
    let (mut contracts, id) = (Contracts::default(), Digest::of(b"other"));
    contracts.activate(id, &terms.to_cedar(&scope).unwrap()).unwrap();
    let mut ask = Ask::new(Action::Read, "traceability", "part-data");
    ask.participant = other;
    let space = crate::support::found(automotive(), &Arguments::new());
    assert_eq!(ask.decide(&contracts, &id, &space), ["permission-1"]);
}

#[test]
fn telemetry_is_read_so_many_times_a_day() {
    let arguments = Arguments::new()
        .with("vehicle", "vehicle")
        .with("positions", ["lat", "long"])
        .with("measurements", ["speed"])
        .with("daily", 3);
    let mut good = Ask::new(Action::Read, "validation", "telemetry");
    good.uses.today = 2;
    holds(
        automotive(),
        "telemetry",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.uses.today = 3),
            ("permission-1", |ask| ask.purpose = "traceability"),
            SHARE,
        ],
    );
}

#[test]
fn video_is_released_blurred_alone() {
    let arguments = Arguments::new().with("accesses", 2);
    let mut good = Ask::new(Action::Read, "driver-assistance", "exterior-video-blurred");
    good.uses = Uses::of_contract(1);
    holds(
        automotive(),
        "exterior-video",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.class = "drive-recordings"),
            ("no-unblurred-video", |ask| ask.class = "exterior-video-raw"),
            ("permission-1", |ask| ask.uses = Uses::of_contract(2)),
            ("permission-1", |ask| ask.purpose = "traceability"),
            SHARE,
        ],
    );
}

#[test]
fn video_is_released_while_it_is_attested_as_blurred() {
    let arguments = Arguments::new().with("accesses", 2);
    let mut good = Ask::new(Action::Read, "driver-assistance", "exterior-video-blurred");
    good.uses = Uses::of_contract(1);
    good.vouched = vec![("blurred", "true")];
    holds(
        automotive(),
        "exterior-video-attested",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.class = "drive-recordings"),
            ("no-unblurred-video", |ask| ask.class = "exterior-video-raw"),
            ("permission-1", |ask| ask.uses = Uses::of_contract(2)),
            ("permission-1", |ask| ask.purpose = "traceability"),
            ("permission-1", |ask| ask.vouched = vec![("blurred", "false")]),
            ("permission-1", |ask| ask.vouched = vec![("Blurred", "true")]),
            ("permission-1", |ask| ask.vouched = vec![]),
            SHARE,
        ],
    );
}

#[test]
fn borders_are_crossed_to_the_countries_named() {
    let arguments = Arguments::new().with("countries", ["DE", "CN"]).with("shown", ["fault"]);
    let mut good = Ask::new(Action::Read, "quality-analysis", "diagnostics");
    good.recipient = Some("CN");
    holds(
        automotive(),
        "cross-border",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.region = "US"),
            ("permission-1", |ask| ask.recipient = Some("US")),
            ("permission-1", |ask| ask.recipient = None),
            ("permission-1", |ask| ask.purpose = "traceability"),
            ("prohibition-1", |ask| ask.class = "important-data"),
            ("important-data-at-home", |ask| ask.class = "important-data"),
            ("prohibition-2", |ask| ask.action = Action::Share),
        ],
    );
}

#[test]
fn insurers_get_figures() {
    let arguments = Arguments::new().with("vehicle", "vin").with("means", ["speed"]);
    let mut good = Ask::new(Action::Read, "insurance", "telemetry");
    good.roles = vec!["insurer"];
    good.uses.this_month = 3;
    holds(
        automotive(),
        "insurer-aggregate",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.roles = vec!["consumer"]),
            ("permission-1", |ask| ask.uses.this_month = 4),
            ("permission-1", |ask| ask.purpose = "traceability"),
            SHARE,
        ],
    );
    let few = arguments.with("least", 49);
    let error = automotive().template("insurer-aggregate").unwrap().fill(&few).unwrap_err();
    assert_eq!(error.to_string(), "least must be a whole number from 50 to 100000");
}

#[test]
fn consent_lapses() {
    let arguments =
        Arguments::new().with("drives", [25, 26]).with("lapses", "2027-02-01T10:00:00.001Z");
    let good = Ask::new(Action::Read, "predictive-maintenance", "drive-recordings");
    holds(
        automotive(),
        "drive-consent",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.now = "2027-02-01T10:00:00.001Z"),
            ("permission-1", |ask| ask.purpose = "validation"),
            SHARE,
        ],
    );
}

#[test]
fn a_passport_has_three_views() {
    let shown = Arguments::new().with("shown", ["chemistry"]);
    let good = Ask::new(Action::Read, "recycling", "battery-data");
    let wrong_class: Wrong = ("permission-1", |ask| ask.class = "part-data");
    let marketing: Wrong = ("permission-1", |ask| ask.purpose = "traceability");
    let space: Wrong = ("passports-for-their-purpose", |ask| ask.purpose = "traceability");
    let role: Wrong = ("permission-1", |ask| ask.roles = vec!["consumer"]);
    let public = [wrong_class, marketing, space];
    holds(automotive(), "battery-passport-public", &shown, &good, &public);

    let mut interest = good.clone();
    interest.roles = vec!["consumer", "legitimate-interest"];
    let wrongs = [wrong_class, marketing, role, SHARE];
    holds(automotive(), "battery-passport-interest", &shown, &interest, &wrongs);

    let other: Wrong = ("permission-1", |ask| ask.purpose = "recycling");
    let wrongs = [wrong_class, other, role, SHARE];
    for purpose in ["market-surveillance", "conformity-assessment"] {
        let mut authority = Ask::new(Action::Read, purpose, "battery-data");
        authority.roles = vec!["authority"];
        holds(automotive(), "battery-passport-authority", &shown, &authority, &wrongs);
    }
}
