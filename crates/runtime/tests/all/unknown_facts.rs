//! What a credential does not state is not known, and what is not known does not permit and forbids.

use dataspace_policy::{Constraint, Terms};

use crate::support::{Node, consumer, name, permitted, read_only, research, signed_credential};

/// A node whose consumer has this business partner number, or none that is known.
fn node(number: Option<&str>) -> Node {
    let node = Node::new();
    let credential = signed_credential(&consumer(), |credential| {
        credential.serial += 1;
        let numbers = number.map(|number| (name("bpn"), name(number)));
        credential.attributes = numbers.into_iter().collect();
    });
    node.space.admit(credential).unwrap();
    node
}

fn is_released(node: &Node, terms: Terms) -> bool {
    let contract = node.contract(terms);
    drop(node.space.access(node.request(contract)).unwrap());
    permitted(node.decisions().last().unwrap()).is_some()
}

#[test]
fn a_business_partner_number_counts_only_where_the_authority_states_it() {
    let bpn = |number| Constraint::Attribute { name: name("bpn"), values: [name(number)].into() };
    let not = |one| Constraint::Not(Box::new(one));
    let permit = |one| Terms::new().permit(research().when(one));
    let prohibit = |one| Terms::new().permit(research()).prohibit(read_only().when(one));
    let purpose = Constraint::Purpose([name("research")].into());
    let either = |one| Constraint::Any(vec![one, purpose.clone()]);
    for (terms, none, one, other) in [
        (permit(bpn("BPNL1")), false, true, false),
        (permit(not(bpn("BPNL1"))), false, false, true),
        (permit(either(bpn("BPNL1"))), false, true, true),
        (prohibit(bpn("BPNL1")), false, false, true),
        // "Unless it is BPNL1."
        (prohibit(not(bpn("BPNL1"))), false, true, false),
        (prohibit(either(not(bpn("BPNL1")))), false, false, false),
        (prohibit(not(either(bpn("BPNL1")))), false, true, true),
    ] {
        for (number, expected) in [(None, none), (Some("BPNL1"), one), (Some("BPNL2"), other)] {
            let found = is_released(&node(number), terms.clone());
            assert_eq!(found, expected, "{number:?}: {terms:?}");
        }
    }
}

#[test]
fn that_a_credential_is_not_held_is_never_known() {
    let node = node(None);
    let held = |one| Constraint::Credential([name(one)].into());
    let not = |one| Constraint::Not(Box::new(one));
    let permit = |one| Terms::new().permit(research().when(one));
    let prohibit = |one| Terms::new().permit(research()).prohibit(read_only().when(one));
    for (terms, expected) in [
        (permit(held("MembershipCredential")), true),
        (permit(not(held("MembershipCredential"))), false),
        (permit(held("Iso27001")), false),
        (permit(not(held("Iso27001"))), false),
        (prohibit(held("Iso27001")), false),
        (prohibit(not(held("Iso27001"))), false),
        (prohibit(not(held("MembershipCredential"))), true),
        (prohibit(held("MembershipCredential")), false),
    ] {
        assert_eq!(is_released(&node, terms.clone()), expected, "{terms:?}");
    }
}
