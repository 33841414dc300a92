//! From offer to agreement, and every way in which one side cheats the other.

use dataspace_identity::DidKeys;
use dataspace_policy::{Action, Rule, Terms};
use dataspace_primitives::{Signed, signed::VerifyError};
use dataspace_usage_contract::{
    Acceptance, Agreement, ContractId, Offer, agreement::AgreeError, contract_id, offer::OfferError,
};

use crate::support::{
    accepted, after, agreement, at, conclude, consumer, forged, mallory, name, now, offer,
    provider, signed_by, trusting, verified,
};

fn other_offer() -> Offer {
    Offer { product: name("steels"), ..offer() }
}

fn acceptance() -> Acceptance {
    accepted(&verified(&offer()), &consumer()).value().clone()
}

#[test]
fn both_parties_sign_what_was_offered() {
    let agreement = agreement();
    let value = agreement.value();
    assert_eq!((&value.provider, &value.consumer), (provider().did(), consumer().did()));
    assert_eq!((&value.terms, value.validity), (&offer().terms, offer().validity));
    let again = Agreement::verify(agreement.signed().clone(), &DidKeys, now()).unwrap();
    assert_eq!(contract_id(&again), contract_id(&agreement));
}

#[test]
fn an_acceptance_of_another_offer_concludes_nothing() {
    let replay = accepted(&verified(&other_offer()), &consumer());
    let error = conclude(&verified(&offer()), &replay).unwrap_err();
    assert!(matches!(error, AgreeError::OtherOffer { .. }));
}

#[test]
fn an_acceptance_renamed_to_another_offer_signs_another_agreement() {
    let other = verified(&other_offer());
    let offer_id = accepted(&other, &consumer()).value().offer;
    let renamed = forged(&Acceptance { offer: offer_id, ..acceptance() }, &consumer());
    assert!(matches!(conclude(&other, &renamed), Err(AgreeError::OtherAgreement { .. })));
}

#[test]
fn two_consumers_of_one_offer_get_two_contracts() {
    let offer = verified(&offer());
    let one = conclude(&offer, &accepted(&offer, &consumer())).unwrap();
    let two = conclude(&offer, &accepted(&offer, &mallory())).unwrap();
    assert_ne!(contract_id(&one), contract_id(&two));
}

#[test]
fn a_copied_co_signature_does_not_bind_its_owner() {
    let offer = verified(&offer());
    let own = accepted(&offer, &mallory()).value().clone();
    let copied = Acceptance { signature: acceptance().signature, ..own };
    assert!(conclude(&offer, &forged(&copied, &mallory())).is_err());
}

#[test]
fn nobody_accepts_in_the_name_of_another() {
    let error = conclude(&verified(&offer()), &forged(&acceptance(), &mallory())).unwrap_err();
    assert!(matches!(error, AgreeError::Consumer { .. }));
}

#[test]
fn a_contract_id_of_other_terms_is_refused() {
    let terms = Terms::new().permit(Rule::new([Action::Read, Action::Share]));
    let better = verified(&Offer { terms, ..offer() });
    let contract = accepted(&better, &consumer()).value().contract;
    let swapped = forged(&Acceptance { contract, ..acceptance() }, &consumer());
    let error = conclude(&verified(&offer()), &swapped).unwrap_err();
    assert!(matches!(error, AgreeError::OtherAgreement { found, .. } if found == contract));
}

#[test]
fn an_offer_in_the_name_of_another_provider_is_refused_though_trusted() {
    let forged = Signed::sign(&offer(), &mallory()).unwrap();
    let error = Offer::verify(forged.clone(), provider().did(), &DidKeys, now()).unwrap_err();
    assert!(matches!(error, OfferError::Verify(VerifyError::UntrustedKey { .. })));
    let error = Offer::verify(forged.clone(), mallory().did(), &DidKeys, now()).unwrap_err();
    assert!(matches!(error, OfferError::Provider { .. }));
    let generous = trusting(&[provider().did(), mallory().did()]);
    let verified = forged.verify(&generous, now()).unwrap();
    let error = Acceptance::sign(&verified, &consumer(), now()).unwrap_err();
    assert!(matches!(error, AgreeError::Offer(OfferError::Provider { .. })));
}

#[test]
fn a_provider_cannot_sign_in_the_name_of_another() {
    assert!(matches!(offer().sign(&mallory()), Err(OfferError::Provider { .. })));
}

