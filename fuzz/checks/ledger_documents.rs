//! The documents of what happens in plain numbers. Each is signed once and kept.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{LazyLock, Mutex, PoisonError};

use dataspace_identity::{
    Did, MembershipCredential, MembershipRevocation, Origin, SecretKey, SpaceId,
};
use dataspace_odrl::OdrlOperands;
use dataspace_policy::{
    Action, ColumnMask, Constraint, Duty, Exclusive, MaskMethod, Rule, Scope, Terms,
    cedar_text::COMPILER_VERSION,
};
use dataspace_primitives::cbor::to_canonical;
use dataspace_primitives::{
    CoSignature, Digest, Name, Payload, Region, Signed, UnixMillis, Validity,
};
use dataspace_tlog::{
    LeafIndex, Record,
    record::{ReleaseEnd, ReleaseReport},
};
use dataspace_usage_contract::{
    Agreement, ContractId, DataRules, EntityRules, OfferId, Parameters, ProviderPolicies, Scenario,
    SpaceProfile, Statement, Suite,
    deletion::DeletionReason,
    statement::{self, StatedBy, StatedValue, StatementRule, Subject},
};
use serde_bytes::{ByteArray, ByteBuf};

use crate::ledger_plain::{
    About, CLASSES, Contract, Credential, Deletion, ELSEWHERE, Event, Flaw, KINDS, Log, PRODUCTS,
    Policies, Product, Profile, REGIONS, Revocation, Space, Stated, Termination, Tried, UNIT, Who,
    unit,
};
use crate::naive_decision::roles;
use crate::naive_statements::{EXCLUSIVE, EXCLUSIVE_UNTIL};

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(crate) fn region(region: usize) -> Region {
    REGIONS[region].parse().expect("a region")
}

pub(crate) fn millis(time: u64) -> UnixMillis {
    UnixMillis::new(time).expect("a time")
}

fn validity(from: u64, until: u64) -> Validity {
    Validity::new(millis(from), millis(until)).expect("it ends after it begins")
}

static KEYS: LazyLock<Vec<SecretKey>> = LazyLock::new(|| {
    let seeds = (1..).take(Who::ALL.len());
    seeds.map(|seed| SecretKey::from_seed(&mut [seed; 32]).expect("a key")).collect()
});

fn key(who: Who) -> &'static SecretKey {
    &KEYS[who as usize]
}

pub(crate) fn did(who: Who) -> &'static Did {
    key(who).did()
}

fn space(space: Space) -> SpaceId {
    let (authority, title) = match space {
        Space::Here => (Who::Authority, "materials"),
        Space::Sister => (Who::Authority, "sister"),
        Space::Foreign => (Who::Foreign, "materials"),
    };
    SpaceId::new(did(authority).clone(), name(title))
}

pub(crate) fn log(log: Log) -> Origin {
    let (operator, title) = match log {
        Log::Here => (Who::Provider, "node-1"),
        Log::Second => (Who::Provider, "node-2"),
        Log::Strangers => (Who::Stranger, "node-1"),
    };
    Origin::named(did(operator), title).expect("a name of a log")
}

/// What was made before, and is made once.
struct Kept<K, V>(LazyLock<Mutex<HashMap<K, V>>>);

impl<K: Copy + Eq + Hash, V: Clone> Kept<K, V> {
    const fn new() -> Self {
        Self(LazyLock::new(Mutex::default))
    }

    fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_insert_with(make).clone()
    }
}

fn signed<T: Payload>(payload: &T, signer: Who) -> ByteBuf {
    let document = Signed::sign(payload, key(signer)).expect("a document");
    ByteBuf::from(document.as_bytes().to_vec())
}

