//! Every template of the audio-visual sector: what it permits, and what each of its clauses denies.

use dataspace_policy::{Action, Terms, Uses, facts::Payment};
use dataspace_primitives::Validity;
use dataspace_sectors::{Arguments, Language, audio_visual};

use crate::ask::{Ask, Wrong, covers, holds};

const SHARE: Wrong = ("prohibition-1", |ask| ask.action = Action::Share);

#[test]
fn every_template_is_tested_here() {
    covers(
        audio_visual(),
        &[
            "territory-window",
            "exclusive-territory",
            "plays",
            "seconds",
            "preview",
            "first-seconds",
            "no-training",
            "training-listed",
            "training-paid",
            "subtitles-only",
            "holdback",
            "speech-without-names",
            "traced-copies",
            "traced-plays",
            "screener",
        ],
    );
}

#[test]
fn a_licence_has_its_window_on_the_clock_of_its_territory() {
    let arguments = Arguments::new()
        .with("territories", ["FR"])
        .with("from", "2027-03-01T20:00[Europe/Paris]")
        // After summer time began.
        .with("until", "2027-04-01T00:00[Europe/Paris]");
    let mut good = Ask::new(Action::Play, "catch-up", "moving-pictures");
    (good.region, good.recipient, good.now) = ("FR", Some("FR"), "2027-03-31T21:59:59.999Z");
    holds(
        audio_visual(),
        "territory-window",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.now = "2027-03-31T22:00:00Z"),
            ("permission-1", |ask| ask.now = "2027-03-01T18:59:59.999Z"),
            ("permission-1", |ask| ask.region = "BE"),
            ("permission-1", |ask| ask.recipient = Some("BE")),
            ("permission-1", |ask| ask.recipient = None),
            ("permission-1", |ask| ask.purpose = "restoration"),
            ("prohibition-1", |ask| ask.action = Action::Derive),
            ("prohibition-2", |ask| ask.action = Action::Train),
            ("prohibition-3", |ask| ask.action = Action::Share),
        ],
    );
}

#[test]
fn plays_are_counted() {
    let arguments = Arguments::new().with("plays", 1);
    let mut good = Ask::new(Action::Play, "broadcast", "recordings");
    good.uses.metered.plays = Some(1);
    holds(
        audio_visual(),
        "plays",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.uses.metered.plays = Some(2)),
            ("permission-1", |ask| ask.uses.metered.plays = None),
            ("permission-1", |ask| ask.purpose = "model-training"),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn seconds_are_counted() {
    let arguments = Arguments::new().with("seconds", 90);
    let mut good = Ask::new(Action::Play, "broadcast", "recordings");
    good.uses.metered.seconds = Some(90);
    holds(
        audio_visual(),
        "seconds",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.uses.metered.seconds = Some(91)),
            ("permission-1", |ask| ask.uses.metered.seconds = None),
            ("permission-1", |ask| ask.purpose = "model-training"),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn the_first_seconds_of_a_whole_work_are_for_selection() {
    let arguments = Arguments::new().with("days", 1).with("seconds", 20);
    let mut good = Ask::new(Action::Display, "selection", "moving-pictures");
    good.asked_until = Some(20);
    holds(
        audio_visual(),
        "first-seconds",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.asked_until = Some(21)),
            ("permission-1", |ask| ask.asked_until = None),
            ("permission-1", |ask| ask.purpose = "broadcast"),
            ("permission-1", |ask| ask.now = "2027-02-02T00:00:00Z"),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Derive),
            ("prohibition-3", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn a_preview_is_for_selection() {
    let arguments = Arguments::new().with("days", 1).with("daily", 2);
    let mut good = Ask::new(Action::Display, "selection", "previews");
    good.uses.today = 1;
    holds(
        audio_visual(),
        "preview",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.class = "moving-pictures"),
            ("permission-1", |ask| ask.purpose = "broadcast"),
            ("previews-for-selection", |ask| ask.purpose = "broadcast"),
            ("permission-1", |ask| ask.now = "2027-02-02T00:00:00Z"),
            ("permission-1", |ask| ask.uses.today = 2),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Derive),
            ("prohibition-3", |ask| ask.action = Action::Train),
            ("no-training-on-previews", |ask| ask.action = Action::Derive),
            ("no-training-on-previews", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn training_is_denied_even_where_it_is_named_as_a_purpose() {
    let both = ["news-verification", "model-training"];
    let good = Ask::new(Action::Display, "news-verification", "pictures");
    let wrongs: [Wrong; 5] = [
        ("permission-1", |ask| ask.purpose = "broadcast"),
        ("prohibition-1", |ask| ask.action = Action::Train),
        ("prohibition-2", |ask| ask.purpose = "model-training"),
        ("prohibition-2", |ask| ask.purpose = "fine-tuning"),
        ("prohibition-3", |ask| ask.action = Action::Share),
    ];
    for arguments in [Arguments::new(), Arguments::new().with("purposes", both)] {
        holds(audio_visual(), "no-training", &arguments, &good, &wrongs);
    }
}

#[test]
fn one_model_trains_on_what_is_listed() {
    let arguments = Arguments::new()
        .with("assets", ["A-1"])
        .with("model", "speech-1")
        .with("passes", 2)
        .with("price", "12000 EUR");
    let mut good = Ask::new(Action::Train, "fine-tuning", "speech");
    good.environment = Some(("speech-1", false));
    good.uses = Uses::of_contract(1);
    holds(
        audio_visual(),
        "training-listed",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.environment = Some(("speech-2", false))),
            ("permission-1", |ask| ask.environment = None),
            ("permission-1", |ask| ask.uses = Uses::of_contract(2)),
            ("permission-1", |ask| ask.purpose = "language-research"),
            ("no-training-on-reserved-works", |ask| ask.class = "reserved-works"),
            ("no-training-purpose-on-reserved-works", |ask| ask.class = "reserved-works"),
            ("prohibition-1", |ask| ask.action = Action::Read),
            ("prohibition-2", |ask| ask.action = Action::Share),
        ],
    );
}

#[test]
fn one_model_trains_once_it_is_paid() {
    let arguments = Arguments::new()
        .with("assets", ["A-1"])
        .with("model", "speech-1")
        .with("passes", 2)
        .with("price", "12000 EUR");
    let mut good = Ask::new(Action::Train, "fine-tuning", "speech");
    good.environment = Some(("speech-1", false));
    good.uses = Uses::of_contract(1);
    good.payment = Some(Payment::Paid);
    holds(
        audio_visual(),
        "training-paid",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.payment = Some(Payment::Due)),
            ("permission-1", |ask| ask.payment = Some(Payment::Overdue)),
            ("permission-1", |ask| ask.payment = None),
            ("permission-1", |ask| ask.environment = Some(("speech-2", false))),
            ("permission-1", |ask| ask.environment = None),
            ("permission-1", |ask| ask.uses = Uses::of_contract(2)),
            ("permission-1", |ask| ask.purpose = "language-research"),
            ("no-training-on-reserved-works", |ask| ask.class = "reserved-works"),
            ("no-training-purpose-on-reserved-works", |ask| ask.class = "reserved-works"),
            ("prohibition-1", |ask| ask.action = Action::Read),
            ("prohibition-2", |ask| ask.action = Action::Share),
        ],
    );
}

