//! The right keys under any content never make a contract of what is not one.
//!
//! The input is taken as a document of each kind, and as content that careless parties sign. The
//! world is the one of `vectors/documents`, from which the seeds are made.

use std::error::Error;
use std::marker::PhantomData;
use std::sync::LazyLock;

use dataspace_identity::{DidKeys, Origin, Resolver as _, SecretKey, SpaceId};
use dataspace_policy::{
    Action, Constraint, Decision, Facts, Layers, Program, Rule, Terms, Vocabulary,
};
use dataspace_primitives::{
    CoSignature, Payload, Signed, TrustedKeys, UnixMillis, Validity, Verified, cbor,
};
use dataspace_usage_contract::{
    Acceptance, AccessRequest, Agreement, DeletionStatement, Offer, ProviderPolicies,
    PublishedPolicies, PublishedProfile, SpaceProfile, Statement, Termination, contract_id,
    deletion::FILES_MAX, statement::Subject,
};
use serde::{Deserialize, Serialize};
use serde_cbor::Value;

/// Any content under the type of `T`.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
struct Careless<T>(Value, #[serde(skip)] PhantomData<fn() -> T>);

impl<T: Payload> Payload for Careless<T> {
    const TYPE: &'static str = T::TYPE;
    const SIGNATURES: usize = T::SIGNATURES;
}

struct World {
    provider: SecretKey,
    consumer: SecretKey,
    keys: TrustedKeys,
    now: UnixMillis,
    offer: Verified<Offer>,
    agreement: Verified<Agreement>,
}

fn world() -> Result<World, Box<dyn Error>> {
    let key = |byte: u8| SecretKey::from_seed(&mut [byte; 32]);
    let (provider, consumer) = (key(1)?, key(2)?);
    let (now, until) = ("2026-06-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?);
    let offer = Offer {
        space: SpaceId::new(key(5)?.did().clone(), "materials".parse()?),
        log: Origin::named(provider.did(), "00112233445566778899aabbccddeeff")?,
        provider: provider.did().clone(),
        consumer: None,
        product: "alloys".parse()?,
        product_class: "open".parse()?,
        terms: Terms::new().permit(
            Rule::new([Action::Read])
                .when(Constraint::Purpose(["research".parse()?].into()))
                .when(Constraint::Count(3)),
        ),
        validity: Validity::new(now, until)?,
        expires_at: "2026-06-01T00:00:10Z".parse()?,
    };
    let offer = Offer::verify(offer.sign(&provider)?, provider.did(), &DidKeys, now)?;
    let acceptance = Acceptance::sign(&offer, &consumer, now)?;
    let acceptance = acceptance.verify(&DidKeys.keys(consumer.did()), now)?;
    let agreement = Agreement::conclude(&offer, &acceptance, &provider, &DidKeys, now)?;
    let keys = DidKeys.keys_of(&[provider.did(), consumer.did()]);
    Ok(World { provider, consumer, keys, now, offer, agreement })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a world with a contract"));

pub(crate) fn check(bytes: &[u8]) {
    let _kinds = kinds(bytes);
}

/// The kinds of document for which the input is taken.
pub(crate) fn kinds(bytes: &[u8]) -> Vec<&'static str> {
    let world = &*WORLD;
    let mut kinds = Vec::new();
    let content = cbor::from_canonical::<Value>(bytes, 1 << 15).ok();
    let content = content.as_ref();
    for offer in documents::<Offer>(world, bytes, content) {
        kinds.extend(assert_offer(world, offer).then_some("offer"));
    }
    for acceptance in documents::<Acceptance>(world, bytes, content) {
        if let Ok(acceptance) = acceptance.verify(&world.keys, world.now) {
            // Its signature under the agreement would have to be the consumer's own.
            let made = Agreement::conclude(
                &world.offer,
                &acceptance,
                &world.provider,
                &DidKeys,
                world.now,
            );
            let made = made.ok().map(|agreement| agreement.value().clone());
            assert!(made.as_ref().is_none_or(|one| one.consumer == acceptance.value().consumer));
            kinds.extend(made.map(|_| "acceptance"));
        }
    }
    for policies in documents::<ProviderPolicies>(world, bytes, content) {
        let Agreement { space, log, provider, .. } = world.agreement.value();
        let names = Vocabulary {
            space: &space.name,
            purposes: Vec::new(),
            classes: Vec::new(),
            roles: Vec::new(),
            is_did: |_| true,
        };
        let taken =
            PublishedPolicies::publish(policies, (space, log), &names, None, &DidKeys, world.now);
        if let Ok(taken) = taken {
            assert!(taken.signed().clone().verify(&DidKeys.keys(provider), world.now).is_ok());
            let statement = taken.statement();
            assert_eq!((&statement.space, &statement.log), (space, log));
            assert_eq!(statement.version, 1);
            kinds.push("policies");
        }
    }
    for agreement in documents::<Agreement>(world, bytes, content) {
        if let Ok(agreement) = Agreement::verify(agreement, &DidKeys, world.now) {
            let Agreement { log, provider, consumer, cedar, .. } = agreement.value();
            assert_eq!(log.operator(), provider);
            assert!(provider != consumer && agreement.signers().count() == 2);
            assert!([provider, consumer].iter().all(|did| did.has_signed(&agreement)));
            assert!(Program::new(cedar).is_ok());
            kinds.push("agreement");
        }
    }
    for termination in documents::<Termination>(world, bytes, content) {
        if let Ok(one) = Termination::verify(termination, &world.agreement, &DidKeys, world.now) {
            assert!(one.value().by.has_signed(&one));
            assert_eq!(one.value().contract, contract_id(&world.agreement));
            kinds.push("termination");
        }
    }
    for deletion in documents::<DeletionStatement>(world, bytes, content) {
        let taken = DeletionStatement::verify(deletion, &world.agreement, &DidKeys, world.now);
        if let Ok(one) = taken {
            let Agreement { log, consumer, .. } = world.agreement.value();
            let statement = one.value();
            assert_eq!((&statement.log, &statement.consumer), (log, consumer));
            assert!(consumer.has_signed(&one) && statement.files.len() <= FILES_MAX);
            assert_eq!(statement.contract, contract_id(&world.agreement));
            kinds.push("deletion");
        }
    }
    for profile in documents::<SpaceProfile>(world, bytes, content) {
        kinds.extend(assert_profile(world, profile).then_some("profile"));
    }
    for statement in documents::<Statement>(world, bytes, content) {
        if let Ok(one) = Statement::verify(statement, &DidKeys, world.now) {
            let Statement { issuer, log, subject, value, .. } = one.value();
            assert!(issuer.has_signed(&one));
            assert!(log.is_some() || !matches!(subject, Subject::Product(_)));
            // What terms compare is a name.
            let _said = value.as_ref().and_then(|value| value.says(world.now));
            kinds.push("statement");
        }
    }
    for request in documents::<AccessRequest>(world, bytes, content) {
        kinds.extend(request.verify(&world.keys, world.now).map(|_| "request"));
    }
    kinds
}

/// The input as a document, and as content that each party, or both, signed.
fn documents<T: Payload>(world: &World, bytes: &[u8], content: Option<&Value>) -> Vec<Signed<T>> {
    let mut documents: Vec<_> = Signed::from_bytes(bytes.to_vec()).into_iter().collect();
    if let Some(content) = content {
        let careless = Careless::<T>(content.clone(), PhantomData);
        let parties = [&world.provider, &world.consumer];
        let signed = parties.map(|key| CoSignature::sign(&careless, key).expect("it is CBOR"));
        for signatures in signed.chunks(T::SIGNATURES) {
            let Ok(signed) = Signed::assemble(&careless, signatures.to_vec()) else { continue };
            let signed = Signed::<T>::from_bytes(signed.as_bytes().to_vec());
            documents.push(signed.expect("the same envelope"));
        }
        for document in &documents {
            let again = Signed::<T>::from_bytes(document.as_bytes().to_vec());
            let again = again.expect("taken apart before");
            assert_believed_only_if_it_encodes_again(world, again, bytes);
        }
    }
    documents
}

fn assert_believed_only_if_it_encodes_again<T: Payload>(
    world: &World,
    document: Signed<T>,
    content: &[u8],
) {
    if let Ok(verified) = document.verify(&world.keys, world.now) {
        let again = cbor::to_canonical(verified.value()).ok();
        assert_eq!(again.as_deref(), Some(content), "a second encoding");
    }
}

/// Whether it is an offer.
fn assert_offer(world: &World, offer: Signed<Offer>) -> bool {
    let World { provider, consumer, now, .. } = world;
    let Ok(offer) = Offer::verify(offer, provider.did(), &DidKeys, *now) else { return false };
    let value = offer.value();
    assert_eq!(&value.provider, provider.did());
    assert!(value.terms.check().is_ok() && value.expires_at <= value.validity.until());
    // What the consumer accepts, the provider can conclude, and the text is that of the terms.
    let Ok(acceptance) = Acceptance::sign(&offer, consumer, *now) else { return true };
    assert!(value.expires_at > *now);
    let acceptance = acceptance.verify(&world.keys, *now).expect("just signed");
    let agreement = Agreement::conclude(&offer, &acceptance, provider, &DidKeys, *now);
    let agreement = agreement.expect("what was accepted can be concluded");
    assert_eq!(agreement.value().compiled_elsewhere(), None);
    assert_eq!(contract_id(&agreement), acceptance.value().contract);
    true
}

/// Whether it is a profile.
fn assert_profile(world: &World, profile: Signed<SpaceProfile>) -> bool {
    let World { provider, consumer, now, .. } = world;
    let published = PublishedProfile::publish(profile, provider.did(), *now);
    let Ok(published) = published else { return false };
    let profile = published.profile();
    assert_eq!(&profile.authority, provider.did());
    assert!(profile.version > 0 && (1..=3600).contains(&profile.parameters.request_age_secs_max));
    let consumer = (consumer.did().as_str(), "DE".parse().expect("a region"));
    let class = profile.data.product_classes.first().expect("at least one");
    let purpose = profile.scenarios.keys().next().expect("at least one");
    let product = ("alloys", class.as_str());
    let facts = Facts {
        roles: &profile.entities.roles,
        ..Facts::new(consumer, Action::Read, product, purpose.as_str(), *now)
    };
    let nothing = Program::new("").expect("no policies");
    let decision = nothing.decide(&facts, Layers::of_space(published.policies()));
    assert!(matches!(decision, Decision::Deny(_)), "a profile permits");
    true
}