fn profile(profile: Profile) -> ByteBuf {
    static ALL: Kept<Profile, ByteBuf> = Kept::new();
    ALL.get(profile, || {
        let Profile { space: of, version, signer, named, less } = profile;
        let scenario = |broader: Option<&str>| Scenario {
            broader: broader.map(name),
            ..Scenario::new(name("a purpose"))
        };
        let mut scenarios =
            vec![("research", scenario(Some("science"))), ("science", scenario(None))];
        scenarios.extend((!less.purpose).then(|| ("testing", scenario(None))));
        let mut given = vec!["user"];
        given.extend((!less.role).then_some("miner"));
        let mut regions = vec![region(1)];
        regions.extend((!less.region).then(|| region(2)));
        let classes = CLASSES.iter().filter(|class| !(less.class && **class == "secret"));
        let forbidden = "@id(\"no-training\")\n\
            forbid (principal, action == Dataspace::Action::\"train\", resource);\n";
        let profile = SpaceProfile {
            space: space(of).name,
            version,
            authority: did(named).clone(),
            parameters: Parameters {
                suite: Suite::Intl,
                request_age_secs_max: 600,
                denials_per_minute: 120,
            },
            scenarios: scenarios.into_iter().map(|(one, scenario)| (name(one), scenario)).collect(),
            entities: EntityRules {
                roles: given.into_iter().map(name).collect(),
                regions: regions.into_iter().collect(),
            },
            data: DataRules { product_classes: classes.map(|class| name(class)).collect() },
            policies: if less.train { forbidden.to_owned() } else { String::new() },
            odrl: OdrlOperands::default(),
            statements: rules(less.stated),
        };
        signed(&profile, signer)
    })
}

fn rules(is_less: bool) -> BTreeMap<Name, StatementRule> {
    let blurred = StatementRule {
        by: StatedBy::Party(did(Who::Bob).clone()),
        about: statement::About::Product,
    };
    let solvent = StatementRule { by: StatedBy::Provider, about: statement::About::Member };
    let mut rules = BTreeMap::from([(name(KINDS[1]), solvent)]);
    rules.extend((!is_less).then(|| (name(KINDS[0]), blurred)));
    rules
}

fn stated(one: Stated) -> ByteBuf {
    static ALL: Kept<Stated, ByteBuf> = Kept::new();
    ALL.get(one, || {
        let content = Statement {
            space: space(one.space),
            log: one.log.map(log),
            issuer: did(one.issuer).clone(),
            subject: match one.about {
                About::Product => Subject::Product(name(PRODUCTS[one.product])),
                About::Member => Subject::Member(did(one.member).clone()),
                About::Space => Subject::Space,
            },
            kind: name(KINDS[one.kind]),
            value: one.says.map(StatedValue::Flag),
            serial: one.serial,
            validity: validity(one.from, one.until),
        };
        signed(&content, one.signer)
    })
}

/// The document, and the digest of its content.
fn credential(credential: Credential) -> (ByteBuf, Digest) {
    static ALL: Kept<Credential, (ByteBuf, Digest)> = Kept::new();
    ALL.get(credential, || {
        let Credential { serial, issued_at, from, until, .. } = credential;
        let content = MembershipCredential {
            space: space(credential.space),
            subject: did(credential.subject).clone(),
            name: name("a member"),
            serial,
            issued_at: millis(issued_at),
            roles: roles(credential.roles).map(name).collect(),
            attributes: [(name("number"), name(&format!("n{serial}")))].into(),
            region: region(credential.region),
            validity: validity(from, until),
        };
        let digest = Digest::of(&to_canonical(&content).expect("it can be encoded"));
        (signed(&content, credential.signer), digest)
    })
}

/// An admission, with what orders credentials of one time and number.
pub(crate) fn admission(one: Credential) -> Event {
    Event::Admission(one, *credential(one).1.as_bytes())
}

fn revocation(revocation: Revocation) -> ByteBuf {
    static ALL: Kept<Revocation, ByteBuf> = Kept::new();
    ALL.get(revocation, || {
        let content = MembershipRevocation {
            space: space(revocation.space),
            subject: did(revocation.subject).clone(),
            revoked_at: millis(revocation.revoked_at),
            reason: name("fees were not paid"),
        };
        signed(&content, revocation.signer)
    })
}

pub(crate) fn descriptor(product: Product) -> Digest {
    Digest::of(&[product.descriptor])
}

fn purposes(all: &[&str]) -> std::collections::BTreeSet<Name> {
    all.iter().map(|one| name(one)).collect()
}

