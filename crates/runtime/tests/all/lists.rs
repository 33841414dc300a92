//! Members, products and contracts, in pages: held against all of them, sorted.

use dataspace_policy::Terms;
use dataspace_primitives::{Name, UnixMillis};
use dataspace_runtime::{NewOffer, entries::PAGE_MAX, space::ContractFilter};

use crate::support::{
    Node, consumer, name, newcomer, research, revocation, rival, signed_credential, table,
};

fn offer(node: &Node, number: u64) -> NewOffer {
    let new = Node::new_offer(Terms::new().permit(research()));
    let expires_at = UnixMillis::new(new.expires_at.as_millis() - number).unwrap();
    let product = name(if number.is_multiple_of(3) { "oxides" } else { "alloys" });
    assert!(node.len() > 0);
    NewOffer { product, expires_at, ..new }
}

#[test]
fn contracts_come_in_pages_in_the_order_of_their_conclusion() {
    let node = Node::new();
    node.space.register(name("oxides"), name("test-results"), table(3)).unwrap();
    let mut all = Vec::new();
    for number in 0..25 {
        let by = if number % 2 == 0 { consumer() } else { rival() };
        let signed = node.space.offer(offer(&node, number)).unwrap();
        all.push((node.conclude(&signed, &by).unwrap(), by.did().clone(), number % 3 == 0));
    }
    node.space.end_contract(all[4].0, name("over")).unwrap();
    let pages = |filter: &ContractFilter, limit| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = node.space.list_contracts(filter, after, limit);
            assert!(page.len() <= limit && page.is_sorted_by_key(|one| one.index));
            let Some(last) = page.last() else { return found };
            after = Some(last.index);
            found.extend(page.into_iter().map(|one| one.id));
        }
    };
    let ids: Vec<_> = all.iter().map(|(id, ..)| *id).collect();
    for limit in [1, 7, 25, 26, usize::MAX] {
        assert_eq!(pages(&ContractFilter::default(), limit), ids);
    }
    let of_rival = ContractFilter { consumer: Some(rival().did().clone()), ..Default::default() };
    let expected: Vec<_> =
        all.iter().filter(|(_, by, _)| by == rival().did()).map(|(id, ..)| *id).collect();
    assert_eq!(pages(&of_rival, 3), expected);
    let oxides = ContractFilter {
        product: Some(name("oxides")),
        leaves_out_ended: true,
        ..Default::default()
    };
    let expected: Vec<_> = all.iter().filter(|(.., oxides)| *oxides).map(|(id, ..)| *id).collect();
    assert_eq!(pages(&oxides, 2), expected, "the ended one is of alloys");
    let running = ContractFilter { leaves_out_ended: true, ..Default::default() };
    assert_eq!(pages(&running, 10).len(), 24);
    let ended = node.space.list_contracts(&ContractFilter::default(), None, 5).pop().unwrap();
    assert!(ended.is_ended && ended.id == all[4].0 && (ended.used, ended.limit) == (0, None));
    assert!(node.space.list_contracts(&ContractFilter::default(), None, 0).is_empty());
}

#[test]
fn members_and_products_come_in_pages_in_their_order() {
    let node = Node::new();
    for number in 0..20 {
        node.space.admit(signed_credential(&newcomer(number), |_| {})).unwrap();
    }
    node.space.revoke(revocation(newcomer(3).did(), node.now())).unwrap();
    let (mut dids, mut after) = (Vec::new(), None);
    loop {
        let page = node.space.list_members(after.as_ref(), 7);
        let Some(last) = page.last() else { break };
        after = Some(last.did.clone());
        for one in page {
            assert_eq!(one.is_member, one.did != *newcomer(3).did());
            assert_eq!((one.name, one.roles), (name("A member"), vec![name("consumer")]));
            dids.push(one.did);
        }
    }
    assert_eq!(dids.len(), 23);
    assert!(dids.is_sorted_by(|a, b| a < b));
    for product in ["c", "a", "b"] {
        node.space.register(name(product), name("test-results"), table(1)).unwrap();
    }
    let ids = |after: Option<&Name>| -> Vec<_> {
        let products = node.space.list_products(after, PAGE_MAX);
        products.into_iter().map(|one| (one.id.to_string(), one.is_attached)).collect()
    };
    let all = ["a", "alloys", "b", "c"].map(|id| (id.to_owned(), true));
    assert_eq!(ids(None), all);
    assert_eq!(ids(Some(&name("alloys"))), all[2..]);
    // After opening, data are to be attached again.
    let node = node.close().reopen_as_it_is();
    assert!(node.space.list_products(None, 10).iter().all(|one| !one.is_attached));
}
