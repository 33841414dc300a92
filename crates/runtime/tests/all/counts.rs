//! Uses of a day, of a month, and of one consumer under several contracts: they hold under
//! concurrency and survive that the node is closed.

use dataspace_policy::{Constraint, Legal, Terms};
use dataspace_runtime::{
    Access,
    access::{Decision, NotSubmitted},
};
use dataspace_tlog::Fact;
use dataspace_usage_contract::ContractId;

use crate::support::{DAY, Node, codes, consumer, name, permitted, research, rows, table};

fn read_when(constraint: Constraint) -> Terms {
    Terms::new().permit(research().when(constraint))
}

/// Contracts that differ in a remark alone.
fn contracts<const N: usize>(node: &Node, constraint: &Constraint) -> [ContractId; N] {
    std::array::from_fn(|number| {
        let remark = Legal::Text(name(&format!("contract {number}")));
        node.contract(read_when(constraint.clone()).legal(remark))
    })
}

fn assert_denied(node: &Node, contract: ContractId) {
    assert_eq!(codes(&node.denied(contract)), ["unmet"]);
}

#[test]
fn a_daily_count_begins_anew_at_midnight_utc() {
    let node = Node::new();
    let contract = node.contract(read_when(Constraint::DayCount(2)));
    for _ in 0..3 {
        drop(node.released(contract));
        node.advance(DAY - 1);
        drop(node.released(contract));
        assert_denied(&node, contract);
        node.advance(1);
    }
    assert_eq!(node.space.uses(contract), Some((6, None)));
}

#[test]
fn a_monthly_count_begins_anew_with_the_month_and_not_after_thirty_days() {
    let node = Node::new();
    node.advance(19 * DAY);
    let contract = node.contract(read_when(Constraint::MonthCount(1)));
    drop(node.released(contract));
    node.advance(11 * DAY - 1);
    // The tests begin on the first of June: this is its last second.
    assert_denied(&node, contract);
    assert!(node.now().to_string().starts_with("2026-06-30T23:59:59"));
}

#[test]
fn a_new_month_is_a_new_count() {
    let node = Node::new();
    let mut offer = Node::new_offer(read_when(Constraint::MonthCount(1)));
    offer.validity = crate::support::days(0, 60);
    let contract = node.conclude(&node.space.offer(offer).unwrap(), &consumer()).unwrap();
    drop(node.released(contract));
    node.advance(30 * DAY - 1);
    assert_denied(&node, contract);
    node.advance(1);
    drop(node.released(contract));
    assert_denied(&node, contract);
}

#[test]
fn a_closed_node_forgets_no_use_of_the_day_the_month_or_the_consumer() {
    for constraint in
        [Constraint::DayCount(3), Constraint::MonthCount(3), Constraint::ConsumerCount(3)]
    {
        let node = Node::new();
        let contract = node.contract(read_when(constraint));
        drop(node.released(contract));
        let node = node.close().reopen();
        drop(node.released(contract));
        drop(node.released(contract));
        assert_denied(&node, contract);
        let node = node.close().reopen();
        assert_denied(&node, contract);
        let record = node.decisions().pop().unwrap();
        for count in ["uses", "usesByConsumer", "usesToday", "usesThisMonth"] {
            assert_eq!(record.facts[count], Fact::Number(3), "{count}");
        }
    }
}

#[test]
fn a_node_that_is_opened_on_the_next_day_counts_from_nothing() {
    let node = Node::new();
    let contract = node.contract(read_when(Constraint::DayCount(1)));
    drop(node.released(contract));
    let files = node.close();
    files.clock.advance(std::time::Duration::from_secs(DAY));
    let node = files.reopen();
    drop(node.released(contract));
    assert_denied(&node, contract);
    let uses: Vec<_> = node.decisions().iter().map(|one| one.facts["usesToday"].clone()).collect();
    assert_eq!(uses, [0, 0, 1].map(Fact::Number));
}

#[test]
fn a_consumer_does_not_gain_uses_by_a_second_contract() {
    let node = Node::new();
    let [first, second] = contracts(&node, &Constraint::ConsumerCount(2));
    drop(node.released(first));
    drop(node.released(second));
    let node = node.close().reopen();
    let third = node.contract(read_when(Constraint::ConsumerCount(2)));
    for contract in [first, second, third] {
        assert_denied(&node, contract);
    }
}

#[test]
fn a_permit_does_not_outlive_a_use_under_another_contract() {
    let node = Node::new();
    let [first, second] = contracts(&node, &Constraint::ConsumerCount(1));
    let monitor = node.space.enter();
    let permit = |contract| {
        let received = monitor.receive(node.verified(contract)).unwrap();
        match received.decide().unwrap() {
            Decision::Permit(permit) => permit,
            Decision::Denial(denial) => panic!("{:?}", denial.reasons()),
        }
    };
    let (one, other) = (permit(first), permit(second));
    let recorded = one.submit().unwrap().wait().unwrap();
    let NotSubmitted::Conflict(conflict) = other.submit().unwrap_err() else { panic!() };
    // Decided again, it is denied.
    let again = monitor.again(conflict).unwrap().decide().unwrap();
    assert!(matches!(again, Decision::Denial(_)));
    drop(monitor);
    assert_eq!(rows(recorded.release()), 10);
}

#[test]
fn threads_under_two_contracts_share_the_uses_of_their_consumer() {
    for constraint in [Constraint::ConsumerCount(7), Constraint::DayCount(7)] {
        let node = Node::with_table(table(2));
        let is_shared = matches!(constraint, Constraint::ConsumerCount(_));
        let contracts: [_; 2] = contracts(&node, &constraint);
        let requests: Vec<_> =
            (0..24).flat_map(|_| contracts).map(|contract| node.request(contract)).collect();
        let releases: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = requests
                .chunks(6)
                .map(|chunk| {
                    let space = &node.space;
                    scope.spawn(move || {
                        let all = chunk.iter().map(|one| space.access(one.clone()).unwrap());
                        all.filter(|access| matches!(access, Access::Released(_))).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(releases, if is_shared { 7 } else { 14 });
        // Each permit was decided on a count of its own.
        let permits = node.decisions().into_iter().filter(|one| permitted(one).is_some());
        let mut counts: Vec<_> =
            permits.map(|one| format!("{:?}", one.facts["usesByConsumer"])).collect();
        counts.sort();
        counts.dedup();
        assert_eq!(counts.len(), releases);
    }
}