/// The terms of this kind, as [`crate::naive_decision`] reads them.
pub(crate) fn terms(kind: usize) -> Terms {
    use Action::{Derive, Read, Train, Transfer};
    let research = || Constraint::Purpose(purposes(&["research"]));
    let read = || Rule::new([Read]);
    let terms = Terms::new();
    match kind {
        0 => terms.permit(Rule::new([Read, Transfer]).when(research())),
        1 => {
            let both = Constraint::Purpose(purposes(&["research", "testing"]));
            terms.permit(read().when(both).when(Constraint::Count(2)))
        }
        2 => terms.permit(Rule::new([Read, Derive]).when(Constraint::DayCount(2))),
        3 => terms.permit(read().when(Constraint::ConsumerCount(3))),
        4 => terms.permit(read().when(Constraint::From(millis(unit(6))))),
        5 => terms.permit(read().when(Constraint::Elapsed(4 * UNIT / 1000))),
        6 => {
            let testing = Constraint::Purpose(purposes(&["testing"]));
            terms
                .permit(read().when(Constraint::Jurisdiction([region(1)].into())))
                .prohibit(read().when(testing))
        }
        7 => {
            let science = Constraint::PurposeWithin(purposes(&["science"]));
            terms.permit(read().when(science).when(Constraint::MonthCount(3)))
        }
        8 => terms.permit(read().when(Constraint::Count(1))).permit(
            Rule::new([Read, Train])
                .when(Constraint::ConsumerCount(4))
                .when(Constraint::RecipientRegion([region(1)].into())),
        ),
        9 => {
            let mask = ColumnMask { column: name("furnace"), method: MaskMethod::Drop };
            terms
                .permit(read().when(Constraint::Count(1)))
                .permit(Rule::new([Transfer]).when(Constraint::Count(3)))
                .duty(Duty::Mask(mask))
        }
        10 => {
            let miner = Constraint::Role([name("miner")].into());
            terms.permit(Rule::new([Read, Train]).when(miner))
        }
        ELSEWHERE => terms.permit(read().when(Constraint::Count(2))),
        12 => {
            let values = [name("true")].into();
            terms.permit(read().when(Constraint::Vouched { kind: name(KINDS[0]), values }))
        }
        EXCLUSIVE => {
            let (territories, until) = ([region(1)].into(), millis(unit(EXCLUSIVE_UNTIL)));
            Terms { exclusive: Some(Exclusive { territories, until }), ..terms.permit(read()) }
        }
        14 => terms.permit(read().when(Constraint::RecipientRegion([region(2)].into()))),
        other => panic!("no terms {other}"),
    }
}

/// A contract's document, its identifier and the digest of its text.
#[derive(Clone)]
pub(crate) struct Concluded {
    document: ByteBuf,
    pub(crate) id: Digest,
    pub(crate) program: Digest,
}

pub(crate) fn offer(contract: &Contract) -> OfferId {
    OfferId::from_digest(Digest::of(&[contract.offer]))
}

pub(crate) fn concluded(contract: Contract) -> Concluded {
    static ALL: Kept<Contract, Concluded> = Kept::new();
    ALL.get(contract, || {
        let (consumer, product) = (did(contract.consumer), name(PRODUCTS[contract.product]));
        let scope = Scope { consumer: consumer.as_str().to_owned(), product: product.clone() };
        let terms = terms(contract.terms);
        let is_elsewhere = contract.terms == ELSEWHERE;
        // Another version of the compiler, which leaves the count to the quota.
        let source = if is_elsewhere {
            Terms::new().permit(Rule::new([Action::Read]))
        } else {
            terms.clone()
        };
        let mut cedar = source.to_cedar(&scope).expect("good terms");
        if contract.flaw == Flaw::Text {
            cedar.push('\n');
        }
        let agreement = Agreement {
            space: space(contract.space),
            log: log(contract.log),
            provider: did(contract.provider).clone(),
            consumer: consumer.clone(),
            product,
            product_class: name(CLASSES[contract.class]),
            terms,
            compiler: if is_elsewhere { COMPILER_VERSION + 1 } else { COMPILER_VERSION },
            cedar,
            validity: validity(contract.from, contract.until),
            offer: offer(&contract),
        };
        let other = if contract.flaw == Flaw::Parties { Who::Foreign } else { contract.consumer };
        let sign = |who| CoSignature::sign(&agreement, key(who)).expect("a signature");
        let signatures = vec![sign(contract.provider), sign(other)];
        let document = Signed::assemble(&agreement, signatures).expect("a document");
        Concluded {
            document: ByteBuf::from(document.as_bytes().to_vec()),
            id: Digest::of(&to_canonical(&agreement).expect("it can be encoded")),
            program: Digest::of(agreement.cedar.as_bytes()),
        }
    })
}

