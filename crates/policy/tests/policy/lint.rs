//! Findings are certain, and where a person would see one, there is one.

use dataspace_policy::{Action, ClauseKind, Constraint, Rule, Terms, lint::Finding};
use proptest::prelude::*;

use crate::naive_terms::{is_readable, permission_applies, prohibition_applies};
use crate::oracle::{bend, facts as any_facts, terms as any_terms};
use crate::support::{at, name, purposes, read_always, regions, rich, time};

fn read(all: &[Constraint]) -> Rule {
    all.iter().cloned().fold(Rule::new([Action::Read]), Rule::when)
}

fn not(one: Constraint) -> Constraint {
    Constraint::Not(Box::new(one))
}

fn found(terms: &Terms) -> Vec<String> {
    terms.lint().iter().map(|one| format!("{}: {one}", one.code())).collect()
}

#[test]
fn constraints_that_contradict_each_other_are_found() {
    let role = Constraint::Role([name("lab")].into());
    let year =
        |year| time(&format!("{year}-01-01T00:00:00Z"), &format!("{}-01-01T00:00:00Z", year + 1));
    for all in [
        vec![year(2026), Constraint::From(at("2027-01-01T00:00:00Z"))],
        vec![Constraint::Before(at("2026-01-01T00:00:00Z")), year(2026)],
        vec![purposes(&["a", "b"]), not(purposes(&["b", "a", "c"]))],
        vec![regions(&["DE"]), Constraint::Any(vec![regions(&["FR"]), regions(&["CN"])])],
        vec![role.clone(), not(role)],
        vec![Constraint::All(vec![year(2026), year(2027)])],
    ] {
        let terms = read_always().permit(read(&all));
        assert_eq!(
            found(&terms),
            ["never-applies: permission-2 never applies: its constraints contradict each other"],
            "{all:?}"
        );
        assert_eq!(read_always().prohibit(read(&all)).lint().len(), 1, "{all:?}");
    }
    // What is not known makes a prohibition apply, so this one does.
    let unknown = [Constraint::Sandbox, not(Constraint::Sandbox)];
    assert_eq!(read_always().prohibit(read(&unknown)).lint(), []);
    assert_eq!(read_always().permit(read(&unknown)).lint().len(), 1);
}

#[test]
fn clauses_that_add_nothing_are_found() {
    let (wide, narrow) = (purposes(&["a", "b"]), purposes(&["a"]));
    for (one, two) in [
        (vec![], vec![narrow.clone()]),
        (vec![wide.clone()], vec![narrow.clone()]),
        (vec![wide.clone()], vec![regions(&["DE"]), narrow.clone()]),
        (vec![Constraint::Count(9)], vec![Constraint::Count(8)]),
        (vec![not(narrow.clone())], vec![not(wide.clone())]),
        (vec![Constraint::Any(vec![wide, Constraint::Sandbox])], vec![narrow, Constraint::Sandbox]),
    ] {
        let terms = Terms::new().permit(read(&one)).permit(read(&two));
        let expected = "shadowed: permission-2 adds nothing: whenever it applies, permission-1 applies as well";
        assert_eq!(found(&terms), [expected], "{one:?} {two:?}");
        let turned = Terms::new().permit(read(&two)).permit(read(&one));
        assert_eq!(turned.lint().len(), 1, "{one:?} {two:?}");
    }
    let twice = Terms::new().permit(read(&[])).permit(read(&[]));
    assert_eq!(twice.lint().len(), 1);
    // The first needs a fact that may be unknown.
    let sandbox = Constraint::Any(vec![Constraint::Sandbox, purposes(&["a"])]);
    let terms = Terms::new().permit(read(&[sandbox])).permit(read(&[purposes(&["a"])]));
    assert_eq!(terms.lint(), []);
}

