//! A changed policy over past accesses.

use dataspace_policy::{
    Facts, Layer, Layers, Program,
    simulate::{Change, DIFFERENCES_MAX, Past, Simulated, Simulation, simulate},
};

use crate::support::{CONSUMER, at, facts, forbids, id, research_in, scope};

fn program(year: u32) -> Program {
    Program::new(&research_in(year).to_cedar(&scope(CONSUMER, "alloys")).unwrap()).unwrap()
}

#[test]
fn a_change_tells_what_it_would_deny_and_permit() {
    let (old, new) = (program(2026), program(2027));
    let no_marketing =
        "@id(\"m\") forbid (principal, action, resource) when { principal.region == \"FR\" };";
    let space = forbids(Layer::Space, no_marketing);
    let days = ["2025-06-01", "2026-06-01", "2026-12-31", "2027-01-01", "2027-06-01", "2028-01-01"];
    let all: Vec<_> = days
        .iter()
        .flat_map(|day| {
            let one = Facts { now: at(&format!("{day}T00:00:00Z")), ..facts() };
            [one, Facts { region: "FR".parse().unwrap(), ..one }]
        })
        .collect();
    let contract = id(0);
    let past = |after, layers: Layers<'static>| -> Vec<Past<'_>> {
        let _ = layers;
        all.iter()
            .map(|facts| Past {
                contract: &contract,
                program: Change { before: &old, after },
                layers: Change { before: Layers::default(), after: Layers::of_space(&space) },
                facts,
            })
            .collect()
    };
    let tighter = simulate(past(&old, Layers::default()));
    assert_eq!((tighter.accesses, tighter.newly_denied, tighter.newly_permitted), (12, 2, 0));
    let moved = simulate(past(&new, Layers::default()));
    assert_eq!((moved.newly_denied, moved.newly_permitted), (4, 2));
    let places: Vec<_> = moved.differences.iter().map(|one| one.place).collect();
    assert_eq!(places, [2, 3, 4, 5, 6, 8]);
    let first = &moved.differences.first().unwrap().outcome;
    assert_eq!(first.before, Simulated::Permit(vec!["permission-1".to_owned()]));
    let Simulated::Deny(reasons) = &first.after else { panic!("permitted") };
    assert_eq!(reasons.first().unwrap().code(), "unmet");
}

#[test]
fn no_change_and_no_access_differ_in_nothing() {
    assert_eq!(simulate([]), Simulation::default());
    let (program, contract, facts) = (program(2026), id(0), facts());
    let past = Past {
        contract: &contract,
        program: Change::none(&program),
        layers: Change::none(Layers::default()),
        facts: &facts,
    };
    let simulation = simulate([past; 5]);
    assert_eq!(simulation, Simulation { accesses: 5, ..Simulation::default() });
}

#[test]
fn all_differences_are_counted_and_the_first_are_kept() {
    let (old, new, contract, facts) = (program(2026), program(2027), id(0), facts());
    let past = Past {
        contract: &contract,
        program: Change { before: &old, after: &new },
        layers: Change::none(Layers::default()),
        facts: &facts,
    };
    let simulation = simulate(std::iter::repeat_n(past, DIFFERENCES_MAX + 10));
    assert_eq!(simulation.newly_denied, DIFFERENCES_MAX as u64 + 10);
    assert_eq!(simulation.differences.len(), DIFFERENCES_MAX);
}
