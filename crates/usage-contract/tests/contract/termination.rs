//! Who may end a contract.

use dataspace_identity::{DidKeys, SecretKey};
use dataspace_primitives::Signed;
use dataspace_usage_contract::{Termination, contract_id, termination::TerminationError};

use crate::support::{
    accepted, agreement, conclude, consumer, mallory, name, now, offer, provider, verified,
};

pub(crate) fn termination(by: &SecretKey) -> Termination {
    Termination {
        contract: contract_id(&agreement()),
        by: by.did().clone(),
        declared_at: now(),
        reason: name("no longer needed"),
    }
}

fn check(content: &Termination, key: &SecretKey) -> Result<(), TerminationError> {
    let document = Signed::sign(content, key).unwrap();
    Termination::verify(document, &agreement(), &DidKeys, now()).map(|_| ())
}

#[test]
fn either_party_ends_the_contract() {
    for party in [provider(), consumer()] {
        assert!(check(&termination(&party), &party).is_ok());
    }
}

#[test]
fn a_stranger_cannot_end_it() {
    for named in [mallory(), provider(), consumer()] {
        let error = check(&termination(&named), &mallory()).unwrap_err();
        assert!(matches!(error, TerminationError::Verify(_)));
    }
}

#[test]
fn one_party_cannot_end_it_in_the_name_of_the_other() {
    for (named, signer) in
        [(provider(), consumer()), (consumer(), provider()), (mallory(), consumer())]
    {
        let error = check(&termination(&named), &signer).unwrap_err();
        assert!(matches!(error, TerminationError::Declarer { .. }));
    }
}

#[test]
fn a_termination_of_another_contract_does_not_end_this_one() {
    let offer = verified(&offer());
    let other = conclude(&offer, &accepted(&offer, &mallory())).unwrap();
    let foreign = Termination { contract: contract_id(&other), ..termination(&provider()) };
    let error = check(&foreign, &provider()).unwrap_err();
    assert!(matches!(error, TerminationError::OtherContract { .. }));
}