#[test]
fn an_exclusive_licence_keeps_others_out_until_its_holdback_ends() {
    let arguments = Arguments::new()
        .with("territories", ["FR"])
        .with("from", "2027-03-01T20:00[Europe/Paris]")
        .with("until", "2027-04-01T00:00[Europe/Paris]")
        .with("holdback", "2027-06-01T00:00[Europe/Paris]");
    let mut good = Ask::new(Action::Play, "catch-up", "moving-pictures");
    (good.region, good.recipient, good.now) = ("FR", Some("FR"), "2027-03-31T21:59:59.999Z");
    holds(
        audio_visual(),
        "exclusive-territory",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.now = "2027-03-31T22:00:00Z"),
            ("permission-1", |ask| ask.now = "2027-03-01T18:59:59.999Z"),
            ("permission-1", |ask| ask.region = "BE"),
            ("permission-1", |ask| ask.recipient = Some("BE")),
            ("permission-1", |ask| ask.recipient = None),
            ("permission-1", |ask| ask.purpose = "restoration"),
            ("prohibition-1", |ask| ask.action = Action::Derive),
            ("prohibition-2", |ask| ask.action = Action::Train),
            ("prohibition-3", |ask| ask.action = Action::Share),
        ],
    );
    let fill = |template: &str, arguments: &Arguments| {
        let draft = audio_visual().template(template).unwrap().fill(arguments).unwrap();
        draft.terms(Language::English).clone()
    };
    let exclusive = fill("exclusive-territory", &arguments).exclusive.unwrap();
    assert_eq!(exclusive.until, "2027-05-31T22:00:00Z".parse().unwrap());
    let window = |territory: &str| {
        let until = "2027-05-01T00:00[Europe/Paris]";
        let arguments = Arguments::new()
            .with("territories", [territory])
            .with("from", "2027-04-01T00:00[Europe/Paris]")
            .with("until", until);
        fill("territory-window", &arguments)
    };
    let (from, begins, ends) =
        ("2027-03-01T19:00:00Z", "2027-04-10T00:00:00Z", "2028-01-01T00:00:00Z");
    let time = Validity::new(begins.parse().unwrap(), ends.parse().unwrap()).unwrap();
    let conflicts = |terms: &Terms| exclusive.conflicts(from.parse().unwrap(), (terms, time));
    assert!(conflicts(&window("FR")) && !conflicts(&window("BE")));
    // A template that does not say where the work goes.
    let plays = audio_visual().template("plays").unwrap();
    assert!(conflicts(plays.fill(&plays.example()).unwrap().terms(Language::English)));
}

