//! No kind of document passes as another.

use dataspace_identity::{MembershipCredential, MembershipRevocation};
use dataspace_primitives::{Payload, Signed};
use dataspace_usage_contract::{
    Acceptance, AccessRequest, Agreement, Offer, SpaceProfile, Termination,
};

use crate::support::{accepted, agreement, consumer, offer, provider, verified};

const TYPES: [&str; 8] = [
    Offer::TYPE,
    Acceptance::TYPE,
    Agreement::TYPE,
    Termination::TYPE,
    SpaceProfile::TYPE,
    AccessRequest::TYPE,
    MembershipCredential::TYPE,
    MembershipRevocation::TYPE,
];

/// Which of the kinds take these bytes.
fn takers(bytes: &[u8]) -> Vec<&'static str> {
    fn takes<T: Payload>(bytes: &[u8]) -> Option<&'static str> {
        Signed::<T>::from_bytes(bytes.to_vec()).ok().map(|_| T::TYPE)
    }
    let all = [
        takes::<Offer>(bytes),
        takes::<Acceptance>(bytes),
        takes::<Agreement>(bytes),
        takes::<Termination>(bytes),
        takes::<SpaceProfile>(bytes),
        takes::<AccessRequest>(bytes),
        takes::<MembershipCredential>(bytes),
        takes::<MembershipRevocation>(bytes),
    ];
    all.into_iter().flatten().collect()
}

#[test]
fn every_kind_has_its_own_label() {
    let distinct: std::collections::BTreeSet<_> = TYPES.into_iter().collect();
    assert_eq!(distinct.len(), TYPES.len());
}

#[test]
fn each_document_passes_as_its_own_kind_alone() {
    let offer = verified(&offer());
    let acceptance = accepted(&offer, &consumer());
    let termination = crate::termination::termination(&consumer());
    let termination = Signed::sign(&termination, &consumer()).unwrap();
    let profile = Signed::sign(&crate::profile::profile(), &provider()).unwrap();
    for (bytes, kind) in [
        (offer.signed().as_bytes(), Offer::TYPE),
        (acceptance.signed().as_bytes(), Acceptance::TYPE),
        (agreement().signed().as_bytes(), Agreement::TYPE),
        (termination.as_bytes(), Termination::TYPE),
        (profile.as_bytes(), SpaceProfile::TYPE),
    ] {
        assert_eq!(takers(bytes), [kind]);
    }
}
