//! Counts under concurrency.

use dataspace_policy::{Action, Constraint, Rule, Terms};
use dataspace_runtime::Access;

use crate::support::{Node, counted, permitted};

/// Hammers from `threads` threads; the number of releases by action.
fn race(
    node: &Node,
    requests: Vec<dataspace_primitives::Signed<dataspace_usage_contract::AccessRequest>>,
) -> usize {
    std::thread::scope(|scope| {
        let threads: Vec<_> = requests
            .into_iter()
            .map(|request| {
                scope.spawn(|| match node.space.access(request).unwrap() {
                    Access::Released(release) => {
                        assert_eq!(crate::support::rows(release), 10);
                        1
                    }
                    Access::Denied(_) => 0,
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[test]
fn sixteen_threads_share_ten_uses() {
    for _ in 0..5 {
        let node = Node::new();
        let contract = node.contract(counted(10));
        let requests = (0..16).map(|_| node.request(contract)).collect();
        assert_eq!(race(&node, requests), 10);
        assert_eq!(node.space.uses(contract), Some((10, Some(10))));
        let decisions = node.decisions();
        let mut uses: Vec<_> = decisions.iter().filter_map(permitted).collect();
        uses.sort_unstable();
        assert_eq!((decisions.len(), uses), (16, (1..=10).collect()));
    }
}

#[test]
fn each_permission_keeps_its_own_count_in_a_race() {
    for _ in 0..5 {
        let node = Node::new();
        let rule = |action, count| Rule::new([action]).when(Constraint::Count(count));
        let terms = Terms::new().permit(rule(Action::Read, 3)).permit(rule(Action::Transfer, 10));
        let contract = node.contract(terms);
        let request = |action| node.request_for(contract, action, "research");
        let requests: Vec<_> = (0..16)
            .map(|n| request(if n % 2 == 0 { Action::Read } else { Action::Transfer }))
            .collect();
        race(&node, requests);
        // What the race left over: aggregates go on to exactly ten.
        let more = (0..12).map(|_| request(Action::Transfer)).collect();
        race(&node, more);
        assert_eq!(node.space.uses(contract), Some((10, Some(10))));
        for decision in node.decisions() {
            let Some(uses) = permitted(&decision) else { continue };
            let read = dataspace_tlog::Fact::Text("read".to_owned());
            let max = if decision.facts["action"] == read { 3 } else { 10 };
            assert!(uses <= max, "use {uses} of {max}");
            let before = dataspace_tlog::Fact::Number(uses - 1);
            assert_eq!(decision.facts["uses"], before);
        }
    }
}

#[test]
fn an_unlimited_permission_beside_a_count_is_unlimited_for_its_action_alone() {
    let node = Node::new();
    let terms = Terms::new()
        .permit(Rule::new([Action::Read]).when(Constraint::Count(1)))
        .permit(Rule::new([Action::Transfer]));
    let contract = node.contract(terms);
    let request = |action| node.request_for(contract, action, "research");
    assert_eq!(race(&node, (0..4).map(|_| request(Action::Read)).collect()), 1);
    assert_eq!(race(&node, (0..4).map(|_| request(Action::Transfer)).collect()), 4);
    assert_eq!(race(&node, vec![request(Action::Read)]), 0);
}

#[test]
fn contracts_do_not_share_counts() {
    let node = Node::new();
    let first = node.contract(counted(2));
    let second = node.contract(counted(3));
    let requests = (0..8).map(|n| node.request(if n % 2 == 0 { first } else { second }));
    assert_eq!(race(&node, requests.collect()), 5);
}
