//! Every template of the materials sector: what it permits, and what each of its clauses denies.

use dataspace_policy::{Action, Uses, facts::Payment};
use dataspace_sectors::{Arguments, materials};

use crate::ask::{Ask, Wrong, covers, holds};

const SHARE: Wrong = ("prohibition-1", |ask| ask.action = Action::Share);

#[test]
fn every_template_is_tested_here() {
    covers(
        materials(),
        &[
            "research-attribution",
            "embargo",
            "masked-composition",
            "aggregate-only",
            "supplier-grade",
            "training-passes",
            "pay-per-access",
            "pay-per-query",
            "export-controlled",
            "joint-evaluation",
        ],
    );
}

#[test]
fn research_reads_so_many_times_a_month() {
    let arguments = Arguments::new().with("source", "Institute").with("monthly", 5);
    let mut good = Ask::new(Action::Read, "publication", "test-results");
    good.uses = Uses { this_month: 4, ..Uses::default() };
    holds(
        materials(),
        "research-attribution",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.purpose = "alloy-design"),
            ("permission-1", |ask| ask.uses.this_month = 5),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn nothing_is_released_before_the_embargo_ends() {
    // Half past eight in Berlin, in summer.
    let arguments = Arguments::new().with("opens", "2027-06-01T08:30[Europe/Berlin]");
    let mut good = Ask::new(Action::Read, "research", "test-results");
    good.now = "2027-06-01T06:30:00Z";
    holds(
        materials(),
        "embargo",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.now = "2027-06-01T06:29:59.999Z"),
            ("permission-1", |ask| ask.purpose = "carbon-accounting"),
            SHARE,
        ],
    );
}

#[test]
fn a_masked_composition_is_for_its_purposes() {
    let arguments =
        Arguments::new().with("sample", "sample").with("shares", ["iron"]).with("decimals", 0);
    let good = Ask::new(Action::Read, "simulation", "compositions");
    let wrong = ("permission-1", (|ask| ask.purpose = "model-training") as fn(&mut Ask));
    holds(materials(), "masked-composition", &arguments, &good, &[wrong, SHARE]);
}

#[test]
fn answers_about_samples_are_counted() {
    let arguments =
        Arguments::new().with("sample", "sample").with("means", ["strength"]).with("monthly", 2);
    let mut good = Ask::new(Action::Read, "simulation", "test-results");
    good.uses.this_month = 1;
    holds(
        materials(),
        "aggregate-only",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.uses.this_month = 2),
            ("permission-1", |ask| ask.purpose = "alloy-design"),
            SHARE,
        ],
    );
}

#[test]
fn grades_of_a_supplier_are_released_until_the_days_are_over() {
    let arguments =
        Arguments::new().with("column", "grade").with("grades", ["S235"]).with("days", 2);
    let mut good = Ask::new(Action::Read, "supplier-audit", "supplier-batches");
    good.now = "2027-02-02T23:59:59.999Z";
    holds(
        materials(),
        "supplier-grade",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.now = "2027-02-03T00:00:00Z"),
            ("permission-1", |ask| ask.purpose = "research"),
            SHARE,
        ],
    );
}

#[test]
fn training_has_its_passes_in_a_sandbox_and_nothing_else() {
    let arguments = Arguments::new().with("application", "predictor").with("passes", 3);
    let mut good = Ask::new(Action::Train, "model-training", "test-results");
    good.environment = Some(("predictor", true));
    good.uses = Uses::of_contract(2);
    holds(
        materials(),
        "training-passes",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.environment = Some(("predictor", false))),
            ("permission-1", |ask| ask.environment = Some(("another", true))),
            ("permission-1", |ask| ask.environment = None),
            ("permission-1", |ask| ask.uses = Uses::of_contract(3)),
            ("permission-1", |ask| ask.purpose = "research"),
            ("prohibition-1", |ask| ask.action = Action::Read),
            ("prohibition-1", |ask| ask.action = Action::Transfer),
            ("prohibition-2", |ask| ask.action = Action::Share),
        ],
    );
}

#[test]
fn a_month_has_a_cap() {
    let arguments = Arguments::new().with("price", "0.10 EUR").with("cap", 2);
    let mut good = Ask::new(Action::Read, "alloy-design", "computed-properties");
    good.uses.this_month = 1;
    holds(
        materials(),
        "pay-per-access",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.uses.this_month = 2),
            ("permission-1", |ask| ask.purpose = "quality-assurance"),
            SHARE,
        ],
    );
}

#[test]
fn a_query_is_answered_while_the_provider_states_that_nothing_is_overdue() {
    let arguments = Arguments::new().with("price", "2.50 EUR").with("cap", 2);
    let mut good = Ask::new(Action::Read, "alloy-design", "computed-properties");
    good.uses.this_month = 1;
    good.payment = Some(Payment::Due);
    holds(
        materials(),
        "pay-per-query",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.uses.this_month = 2),
            ("permission-1", |ask| ask.purpose = "quality-assurance"),
            ("permission-1", |ask| ask.payment = Some(Payment::Overdue)),
            ("permission-1", |ask| ask.payment = None),
            SHARE,
        ],
    );
}

#[test]
fn export_controlled_data_stay_in_the_countries() {
    let arguments = Arguments::new().with("countries", ["DE", "FR"]);
    let mut good = Ask::new(Action::Read, "quality-assurance", "export-controlled");
    good.recipient = Some("FR");
    good.attributes = vec![("export-licence", "valid")];
    holds(
        materials(),
        "export-controlled",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.class = "test-results"),
            ("permission-1", |ask| ask.region = "IT"),
            ("permission-1", |ask| ask.recipient = Some("IT")),
            ("permission-1", |ask| ask.recipient = None),
            ("permission-1", |ask| ask.attributes = vec![]),
            ("permission-1", |ask| ask.attributes = vec![("export-licence", "expired")]),
            ("permission-1", |ask| ask.purpose = "research"),
            ("export-controlled-at-home", |ask| ask.region = "US"),
            ("export-controlled-at-home", |ask| ask.recipient = Some("US")),
            ("export-controlled-at-home", |ask| ask.recipient = None),
            SHARE,
            ("prohibition-2", |ask| ask.action = Action::Train),
            ("no-training-on-export-controlled", |ask| ask.action = Action::Train),
        ],
    );
}

#[test]
fn joint_evaluation_keeps_working_hours() {
    let arguments = Arguments::new().with("daily", 2).with("zone", "Asia/Shanghai");
    // Monday, 17:59 in Shanghai.
    let mut good = Ask::new(Action::Read, "quality-assurance", "test-results");
    good.now = "2027-02-01T09:59:59Z";
    good.person = Some("materials-engineer");
    good.uses.today = 1;
    holds(
        materials(),
        "joint-evaluation",
        &arguments,
        &good,
        &[
            ("permission-1", |ask| ask.now = "2027-02-01T10:00:00Z"),
            ("permission-1", |ask| ask.now = "2027-01-31T05:00:00Z"),
            ("permission-1", |ask| ask.person = Some("sales")),
            ("permission-1", |ask| ask.person = None),
            ("permission-1", |ask| ask.uses.today = 2),
            ("permission-1", |ask| ask.purpose = "research"),
            SHARE,
        ],
    );
}