#[test]
fn what_nobody_supplies_is_told_and_what_follows() {
    let credential = |one| Constraint::Credential([name(one)].into());
    let deep = Constraint::Any(vec![not(credential("Iso27001")), purposes(&["a"])]);
    let terms = Terms::new().permit(read(&[deep])).prohibit(read(&[credential("Iso9001")]));
    assert_eq!(
        found(&terms),
        [
            "unsupplied: permission-1 can never apply here: nobody supplies any credential but the \
             MembershipCredential",
            "unsupplied: prohibition-1 always applies here: nobody supplies any credential but the \
             MembershipCredential",
        ]
    );
    assert_eq!(found(&Terms::new().permit(read(&[credential("MembershipCredential")]))), [""; 0]);
    assert_eq!(Terms::new().permit(read(&[credential("Iso27001")])).lint().len(), 1);
    let blurred = Constraint::Vouched { kind: name("blurred"), values: [name("true")].into() };
    assert_eq!(found(&Terms::new().permit(read(&[blurred, Constraint::Level(2)]))), [""; 0]);
}

#[test]
fn a_name_of_several_scripts_is_told() {
    // Its second letter is Cyrillic.
    let state = Constraint::State([name("rеady"), name("done")].into());
    let terms = read_always().prohibit(read(&[not(state)]));
    let scripts = terms.lint().into_iter().filter(|one| one.code() == "script");
    let scripts: Vec<_> = scripts.map(|one| one.to_string()).collect();
    assert!(scripts.len() == 1 && scripts[0].starts_with("prohibition-1 names \"rеady\""));
}

#[test]
fn a_permission_that_is_always_forbidden_is_found() {
    let terms = Terms::new()
        .permit(Rule::new([Action::Read, Action::Train, Action::Share]).when(purposes(&["a"])))
        .prohibit(Rule::new([Action::Train, Action::Share]).when(purposes(&["a", "b"])));
    assert_eq!(
        found(&terms),
        [
            "contradicted: permission-1 never lets anybody train or share: prohibition-1 always forbids it"
        ]
    );
    let sometimes = Terms::new()
        .permit(Rule::new([Action::Train]).when(purposes(&["a", "c"])))
        .prohibit(Rule::new([Action::Train]).when(purposes(&["a", "b"])));
    assert_eq!(sometimes.lint(), []);
}

#[test]
fn usual_terms_have_no_finding() {
    assert_eq!(
        found(&rich()),
        [
            "not-carried-out: permission-1 never lets anybody query or aggregate: no node carries it \
          out yet"
        ]
    );
    assert_eq!(Terms::new().lint(), []);
}

#[test]
fn terms_that_are_too_large_to_read_are_read_in_bounded_time() {
    let deep = |n: u32| {
        let leaf = |m| Constraint::Count(n * 64 + m + 1);
        Constraint::Any((0..21).map(|m| Constraint::All(vec![leaf(m), leaf(m + 21)])).collect())
    };
    let terms = (0..64).fold(Terms::new(), |terms, n| terms.permit(read(&[deep(n)])));
    assert!(terms.lint().iter().all(|one| one.code() == "shadowed"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_finding_holds_for_all_facts(
        terms in any_terms(),
        mut facts in any_facts(),
        which in any::<prop::sample::Index>(),
        bent in any::<bool>(),
    ) {
        if bent {
            bend(&mut facts, &terms, which);
        }
        prop_assume!(is_readable(&terms, &facts));
        let applies = |id: dataspace_policy::ClauseId| {
            let place = usize::from(id.number) - 1;
            if id.kind == ClauseKind::Permission {
                permission_applies(&terms.permissions[place], &facts)
            } else {
                prohibition_applies(&terms.prohibitions[place], &facts)
            }
        };
        for finding in terms.lint() {
            match &finding {
                Finding::NeverApplies { clause } => prop_assert!(!applies(*clause), "{}", finding),
                // About a node's facts, not about these.
                Finding::Unsupplied { .. }
                | Finding::NotCarriedOut { .. }
                | Finding::Script { .. } => {}
                Finding::Shadowed { clause, by } => {
                    prop_assert!(!applies(*clause) || applies(*by), "{}", finding);
                }
                Finding::Contradicted { clause, by, actions } => {
                    let is_both = actions.contains(&facts.action) && applies(*clause);
                    prop_assert!(!is_both || applies(*by), "{}", finding);
                }
                other => prop_assert!(false, "{}", other),
            }
        }
    }
}