fn termination(termination: Termination) -> ByteBuf {
    static ALL: Kept<Termination, ByteBuf> = Kept::new();
    ALL.get(termination, || {
        let content = dataspace_usage_contract::Termination {
            contract: ContractId::from_digest(concluded(termination.contract).id),
            by: did(termination.by).clone(),
            declared_at: millis(unit(0)),
            reason: name("no longer needed"),
        };
        signed(&content, termination.signer)
    })
}

fn deletion(deletion: Deletion) -> ByteBuf {
    static ALL: Kept<Deletion, ByteBuf> = Kept::new();
    ALL.get(deletion, || {
        let content = dataspace_usage_contract::DeletionStatement {
            contract: ContractId::from_digest(concluded(deletion.contract).id),
            log: log(deletion.log),
            consumer: did(deletion.by).clone(),
            files: [Digest::of(b"a sealed file")].into(),
            reason: DeletionReason::Expired,
            deleted_at: millis(deletion.deleted_at),
        };
        signed(&content, deletion.signer)
    })
}

fn policies(policies: Policies) -> ByteBuf {
    static ALL: Kept<Policies, ByteBuf> = Kept::new();
    ALL.get(policies, || {
        let forbid = |head: &str, rest: &str| format!("@id(\"own\")\nforbid ({head}){rest};\n");
        let any = "principal, action, resource";
        let cedar = match policies.text {
            1 => forbid(any, " when { context.purpose == \"testing\" }"),
            2 => {
                let bob = did(Who::Bob);
                let head = format!("principal == Dataspace::Participant::\"{bob}\", action, resource");
                forbid(&head, "")
            }
            3 => forbid(
                any,
                " when { principal.region == \"FR\" } unless { action == Dataspace::Action::\"read\" }",
            ),
            4 => format!("@id(\"own\")\npermit ({any});\n"),
            5 => forbid(any, " when { context.purpose == \"sailing\" }"),
            _ => String::new(),
        };
        let content = ProviderPolicies {
            space: space(policies.space),
            log: log(policies.log),
            version: policies.version,
            cedar,
        };
        signed(&content, policies.signer)
    })
}

/// The record of a change. Decisions have other records.
pub(crate) fn record(tried: &Tried) -> Record {
    use dataspace_tlog::Event as Logged;
    let whole = |mut document: ByteBuf| {
        if tried.is_broken
            && let Some(last) = document.last_mut()
        {
            *last ^= 1;
        }
        document
    };
    let event = match tried.event {
        Event::Profile { said, profile: one } => {
            Logged::Profile { version: said, document: whole(profile(one)) }
        }
        Event::Admission(one, _) => Logged::Admission { document: whole(credential(one).0) },
        Event::Revocation(one) => Logged::MembershipRevoked { document: whole(revocation(one)) },
        Event::Product(one) => Logged::Product {
            id: name(PRODUCTS[one.id]),
            class: name(CLASSES[one.class]),
            descriptor: descriptor(one),
            forbids: Vec::new(),
        },
        Event::Concluded { said, contract } => Logged::Concluded {
            contract: concluded(said).id,
            document: whole(concluded(contract).document),
        },
        Event::Terminated { said, termination: one } => {
            Logged::Terminated { contract: concluded(said).id, document: whole(termination(one)) }
        }
        Event::Deleted { said, deletion: one } => {
            Logged::Deleted { contract: concluded(said).id, document: whole(deletion(one)) }
        }
        Event::Policies(one) => Logged::Policies { document: whole(policies(one)) },
        Event::Stated(one) => Logged::Stated { document: whole(stated(one)) },
        Event::SetBack { from } => Logged::ClockSetBack { from: millis(from) },
        Event::Opened => Logged::Opened { epoch: ByteArray::new([7; 16]) },
        Event::Archived => Logged::Archived { before: LeafIndex::new(1) },
        Event::Denials { consumer, from, until, count } => Logged::Denials {
            consumer: did(consumer).clone(),
            from: millis(from),
            until: millis(until),
            count,
        },
        Event::Released { access, contract, is_possible } => {
            let content = Digest::of(if is_possible { b"a\n" } else { b"" });
            Logged::Released(ReleaseReport {
                access: LeafIndex::new(access as u64),
                contract: concluded(contract).id,
                end: ReleaseEnd::Whole,
                pieces: u64::from(is_possible),
                rows: 1,
                bytes: 2,
                content,
                version: None,
            })
        }
        Event::Access { .. } => panic!("a decision is recorded with its facts"),
    };
    Record::new(millis(tried.time), event)
}