#[test]
fn nothing_is_derived_but_subtitles() {
    let good = Ask::new(Action::Play, "broadcast", "moving-pictures");
    holds(
        audio_visual(),
        "subtitles-only",
        &Arguments::new(),
        &good,
        &[
            ("permission-1", |ask| ask.purpose = "restoration"),
            ("permission-2", |ask| {
                (ask.action, ask.purpose) = (Action::Derive, "restoration");
            }),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn subtitles_are_derived() {
    let good = Ask::new(Action::Derive, "subtitling", "moving-pictures");
    let wrongs: [Wrong; 4] = [
        ("permission-1", |ask| (ask.action, ask.purpose) = (Action::Display, "subtitling")),
        ("permission-2", |ask| ask.purpose = "broadcast"),
        SHARE,
        ("prohibition-2", |ask| ask.action = Action::Train),
    ];
    holds(audio_visual(), "subtitles-only", &Arguments::new(), &good, &wrongs);
}

#[test]
fn a_holdback_ends_by_the_clock_of_its_zone() {
    let arguments = Arguments::new()
        .with("from", "2027-01-01T00:00:00Z")
        .with("territories", ["DE"])
        .with("ends", "2027-06-01T00:00[Europe/Berlin]");
    let mut good = Ask::new(Action::Display, "broadcast", "moving-pictures");
    good.now = "2027-05-31T22:00:00Z";
    holds(
        audio_visual(),
        "holdback",
        &arguments,
        &good,
        &[
            ("prohibition-1", |ask| ask.now = "2027-05-31T21:59:59.999Z"),
            ("permission-1", |ask| (ask.region, ask.now) = ("FR", "2026-12-31T23:59:59.999Z")),
            ("permission-1", |ask| ask.purpose = "restoration"),
            ("prohibition-2", |ask| ask.action = Action::Derive),
            ("prohibition-3", |ask| ask.action = Action::Train),
            ("prohibition-4", |ask| ask.action = Action::Share),
        ],
    );
    // Elsewhere, it is shown meanwhile.
    good.now = "2027-05-31T21:59:59.999Z";
    good.region = "FR";
    let wrongs: [Wrong; 6] = [
        ("prohibition-1", |ask| ask.region = "DE"),
        ("permission-1", |ask| ask.now = "2026-12-31T23:59:59.999Z"),
        ("permission-1", |ask| ask.purpose = "restoration"),
        ("prohibition-2", |ask| ask.action = Action::Derive),
        ("prohibition-3", |ask| ask.action = Action::Train),
        ("prohibition-4", |ask| ask.action = Action::Share),
    ];
    holds(audio_visual(), "holdback", &arguments, &good, &wrongs);
}

#[test]
fn speech_is_for_research_on_language() {
    let arguments = Arguments::new().with("speaker", "speaker").with("shown", ["digit"]);
    let good = Ask::new(Action::Read, "language-research", "speech");
    holds(
        audio_visual(),
        "speech-without-names",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.purpose = "model-training"),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn traced_copies_have_their_purposes() {
    let good = Ask::new(Action::Display, "broadcast", "pictures");
    holds(
        audio_visual(),
        "traced-copies",
        &Arguments::new(),
        &good,
        &[
            ("permission-1", |ask| ask.purpose = "restoration"),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn traced_plays_are_counted() {
    let arguments = Arguments::new().with("plays", 2);
    let mut good = Ask::new(Action::Play, "catch-up", "recordings");
    good.uses.metered.plays = Some(2);
    holds(
        audio_visual(),
        "traced-plays",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.uses.metered.plays = Some(3)),
            ("permission-1", |ask| ask.purpose = "selection"),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn a_screener_is_for_selection_for_some_days() {
    let arguments = Arguments::new().with("days", 1).with("copies", 2);
    let mut good = Ask::new(Action::Display, "selection", "pictures");
    good.uses = Uses::of_contract(1);
    holds(
        audio_visual(),
        "screener",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.purpose = "broadcast"),
            ("permission-1", |ask| ask.now = "2027-02-02T00:00:00Z"),
            ("permission-1", |ask| ask.uses = Uses::of_contract(2)),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Derive),
            ("prohibition-3", |ask| ask.action = Action::Train),
        ],
    );
}