#[test]
fn another_key_than_the_providers_cannot_conclude() {
    let offer = verified(&offer());
    let acceptance = accepted(&offer, &consumer());
    let error = Agreement::conclude(&offer, &acceptance, &mallory(), &DidKeys, now()).unwrap_err();
    assert!(matches!(error, AgreeError::Parties));
}

#[test]
fn an_offer_can_be_accepted_until_but_not_at_its_end() {
    let offer = verified(&offer());
    assert!(Acceptance::sign(&offer, &consumer(), after(9_999)).is_ok());
    for late in [10_000, 10_001] {
        let error = Acceptance::sign(&offer, &consumer(), after(late)).unwrap_err();
        assert!(matches!(error, AgreeError::Expired { .. }));
    }
}

#[test]
fn an_offer_cannot_be_concluded_at_its_end() {
    let offer = verified(&offer());
    let acceptance = accepted(&offer, &consumer());
    let at =
        |millis| Agreement::conclude(&offer, &acceptance, &provider(), &DidKeys, after(millis));
    assert!(at(9_999).is_ok());
    assert!(matches!(at(10_000), Err(AgreeError::Expired { .. })));
}

#[test]
fn an_offer_to_somebody_else_cannot_be_accepted() {
    let offer = verified(&Offer { consumer: Some(consumer().did().clone()), ..offer() });
    assert!(conclude(&offer, &accepted(&offer, &consumer())).is_ok());
    let error = Acceptance::sign(&offer, &mallory(), now()).unwrap_err();
    assert!(matches!(error, AgreeError::NotAddressed { .. }));
}

#[test]
fn nobody_agrees_with_themselves() {
    let error = Acceptance::sign(&verified(&offer()), &provider(), now()).unwrap_err();
    assert!(matches!(error, AgreeError::SameParticipant));
}

#[test]
fn an_offer_that_outlives_its_contract_is_refused() {
    let until = at("2027-01-01T00:00:00Z");
    assert!(Offer { expires_at: until, ..offer() }.sign(&provider()).is_ok());
    let late = Offer { expires_at: at("2027-01-01T00:00:00.001Z"), ..offer() };
    assert!(matches!(late.sign(&provider()), Err(OfferError::OutlivesContract { .. })));
    let forged = Signed::sign(&late, &provider()).unwrap();
    assert!(Offer::verify(forged, provider().did(), &DidKeys, now()).is_err());
}

#[test]
fn terms_that_permit_nothing_are_neither_signed_nor_taken() {
    let empty = Offer { terms: Terms::new(), ..offer() };
    assert!(matches!(empty.sign(&provider()), Err(OfferError::Terms(_))));
    let forged = Signed::sign(&empty, &provider()).unwrap();
    assert!(matches!(
        Offer::verify(forged, provider().did(), &DidKeys, now()),
        Err(OfferError::Terms(_))
    ));
}

#[test]
fn an_agreement_between_strangers_is_not_the_named_parties() {
    let value = agreement().value().clone();
    for keys in [
        [&provider(), &mallory()],
        [&mallory(), &consumer()],
        [&mallory(), &crate::support::key(4)],
    ] {
        let error = Agreement::verify(signed_by(&value, keys), &DidKeys, now()).unwrap_err();
        assert!(matches!(error, AgreeError::Parties));
    }
}

#[test]
fn an_agreement_with_oneself_and_a_stranger_is_refused() {
    let value = Agreement { consumer: provider().did().clone(), ..agreement().value().clone() };
    let error = Agreement::verify(signed_by(&value, [&provider(), &mallory()]), &DidKeys, now())
        .unwrap_err();
    assert!(matches!(error, AgreeError::Parties));
}

#[test]
fn an_agreement_whose_text_is_not_acceptable_is_refused_though_both_signed() {
    for cedar in ["permit(principal, action, resource);", "nonsense"] {
        let cedar_text = cedar.to_owned();
        // Of another compiler, since else it would have to be what the terms say.
        let value = Agreement { cedar: cedar_text, compiler: 2, ..agreement().value().clone() };
        let error =
            Agreement::verify(signed_by(&value, [&provider(), &consumer()]), &DidKeys, now());
        assert!(matches!(error, Err(AgreeError::Policies(_))), "{cedar}");
    }
}

#[test]
fn contract_ids_have_one_spelling() {
    let id = contract_id(&agreement());
    assert_eq!(id.to_string().parse::<ContractId>(), Ok(id));
    assert!(id.to_string().to_uppercase().parse::<ContractId>().is_err());
}
