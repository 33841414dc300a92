//! A contract, facts that it permits, and short ways to decide.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use dataspace_policy::{
    Action, ColumnMask, Constraint, Duty, Facts, Layer, Layers, Legal, MaskMethod, Operator,
    Policies, Program, Reason, RowFilter, Rule, Scalar, Scope, Terms, policies::InvalidPolicies,
};
use dataspace_primitives::{Name, Region, UnixMillis, Validity};

pub(crate) const CONSUMER: &str = "did:key:z6MkfrQ9Mxv2Qz1pXzZ6eJYuxUvZ3V6y4WjqPqXg1Jb5vW2a";

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn region(text: &str) -> Region {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> UnixMillis {
    text.parse().unwrap()
}

pub(crate) fn scope() -> Scope {
    Scope { consumer: CONSUMER.to_owned(), product: name("alloys") }
}

static ROLES: LazyLock<BTreeSet<Name>> = LazyLock::new(|| [name("consumer")].into());

pub(crate) fn facts() -> Facts<'static> {
    let (consumer, now) = ((CONSUMER, region("DE")), at("2026-06-01T00:00:00Z"));
    let plain = Facts::new(consumer, Action::Read, ("alloys", "open"), "research", now);
    Facts { roles: &ROLES, ..plain }
}

pub(crate) fn purposes(all: &[&str]) -> Constraint {
    Constraint::Purpose(all.iter().map(|one| name(one)).collect())
}

pub(crate) fn regions(all: &[&str]) -> Constraint {
    Constraint::Jurisdiction(all.iter().map(|one| region(one)).collect())
}

pub(crate) fn time(from: &str, until: &str) -> Constraint {
    Constraint::Time(Validity::new(at(from), at(until)).unwrap())
}

pub(crate) fn read_when(constraint: Constraint) -> Terms {
    Terms::new().permit(Rule::new([Action::Read]).when(constraint))
}

pub(crate) fn read_always() -> Terms {
    Terms::new().permit(Rule::new([Action::Read]))
}

/// A decision that outlives its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Permit(Grounds),
    Deny(Denial),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grounds {
    pub(crate) policies: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) reasons: Vec<Reason>,
    pub(crate) words: String,
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<dataspace_policy::Decision<'_>> for Decision {
    fn from(decision: dataspace_policy::Decision<'_>) -> Self {
        match decision {
            dataspace_policy::Decision::Permit(grounds) => {
                Self::Permit(Grounds { policies: grounds.policies().map(str::to_owned).collect() })
            }
            dataspace_policy::Decision::Deny(denial) => {
                Self::Deny(Denial { reasons: denial.reasons(), words: denial.to_string() })
            }
        }
    }
}

pub(crate) trait Told {
    /// What the program decides, and Cedar's own evaluator as well.
    fn told(&self, facts: &Facts<'_>, space: Option<&Policies>) -> Decision;
}

impl Told for Program {
    fn told(&self, facts: &Facts<'_>, space: Option<&Policies>) -> Decision {
        let layers = Layers { space, provider: None };
        let decision = Decision::from(self.decide(facts, layers));
        assert_eq!(decision, Decision::from(self.decide_by_cedar(facts, layers)));
        decision
    }
}

pub(crate) fn program(terms: &Terms) -> Program {
    Program::new(&terms.to_cedar(&scope()).unwrap()).unwrap()
}

pub(crate) fn decide(terms: &Terms, facts: &Facts<'_>) -> Decision {
    program(terms).told(facts, None)
}

pub(crate) fn permits(terms: &Terms, facts: &Facts<'_>) -> bool {
    matches!(decide(terms, facts), Decision::Permit(_))
}

pub(crate) fn denial(decision: Decision) -> Denial {
    match decision {
        Decision::Deny(denial) => denial,
        Decision::Permit(grounds) => panic!("permitted by {grounds:?}"),
    }
}

pub(crate) fn codes(denial: &Denial) -> Vec<&'static str> {
    denial.reasons.iter().map(Reason::code).collect()
}

/// One policy of a contract with this condition.
pub(crate) fn permit_when(condition: &str) -> String {
    format!("@id(\"p\") permit(principal, action, resource) when {{ {condition} }};")
}

pub(crate) fn forbid_when(condition: &str) -> String {
    format!("@id(\"f\") forbid(principal, action, resource) when {{ {condition} }};")
}

pub(crate) fn contract(text: &str) -> Program {
    Program::new(text).unwrap()
}

pub(crate) fn space(text: &str) -> Policies {
    Policies::parse(text, Layer::Space).unwrap()
}

pub(crate) fn refusal(text: &str, layer: Layer) -> InvalidPolicies {
    Policies::parse(text, layer).unwrap_err()
}

/// Every kind of clause, constraint and duty.
pub(crate) fn rich() -> Terms {
    let column = |column, method| Duty::Mask(ColumnMask { column: name(column), method });
    let filter = |column, operator, values: &[Scalar]| {
        Duty::Filter(RowFilter { column: name(column), operator, values: values.to_vec() })
    };
    Terms::new()
        .permit(
            Rule::new([Action::Query, Action::Read, Action::Aggregate])
                .when(purposes(&["research", "alloy-design", "say \"yes\""]))
                .when(time("2026-01-01T00:00:00Z", "2027-01-01T00:00:00.001Z"))
                .when(regions(&["FR", "DE"]))
                .when(Constraint::Count(50)),
        )
        .permit(Rule::new([Action::Transfer]).when(Constraint::Count(1)))
        .permit(Rule::new([Action::Display, Action::Play]))
        .prohibit(Rule::new([Action::Train, Action::Share]))
        .prohibit(Rule::new([Action::Read]).when(regions(&["KP"])))
        .prohibit(Rule::new([Action::Query]).when(purposes(&["marketing"])))
        .duty(filter("formula", Operator::IsAnyOf, &[text("Fe2O3"), text("FeO")]))
        .duty(filter("purity", Operator::Gteq, &[Scalar::Number("99.5".parse().unwrap())]))
        .duty(filter("released", Operator::Eq, &[Scalar::Boolean(true)]))
        .duty(column("operator", MaskMethod::Drop))
        .duty(column("note", MaskMethod::Null))
        .duty(column("sample", MaskMethod::Hash))
        .duty(column("yield", MaskMethod::Round { decimals: 2 }))
        .duty(column("mass", MaskMethod::Round { decimals: -3 }))
        .duty(column("place", MaskMethod::Truncate { chars: 4 }))
        .legal(Legal::Text(name("the consumer names the provider in publications")))
}

fn text(text: &str) -> Scalar {
    Scalar::Text(name(text))
}

/// Compares with a file in `vectors/terms`, or writes it where `UPDATE_GOLDEN` is set.
pub(crate) fn assert_golden(file: &str, found: &str) {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "vectors", "terms", file].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), found, "{file}");
}
